package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// finishJobs takes the jobs of an execution to ends of several kinds: row 1 failed once
// and is correct, row 2 is wrong, row 3 failed, row 4 runs; the others are queued.
func finishJobs(b *bundle, e wire.Execution, jobs []wire.Job) {
	b.t.Helper()
	ctx := b.t.Context()
	begin := func(row int) *store.Attempt {
		b.t.Helper()
		a, ended, err := b.store.BeginAttempt(ctx, models.DefaultOrganisationID, e.ID, jobs[row-1].ID, "worker-1")
		require.NoError(b.t, err)
		require.Nil(b.t, ended)
		return a
	}
	complete := func(a *store.Attempt, amount string, matched int) {
		b.t.Helper()
		share := float64(matched)
		verdict := scoring.Wrong
		if matched > 0 {
			verdict = scoring.Correct
		}
		require.NoError(b.t, b.store.CompleteAttempt(ctx, a, store.Success{
			Result: map[string]any{"price": map[string]any{"amount": amount, "currency": "EUR"}},
			Raw:    []byte(`{"title": "x"}`), Used: store.Used{Usage: []byte(`{"requests": 1}`), Evidence: []byte(`{"status_code": 200}`)},
			Score: scoring.Score{
				Verdict: verdict, Matched: matched, Compared: 1, Accuracy: &share,
				Fields: map[string]scoring.FieldResult{"price": {
					Match: matched == 1, Comparer: field.CompareMoney, Expected: []string{"10.00"}, Actual: amount, Reason: "",
				}},
			},
		}))
	}
	first := begin(1)
	require.NoError(b.t, b.store.FailAttempt(ctx, first, store.Failure{
		Class: failure.RateLimit, Code: "HTTP_429", Message: "asked to slow down", Retry: true, Delay: time.Second,
	}))
	complete(begin(1), "10.00", 1)
	complete(begin(2), "11.00", 0)
	require.NoError(b.t, b.store.FailAttempt(ctx, begin(3), store.Failure{Class: failure.Permanent, Code: "HTTP_404", Message: "not there"}))
	begin(4)
}

func TestJobsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 7)
	other := b.batch(b.project(), 7)
	e := b.execution(batch)
	finishJobs(b, e, b.jobs(batch, ""))
	path := "/api/batches/" + batch.ID.String() + "/jobs"
	list := func(query string) (rows []int, pagination wire.Pagination) {
		page := read[wire.Page[wire.Job]](b.get(path+query), http.StatusOK)
		require.NotNil(t, page.Data)
		for _, job := range page.Data {
			rows = append(rows, job.Row)
		}
		return rows, page.Pagination
	}
	tests := map[string][]int{
		"":                                         {1, 2, 3, 4, 5, 6, 7},
		"?status=completed":                        {1, 2},
		"?status=completed,failed":                 {1, 2, 3},
		"?status=running&status=failed":            {3, 4},
		"?verdict=wrong":                           {2},
		"?verdict=wrong,correct":                   {1, 2},
		"?error_class=permanent,network":           {3},
		"?status=completed&verdict=wrong":          {2},
		"?status=queued&verdict=wrong":             nil,
		"?execution_id=" + e.ID.String():           {1, 2, 3, 4, 5, 6, 7},
		"?execution_id=" + uuid.NewString():        nil,
		"?status=":                                 {1, 2, 3, 4, 5, 6, 7},
		"?has_ground_truth=true":                   {1, 2, 3, 4, 5, 6, 7},
		"?has_ground_truth=false":                  nil,
		"?min_accuracy=0.5":                        {1},
		"?max_accuracy=0.5":                        {2},
		"?min_accuracy=0&max_accuracy=1":           {1, 2},
		"?search=SHOP.example":                     {1, 2, 3, 4, 5, 6, 7},
		"?search=shop_example":                     nil,
		"?host=Shop.Example":                       {1, 2, 3, 4, 5, 6, 7},
		"?host=shop":                               nil,
		"?mismatched_field=price":                  {2},
		"?mismatched_field=sku":                    nil,
		"?mismatched_field=price&min_accuracy=0.1": nil,
		"?search=shop&status=completed&host=shop.example&limit=1":     {1},
		"?verdict=correct,wrong&has_ground_truth=true&max_accuracy=0": {2},
	}
	for query, want := range tests {
		got, _ := list(query)
		require.Equal(t, want, got, query)
	}
	var rows []int
	cursor := ""
	for {
		got, pagination := list("?status=queued,completed&limit=2&include_total=true&cursor=" + cursor)
		require.EqualValues(t, 5, *pagination.Total)
		rows = append(rows, got...)
		if cursor = pagination.NextCursor; cursor == "" {
			break
		}
		for _, elsewhere := range []string{
			path + "?limit=2&cursor=" + cursor,
			path + "?limit=2&status=queued&cursor=" + cursor,
			path + "?limit=2&status=queued,completed&verdict=wrong&cursor=" + cursor,
			"/api/batches/" + other.ID.String() + "/jobs?limit=2&status=queued,completed&cursor=" + cursor,
		} {
			at(t, b.get(elsewhere).problem(http.StatusBadRequest, wire.CodeInvalidParams), "cursor")
		}
	}
	require.Equal(t, []int{1, 2, 5, 6, 7}, rows)

	rows, pagination := list("?after_row=3&limit=2")
	require.Equal(t, []int{4, 5}, rows)
	rows, _ = list("?after_row=3&limit=2&cursor=" + pagination.NextCursor)
	require.Equal(t, []int{6, 7}, rows, "the cursor comes first")
	for _, bad := range []string{"-1", "x", "4294967296"} {
		at(t, b.get(path+"?after_row="+bad).problem(http.StatusBadRequest, wire.CodeInvalidParams), "after_row")
	}
}

func TestJobFiltersAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	batch := b.batch(p, 1)
	for _, path := range []string{"/api/batches/" + batch.ID.String() + "/jobs", "/api/projects/" + p.ID.String() + "/jobs"} {
		refused := b.get(path+"?status=done&verdict=right&error_class=odd&execution_id=1&has_ground_truth=1"+
			"&min_accuracy=-1&max_accuracy=NaN&search=ab&limit=0&page=2").problem(http.StatusBadRequest, wire.CodeInvalidParams)
		require.ElementsMatch(t, []string{
			"error_class", "execution_id", "has_ground_truth", "limit", "max_accuracy", "min_accuracy", "page", "search", "status", "verdict",
		}, fieldsOf(refused))
		at(t, b.get(path+"?min_accuracy=0.6&max_accuracy=0.5").problem(http.StatusBadRequest, wire.CodeInvalidParams), "max_accuracy")
	}
	missing := uuid.NewString()
	b.get("/api/projects/"+missing+"/jobs").problem(http.StatusNotFound, wire.CodeProjectNotFound)
	b.get("/api/batches/"+missing+"/jobs").problem(http.StatusNotFound, wire.CodeBatchNotFound)
}

func TestProjectJobsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	older, newer := b.batch(p, 3), b.batch(p, 4)
	b.batch(b.project(), 5)
	finishJobs(b, b.execution(newer), b.jobs(newer, ""))
	path := "/api/projects/" + p.ID.String() + "/jobs"
	type row struct {
		batch uuid.UUID
		row   int
	}
	walk := func(query string) (rows []row) {
		cursor := ""
		for {
			page := read[wire.Page[wire.Job]](b.get(path+query+"&limit=2&include_total=true&cursor="+cursor), http.StatusOK)
			for _, job := range page.Data {
				rows = append(rows, row{job.BatchID, job.Row})
			}
			if cursor = page.Pagination.NextCursor; cursor == "" {
				require.EqualValues(t, len(rows), *page.Pagination.Total)
				return rows
			}
			at(t, b.get(path+"?cursor="+cursor+"&host=x").problem(http.StatusBadRequest, wire.CodeInvalidParams), "cursor")
		}
	}
	require.Equal(t, []row{{newer.ID, 1}, {newer.ID, 2}, {newer.ID, 3}, {newer.ID, 4}, {older.ID, 1}, {older.ID, 2}, {older.ID, 3}}, walk("?search=shop"))
	require.Equal(t, []row{{newer.ID, 1}, {newer.ID, 2}, {older.ID, 1}, {older.ID, 2}, {older.ID, 3}}, walk("?status=queued,completed"))
	require.Equal(t, []row{{newer.ID, 1}, {newer.ID, 2}}, walk("?min_accuracy=0"))
}

