package ingest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
)

func jsonRows(rows ...string) []json.RawMessage {
	out := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		out[i] = json.RawMessage(row)
	}
	return out
}

func TestJSONReadsRows(t *testing.T) {
	t.Parallel()
	table, err := ingest.JSON(jsonRows(
		`{"site_url": "a.example/1", "gt_price": [119.0, "119 EUR"], "size": 1.50, "new": true}`,
		`{"gt_sku": "A|B", "site_url": "https://a.example/2", "size": null, "gt_price": []}`,
	), options())
	require.NoError(t, err)
	require.Equal(t, []models.Column{
		{Name: "site_url", Role: models.RoleSiteURL},
		{Name: "gt_price", Role: models.RoleGroundTruth, Field: "price"},
		{Name: "size", Role: models.RoleInput},
		{Name: "new", Role: models.RoleInput},
		{Name: "gt_sku", Role: models.RoleGroundTruth, Field: "sku"},
	}, table.Columns)
	rows, err := collect(table)
	require.NoError(t, err)
	require.Equal(t, []ingest.Row{
		{
			Number: 1, SiteURL: "https://a.example/1",
			Input:       map[string]string{"size": "1.50", "new": "true"},
			GroundTruth: map[string][]string{"price": {"119.0", "119 EUR"}},
		},
		{
			Number: 2, SiteURL: "https://a.example/2",
			Input:       map[string]string{"size": "", "new": ""},
			GroundTruth: map[string][]string{"sku": {"A|B"}},
		},
	}, rows)
}

func TestJSONRowsAreRefused(t *testing.T) {
	t.Parallel()
	good := `{"site_url": "https://a.example"}`
	tests := []struct {
		name    string
		rows    []json.RawMessage
		place   string
		code    string
		message string
	}{
		{name: "None", place: "rows", code: ingest.CodeNoRows, message: "no row"},
		{name: "NotAnObject", rows: jsonRows(good, `["x"]`), place: "row 2", code: ingest.CodeInvalidCell, message: "not an object"},
		{name: "Null", rows: jsonRows(good, `null`), place: "row 2", code: ingest.CodeInvalidCell, message: "not an object"},
		{
			name: "AMemberTwice", rows: jsonRows(`{"site_url": "https://a.example", "site_url": "https://b.example"}`),
			place: "row 1", code: ingest.CodeInvalidCell, message: "twice",
		},
		{
			name: "HeadersThatDifferInCaseOnly", rows: jsonRows(good, `{"SITE_URL": "https://b.example"}`),
			place: "column SITE_URL", code: ingest.CodeDuplicateHeader, message: "same header",
		},
		{
			name: "AnObjectAsACell", rows: jsonRows(`{"site_url": "https://a.example", "x": {}}`),
			place: "row 1, column x", code: ingest.CodeInvalidCell, message: "a cell is",
		},
		{
			name: "AnArrayAsInput", rows: jsonRows(`{"site_url": "https://a.example", "x": ["y"]}`),
			place: "row 1, column x", code: ingest.CodeInvalidCell, message: "only a ground truth",
		},
		{
			name: "AnArrayInATruth", rows: jsonRows(`{"site_url": "https://a.example", "gt_sku": [["y"]]}`),
			place: "row 1, column gt_sku", code: ingest.CodeInvalidCell, message: "a cell is",
		},
		{
			name: "NUL", rows: jsonRows(`{"site_url": "https://a.example", "x": "\u0000"}`),
			place: "row 1, column x", code: ingest.CodeInvalidCell, message: "NUL",
		},
		{
			name: "ABadURL", rows: jsonRows(good, `{"site_url": 5}`),
			place: "row 2, column site_url", code: ingest.CodeInvalidURL, message: "not an absolute",
		},
		{
			name: "AMissingURL", rows: jsonRows(good, `{}`),
			place: "row 2, column site_url", code: ingest.CodeInvalidURL, message: "blank",
		},
		{
			name: "NoSiteURL", rows: jsonRows(`{"link": "https://a.example"}`),
			place: "site_url", code: ingest.CodeMissingSiteURL, message: `"link"`,
		},
		{
			name: "ARowThatIsTooLong", rows: jsonRows(good, fmt.Sprintf(`{"x": %q}`, strings.Repeat("x", 1<<20))),
			place: "row 2", code: ingest.CodeRowTooLong, message: "1048576",
		},
		{
			name: "TooManyRows", rows: jsonRows(strings.Split(strings.Repeat(good+"\n", 10_000)+good, "\n")...),
			place: "row 10001", code: ingest.CodeTooManyRows, message: "10000",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			table, err := ingest.JSON(test.rows, options())
			if err == nil {
				_, err = collect(table)
			}
			var refused *ingest.Error
			require.ErrorAs(t, err, &refused)
			require.Len(t, refused.Problems, 1)
			require.Equal(t, test.place, refused.Problems[0].Place())
			require.Equal(t, test.code, refused.Problems[0].Code)
			require.Contains(t, refused.Problems[0].Message, test.message)
		})
	}
}
