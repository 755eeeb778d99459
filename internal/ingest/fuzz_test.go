package ingest_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/internal/ingest/corpus"
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
	last := 0
	for _, row := range rows {
		require.Greater(t, row.Number, last)
		last = row.Number
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

// requirePreviewed reads an upload as it would be stored and as a preview, and requires
// that the two say the same.
func requirePreviewed(t *testing.T, open func() (*ingest.Table, error)) []ingest.Row {
	t.Helper()
	var rows []ingest.Row
	table, err := open()
	if err == nil {
		rows, err = collect(table)
	}
	requireFit(t, rows, err)
	table, _ = open()
	require.NotNil(t, table, "a table is there for its preview")
	p, previewErr := table.Preview(t.Context(), 100)
	require.NoError(t, previewErr)
	require.Equal(t, err == nil, p.CanBeCreated(), "%v, %+v", err, p.Problems)
	require.LessOrEqual(t, len(p.Problems), ingest.MaxProblems)
	require.Len(t, p.Problems, min(p.ProblemCount, ingest.MaxProblems))
	require.Len(t, p.Warnings, min(p.WarningCount, ingest.MaxWarnings))
	require.Len(t, p.Columns, len(table.Columns))
	if err == nil {
		require.Equal(t, rows[:min(len(rows), 100)], p.Rows)
		require.True(t, p.Complete)
		require.Equal(t, len(rows)+table.Duplicates().Skipped(), p.RowCount)
	}
	return rows
}

func FuzzCSV(f *testing.F) {
	for _, file := range corpus.Files() {
		if file.Name != "MillionColumns" && file.Name != "MillionCells" && !strings.Contains(file.Name, "64MiB") {
			f.Add([]byte(file.Content()), file.Charset, "", "")
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, charset, delimiter, rule string) {
		opt := options()
		opt.Charset = charset
		for _, known := range ingest.Delimiters() {
			if delimiter == string(known) {
				opt.Delimiter = known
			}
		}
		if slices.Contains(ingest.DuplicateRules(), ingest.DuplicateRule(rule)) {
			opt.Duplicates = ingest.DuplicateRule(rule)
		}
		requirePreviewed(t, func() (*ingest.Table, error) { return ingest.CSV(bytes.NewReader(file), opt) })
	})
}

// FuzzJSONLines also requires that a list of the same rows is read alike.
func FuzzJSONLines(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "{\"site_url\": \"a.example\"}", "[]\n", "null\n{}\n", "\ufeff{}\r\n\r\n{}", "{\"a\": \"\xff\"}", "{\"site_url\"\n: 1}",
	} {
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, file []byte, charset string) {
		opt := options()
		opt.Charset = charset
		rows := requirePreviewed(t, func() (*ingest.Table, error) { return ingest.JSONLines(bytes.NewReader(file), opt) })
		if charset != "" || !utf8.Valid(file) {
			return
		}
		var list []json.RawMessage
		for line := range bytes.Lines(bytes.TrimPrefix(file, []byte("\ufeff"))) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				if !json.Valid(line) {
					require.Empty(t, rows)
					return
				}
				list = append(list, line)
			}
		}
		table, err := ingest.JSON(list, opt)
		var same []ingest.Row
		if err == nil {
			same, err = collect(table)
		}
		if err == nil {
			require.Equal(t, same, rows)
		}
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
