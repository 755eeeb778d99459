package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// began begins an execution of a batch.
func (b *bundle) began(batch wire.Batch) wire.Execution {
	b.t.Helper()
	e := b.execution(batch)
	_, err := b.store.BeginExecution(b.t.Context(), models.DefaultOrganisationID, e.ID, e.WorkflowID)
	require.NoError(b.t, err)
	return e
}

// attempt begins the next attempt at a job.
func (b *bundle) attempt(e wire.Execution, job uuid.UUID) *store.Attempt {
	b.t.Helper()
	a, _, err := b.store.BeginAttempt(b.t.Context(), models.DefaultOrganisationID, e.ID, job, "worker-1")
	require.NoError(b.t, err)
	return a
}

func (b *bundle) complete(a *store.Attempt, verdict scoring.Verdict, note string, used store.Used) {
	b.t.Helper()
	require.NoError(b.t, b.store.CompleteAttempt(b.t.Context(), a, store.Success{
		Result: map[string]any{"price": "10"}, Score: scoring.Score{Verdict: verdict}, Note: note, Used: used,
	}))
}

func TestStepsAndCostsAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 3)
	e := b.began(batch)
	jobs := b.jobs(batch, "")
	used := func(steps int, micros int64) store.Used {
		return store.Used{Steps: steps, CostMicros: micros, CostCurrency: "USD"}
	}
	require.NoError(t, b.store.FailAttempt(t.Context(), b.attempt(e, jobs[0].ID), store.Failure{
		Class: failure.Timeout, Code: "TIMEOUT", Message: "too slow", Retry: true, Used: used(3, 48_000),
	}))
	b.complete(b.attempt(e, jobs[0].ID), scoring.Unverified, "", used(4, 64_000))
	b.complete(b.attempt(e, jobs[1].ID), scoring.Unverified, "", used(1, 16_000))

	job := read[wire.Job](b.get("/api/jobs/"+jobs[0].ID.String()), http.StatusOK)
	require.Equal(t, []any{7, int64(112_000), "USD"}, []any{job.Steps, job.CostMicros, job.CostCurrency})
	require.Equal(t, []any{4, int64(64_000), "USD"}, []any{job.Sessions[0].Steps, job.Sessions[0].CostMicros, job.Sessions[0].CostCurrency})
	require.Equal(t, []any{3, int64(48_000), "USD"}, []any{job.Sessions[1].Steps, job.Sessions[1].CostMicros, job.Sessions[1].CostCurrency})
	untried := b.jobs(batch, "")[2]
	require.Equal(t, []any{0, int64(0), ""}, []any{untried.Steps, untried.CostMicros, untried.CostCurrency})

	// The live run says what it has summed up; here it is the rows that are counted.
	b.orch.end(e.ID)
	stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, []any{8, int64(128_000), "USD"}, []any{stats.Steps, stats.CostMicros, stats.CostCurrency})
	require.Zero(t, read[wire.Execution](b.get(executionPath(e)), http.StatusOK).Steps, "it has not ended")
	b.finish(e)
	ended := read[wire.Execution](b.get(executionPath(e)), http.StatusOK)
	require.Equal(t, []any{8, int64(128_000), "USD"}, []any{ended.Steps, ended.CostMicros, ended.CostCurrency})
	listed := read[wire.Page[wire.Execution]](b.get("/api/executions"), http.StatusOK).Data
	require.Equal(t, []wire.Execution{ended}, listed)

	csv := readCSV(t, b.get("/api/batches/"+batch.ID.String()+"/export?columns=row,steps,cost").is(http.StatusOK).body)
	require.Equal(t, []string{"7", "1", "0"}, csv.column(t, "steps"))
	csv = readCSV(t, b.get(executionPath(e)+"/sessions/export?columns=row,attempt,steps").is(http.StatusOK).body)
	require.Equal(t, []string{"3", "4", "1"}, csv.column(t, "steps"))
}

func TestLiveRunTellsStepsAndCosts(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	e := b.execution(b.batch(b.project(), 1))
	b.orch.tell(e.ID, 5, 80_000, "USD")
	stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, "workflow", stats.Source)
	require.Equal(t, []any{5, int64(80_000), "USD"}, []any{stats.Steps, stats.CostMicros, stats.CostCurrency})
}

