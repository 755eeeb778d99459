package bench

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
)

const (
	ingestRows   = 10_000
	ingestRounds = 5
)

// BenchmarkIngest uploads a CSV over HTTP, in turn with a COPY of the same rows into the
// same table, whose values are there already: no HTTP, no CSV, no checks.
func BenchmarkIngest(b *testing.B) {
	n := jobs(b, ingestRows)
	for b.Loop() {
		s := newSystem(b, noop)
		api := s.api()
		p := testfactory.Project(b, s.store, nil)
		csv := ingestCSV(n)
		var rows [][]any
		all := []*contender{
			{name: "MINO", run: func() time.Duration { return s.ingest(api, p, csv, n) }},
			{name: "COPY", prepare: func() { rows = s.copyRows(p, n) }, run: func() time.Duration { return s.copy(rows) }},
		}
		for _, c := range all {
			c.measure() // what is slow the first time
		}
		for round := range ingestRounds {
			for i := range all {
				all[(round+i)%len(all)].round(n)
			}
		}
		for _, c := range all {
			b.Logf("%s, rows/s: %.0f; processors, ms a row: %.3f", c.name, c.rates, c.each)
		}
		ingestTime.recordAgainst(b, milliseconds(all[0].took)/ingestRounds, milliseconds(all[1].took)/ingestRounds)
	}
}

func ingestCSV(rows int) []byte {
	var out bytes.Buffer
	out.WriteString("site_url,category,gt_price,gt_sku\n")
	for row := range rows {
		fmt.Fprintf(&out, "https://shop.example/products/%d,chairs and tables,%d.99 EUR,SKU-%d\n", row+1, row, row)
	}
	return out.Bytes()
}

func (s *system) ingest(api *client.Client, p *models.Project, csv []byte, rows int) time.Duration {
	s.b.Helper()
	begun := time.Now()
	batch, err := api.CreateBatchCSV(s.b.Context(), p.ID, "rows", bytes.NewReader(csv), "rows.csv")
	took := time.Since(begun)
	require.NoError(s.b, err)
	require.Equal(s.b, rows, batch.RowCount)
	return took
}

// copyRows makes the rows of a new batch, as ingestCSV has them.
func (s *system) copyRows(p *models.Project, rows int) [][]any {
	s.b.Helper()
	batch := testfactory.Batch(s.b, s.store, p, 1, func(j *models.Job) { j.RowNumber = rows + 1 })
	out := make([][]any, rows)
	for row := range out {
		out[row] = []any{
			models.NewID(), p.OrganisationID, p.ID, batch.ID, row + 1, fmt.Sprintf("https://shop.example/products/%d", row+1),
			map[string]string{"category": "chairs and tables"},
			map[string][]string{"price": {fmt.Sprintf("%d.99 EUR", row)}, "sku": {fmt.Sprintf("SKU-%d", row)}},
		}
	}
	return out
}

func (s *system) copy(rows [][]any) time.Duration {
	s.b.Helper()
	conn, err := s.db.Conn(s.b.Context())
	require.NoError(s.b, err)
	defer conn.Close()
	var took time.Duration
	require.NoError(s.b, conn.Raw(func(driver any) error {
		std, _ := driver.(*stdlib.Conn) // testkit's driver is pgx
		begun := time.Now()
		n, err := std.Conn().CopyFrom(s.b.Context(), pgx.Identifier{"jobs"},
			[]string{"id", "organisation_id", "project_id", "batch_id", "row_number", "site_url", "input", "ground_truth"},
			pgx.CopyFromRows(rows))
		took = time.Since(begun)
		require.EqualValues(s.b, len(rows), n)
		return err
	}))
	return took
}
