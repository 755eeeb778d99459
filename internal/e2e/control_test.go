package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/workflows/contract"
)

func priceProject() wire.ProjectRequest {
	return wire.ProjectRequest{
		Instruction: "The price.", Executor: "fetch",
		Fields:   []field.Field{{Name: "price", Type: field.TypeMoney}},
		Settings: []byte(`{"timeout_ms": 60000}`),
	}
}

func withConcurrency(n int) func(*wire.ExecuteRequest) {
	return func(r *wire.ExecuteRequest) { r.Concurrency = &n }
}

// eventually waits for a condition of a site.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 60*time.Second, 10*time.Millisecond, "%s", what)
}

func TestControl(t *testing.T) {
	t.Parallel()

	t.Run("PausesResumesChangesConcurrencyAndDrains", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{activities: activities.Config{JobsPerChunk: 12}}), newSite(t)
		e := s.execute(s.upload(s.project(priceProject()), web.csv(40)), withConcurrency(5))
		eventually(t, "five jobs run", func() bool { return web.inFlight() == 5 })

		stats, err := s.client.Pause(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, "paused", stats.Status)
		again, err := s.client.Pause(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, "paused", again.Status)
		web.letGo(5)
		s.await(e, "running jobs finish", func(stats wire.Stats) bool { return stats.Completed == 5 && stats.Running == 0 })
		hits, _ := web.requests()
		require.Equal(t, 5, hits, "nothing starts after the pause was acknowledged")

		stats, err = s.client.SetConcurrency(t.Context(), e.ID, 7)
		require.NoError(t, err)
		require.Equal(t, 7, stats.Concurrency)
		stats, err = s.client.Resume(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, "running", stats.Status)
		eventually(t, "seven jobs run", func() bool { return web.holds(12, 7) })

		_, err = s.client.SetConcurrency(t.Context(), e.ID, 2)
		require.NoError(t, err)
		web.letGo(7) // the run continues as new after the twelfth
		eventually(t, "two jobs run", func() bool { return web.holds(14, 2) })
		row, err := s.client.Execution(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, "running", row.Status)

		stats, err = s.client.Stop(t.Context(), e.ID, "drain")
		require.NoError(t, err)
		require.Equal(t, "stopping", stats.Status)
		web.letGo(2)
		final := s.ended(e)
		require.Equal(t, "stopped", final.Status)
		require.Equal(t, 14, final.Completed, "what ran has finished")
		require.Equal(t, 26, final.Cancelled)
		rig.RequireSound(t, s.db, e.ID)
		s.requireReplays(e)

		stats, err = s.client.Stop(t.Context(), e.ID, "drain")
		require.NoError(t, err, "stopping what has stopped is nothing")
		require.Equal(t, "stopped", stats.Status)
		_, err = s.client.Resume(t.Context(), e.ID)
		requireProblem(t, err, http.StatusConflict, "CONFLICT")
	})

	t.Run("CancelsRunningJobsWithinSeconds", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{activities: activities.Config{HeartbeatInterval: 200 * time.Millisecond}}), newSite(t)
		e := s.execute(s.upload(s.project(priceProject()), web.csv(20)), withConcurrency(4))
		eventually(t, "four jobs run", func() bool { return web.inFlight() == 4 })
		_, err := s.client.Stop(t.Context(), e.ID, "cancel")
		require.NoError(t, err)
		final := s.ended(e)
		require.Equal(t, "stopped", final.Status)
		require.Equal(t, 20, final.Cancelled)
		eventually(t, "the requests are given up", func() bool { return web.abandoned() == 4 })
		rig.RequireSound(t, s.db, e.ID)
		s.requireReplays(e)
	})

	t.Run("RefusesWhatMakesNoSense", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{}), newSite(t)
		p := s.project(priceProject())
		b := s.upload(p, web.csv(5))
		for _, n := range []int{0, 51} {
			_, err := s.client.Execute(t.Context(), p.ID, b.ID, wire.ExecuteRequest{Type: "production", Concurrency: &n})
			requireProblem(t, err, http.StatusBadRequest, "VALIDATION_ERROR", "concurrency")
		}
		e := s.execute(b, withConcurrency(2))
		for _, n := range []int{0, 51} {
			_, err := s.client.SetConcurrency(t.Context(), e.ID, n)
			requireProblem(t, err, http.StatusBadRequest, "VALIDATION_ERROR", "value")
		}
		_, err := s.client.Execute(t.Context(), p.ID, b.ID, wire.ExecuteRequest{Type: "production"})
		requireProblem(t, err, http.StatusConflict, "CONFLICT")
		_, err = s.client.Execute(t.Context(), uuid.New(), b.ID, wire.ExecuteRequest{Type: "production"})
		requireProblem(t, err, http.StatusNotFound, "PROJECT_NOT_FOUND")
		_, err = s.client.Pause(t.Context(), uuid.New())
		requireProblem(t, err, http.StatusNotFound, "EXECUTION_NOT_FOUND")
		web.release()
		require.Equal(t, 5, s.ended(e).Completed)
		rig.RequireSound(t, s.db, e.ID)
	})
}