// TestVerdictsOnPages are those that say that a page was not the page, or not enough.
func TestVerdictsOnPages(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	verdicts := []scoring.Verdict{scoring.Blocked, scoring.Empty, scoring.SchemaInvalid}
	batch := b.batch(b.project(), len(verdicts))
	e := b.began(batch)
	jobs := b.jobs(batch, "")
	for i, verdict := range verdicts {
		b.complete(b.attempt(e, jobs[i].ID), verdict, "because of "+string(verdict), store.Used{})
	}
	b.finish(e)
	b.orch.end(e.ID)
	stats := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, map[string]int{"blocked": 1, "empty": 1, "schema_invalid": 1}, stats.Verdicts)
	for i, verdict := range verdicts {
		found := b.jobs(batch, "?verdict="+string(verdict))
		require.Len(t, found, 1)
		require.Equal(t, jobs[i].ID, found[0].ID)
		require.Equal(t, string(verdict), found[0].Verdict)
		session := read[wire.Job](b.get("/api/jobs/"+jobs[i].ID.String()), http.StatusOK).Sessions[0]
		require.Equal(t, string(verdict), session.Verdict)
		require.Equal(t, "because of "+string(verdict), session.VerdictNote)
		csv := readCSV(t, b.get("/api/batches/"+batch.ID.String()+"/export?columns=row,verdict&verdict="+string(verdict)).is(http.StatusOK).body)
		require.Equal(t, [][]string{{strconv.Itoa(i + 1), string(verdict)}}, csv.rows)
	}
	csv := readCSV(t, b.get(executionPath(e)+"/sessions/export?columns=verdict,verdict_note").is(http.StatusOK).body)
	require.Equal(t, []string{"because of blocked", "because of empty", "because of schema_invalid"}, csv.column(t, "verdict_note"))
}

func TestSessionHasAScreenshot(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 5)
	e := b.began(batch)
	jobs := b.jobs(batch, "")
	picture := []byte("\x89PNG\r\n\x1a\nnot much of a picture")
	for i, test := range []struct{ name, kind, served, extension string }{
		{"PNG", "image/png", "image/png", "png"},
		{"JPEG", "image/jpeg", "image/jpeg", "jpg"},
		{"WebP", "image/webp", "image/webp", "webp"},
		{"AnythingElse", "text/html", "application/octet-stream", "bin"},
	} {
		a := b.attempt(e, jobs[i].ID)
		require.NoError(t, b.store.KeepFiles(t.Context(), a, []models.SessionFile{
			{Kind: executors.KindScreenshot, ContentType: test.kind, Data: picture},
		}))
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := "/api/sessions/" + a.SessionID.String()
			got := b.get(path + "/screenshot").is(http.StatusOK)
			require.Equal(t, picture, got.body)
			require.Equal(t, test.served, got.header.Get("Content-Type"))
			require.Equal(t, `inline; filename="screenshot-`+a.SessionID.String()+`.`+test.extension+`"`, got.header.Get("Content-Disposition"))
			require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
			require.Equal(t, "sandbox", got.header.Get("Content-Security-Policy"))
			again := b.request(http.MethodGet, path+"/screenshot", "", nil)
			again.Header.Set("If-None-Match", `"other", `+got.header.Get("ETag"))
			require.Empty(t, b.send(again).is(http.StatusNotModified).body)

			session := read[wire.Session](b.get(path), http.StatusOK)
			require.Equal(t, []string{"screenshot"}, session.Files)
			require.Equal(t, session, read[wire.Job](b.get("/api/jobs/"+jobs[i].ID.String()), http.StatusOK).Sessions[0])
			listed := read[wire.Page[wire.Session]](b.get("/api/jobs/"+jobs[i].ID.String()+"/sessions"), http.StatusOK)
			require.Equal(t, []wire.Session{session}, listed.Data)
			require.Contains(t, read[wire.Page[wire.Session]](b.get(executionPath(e)+"/sessions"), http.StatusOK).Data, session)
		})
	}
	t.Run("OrNone", func(t *testing.T) {
		t.Parallel()
		path := "/api/sessions/" + b.attempt(e, jobs[4].ID).SessionID.String()
		require.Nil(t, read[wire.Session](b.get(path), http.StatusOK).Files)
		b.get(path+"/screenshot").problem(http.StatusNotFound, wire.CodeNotFound)
		none := "/api/sessions/" + uuid.NewString()
		b.get(none).problem(http.StatusNotFound, wire.CodeNotFound)
		b.get(none+"/screenshot").problem(http.StatusNotFound, wire.CodeNotFound)
		at(t, b.get("/api/sessions/x").problem(http.StatusBadRequest, wire.CodeInvalidParams), "id")
		at(t, b.get(path+"/screenshot?size=1").problem(http.StatusBadRequest, wire.CodeInvalidParams), "size")
	})
}
