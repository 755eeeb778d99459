package api_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// ran has an execution of four rows run: one right, one wrong after a retry, one failed,
// one that never began.
func (b *bundle) ran() (wire.Project, wire.Batch, wire.Execution) {
	b.t.Helper()
	p := b.project()
	batch := b.batch(p, 4)
	e := b.execution(batch)
	b.attempts(e)
	_, err := b.store.FinishExecution(b.t.Context(), models.DefaultOrganisationID, e.ID, models.ExecutionStopped, "enough")
	require.NoError(b.t, err)
	b.orch.end(e.ID)
	return p, batch, e
}

func (b *bundle) attempts(e wire.Execution) {
	b.t.Helper()
	ctx, org := b.t.Context(), models.DefaultOrganisationID
	_, err := b.store.BeginExecution(ctx, org, e.ID, e.WorkflowID)
	require.NoError(b.t, err)
	jobs, err := b.store.QueuedJobs(ctx, org, e.ID, models.QueuePage{Limit: 3})
	require.NoError(b.t, err)
	begin := func(i int) *store.Attempt {
		a, _, err := b.store.BeginAttempt(ctx, org, e.ID, jobs[i].ID, "worker")
		require.NoError(b.t, err)
		return a
	}
	end := func(i int, match bool) {
		score := scoring.Score{Verdict: scoring.Wrong, Compared: 1, Fields: map[string]scoring.FieldResult{"price": {Match: match, Expected: []string{"10"}}}}
		share := 0.0
		if match {
			score.Verdict, score.Matched, share = scoring.Correct, 1, 1
		}
		score.Accuracy = &share
		require.NoError(b.t, b.store.CompleteAttempt(ctx, begin(i), store.Success{
			Result: map[string]any{"price": "10"}, Score: score, Used: store.Used{CostMicros: 250, CostCurrency: "USD"},
		}))
	}
	end(0, true)
	busy := store.Failure{Class: failure.Transient, Code: "BUSY", Message: "busy", Retry: true}
	require.NoError(b.t, b.store.FailAttempt(ctx, begin(1), busy))
	end(1, false)
	busy.Retry = false
	require.NoError(b.t, b.store.FailAttempt(ctx, begin(2), busy))
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p, batch, e := b.ran()
	half := wire.Accuracy{Value: 0.5, Low: 0.09453120573423074, High: 0.9054687942657693, Matched: 1, Compared: 2}
	jobs := wire.MetricsJobs{Ended: 4, Completed: 2, Failed: 1, Cancelled: 1}
	same := func(t *testing.T, m wire.Metrics) {
		t.Helper()
		require.Equal(t, jobs, m.Jobs)
		require.InDelta(t, 2.0/3, *m.SuccessRate, 1e-9)
		require.Equal(t, 1, m.Retries)
		require.Equal(t, []wire.Cost{{Currency: "USD", CostMicros: 500}}, m.Costs)
		require.Equal(t, &half, m.Accuracy)
		require.Equal(t, &half, m.JobAccuracy)
		require.Equal(t, map[string]wire.Accuracy{"price": half}, m.Fields)
		require.Equal(t, map[string]int{"correct": 1, "wrong": 1}, m.Verdicts)
		require.Equal(t, map[string]wire.ErrorCount{"transient": {Attempts: 2, Jobs: 1}}, m.ErrorClasses)
		require.Equal(t, []wire.CodeCount{{Class: "transient", Code: "BUSY", Attempts: 2, Jobs: 1}}, m.TopErrors)
		require.Equal(t, 4, m.AttemptDurations.Count)
		require.Equal(t, 3, m.JobDurations.Count)
		require.Len(t, m.Hosts, 1)
		require.Equal(t, "shop.example", m.Hosts[0].Host)
		require.Equal(t, wire.MetricsJobs{Ended: 3, Completed: 2, Failed: 1}, m.Hosts[0].Jobs)
		require.Equal(t, &half, m.Hosts[0].Accuracy)
		require.Zero(t, *m.Hosts[0].BlockedShare)
		require.Equal(t, &m.TopErrors[0], m.Hosts[0].TopError)
		ended, matched := 0, 0
		for i, point := range m.Series {
			ended += point.Jobs.Ended
			if point.Accuracy != nil {
				matched += point.Accuracy.Matched
			}
			require.True(t, i == 0 || point.Start.After(m.Series[i-1].Start))
		}
		require.Equal(t, 4, ended)
		require.Equal(t, 1, matched)
	}
	c, err := client.New(client.Config{BaseURL: b.url})
	require.NoError(t, err)

	t.Run("OfAProjectAreThoseOfTheLastThirtyDays", func(t *testing.T) {
		t.Parallel()
		m := read[wire.ProjectMetrics](b.get("/api/projects/"+p.ID.String()+"/metrics"), http.StatusOK)
		same(t, m.Metrics)
		require.Equal(t, p.ID, m.ProjectID)
		require.Equal(t, "day", m.Bucket)
		require.Equal(t, 30*24*time.Hour, m.To.Sub(m.From))
		require.Len(t, m.Series, 31)
		require.Equal(t, wire.MetricsExecutions{Total: 1, Finished: 1, ByStatus: map[string]int{"stopped": 1}}, m.Executions)
		require.Len(t, m.Trend, 1)
		require.Equal(t, e.ID, m.Trend[0].ID)
		require.Equal(t, jobs, m.Trend[0].Jobs)
		require.Equal(t, &half, m.Trend[0].Accuracy)
	})
	t.Run("OfAProjectAreNarrowed", func(t *testing.T) {
		t.Parallel()
		now := time.Now()
		filter := url.Values{
			"from": {now.Add(-time.Hour).Format(time.RFC3339)}, "to": {now.Add(time.Hour).UTC().Format(time.RFC3339Nano)},
			"bucket": {"hour"}, "batch_id": {batch.ID.String()}, "type": {"production"}, "hosts": {"1"},
		}
		m, err := c.ProjectMetrics(t.Context(), p.ID, filter)
		require.NoError(t, err)
		same(t, m.Metrics)
		require.Equal(t, &batch.ID, m.BatchID)
		require.Equal(t, "production", m.Type)
		filter.Set("type", "test")
		m, err = c.ProjectMetrics(t.Context(), p.ID, filter)
		require.NoError(t, err)
		require.Zero(t, m.Jobs)
		require.Nil(t, m.SuccessRate)
		require.Nil(t, m.AttemptDurations)
		require.NotEmpty(t, m.Series)
	})
	t.Run("OfAnExecutionAreOfItsTime", func(t *testing.T) {
		t.Parallel()
		m, err := c.ExecutionMetrics(t.Context(), e.ID, nil)
		require.NoError(t, err)
		same(t, m.Metrics)
		require.Equal(t, "minute", m.Bucket)
		require.Equal(t, "stopped", m.Status)
		require.Equal(t, []int{4, 0, 0}, []int{m.Total, m.Queued, m.Running})
		require.False(t, m.AccuracyAtEnd)
		m = read[wire.ExecutionMetrics](b.get(executionPath(e)+"/metrics?bucket=week&hosts=100"), http.StatusOK)
		same(t, m.Metrics)
		require.Equal(t, time.Monday, m.Series[0].Start.Weekday())
	})
	t.Run("OfWhatRunsAreLive", func(t *testing.T) {
		t.Parallel()
		p := b.project()
		e := b.execution(b.batch(p, 4))
		pending := read[wire.ExecutionMetrics](b.get(executionPath(e)+"/metrics"), http.StatusOK)
		require.Zero(t, pending.Jobs)
		require.Equal(t, 4, pending.Queued)
		b.attempts(e)
		m := read[wire.ExecutionMetrics](b.get(executionPath(e)+"/metrics"), http.StatusOK)
		require.Equal(t, "running", m.Status)
		require.Equal(t, wire.MetricsJobs{Ended: 3, Completed: 2, Failed: 1}, m.Jobs)
		require.Equal(t, 1, m.Queued)
		require.Equal(t, &half, m.Accuracy)
		whole := read[wire.ProjectMetrics](b.get("/api/projects/"+p.ID.String()+"/metrics"), http.StatusOK)
		require.Equal(t, wire.MetricsJobs{Ended: 3, Completed: 2, Failed: 1}, whole.Jobs)
		require.Nil(t, whole.Accuracy, "it has not ended")
		require.Equal(t, wire.MetricsExecutions{Total: 1, ByStatus: map[string]int{"running": 1}}, whole.Executions)
		require.Empty(t, whole.Trend)
	})
	t.Run("OfAnExecutionOutliveItsJobs", func(t *testing.T) {
		t.Parallel()
		_, batch, first := b.ran()
		b.execution(batch) // takes the jobs
		m := read[wire.ExecutionMetrics](b.get(executionPath(first)+"/metrics"), http.StatusOK)
		require.True(t, m.AccuracyAtEnd)
		require.Equal(t, jobs, m.Jobs)
		require.Equal(t, &half, m.Accuracy)
		require.Equal(t, &half, m.Series[len(m.Series)-1].Accuracy)
		require.Nil(t, m.Hosts[0].Accuracy)
	})
}

func TestMetricsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p, _, e := b.ran()
	project, execution := "/api/projects/"+p.ID.String()+"/metrics?", executionPath(e)+"/metrics?"
	tests := []struct {
		name, path string
		fields     []string
	}{
		{"OfATimeThatIsNone", project + "from=yesterday&to=2026-13-01T00:00:00Z", []string{"from", "to"}},
		{"OfATimeLongPast", project + "from=1969-12-31T23:59:59Z", []string{"from"}},
		{"OfATimeFarAhead", project + "to=9001-01-01T00:00:00Z", []string{"to"}},
		{"OfNoTime", project + "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", []string{"from"}},
		{"OfMoreThanAYear", project + "from=2025-01-01T00:00:00Z&to=2026-01-02T00:00:01Z", []string{"from"}},
		{"OfMoreThanAMonthByHours", project + "bucket=hour&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:01Z", []string{"from"}},
		{"ByMinutes", project + "bucket=minute", []string{"bucket"}},
		{"OfTooManyHosts", project + "hosts=101", []string{"hosts"}},
		{"OfNoHosts", execution + "hosts=0", []string{"hosts"}},
		{"OfAnUnknownType", project + "type=trial&batch_id=1", []string{"batch_id", "type"}},
		{"ByUnknownParameters", execution + "from=2026-01-01T00:00:00Z&bucket=year", []string{"bucket", "from"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refused := b.get(test.path).problem(http.StatusBadRequest, wire.CodeInvalidParams)
			require.Equal(t, test.fields, fieldsOf(refused))
		})
	}
	t.Run("ByMinutesOfALongExecution", func(t *testing.T) {
		t.Parallel()
		_, _, long := b.ran()
		_, err := b.db.NewUpdate().Model((*models.Execution)(nil)).
			Set("started_at = finished_at - interval '40 days', created_at = finished_at - interval '40 days'").
			Where("id = ?", long.ID).Exec(t.Context())
		require.NoError(t, err)
		for _, bucket := range []string{"minute", "hour"} {
			refused := b.get(executionPath(long)+"/metrics?bucket="+bucket).problem(http.StatusBadRequest, wire.CodeInvalidParams)
			require.Equal(t, []string{"bucket"}, fieldsOf(refused))
		}
		m := read[wire.ExecutionMetrics](b.get(executionPath(long)+"/metrics"), http.StatusOK)
		require.Equal(t, "day", m.Bucket)
		require.Len(t, m.Series, 41)
	})
	t.Run("OfUnknownRecords", func(t *testing.T) {
		t.Parallel()
		b.get("/api/projects/"+uuid.NewString()+"/metrics").problem(http.StatusNotFound, wire.CodeProjectNotFound)
		b.get("/api/executions/"+uuid.NewString()+"/metrics").problem(http.StatusNotFound, wire.CodeExecutionNotFound)
		b.get(project+"batch_id="+uuid.NewString()).problem(http.StatusNotFound, wire.CodeBatchNotFound)
		foreign := b.batch(b.project(), 1)
		b.get(project+"batch_id="+foreign.ID.String()).problem(http.StatusNotFound, wire.CodeBatchNotFound)
		for _, path := range []string{"/api/projects/1/metrics", "/api/executions/x/metrics"} {
			refused := b.get(path).problem(http.StatusBadRequest, wire.CodeInvalidParams)
			require.True(t, slices.Contains(fieldsOf(refused), "id"))
		}
	})
	t.Run("OfAnotherOrganisation", func(t *testing.T) {
		t.Parallel()
		other := &models.Organisation{ID: models.NewID(), Slug: "other", Name: "Other"}
		_, err := b.db.NewInsert().Model(other).Exec(t.Context())
		require.NoError(t, err)
		theirs := testfactory.Project(t, b.store, func(p *models.Project) { p.OrganisationID = other.ID })
		batch := testfactory.Batch(t, b.store, theirs, 1, nil)
		execution := testfactory.Execution(t, b.store, theirs, batch, nil)
		b.get("/api/projects/"+theirs.ID.String()+"/metrics").problem(http.StatusNotFound, wire.CodeProjectNotFound)
		b.get("/api/executions/"+execution.ID.String()+"/metrics").problem(http.StatusNotFound, wire.CodeExecutionNotFound)
		b.get(project+"batch_id="+batch.ID.String()).problem(http.StatusNotFound, wire.CodeBatchNotFound)
	})
	t.Run("WhenThereIsNoTime", func(t *testing.T) {
		t.Parallel()
		hasty := setup(t, func(cfg *api.Config) { cfg.RequestTimeout = time.Nanosecond })
		hasty.get("/api/projects/"+p.ID.String()+"/metrics").problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
	})
}