// requireProblem requires a refusal with a code, naming fields.
func requireProblem(t *testing.T, err error, status int, code string, fields ...string) {
	t.Helper()
	var refusal *client.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, status, refusal.Status)
	require.Equal(t, code, refusal.Problem.Code)
	for _, name := range fields {
		require.Condition(t, func() bool {
			for _, e := range refusal.Problem.Errors {
				if e.Field == name {
					return true
				}
			}
			return false
		}, "%s is named in %+v", name, refusal.Problem.Errors)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()

	t.Run("StartsWhatWasWrittenAndNeverStarted", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{sweep: true}), newSite(t)
		web.release()
		b := s.upload(s.project(priceProject()), web.csv(3))
		policy, _ := retry.Fast.Policy()
		// As the API leaves it when it dies between the row and the workflow.
		row := &models.Execution{
			ID: models.NewID(), OrganisationID: models.DefaultOrganisationID, ProjectID: b.ProjectID, BatchID: b.ID,
			Type: models.ExecutionProduction, Concurrency: 2, Retry: policy,
			Snapshot: models.Snapshot{
				ProjectName: "p", BatchName: "b", Executor: "fetch", JobTimeoutMS: 30_000, Settings: []byte(`{}`),
				Fields: []field.Field{{Name: "price", Type: field.TypeMoney}},
			},
		}
		require.NoError(t, s.store.CreateExecution(t.Context(), row))
		stats := s.ended(wire.Execution{ID: row.ID})
		require.Equal(t, "completed", stats.Status)
		require.Equal(t, 3, stats.Completed)
		rig.RequireSound(t, s.db, row.ID)
		require.NoError(t, s.sweeper.Start(t.Context(), row), "starting twice is starting once")
		total, _ := web.requests()
		require.Equal(t, 3, total)
	})

	t.Run("EndsWhatAnOperatorTerminated", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{sweep: true, activities: activities.Config{HeartbeatInterval: 100 * time.Millisecond}}), newSite(t)
		b := s.upload(s.project(priceProject()), web.csv(9))
		e := s.execute(b, withConcurrency(3))
		eventually(t, "three jobs run", func() bool { return web.holds(3, 3) })
		require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), contract.WorkflowID(e.ID.String()), "", "by an operator"))
		stats := s.ended(e)
		require.Equal(t, "failed", stats.Status)
		require.Equal(t, 9, stats.Cancelled)
		row, err := s.client.Execution(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, "the workflow is Terminated", row.Reason)
		eventually(t, "the requests are given up", func() bool { return web.abandoned() == 3 })
		rig.RequireSound(t, s.db, e.ID)

		web.release()
		require.Equal(t, 9, s.ended(s.execute(b, nil)).Completed, "the batch is free for another run")
	})

	t.Run("LetsGoOfWhatTemporalDoesNotKnow", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{}), newSite(t)
		b := s.upload(s.project(priceProject()), web.csv(4))
		e := s.execute(b, withConcurrency(2))
		eventually(t, "two jobs run", func() bool { return web.holds(2, 2) })
		id := contract.WorkflowID(e.ID.String())
		require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), id, "", "by an operator"))
		_, err := s.client.Resume(t.Context(), e.ID)
		requireProblem(t, err, http.StatusConflict, "CONFLICT")
		stats, err := s.client.Stop(t.Context(), e.ID, "drain")
		require.NoError(t, err)
		require.Equal(t, "stopped", stats.Status)
		require.Equal(t, 4, stats.Cancelled)
		rig.RequireSound(t, s.db, e.ID)
	})
}
