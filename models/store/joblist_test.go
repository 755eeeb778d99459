package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/models/tenant"
	"github.com/minohq/mino/scoring"
)

// statements keeps what a database was asked.
type statements struct{ last string }

func (s *statements) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }
func (s *statements) AfterQuery(_ context.Context, event *bun.QueryEvent)                { s.last = event.Query }

// filled is a project with batches in which jobs have ended in every way.
type filled struct {
	store     *store.Store
	db        *bun.DB
	scoped    *bun.DB // what the store uses
	asked     *statements
	project   *models.Project
	batches   []*models.Batch
	execution *models.Execution
}

// fill gives every batch so many rows: of each hundred, 60 are correct, 20 partly (1 of 2,
// price), 5 blocked, 10 failed in two classes, 5 queued. Every fourth row has no truth.
func fill(t *testing.T, batches, rows int) *filled {
	t.Helper()
	f := &filled{db: testkit.Database(t), asked: &statements{}}
	f.scoped = testkit.Scoped(t, f.db)
	f.store = store.New(f.scoped)
	f.project = testfactory.Project(t, f.store, nil)
	for range batches {
		b := testfactory.Batch(t, f.store, f.project, rows, nil)
		f.execution = testfactory.Execution(t, f.store, f.project, b, nil)
		_, err := f.db.NewRaw(`
			UPDATE jobs AS j SET
				site_url = 'https://www.shop' || n % 50 || '.example/p/' || row_number,
				ground_truth = CASE WHEN n % 4 > 0 THEN '{"price": ["1"]}'::jsonb END,
				status = CASE WHEN n < 85 THEN 'completed' WHEN n < 95 THEN 'failed' ELSE 'queued' END,
				verdict = CASE WHEN n < 60 THEN 'correct' WHEN n < 80 THEN 'partial' WHEN n < 85 THEN 'blocked' END,
				error_class = CASE WHEN n BETWEEN 85 AND 91 THEN 'timeout' WHEN n BETWEEN 92 AND 94 THEN 'permanent' END,
				matched = CASE WHEN n < 60 THEN 2 WHEN n < 80 THEN 1 ELSE 0 END,
				compared = CASE WHEN n < 80 THEN 2 ELSE 0 END,
				accuracy = CASE WHEN n < 60 THEN 1 WHEN n < 80 THEN 0.5 END,
				comparison = CASE WHEN n BETWEEN 60 AND 79 THEN '{"price": {"match": false}, "sku": {"match": true}}'::jsonb END,
				attempt = 1, finished_at = CASE WHEN n < 95 THEN now() END
			FROM (SELECT id, (row_number * 37) % 100 AS n FROM jobs WHERE batch_id = ?0) AS numbered
			WHERE j.id = numbered.id`, b.ID).Exec(t.Context())
		require.NoError(t, err)
		f.batches = append(f.batches, b)
	}
	_, err := f.db.ExecContext(t.Context(), "VACUUM ANALYZE")
	require.NoError(t, err)
	return f
}

// listen keeps what is asked from here on. Only one goroutine may ask.
func (f *filled) listen() {
	f.scoped = f.scoped.WithQueryHook(f.asked)
	f.store = store.New(f.scoped)
}

