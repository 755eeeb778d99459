package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/workflows/contract"
)

func TestExecutionIsStarted(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := read[wire.Project](b.post("/api/projects", strings.Replace(shopProject, `"executor"`,
		`"defaults": {"concurrency": 4, "preset": "PATIENT", "job_timeout_ms": 9000,
		"failure_tolerance": {"max_failed_percent": 12.5, "after": 20}}, "settings": {"timeout_ms": 3000}, "executor"`, 1)), http.StatusCreated)

	t.Run("UnderTheProjectsDefaults", func(t *testing.T) {
		t.Parallel()
		batch := b.batch(p, 3)
		started := b.post(executePath(batch), `{"type": "production"}`)
		e := read[wire.Execution](started, http.StatusAccepted)
		require.Equal(t, "/api/executions/"+e.ID.String(), started.header.Get("Location"))
		require.Equal(t, "pending", e.Status)
		require.Equal(t, "production", e.Type)
		require.Equal(t, 3, e.TotalJobs)
		require.Equal(t, 4, e.Concurrency)
		require.Equal(t, "PATIENT", e.Preset)
		patient, _ := retry.Patient.Policy()
		require.Equal(t, patient, e.Retry)
		require.Equal(t, contract.WorkflowID(e.ID.String()), e.WorkflowID)
		require.Zero(t, e.SampleSize)
		percent := 12.5
		require.Equal(t, &wire.Tolerance{MaxFailedPercent: &percent, After: 20, Action: "pause"}, e.FailureTolerance)
		require.Equal(t, e, read[wire.Execution](b.get(executionPath(e)), http.StatusOK))

		row, err := b.store.Execution(t.Context(), models.DefaultOrganisationID, e.ID)
		require.NoError(t, err)
		require.Equal(t, p.Name, row.Snapshot.ProjectName)
		require.Equal(t, batch.Name, row.Snapshot.BatchName)
		require.Equal(t, p.Instruction, row.Snapshot.Instruction)
		require.Equal(t, p.Fields, row.Snapshot.Fields)
		require.JSONEq(t, `{"timeout_ms": 3000}`, string(row.Snapshot.Settings))
		require.EqualValues(t, 9000, row.Snapshot.JobTimeoutMS)
	})
	t.Run("NotWhenNobodyDoesItsJobs", func(t *testing.T) {
		t.Parallel()
		own := setup(t, nil)
		batch := own.batch(own.project(), 3)
		own.orch.unserved = map[string]bool{"fetch": true}
		refused := own.post(executePath(batch), `{"type": "production"}`).problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		require.Contains(t, refused.Detail, "fetch")
		list := read[wire.Page[wire.Execution]](own.get("/api/executions"), http.StatusOK)
		require.Empty(t, list.Data)
		own.orch.unserved = nil
		read[wire.Execution](own.post(executePath(batch), `{"type": "production"}`), http.StatusAccepted)
	})
	t.Run("UnderItsOwnSettings", func(t *testing.T) {
		t.Parallel()
		e := read[wire.Execution](b.post(executePath(b.batch(p, 30)), `{
			"type": "test", "sample_size": 7, "sample_seed": 42, "concurrency": 50,
			"failure_tolerance": {"max_failed": 0, "action": "fail"},
			"retry": {"max_attempts": 2, "initial_interval_ms": 10, "backoff_coefficient": 1.5, "max_interval_ms": 20}
		}`), http.StatusAccepted)
		require.Equal(t, 7, e.SampleSize)
		require.EqualValues(t, 42, e.SampleSeed)
		require.Equal(t, 7, e.TotalJobs)
		require.Equal(t, 50, e.Concurrency)
		require.Empty(t, e.Preset)
		none := 0
		require.Equal(t, &wire.Tolerance{MaxFailed: &none, Action: "fail"}, e.FailureTolerance)
		require.Equal(t, retry.Policy{MaxAttempts: 2, InitialIntervalMS: 10, BackoffCoefficient: 1.5, MaxIntervalMS: 20}, e.Retry)
	})
	t.Run("UnderMINOsDefaults", func(t *testing.T) {
		t.Parallel()
		e := read[wire.Execution](b.post(executePath(b.batch(b.project(), 30)), `{"type": "test"}`), http.StatusAccepted)
		require.Equal(t, 10, e.SampleSize)
		require.Equal(t, contract.DefaultConcurrency, e.Concurrency)
		require.Equal(t, "STANDARD", e.Preset)
		require.Nil(t, e.FailureTolerance)
		row, err := b.store.Execution(t.Context(), models.DefaultOrganisationID, e.ID)
		require.NoError(t, err)
		require.EqualValues(t, 120_000, row.Snapshot.JobTimeoutMS)
	})
}

func TestExecutionIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 1)
	policy := `{"max_attempts": 1, "initial_interval_ms": 1, "backoff_coefficient": 1, "max_interval_ms": 1}`
	tests := []struct {
		name   string
		body   string
		fields []string
	}{
		{"WithoutABody", ``, []string{"type"}},
		{"WithoutAType", `{}`, []string{"type"}},
		{"OfAnUnknownType", `{"type": "trial"}`, []string{"type"}},
		{"WithConcurrency0", `{"type": "test", "concurrency": 0}`, []string{"concurrency"}},
		{"WithConcurrency51", `{"type": "test", "concurrency": 51}`, []string{"concurrency"}},
		{"WithSampleSize0", `{"type": "test", "sample_size": 0}`, []string{"sample_size"}},
		{"WithSampleSize1001", `{"type": "test", "sample_size": 1001}`, []string{"sample_size"}},
		{"WithASampleForProduction", `{"type": "production", "sample_size": 5, "sample_seed": 1}`, []string{"sample_seed", "sample_size"}},
		{"WithAnUnknownPreset", `{"type": "test", "preset": "SLOW"}`, []string{"preset"}},
		{"WithABlankPreset", `{"type": "test", "preset": ""}`, []string{"preset"}},
		{"WithPresetAndRetry", `{"type": "test", "preset": "FAST", "retry": ` + policy + `}`, []string{"retry"}},
		{"WithABadRetry", `{"type": "test", "retry": {"max_attempts": 1}}`, []string{
			"retry.backoff_coefficient", "retry.initial_interval_ms", "retry.max_interval_ms",
		}},
		{"WithAToleranceThatSaysNothing", `{"type": "test", "failure_tolerance": {}}`, []string{"failure_tolerance.max_failed"}},
		{"WithAToleranceOutOfBounds", `{"type": "test", "failure_tolerance": {"max_failed": -1, "max_failed_percent": 101, "after": -1, "action": "x"}}`, []string{
			"failure_tolerance.action", "failure_tolerance.after", "failure_tolerance.max_failed", "failure_tolerance.max_failed_percent",
		}},
		{"WithAllOfIt", `{"type": "x", "concurrency": 99, "sample_size": -1, "preset": "x"}`, []string{"concurrency", "preset", "sample_size", "type"}},
		{"WithUnknownMembers", `{"type": "test", "priority": 1}`, []string{"priority"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := b.post(executePath(batch), test.body).problem(http.StatusBadRequest, wire.CodeValidation)
			require.Equal(t, test.fields, fieldsOf(p))
		})
	}
	t.Run("OfUnknownRecords", func(t *testing.T) {
		t.Parallel()
		other := b.batch(b.project(), 1)
		body := `{"type": "test"}`
		path := func(project, batch string) string {
			return "/api/projects/" + project + "/batches/" + batch + "/execute"
		}
		b.post(path(uuid.NewString(), batch.ID.String()), body).problem(http.StatusNotFound, wire.CodeProjectNotFound)
		b.post(path(batch.ProjectID.String(), uuid.NewString()), body).problem(http.StatusNotFound, wire.CodeBatchNotFound)
		b.post(path(batch.ProjectID.String(), other.ID.String()), body).problem(http.StatusNotFound, wire.CodeBatchNotFound)
		at(t, b.post(path("x", batch.ID.String()), body).problem(http.StatusBadRequest, wire.CodeInvalidParams), "id")
		at(t, b.post(path(batch.ProjectID.String(), "x"), body).problem(http.StatusBadRequest, wire.CodeInvalidParams), "batchId")
	})
	require.Zero(t, b.orch.started(), "nothing that is refused may start")
}

func TestBatchHasOneExecutionAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 2)
	e := b.execution(batch)
	p := b.post(executePath(batch), `{"type": "production"}`).problem(http.StatusConflict, wire.CodeConflict)
	require.Contains(t, p.Detail, e.ID.String())
	require.Contains(t, p.Detail, "pending")
	require.Len(t, read[wire.Page[wire.Execution]](b.get("/api/executions?batch_id="+batch.ID.String()), http.StatusOK).Data, 1)

	_, err := b.store.FinishExecution(t.Context(), models.DefaultOrganisationID, e.ID, models.ExecutionStopped, "")
	require.NoError(t, err)
	require.NotEqual(t, e.ID, b.execution(batch).ID)
}

func TestExecutionIsPromisedThoughTemporalIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 2)
	b.orch.fail(models.ErrUnavailable)
	e := b.execution(batch)
	require.Equal(t, "pending", e.Status)
	require.Len(t, b.logs.FilterMessage("an execution could not be started yet; the sweep will start it").All(), 1)

	stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, "database", stats.Source)
	require.Equal(t, "pending", stats.Status)
	require.Equal(t, 2, stats.Total)
	require.Equal(t, 2, stats.Queued)
	for _, verb := range []string{"pause", "resume", "stop"} {
		a := b.post(executionPath(e)+"/"+verb, "")
		a.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
	// When Temporal is back, control need not wait for the sweep.
	b.orch.fail(nil)
	require.Equal(t, "paused", read[wire.Stats](b.post(executionPath(e)+"/pause", ""), http.StatusOK).Status)
	require.Equal(t, 1, b.orch.started())
}

func TestExecutionIsControlled(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	e := b.execution(b.batch(b.project(), 5))
	control := func(verb string, body any) wire.Stats {
		return read[wire.Stats](b.post(executionPath(e)+"/"+verb, body), http.StatusOK)
	}
	stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, "workflow", stats.Source)
	require.Equal(t, "running", stats.Status)
	require.Equal(t, e.ID, stats.ExecutionID)
	require.Equal(t, 5, stats.Total)
	require.NotNil(t, stats.StartedAt)
	require.Nil(t, stats.Accuracy)

	require.Equal(t, "paused", control("pause", "").Status)
	require.Equal(t, "paused", control("pause", `{}`).Status)
	require.Equal(t, "running", control("resume", "").Status)
	require.Equal(t, 50, control("concurrency", `{"value": 50}`).Concurrency)
	require.Equal(t, 1, control("concurrency", `{"value": 1}`).Concurrency)
	require.Equal(t, "stopping", control("stop", "").Status)
	require.Equal(t, "stopped", control("stop", `{"mode": "cancel"}`).Status)
}

func TestControlIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	e := b.execution(b.batch(b.project(), 5))
	tests := []struct{ name, verb, body, field string }{
		{"Concurrency0", "concurrency", `{"value": 0}`, "value"},
		{"Concurrency51", "concurrency", `{"value": 51}`, "value"},
		{"NoConcurrency", "concurrency", `{}`, "value"},
		{"HalfConcurrency", "concurrency", `{"value": 1.5}`, "value"},
		{"UnknownMode", "stop", `{"mode": "now"}`, "mode"},
		{"BlankMode", "stop", `{"mode": ""}`, "mode"},
		{"UnknownMember", "pause", `{"mode": "drain"}`, "mode"},
		{"NoObject", "resume", `[]`, "body"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := b.post(executionPath(e)+"/"+test.verb, test.body).problem(http.StatusBadRequest, wire.CodeValidation)
			require.Equal(t, []string{test.field}, fieldsOf(p))
		})
	}
}

