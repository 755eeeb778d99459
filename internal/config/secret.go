package config

import (
	"net/url"
	"regexp"
)

// redacted stands for a value that is there and not to be shown.
const redacted = "[redacted]"

// Secret is a value that no log, error or dump may show. Convert it to a string
// where it is used, and nowhere else.
type Secret string

// String shows whether there is a value, not which.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText implements encoding.TextMarshaler, for JSON and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// DatabaseURL is the address of a PostgreSQL database, as a URL or as keywords and
// values ("host=… user=…"). It shows itself without its password.
type DatabaseURL string

// passwordInDSN finds the password among keywords and values: quoted or bare.
var passwordInDSN = regexp.MustCompile(`(?i)((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)`)

// String gives the address without its password.
func (d DatabaseURL) String() string {
	text := string(d)
	if !isURL(text) {
		return passwordInDSN.ReplaceAllString(text, "${1}"+redacted)
	}
	parsed, err := url.Parse(text)
	if err != nil {
		// It cannot be told where the password is, so nothing is shown.
		return redacted
	}
	query := parsed.Query()
	for _, name := range []string{"password", "sslpassword"} {
		if query.Has(name) {
			query.Set(name, "xxxxx")
			parsed.RawQuery = query.Encode()
		}
	}
	return parsed.Redacted()
}

// GoString implements fmt.GoStringer, for %#v.
func (d DatabaseURL) GoString() string { return d.String() }

// MarshalText implements encoding.TextMarshaler, for JSON and structured logs.
func (d DatabaseURL) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

func isURL(text string) bool { return urlScheme.MatchString(text) }