// filters are one for each that a list has, and some of them together, with the index that
// is to serve it and whether a job is one of them.
var filters = map[string]struct {
	index  string
	filter models.JobFilter
	is     func(models.Job) bool
}{
	"NoFilter":       {"jobs_batch_row_key", models.JobFilter{}, func(models.Job) bool { return true }},
	"Status":         {"jobs_batch_status_idx", models.JobFilter{Status: []models.JobStatus{models.JobFailed}}, func(j models.Job) bool { return j.Status == models.JobFailed }},
	"Statuses":       {"jobs_batch_status_idx", models.JobFilter{Status: []models.JobStatus{models.JobFailed, models.JobQueued}}, func(j models.Job) bool { return j.Status != models.JobCompleted }},
	"Verdict":        {"jobs_batch_verdict_idx", models.JobFilter{Verdict: []scoring.Verdict{scoring.Blocked}}, func(j models.Job) bool { return j.Verdict == scoring.Blocked }},
	"Verdicts":       {"jobs_batch_verdict_idx", models.JobFilter{Verdict: []scoring.Verdict{scoring.Blocked, scoring.Partial}}, func(j models.Job) bool { return j.Verdict == scoring.Blocked || j.Verdict == scoring.Partial }},
	"ErrorClass":     {"jobs_batch_error_class_idx", models.JobFilter{ErrorClass: []failure.Class{failure.Permanent}}, func(j models.Job) bool { return j.ErrorClass == failure.Permanent }},
	"ErrorClasses":   {"jobs_batch_error_class_idx", models.JobFilter{ErrorClass: []failure.Class{failure.Permanent, failure.Timeout}}, func(j models.Job) bool { return j.ErrorClass != "" }},
	"WithTruth":      {"jobs_batch_truth_idx", models.JobFilter{HasGroundTruth: new(true)}, func(j models.Job) bool { return j.GroundTruth != nil }},
	"WithoutTruth":   {"jobs_batch_no_truth_idx", models.JobFilter{HasGroundTruth: new(false)}, func(j models.Job) bool { return j.GroundTruth == nil }},
	"AccuracyFrom":   {"jobs_batch_accuracy_idx", models.JobFilter{MinAccuracy: new(0.4)}, func(j models.Job) bool { return j.Accuracy != nil }},
	"AccuracyUpTo":   {"jobs_batch_accuracy_idx", models.JobFilter{MaxAccuracy: new(0.5)}, func(j models.Job) bool { return j.Accuracy != nil && *j.Accuracy <= 0.5 }},
	"AccuracyOfNone": {"jobs_batch_accuracy_idx", models.JobFilter{MinAccuracy: new(0.6), MaxAccuracy: new(0.9)}, func(models.Job) bool { return false }},
	"Mismatched":     {"jobs_", models.JobFilter{MismatchedField: "price"}, func(j models.Job) bool { return j.Verdict == scoring.Partial }},
	"MismatchOfNone": {"jobs_search_idx", models.JobFilter{MismatchedField: "sku"}, func(models.Job) bool { return false }},
	"Host":           {"jobs_batch_host_idx", models.JobFilter{Host: "www.shop7.example"}, func(j models.Job) bool { return j.Host == "www.shop7.example" }},
	"Search":         {"jobs_search_idx", models.JobFilter{Search: "Shop7.example/P/19"}, func(j models.Job) bool { return strings.Contains(j.SiteURL, "shop7.example/p/19") }},
	"SearchOfNone":   {"jobs_search_idx", models.JobFilter{Search: "100%_"}, func(models.Job) bool { return false }},
	"Together": {"jobs_batch_", models.JobFilter{
		Verdict: []scoring.Verdict{scoring.Partial, scoring.Correct}, HasGroundTruth: new(true), MaxAccuracy: new(0.5),
		Status: []models.JobStatus{models.JobCompleted}, Host: "www.shop11.example",
	}, func(j models.Job) bool {
		return j.Verdict == scoring.Partial && j.GroundTruth != nil && j.Host == "www.shop11.example"
	}},
}