func TestJobHasItsSessions(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 4)
	e := b.execution(batch)
	jobs := b.jobs(batch, "")
	finishJobs(b, e, jobs)

	job := read[wire.Job](b.get("/api/jobs/"+jobs[0].ID.String()), http.StatusOK)
	require.Equal(t, "completed", job.Status)
	require.Equal(t, "correct", job.Verdict)
	require.Equal(t, 2, job.Attempts)
	require.InDelta(t, 1, *job.Accuracy, 0)
	require.Equal(t, e.ID, *job.ExecutionID)
	require.Equal(t, map[string]any{"amount": "10.00", "currency": "EUR"}, job.Result["price"])
	require.Equal(t, wire.FieldResult{Match: true, Comparer: "money", Expected: []string{"10.00"}, Actual: "10.00"}, job.Comparison["price"])
	require.Nil(t, job.Error)
	require.NotNil(t, job.StartedAt)
	require.NotNil(t, job.FinishedAt)

	require.Len(t, job.Sessions, 2)
	second, first := job.Sessions[0], job.Sessions[1]
	require.Equal(t, []int{2, 1}, []int{second.Attempt, first.Attempt}, "the newest comes first")
	require.Equal(t, "succeeded", second.Status)
	require.Equal(t, "worker-1", second.Worker)
	require.Equal(t, "correct", second.Verdict)
	require.JSONEq(t, `{"title": "x"}`, string(second.Raw))
	require.JSONEq(t, `{"requests": 1}`, string(second.Usage))
	require.JSONEq(t, `{"status_code": 200}`, string(second.Evidence))
	require.Equal(t, "failed", first.Status)
	require.Equal(t, &wire.JobError{Class: "rate_limit", Code: "HTTP_429", Message: "asked to slow down"}, first.Error)

	page := read[wire.Page[wire.Session]](b.get("/api/jobs/"+jobs[0].ID.String()+"/sessions"), http.StatusOK)
	require.Equal(t, job.Sessions, page.Data)
	require.False(t, page.Pagination.HasMore)

	failed := read[wire.Job](b.get("/api/jobs/"+jobs[2].ID.String()), http.StatusOK)
	require.Equal(t, &wire.JobError{Class: "permanent", Code: "HTTP_404", Message: "not there"}, failed.Error)
	require.Empty(t, failed.Verdict)

	listed := b.jobs(batch, "?limit=1")[0]
	require.Nil(t, listed.Sessions, "a list leaves the sessions out")
}

func TestStatsAreCountedFromTheRows(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 7)
	e := b.execution(batch)
	finishJobs(b, e, b.jobs(batch, ""))
	b.orch.fail(models.ErrUnavailable)
	stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, "database", stats.Source)
	require.Equal(t, []int{7, 3, 1, 2, 1, 0, 1},
		[]int{stats.Total, stats.Queued, stats.Running, stats.Completed, stats.Failed, stats.Cancelled, stats.Retries})
	require.Equal(t, map[string]int{"correct": 1, "wrong": 1}, stats.Verdicts)
	require.Equal(t, map[string]int{"permanent": 1}, stats.ErrorClasses)
	require.Equal(t, 1, stats.Accuracy.Matched)
	require.Equal(t, 2, stats.Accuracy.Compared)
	require.InDelta(t, 0.5, stats.Accuracy.Value, 0)
	require.InDelta(t, 0.095, stats.Accuracy.Low, 0.001)
	require.InDelta(t, 0.905, stats.Accuracy.High, 0.001)
	require.Equal(t, *stats.Accuracy, stats.Fields["price"])
	require.Equal(t, *stats.Accuracy, *stats.JobAccuracy)
}
