package export

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
)

func someHead() *models.ExportHead {
	return &models.ExportHead{
		Batch: &models.Batch{
			ID: uuid.New(), ProjectID: uuid.New(), Name: "rows", Columns: []models.Column{
				{Name: "URL", Role: models.RoleSiteURL}, {Name: "kind, of", Role: models.RoleInput}, {Name: "status", Role: models.RoleInput},
				{Name: "Preis", Role: models.RoleGroundTruth, Field: "price"}, {Name: "gt_gone", Role: models.RoleGroundTruth, Field: "gone"},
				{Name: "note", Role: models.RoleIgnored},
			},
		},
		Fields: []field.Field{
			{Name: "price", Type: field.TypeMoney},
			{Name: "sku", Compare: &field.Compare{Comparer: field.CompareRegex}},
		},
	}
}

func textsOf(t *testing.T, table *Table[models.ExportedJob], j *models.ExportedJob) map[string]string {
	t.Helper()
	cells, err := table.Cells(j)
	require.NoError(t, err)
	out := map[string]string{}
	for i, name := range table.Names() {
		text, err := cells[i].AppendText(nil)
		require.NoError(t, err)
		out[name] = string(text)
	}
	return out
}

func TestColumnsOfJobs(t *testing.T) {
	t.Parallel()
	usual := []string{
		"row", "job_id", "site_url", "input.kind, of", "input.status", "gt_price", "gt_sku", "gt_gone", "result.price", "result.sku",
		"match.price", "match.sku", "match.gone", "status", "verdict", "accuracy", "attempts", "error_class", "error_code", "error_message",
		"execution_id", "started_at", "finished_at", "duration_ms",
	}

	t.Run("AreTheUsualOnesWithoutAChoice", func(t *testing.T) {
		t.Parallel()
		for _, none := range [][]string{nil, {""}, {" , "}} {
			table, parts, err := Jobs(someHead(), none)
			require.NoError(t, err)
			require.Equal(t, usual, table.Names())
			require.Equal(t, models.JobParts{Input: true, GroundTruth: true, Result: true, Comparison: true}, parts)
		}
	})

	t.Run("AreThoseChosenInTheirOrder", func(t *testing.T) {
		t.Parallel()
		table, parts, err := Jobs(someHead(), []string{"result.sku, row", "input.kind, of", "cost"})
		require.NoError(t, err)
		require.Equal(t, []string{"result.sku", "row", "input.kind, of", "cost"}, table.Names())
		require.Equal(t, models.JobParts{Input: true, Result: true, Cost: true}, parts)
		_, parts, err = Jobs(someHead(), []string{"row,status"})
		require.NoError(t, err)
		require.Zero(t, parts)
	})

	t.Run("ThatDoNotExistAreNamed", func(t *testing.T) {
		t.Parallel()
		_, _, err := Jobs(someHead(), []string{"row,prices,row,gt_x", "upload,status"})
		var columns *ColumnsError
		require.ErrorAs(t, err, &columns)
		require.Equal(t, []string{"prices", "gt_x"}, columns.Unknown)
		require.Equal(t, []string{"row", "status"}, columns.Twice)
		require.ErrorContains(t, err, "prices, gt_x")
	})

	t.Run("HaveTheValuesOfTheJob", func(t *testing.T) {
		t.Parallel()
		table, _, err := Jobs(someHead(), append(usual[1:3:3], "input.kind, of", "gt_price", "result.price", "match.price", "match.sku", "cost", "duration_ms"))
		require.NoError(t, err)
		at := time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)
		j := &models.ExportedJob{
			ID: uuid.New(), SiteURL: "https://shop.example/1", StartedAt: at, FinishedAt: at.Add(time.Second),
			Input:      json.RawMessage(`{"status": "x", "kind, of": "chair"}`),
			Result:     json.RawMessage(`{"price": {"amount": "10.00", "currency": "EUR"}, "other": 1}`),
			Comparison: json.RawMessage(`{"price": {"match": true, "expected": ["10"]}}`),
			Cost:       &models.Cost{Micros: 20_000, Currency: "EUR"},
		}
		require.Equal(t, map[string]string{
			"job_id": j.ID.String(), "site_url": "https://shop.example/1", "input.kind, of": "chair", "gt_price": "", "result.price": "10.00 EUR",
			"match.price": "true", "match.sku": "", "cost": "0.02 EUR", "duration_ms": "1000",
		}, textsOf(t, table, j))

		// Nothing of one job is left for the next.
		require.Equal(t, map[string]string{
			"job_id": "", "site_url": "", "input.kind, of": "", "gt_price": "12", "result.price": "", "match.price": "", "match.sku": "", "cost": "",
			"duration_ms": "",
		}, textsOf(t, table, &models.ExportedJob{GroundTruth: json.RawMessage(`{"price": ["12"]}`)}))
		_, err = table.Cells(&models.ExportedJob{Result: json.RawMessage(`{"price"`)})
		require.Error(t, err)
	})
}