func TestJobLists(t *testing.T) {
	t.Parallel()
	f := fill(t, 3, 2_000)
	org := f.project.OrganisationID
	var all []models.Job
	require.NoError(t, f.db.NewSelect().Model(&all).OrderExpr("batch_id DESC, row_number").Scan(t.Context()))
	require.Len(t, all, 6_000)

	walk := func(t *testing.T, filter models.JobFilter) (got []uuid.UUID) {
		t.Helper()
		page := models.JobPage{Limit: 33}
		for {
			jobs, err := f.store.ListJobs(t.Context(), org, filter, page)
			require.NoError(t, err)
			for _, j := range jobs {
				got = append(got, j.ID)
				page.AfterRow, page.AfterBatch = j.RowNumber, j.BatchID
			}
			if len(jobs) < page.Limit {
				return got
			}
		}
	}
	for name, c := range filters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for where, at := range map[string]models.JobFilter{
				"batch": {BatchID: f.batches[1].ID}, "project": {ProjectID: f.project.ID}, "execution": {BatchID: f.batches[2].ID, ExecutionID: f.execution.ID},
			} {
				filter := c.filter
				filter.BatchID, filter.ProjectID, filter.ExecutionID = at.BatchID, at.ProjectID, at.ExecutionID
				var want []uuid.UUID
				for _, j := range all {
					if c.is(j) && (at.BatchID == uuid.Nil || j.BatchID == at.BatchID) {
						want = append(want, j.ID)
					}
				}
				require.Equal(t, want, walk(t, filter), where)
				n, err := f.store.CountJobs(t.Context(), org, filter)
				require.NoError(t, err)
				require.EqualValues(t, len(want), n, where)
			}
			none, err := f.store.ListJobs(t.Context(), models.NewID(), models.JobFilter{ProjectID: f.project.ID}, models.JobPage{Limit: 10})
			require.NoError(t, err)
			require.Empty(t, none, "another organisation's")
		})
	}
}

// TestJobListPlans holds each filter to its index, at the beginning of a list and deep in
// it: no page reads more than a few times its own rows.
func TestJobListPlans(t *testing.T) {
	t.Parallel()
	const rows, limit = 40_000, 50
	f := fill(t, 1, rows)
	f.listen()
	for name, c := range filters {
		for _, after := range []int{0, rows / 2, rows - 200} {
			filter := c.filter
			filter.BatchID = f.batches[0].ID
			plan := f.plan(t, filter, models.JobPage{AfterRow: after, Limit: limit})
			require.Contains(t, plan.text, c.index, name)
			require.NotContains(t, plan.text, "Seq Scan", name)
			require.Less(t, plan.rows, 1_500.0, "%s: rows read of %d:\n%s", name, rows, plan.text)

			filter.BatchID, filter.ProjectID = uuid.Nil, f.project.ID
			plan = f.plan(t, filter, models.JobPage{AfterRow: after, AfterBatch: f.batches[0].ID, Limit: limit})
			require.NotContains(t, plan.text, "Seq Scan on jobs", name)
		}
	}
}

// plan is how PostgreSQL went about a page, and how many rows it read for it.
type plan struct {
	text string
	rows float64
}

func (f *filled) plan(t *testing.T, filter models.JobFilter, page models.JobPage) plan {
	t.Helper()
	_, err := f.store.ListJobs(t.Context(), f.project.OrganisationID, filter, page)
	require.NoError(t, err)
	asked := f.asked.last
	require.True(t, strings.HasPrefix(asked, "SELECT"), asked)
	var lines []string
	require.NoError(t, f.scoped.NewRaw("EXPLAIN (ANALYZE, TIMING OFF) "+asked).
		Scan(tenant.With(t.Context(), f.project.OrganisationID), &lines))
	var read float64
	for _, line := range lines {
		var got, loops float64
		if i := strings.Index(line, "(actual rows="); i >= 0 && strings.Contains(line, "Scan") {
			_, err := fmt.Sscanf(line[i:], "(actual rows=%g loops=%g)", &got, &loops)
			require.NoError(t, err, line)
			read += got * loops
		}
		if i := strings.Index(line, "Rows Removed by Filter: "); i >= 0 {
			_, err := fmt.Sscanf(line[i:], "Rows Removed by Filter: %g", &got)
			require.NoError(t, err, line)
			read += got
		}
	}
	return plan{text: strings.Join(slices.Concat([]string{asked}, lines), "\n"), rows: read}
}