func TestEndedExecutionIsNotControlled(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	controls := map[string]string{"pause": "", "resume": "", "stop": "", "concurrency": `{"value": 3}`}
	for _, status := range []models.ExecutionStatus{models.ExecutionStopped, models.ExecutionFailed} {
		e := b.execution(b.batch(b.project(), 2))
		_, err := b.store.FinishExecution(t.Context(), models.DefaultOrganisationID, e.ID, status, "for the test")
		require.NoError(t, err)
		b.orch.end(e.ID)
		for verb, body := range controls {
			a := b.post(executionPath(e)+"/"+verb, body)
			if verb == "stop" && status == models.ExecutionStopped {
				stats := read[wire.Stats](a, http.StatusOK)
				require.Equal(t, "stopped", stats.Status)
				require.Equal(t, 2, stats.Cancelled)
				continue
			}
			require.Contains(t, a.problem(http.StatusConflict, wire.CodeConflict).Detail, string(status))
		}
		stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
		require.Equal(t, "database", stats.Source)
		require.Equal(t, 2, stats.Cancelled)
		require.NotNil(t, stats.FinishedAt)
		got := read[wire.Execution](b.get(executionPath(e)), http.StatusOK)
		require.Equal(t, "for the test", got.Reason)
	}
}

func TestRunThatWasTerminatedIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	e := b.execution(b.batch(b.project(), 2))
	_, err := b.store.BeginExecution(t.Context(), models.DefaultOrganisationID, e.ID, e.WorkflowID)
	require.NoError(t, err)
	// The row says running, but there is no run: somebody terminated it.
	b.orch.end(e.ID)
	b.post(executionPath(e)+"/pause", "").problem(http.StatusConflict, wire.CodeConflict)
	stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, "database", stats.Source)
	require.Equal(t, "running", stats.Status)
	require.Equal(t, 1, b.orch.started(), "a run that began is not started again")
}

func TestOrchestratorsFaultsAreNotShown(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	e := b.execution(b.batch(b.project(), 2))
	b.orch.fail(errors.New("secret: the payload cannot be decoded"))
	for _, a := range []*answer{b.post(executionPath(e)+"/pause", ""), b.get(executionPath(e) + "/stats")} {
		a.problem(http.StatusInternalServerError, wire.CodeExecutionFailed)
		require.NotContains(t, string(a.body), "secret")
	}
}

func TestExecutionsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p, other := b.project(), b.project()
	first, second, third := b.execution(b.batch(p, 1)), b.execution(b.batch(p, 1)), b.execution(b.batch(other, 1))
	_, err := b.store.FinishExecution(t.Context(), models.DefaultOrganisationID, first.ID, models.ExecutionStopped, "")
	require.NoError(t, err)
	list := func(query string) (ids []uuid.UUID, pagination wire.Pagination) {
		page := read[wire.Page[wire.Execution]](b.get("/api/executions"+query), http.StatusOK)
		for _, e := range page.Data {
			ids = append(ids, e.ID)
		}
		return ids, page.Pagination
	}
	all, _ := list("")
	require.Equal(t, []uuid.UUID{third.ID, second.ID, first.ID}, all)
	ofProject, _ := list("?project_id=" + p.ID.String())
	require.Equal(t, []uuid.UUID{second.ID, first.ID}, ofProject)
	ofBatch, _ := list("?batch_id=" + first.BatchID.String())
	require.Equal(t, []uuid.UUID{first.ID}, ofBatch)
	stopped, _ := list("?status=stopped&status=failed")
	require.Equal(t, []uuid.UUID{first.ID}, stopped)
	head, pagination := list("?status=stopped,pending&limit=2&include_total=true")
	require.Equal(t, []uuid.UUID{third.ID, second.ID}, head)
	require.EqualValues(t, 3, *pagination.Total)
	// The same filters in another order are the same list.
	rest, _ := list("?status=pending&status=stopped&limit=2&cursor=" + pagination.NextCursor)
	require.Equal(t, []uuid.UUID{first.ID}, rest)
}
