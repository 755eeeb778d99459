package ingest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
)

func TestSiteURLIsTaken(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"https://shop.example/p/1?x=1#y":  "https://shop.example/p/1?x=1#y",
		" http://shop.example ":           "http://shop.example",
		"HTTPS://SHOP.example/":           "HTTPS://SHOP.example/",
		"https://shop.example:8443/":      "https://shop.example:8443/",
		"http://127.0.0.1:8080/x":         "http://127.0.0.1:8080/x",
		"http://[2001:db8::1]/x":          "http://[2001:db8::1]/x",
		"http://localhost:8080/":          "http://localhost:8080/",
		"https://my_shop.example/":        "https://my_shop.example/",
		"https://shop.example./":          "https://shop.example./",
		"https://münchen.example/straße":  "https://münchen.example/straße",
		"shop.example":                    "https://shop.example",
		"shop.example/p/1":                "https://shop.example/p/1",
		"www.shop.example:8080?q=1":       "https://www.shop.example:8080?q=1",
		"münchen.example/x":               "https://münchen.example/x",
		"192.0.2.1/x":                     "https://192.0.2.1/x",
		"//shop.example/x":                "https://shop.example/x",
		"https://shop.example/a,b;c|d%20": "https://shop.example/a,b;c|d%20",
	}
	for value, want := range tests {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			got, err := ingest.SiteURL(value)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestSiteURLIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                                      "blank",
		" \t":                                   "blank",
		"https://shop.example/a b":              "white space",
		"https://shop.example/\x00":             "control characters",
		"https://shop.example/\u2028x":          "white space",
		"ftp://shop.example/":                   "not an absolute http or https URL",
		"mailto:someone@shop.example":           "not an absolute http or https URL",
		"javascript:alert(1)":                   "not an absolute http or https URL",
		"/p/1":                                  "not an absolute http or https URL",
		"shop":                                  "not an absolute http or https URL",
		"1.5":                                   "not an absolute http or https URL",
		"someone@shop.example":                  "not an absolute http or https URL",
		"https://":                              "names no host",
		"https:///p/1":                          "names no host",
		"http:shop.example":                     "names no host",
		"https://:443/":                         "names no host",
		"https://user:pw@shop.example/":         "user name or password",
		"https://user@shop.example/":            "user name or password",
		"https://shop..example/":                "no valid name",
		"https://-shop.example/":                "no valid name",
		"https://shop!.example/":                "no valid name",
		"https://2130706433/":                   "no valid name",
		"https://0x7f000001/":                   "no valid name",
		"https://256.1.1.1/":                    "no valid name",
		"https://xn--a.example\u0301.x\u00ad-/": "no valid name",
		"https://" + strings.Repeat("a.", 150) + "b/":        "no valid name",
		"https://shop.example:0/":                            "port outside",
		"https://shop.example:65536/":                        "port outside",
		"https://shop.example:x/":                            "not a URL",
		"https://shop.example/%zz":                           "not a URL",
		"https://shop.example/" + strings.Repeat("x", 2_048): "2069 bytes",
		"shop.example/" + strings.Repeat("x", 2_030):         "with its scheme",
	}
	for value, want := range tests {
		t.Run(value[:min(len(value), 40)], func(t *testing.T) {
			t.Parallel()
			_, err := ingest.SiteURL(value)
			require.ErrorContains(t, err, want)
			require.Less(t, len(err.Error()), 500, "a message must not repeat a long value whole")
		})
	}
}
