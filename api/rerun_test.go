package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

func (b *bundle) rerun(body any, headers ...string) *answer {
	b.t.Helper()
	req := b.request(http.MethodPost, "/api/jobs/bulk/rerun", "application/json", jsonBody(b.t, body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.send(req)
}

func TestJobsAreRunAgain(t *testing.T) {
	t.Parallel()

	t.Run("ThoseThatAreNamed", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		p := b.project()
		batch, second, busy := b.batch(p, 5), b.batch(p, 2), b.batch(p, 2)
		e := b.execution(batch)
		jobs := b.jobs(batch, "")
		finishJobs(b, e, jobs)
		b.end(e)
		running := b.execution(busy)
		missing := uuid.New()
		body := map[string]any{
			"ids":         []uuid.UUID{jobs[1].ID, b.jobs(second, "")[0].ID, b.jobs(busy, "")[0].ID, missing, jobs[2].ID},
			"concurrency": 3, "preset": "PATIENT", "failure_tolerance": map[string]int{"max_failed": 1},
			"overrides": map[string]any{"instruction": "Look harder.", "job_timeout_ms": 9_000},
		}
		got := b.rerun(body, "Idempotency-Key", "again-1")
		made := read[wire.RerunResponse](got, http.StatusAccepted)
		require.Len(t, made.Executions, 2)
		first := made.Executions[0]
		require.Equal(t, "/api/executions/"+first.ID.String(), got.header.Get("Location"))
		require.Equal(t, batch.ID, first.BatchID)
		require.Equal(t, second.ID, made.Executions[1].BatchID)
		require.Equal(t, []any{2, 3, "PATIENT", "production", &wire.Selection{Named: 2}},
			[]any{first.TotalJobs, first.Concurrency, first.Preset, first.Type, first.Selection})
		var statuses []string
		for _, r := range made.Results {
			statuses = append(statuses, r.Status)
		}
		require.Equal(t, []string{"queued", "queued", "refused", "refused", "queued"}, statuses)
		require.Equal(t, first.ID, *made.Results[0].ExecutionID)
		require.Equal(t, wire.CodeConflict, made.Results[2].Error.Code)
		require.Equal(t, wire.CodeJobNotFound, made.Results[3].Error.Code)
		require.Equal(t, 2+2, b.orch.started())

		again := b.rerun(body, "Idempotency-Key", "again-1")
		require.Equal(t, made, read[wire.RerunResponse](again, http.StatusAccepted))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, 4, b.count((*models.Execution)(nil)))
		b.rerun(map[string]any{"ids": []uuid.UUID{missing}}, "Idempotency-Key", "again-1").
			problem(http.StatusUnprocessableEntity, wire.CodeIdempotencyMismatch)

		second2 := b.job(jobs[1])
		require.Equal(t, "queued", second2.Status)
		require.Equal(t, first.ID, *second2.ExecutionID)
		require.Nil(t, second2.Result)
		require.Len(t, second2.Sessions, 1, "what was found before is kept")
		require.Equal(t, e.ID, second2.Sessions[0].ExecutionID)
		require.Equal(t, "completed", b.job(jobs[0]).Status, "the others stay as they were")
		stored, err := b.store.Execution(t.Context(), models.DefaultOrganisationID, first.ID)
		require.NoError(t, err)
		require.Equal(t, "Look harder.", stored.Snapshot.Instruction)
		require.EqualValues(t, 9_000, stored.Snapshot.JobTimeoutMS)
		require.Equal(t, "Find the price.", read[wire.Project](b.get("/api/projects/"+p.ID.String()), http.StatusOK).Instruction)

		b.rerun(map[string]any{"ids": []uuid.UUID{b.jobs(busy, "")[0].ID}}).problem(http.StatusConflict, wire.CodeConflict)
		b.rerun(map[string]any{"ids": []uuid.UUID{missing}}).problem(http.StatusNotFound, wire.CodeJobNotFound)
		require.Equal(t, running, read[wire.Execution](b.get(executionPath(running)), http.StatusOK))
	})

	t.Run("ThoseThatAFilterFinds", func(t *testing.T) {
		t.Parallel()
		for filter, rows := range map[string][]int{
			`{"status": ["failed", "cancelled"]}`:                                               {3, 4, 5},
			`{"error_class": ["permanent"]}`:                                                    {3},
			`{"verdict": ["wrong"], "host": "SHOP.example"}`:                                    {2},
			`{"mismatched_field": "price"}`:                                                     {2},
			`{"max_accuracy": 0.5}`:                                                             {2},
			`{"search": "shop.ex", "has_ground_truth": true, "status": ["completed"]}`:          {1, 2},
			`{"status": ["completed"], "min_accuracy": 0.5, "verdict": ["correct", "correct"]}`: {1},
		} {
			b := setup(t, nil)
			batch := b.batch(b.project(), 5)
			e := b.execution(batch)
			finishJobs(b, e, b.jobs(batch, ""))
			b.end(e)
			made := read[wire.RerunResponse](b.rerun(fmt.Sprintf(`{"batch_id": %q, "filter": %s}`, batch.ID, filter)), http.StatusAccepted)
			require.Len(t, made.Executions, 1)
			require.Empty(t, made.Results)
			require.Equal(t, len(rows), made.Executions[0].TotalJobs, filter)
			require.NotNil(t, made.Executions[0].Selection.Filter)
			require.Equal(t, made.Executions[0], read[wire.Execution](b.get(executionPath(made.Executions[0])), http.StatusOK))
			var got []int
			for _, job := range b.jobs(batch, "?execution_id="+made.Executions[0].ID.String()) {
				require.Equal(t, "queued", job.Status)
				got = append(got, job.Row)
			}
			require.Equal(t, rows, got, filter)
			b.rerun(fmt.Sprintf(`{"batch_id": %q, "filter": %s}`, batch.ID, filter)).problem(http.StatusConflict, wire.CodeConflict)
			b.end(made.Executions[0])
			nothing := b.rerun(fmt.Sprintf(`{"batch_id": %q, "filter": {"error_class": ["network"]}}`, batch.ID))
			require.Contains(t, nothing.problem(http.StatusConflict, wire.CodeConflict).Detail, "no jobs")
			require.Equal(t, 2, b.count((*models.Execution)(nil)), "nothing is left of what was refused")
		}
	})

	t.Run("NotWhatIsWrong", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		batch := b.batch(b.project(), 1)
		job := b.jobs(batch, "")[0]
		many := make([]uuid.UUID, wire.MaxRerunJobs+1)
		for i := range many {
			many[i] = uuid.New()
		}
		for name, c := range map[string]struct {
			body   any
			fields []string
		}{
			"Nothing":    {`{}`, []string{"ids"}},
			"Both":       {map[string]any{"ids": many[:1], "batch_id": batch.ID, "filter": map[string]any{}}, []string{"ids"}},
			"TooMany":    {map[string]any{"ids": many}, []string{"ids"}},
			"NoFilter":   {map[string]any{"batch_id": batch.ID}, []string{"filter"}},
			"NoBatch":    {`{"filter": {"status": ["failed"]}}`, []string{"batch_id"}},
			"Everything": {map[string]any{"batch_id": batch.ID, "filter": map[string]any{}}, []string{"filter"}},
			"Filters": {
				map[string]any{"batch_id": batch.ID, "filter": map[string]any{
					"status": []string{"done"}, "verdict": []string{"correct", "right"}, "min_accuracy": 2, "search": "x",
				}},
				[]string{"filter.status[0]", "filter.verdict[1]", "filter.min_accuracy", "filter.search"},
			},
			"Options": {
				map[string]any{"ids": []uuid.UUID{job.ID}, "concurrency": 51, "preset": "SLOW", "failure_tolerance": map[string]any{}},
				[]string{"concurrency", "preset", "failure_tolerance.max_failed"},
			},
			"Overrides": {
				map[string]any{"ids": []uuid.UUID{job.ID}, "overrides": map[string]any{"instruction": " ", "settings": map[string]any{"nonsense": 1}, "job_timeout_ms": 1}},
				[]string{"overrides.instruction", "overrides.settings.nonsense", "overrides.job_timeout_ms"},
			},
			"Unknown": {map[string]any{"ids": []uuid.UUID{job.ID}, "type": "test"}, []string{"type"}},
		} {
			require.ElementsMatch(t, c.fields, fieldsOf(b.rerun(c.body).problem(http.StatusBadRequest, wire.CodeValidation)), name)
		}
		b.rerun(map[string]any{"batch_id": uuid.New(), "filter": map[string]any{"status": []string{"failed"}}}).
			problem(http.StatusNotFound, wire.CodeBatchNotFound)
		require.Zero(t, b.count((*models.Execution)(nil)))
	})
}
