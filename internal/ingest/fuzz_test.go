package ingest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
)

// requireFit checks what an upload promises: either problems with a place, or rows
// that the database can take.
func requireFit(t *testing.T, rows []ingest.Row, err error) {
	t.Helper()
	if err != nil {
		var refused *ingest.Error
		require.ErrorAs(t, err, &refused)
		require.NotEmpty(t, refused.Problems)
		require.LessOrEqual(t, len(refused.Problems), ingest.MaxProblems)
		for _, p := range refused.Problems {
			require.NotEmpty(t, p.Place())
			require.NotEmpty(t, p.Code)
			require.NotEmpty(t, p.Message)
		}
		return
	}
	require.NotEmpty(t, rows)
	storable := func(text string) {
		require.True(t, utf8.ValidString(text) && !strings.Contains(text, "\x00"), "%q cannot be stored", text)
	}
	for i, row := range rows {
		require.Equal(t, i+1, row.Number)
		storable(row.SiteURL)
		require.True(t, strings.HasPrefix(strings.ToLower(row.SiteURL), "http"), row.SiteURL)
		for header, value := range row.Input {
			storable(header)
			storable(value)
		}
		for _, values := range row.GroundTruth {
			require.NotEmpty(t, values)
			for _, value := range values {
				storable(value)
			}
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		shopCSV, "", "\n", "\r", "\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF\x00s", "\xEF\xBB", "sep=;\n", "sep=;\nsite_url;a\nb.example;c",
		"site_url\ta\rb.example\tc\r", "site_url|gt_sku\nb.example|\"a|b\"\n", "site_url,a\nb.example,\"",
		"site_url,a\nb.example,\x00\n", "url\na.example,b\n", "site_url,site_url\n", "site_url,\n", ",,,\n",
		"site_url,gt_price\nhttps://a.example,\\|\\\\||\n", "s\x00i\x00t\x00e\x00", "site_url\n\xff\n", "\"site_url\"\n\"a.example\"x\n",
	} {
		f.Add([]byte(seed), "")
	}
	f.Add([]byte("site_url,a\nb.example,\x81\xfc\n"), "windows-1252")
	f.Add([]byte("site_url,a\nb.example,\x81\xfc\n"), "shift_jis")
	f.Fuzz(func(t *testing.T, file []byte, charset string) {
		opt := options()
		opt.Charset = charset
		table, err := ingest.CSV(bytes.NewReader(file), opt)
		if err != nil {
			requireFit(t, nil, err)
			return
		}
		rows, err := collect(table)
		requireFit(t, rows, err)
	})
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`[{"site_url": "a.example", "gt_sku": ["x", 1, null]}]`, `[{}]`, `[null]`, `[[]]`, `[{"site_url": "\ud800"}]`,
		`[{"site_url": "a.example", "": 1}]`, `[{"site_url": "a.example", "x": 1e999}]`, `[{"\u0000": 1}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var list []json.RawMessage
		if json.Unmarshal(body, &list) != nil {
			return
		}
		table, err := ingest.JSON(list, options())
		if err != nil {
			requireFit(t, nil, err)
			return
		}
		rows, err := collect(table)
		requireFit(t, rows, err)
	})
}

func FuzzSiteURL(f *testing.F) {
	for _, seed := range []string{"a.example", "https://a.example/x", "//a.example", "http://[::1]:80/", "https://ü.example", "1.5", "a.b:c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		once, err := ingest.SiteURL(value)
		if err != nil {
			return
		}
		twice, err := ingest.SiteURL(once)
		require.NoError(t, err)
		require.Equal(t, once, twice, "a URL that was taken must stay as it is")
	})
}
