package ingest_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models/field"
)

// shopFields are the fields of the project that most tests upload to.
var shopFields = []field.Field{
	{Name: "price", Type: field.TypeMoney},
	{Name: "sku", Type: field.TypeText},
	{Name: "title", Type: field.TypeText, Compare: &field.Compare{Comparer: field.CompareRegex}},
}

func options() ingest.Options { return ingest.Options{Fields: shopFields} }

// readAll reads a CSV to its end.
func readAll(r io.Reader, opt ingest.Options) (*ingest.Table, []ingest.Row, error) {
	table, err := ingest.CSV(r, opt)
	if err != nil {
		return nil, nil, err
	}
	rows, err := collect(table)
	return table, rows, err
}

func collect(table *ingest.Table) ([]ingest.Row, error) {
	var rows []ingest.Row
	for row, err := range table.Rows() {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// read reads a CSV that must be good.
func read(t *testing.T, text string, opt ingest.Options) (*ingest.Table, []ingest.Row) {
	t.Helper()
	table, rows, err := readAll(strings.NewReader(text), opt)
	require.NoError(t, err)
	return table, rows
}

// problemsOf reads a CSV that must be refused.
func problemsOf(t *testing.T, r io.Reader, opt ingest.Options) []ingest.Problem {
	t.Helper()
	_, _, err := readAll(r, opt)
	var refused *ingest.Error
	require.ErrorAs(t, err, &refused)
	require.NotEmpty(t, refused.Problems)
	return refused.Problems
}
