package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

const (
	listRows = 1_000_000
	// A filter that finds one job in ten has a page 10,000 when pages are this long.
	listLimit  = 10
	listPage   = 10_000
	listRounds = 300
)

// listFilters are one for each filter that a list of jobs has; each finds at least one job
// in ten.
var listFilters = []struct {
	name   string
	filter models.JobFilter
}{
	{"none", models.JobFilter{}},
	{"status", models.JobFilter{Status: []models.JobStatus{models.JobFailed}}},
	{"statuses", models.JobFilter{Status: []models.JobStatus{models.JobFailed, models.JobCompleted}}},
	{"verdict", models.JobFilter{Verdict: []scoring.Verdict{scoring.Partial}}},
	{"verdicts", models.JobFilter{Verdict: []scoring.Verdict{scoring.Partial, scoring.Correct}}},
	{"error_class", models.JobFilter{ErrorClass: []failure.Class{failure.Timeout}}},
	{"error_classes", models.JobFilter{ErrorClass: []failure.Class{failure.Timeout, failure.Permanent}}},
	{"has_ground_truth", models.JobFilter{HasGroundTruth: new(false)}},
	{"accuracy", models.JobFilter{MinAccuracy: new(0.25), MaxAccuracy: new(0.75)}},
	{"mismatched_field", models.JobFilter{MismatchedField: "price"}},
	{"search", models.JobFilter{Search: "shop3."}},
	{"host", models.JobFilter{Host: "www.shop3.example"}},
	{"together", models.JobFilter{
		Status: []models.JobStatus{models.JobCompleted}, Verdict: []scoring.Verdict{scoring.Correct, scoring.Partial},
		HasGroundTruth: new(true), Search: "example/p/",
	}},
}

// BenchmarkJobLists reads the first page and page 10,000 of a batch of a million jobs
// under every filter, in turns.
func BenchmarkJobLists(b *testing.B) {
	for b.Loop() {
		db := testkit.Database(b)
		s := testkit.Store(b, db)
		p := testfactory.Project(b, s, nil)
		batch := testfactory.Batch(b, s, p, 1, nil)
		e := testfactory.Execution(b, s, p, batch, nil)
		fillJobs(b, db, batch, e, jobs(b, listRows))
		var all []time.Duration
		var worst float64
		for _, f := range append(listFilters, struct {
			name   string
			filter models.JobFilter
		}{"execution_id", models.JobFilter{ExecutionID: e.ID}}) {
			f.filter.BatchID = batch.ID
			first, deep := pages(b, s, p, f.filter, deepRow(b, db, s, p, f.filter))
			ratio := float64(median(deep)) / float64(median(first))
			b.Logf("%-17s first page %.2f ms, page %d %.2f ms, ratio %.2f, p99 %.1f ms", f.name, milliseconds(median(first)),
				listPage, milliseconds(median(deep)), ratio, milliseconds(quantile(slices.Concat(first, deep), 0.99)))
			worst = max(worst, ratio)
			all = append(append(all, first...), deep...)
		}
		listDepth.record(b, worst)
		listSlowest.record(b, milliseconds(quantile(all, 0.99)))
	}
}

// fillJobs gives a batch so many rows, whose jobs have ended in every way.
func fillJobs(b *testing.B, db *bun.DB, batch *models.Batch, e *models.Execution, rows int) {
	b.Helper()
	var indexes []struct{ Name, Definition string }
	// Built afterwards, which is the same and takes less time.
	require.NoError(b, db.NewRaw(`SELECT indexname AS name, indexdef AS definition FROM pg_indexes
		WHERE tablename = 'jobs' AND indexdef LIKE 'CREATE INDEX%'`).Scan(b.Context(), &indexes))
	exec := func(statement string, args ...any) {
		_, err := db.NewRaw(statement, args...).Exec(b.Context())
		require.NoError(b, err)
	}
	for _, index := range indexes {
		exec(`DROP INDEX ?`, bun.Ident(index.Name))
	}
	exec(`DELETE FROM jobs WHERE batch_id = ?`, batch.ID)
	exec(`INSERT INTO jobs (id, organisation_id, project_id, batch_id, execution_id, row_number, site_url, input, ground_truth,
			status, verdict, error_class, matched, compared, accuracy, comparison, attempt, result, finished_at)
		SELECT gen_random_uuid(), ?0, ?1, ?2, ?3, row, 'https://www.shop' || row % 5 || '.example/p/' || row, '{"sku": "A-1"}',
			CASE WHEN n % 4 > 0 THEN '{"price": ["19.90 EUR"]}'::jsonb END,
			CASE WHEN n < 65 THEN 'completed' WHEN n < 95 THEN 'failed' ELSE 'cancelled' END,
			CASE WHEN n < 45 THEN 'correct' WHEN n < 65 THEN 'partial' END,
			CASE WHEN n BETWEEN 65 AND 79 THEN 'timeout' WHEN n BETWEEN 80 AND 94 THEN 'permanent' END,
			CASE WHEN n < 45 THEN 2 WHEN n < 65 THEN 1 ELSE 0 END, CASE WHEN n < 65 THEN 2 ELSE 0 END,
			CASE WHEN n < 45 THEN 1 WHEN n < 65 THEN 0.5 END,
			CASE WHEN n < 45 THEN '{"price": {"match": true}, "sku": {"match": true}}'::jsonb
			     WHEN n < 65 THEN '{"price": {"match": false}, "sku": {"match": true}}' END,
			1, CASE WHEN n < 65 THEN '{"price": {"amount": "19.90", "currency": "EUR"}, "sku": "A-1"}'::jsonb END, now()
		FROM (SELECT row, (row * 37) % 100 AS n FROM generate_series(1, ?4) AS row) AS rows`,
		batch.OrganisationID, batch.ProjectID, batch.ID, e.ID, rows)
	for _, index := range indexes {
		exec(index.Definition)
	}
	exec(`VACUUM (ANALYZE) jobs`)
}

// deepRow is the row before page 10,000.
func deepRow(b *testing.B, db *bun.DB, s *store.Store, p *models.Project, f models.JobFilter) (row int) {
	b.Helper()
	n, err := s.CountJobs(b.Context(), p.OrganisationID, f)
	require.NoError(b, err)
	// Every filter finds as many jobs in any hundred rows.
	return int(float64(listPage-1) * listLimit / float64(n) * float64(rowsIn(b, db)))
}

func rowsIn(b *testing.B, db *bun.DB) (n int64) {
	b.Helper()
	require.NoError(b, db.NewRaw(`SELECT max(row_number) FROM jobs`).Scan(b.Context(), &n))
	return n
}

// pages reads the page at the beginning and the one after a row, in turns.
func pages(b *testing.B, s *store.Store, p *models.Project, f models.JobFilter, after int) (first, deep []time.Duration) {
	b.Helper()
	for i := range listRounds {
		for _, page := range []struct {
			after int
			took  *[]time.Duration
		}{{0, &first}, {after, &deep}} {
			begun := time.Now()
			found, err := s.ListJobs(b.Context(), p.OrganisationID, f, models.JobPage{AfterRow: page.after, Limit: listLimit})
			took := time.Since(begun)
			require.NoError(b, err)
			require.Len(b, found, listLimit)
			if i > 0 { // the first of each reads from the disk
				*page.took = append(*page.took, took)
			}
		}
	}
	return first, deep
}