func TestUploadCanBeUploadedAgain(t *testing.T) {
	t.Parallel()
	head := someHead()
	head.Batch.Columns = append(head.Batch.Columns[:4:4], head.Batch.Columns[5]) // the field of gt_gone is gone
	table, _, err := Jobs(head, []string{UploadGroup})
	require.NoError(t, err)
	require.Equal(t, []string{"site_url", "kind, of", "status", "gt_price", "gt_sku"}, table.Names())
	jobs := []ingest.Row{
		{
			Number: 1, SiteURL: "https://shop.example/1", Input: map[string]string{"kind, of": "a \"b\"\nc; d", "status": "|x\\|"},
			GroundTruth: map[string][]string{"price": {"10.00", "10|20", `a\`, "-12.50 EUR"}, "sku": {`A(1|2)\d`}},
		},
		{Number: 2, SiteURL: "https://shop.example/2", Input: map[string]string{"kind, of": "", "status": "-5"}},
	}
	for _, delimiter := range []byte{',', ';', '\t', '|'} {
		var out bytes.Buffer
		w := newCSVWriter(&out, Options{Delimiter: delimiter})
		require.NoError(t, w.Header(table.Names()))
		for _, row := range jobs {
			j := &models.ExportedJob{SiteURL: row.SiteURL}
			j.Input, err = json.Marshal(row.Input)
			require.NoError(t, err)
			if row.GroundTruth != nil {
				j.GroundTruth, err = json.Marshal(row.GroundTruth)
				require.NoError(t, err)
			}
			cells, err := table.Cells(j)
			require.NoError(t, err)
			require.NoError(t, w.Row(cells))
		}
		again, err := ingest.CSV(&out, ingest.Options{Fields: head.Fields})
		require.NoError(t, err)
		var got []ingest.Row
		for row, err := range again.Rows() {
			require.NoError(t, err)
			got = append(got, row)
		}
		require.Equal(t, jobs, got)
	}
}

func TestColumnsOfSessions(t *testing.T) {
	t.Parallel()
	table, parts, err := Sessions(someHead(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{
		"row", "job_id", "site_url", "session_id", "execution_id", "attempt", "status", "worker", "remote_run_id", "result.price", "result.sku",
		"verdict", "verdict_note", "error_class", "error_code", "error_message", "started_at", "finished_at", "duration_ms", "retry_at", "cost", "usage",
	}, table.Names())
	require.Equal(t, models.SessionParts{Result: true, Usage: true}, parts)
	_, parts, err = Sessions(someHead(), []string{"raw", "evidence"})
	require.NoError(t, err)
	require.Equal(t, models.SessionParts{Raw: true, Evidence: true}, parts)
	_, _, err = Sessions(someHead(), []string{"upload"})
	require.ErrorContains(t, err, "upload")
}
