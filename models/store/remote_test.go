package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
)

func reference() string { return "mino-" + uuid.NewString() }

// orphans are the runs of the fixture's executor that the sweep would be given now.
func (f *fixture) orphans(t *testing.T, again time.Duration) []models.RemoteRun {
	t.Helper()
	runs, err := f.store.OrphanedRuns(t.Context(), []string{f.project.Executor}, again, 10)
	require.NoError(t, err)
	return runs
}

func (f *fixture) runs(t *testing.T) (runs []models.RemoteRun) {
	t.Helper()
	require.NoError(t, f.db.NewSelect().Model(&runs).OrderExpr("announced_at, reference").Scan(t.Context()))
	return runs
}

func TestRemoteRuns(t *testing.T) {
	t.Parallel()

	t.Run("An announced run is the next attempt's until it has ended", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		first := f.begin(t, 0)
		require.Nil(t, first.Remote)
		announced := reference()
		require.NoError(t, f.store.Announce(t.Context(), first, announced))
		require.NoError(t, f.store.Announce(t.Context(), first, announced), "the answer to the first was lost")

		second := f.begin(t, 0)
		require.Equal(t, announced, second.Remote.Reference)
		require.Empty(t, second.Remote.RunID, "the first attempt died before it knew")
		require.GreaterOrEqual(t, second.Remote.Age, time.Duration(0))
		require.NoError(t, f.store.Checkpoint(t.Context(), second, "run-1"))

		require.NoError(t, f.store.FailAttempt(t.Context(), second, store.Failure{Class: failure.Network, Code: "NETWORK", Retry: true}))
		third := f.begin(t, 0)
		require.Equal(t, "run-1", third.Remote.RunID, "the attempt failed, not the run")
		require.Equal(t, "run-1", f.sessions(t, 0)[0].RemoteRunID)
		require.Empty(t, f.orphans(t, 0))

		require.NoError(t, f.store.FailAttempt(t.Context(), third, store.Failure{
			Class: failure.Transient, Code: "TASK_FAILED", Retry: true, Used: store.Used{RemoteEnded: true},
		}))
		fourth := f.begin(t, 0)
		require.Nil(t, fourth.Remote)
		require.Len(t, f.runs(t), 1)
		require.NotNil(t, f.runs(t)[0].EndedAt)
	})

	t.Run("A stale attempt announces nothing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		stale := f.begin(t, 0)
		f.begin(t, 0)
		require.ErrorIs(t, f.store.Announce(t.Context(), stale, reference()), models.ErrStaleAttempt)
		require.Empty(t, f.runs(t))
	})

	t.Run("Whoever takes a job over sees what was announced at the same moment", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		for range 20 {
			first := f.begin(t, 0)
			var announcing sync.WaitGroup
			var announceErr error
			announcing.Go(func() {
				announceErr = f.store.Announce(context.WithoutCancel(t.Context()), first, reference())
			})
			second := f.begin(t, 0)
			announcing.Wait()
			if announceErr != nil {
				require.ErrorIs(t, announceErr, models.ErrStaleAttempt)
				continue
			}
			require.NotNil(t, second.Remote)
		}
	})

	t.Run("A result ends the run with it", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		require.NoError(t, f.store.Announce(t.Context(), a, reference()))
		result := success(true)
		result.RemoteEnded, result.Steps, result.CostMicros, result.CostCurrency = true, 12, 192_000, "USD"
		require.NoError(t, f.store.CompleteAttempt(t.Context(), a, result))
		require.NotNil(t, f.runs(t)[0].EndedAt)
		require.Equal(t, int64(192_000), f.job(t, 0).CostMicros)
		require.Equal(t, 12, f.sessions(t, 0)[0].Steps)
	})

	t.Run("Announcing another run abandons the one before", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		old := reference()
		require.NoError(t, f.store.Announce(t.Context(), a, old))
		require.NoError(t, f.store.Announce(t.Context(), a, reference()))
		orphans := f.orphans(t, time.Minute)
		require.Len(t, orphans, 1, "though its job is alive")
		require.Equal(t, old, orphans[0].Reference)
		require.Empty(t, f.orphans(t, time.Minute), "it is being looked at")
	})
}

func TestOrphanedRuns(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*testing.T, *fixture, *store.Attempt){
		"Lost": func(t *testing.T, f *fixture, a *store.Attempt) {
			t.Helper()
			_, err := f.store.RecordLost(t.Context(), a.OrganisationID, a.ExecutionID, a.JobID, models.JobFailed,
				store.Failure{Class: failure.Transient, Code: store.CodeWorkerLost})
			require.NoError(t, err)
		},
		"Cancelled": func(t *testing.T, f *fixture, a *store.Attempt) {
			t.Helper()
			require.NoError(t, f.store.CancelAttempt(t.Context(), a, store.Used{}))
		},
		"Finished": func(t *testing.T, f *fixture, a *store.Attempt) {
			t.Helper()
			_, err := f.store.FinishExecution(t.Context(), a.OrganisationID, a.ExecutionID, models.ExecutionStopped, "")
			require.NoError(t, err)
		},
	}
	for name, end := range ends {
		t.Run("A run whose job has ended is settled, and paid for: "+name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			a := f.begin(t, 0)
			require.NoError(t, f.store.Announce(t.Context(), a, reference()))
			require.NoError(t, f.store.Checkpoint(t.Context(), a, "run-1"))
			require.Empty(t, f.orphans(t, 0))
			end(t, f, a)
			orphans := f.orphans(t, 0)
			require.Len(t, orphans, 1)
			settlement := store.Settlement{Status: "COMPLETED", Steps: 3, CostMicros: 48_000, CostCurrency: "USD"}
			require.NoError(t, f.store.SettleRun(t.Context(), &orphans[0], settlement))
			require.NoError(t, f.store.SettleRun(t.Context(), &orphans[0], settlement), "a second time adds nothing")
			require.Empty(t, f.orphans(t, 0))
			require.Equal(t, int64(48_000), f.sessions(t, 0)[0].CostMicros)
			require.Equal(t, int64(48_000), f.job(t, 0).CostMicros)
			_, err := f.store.FinishExecution(t.Context(), a.OrganisationID, a.ExecutionID, models.ExecutionStopped, "")
			require.NoError(t, err)
			tally, err := f.store.Tally(t.Context(), a.OrganisationID, a.ExecutionID)
			require.NoError(t, err)
			require.Equal(t, int64(48_000), tally.CostMicros)
			require.Equal(t, 3, tally.Steps)
			require.Equal(t, "USD", tally.CostCurrency)
		})
	}

	t.Run("Only those of executors that are here", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		require.NoError(t, f.store.Announce(t.Context(), a, reference()))
		require.NoError(t, f.store.CancelAttempt(t.Context(), a, store.Used{}))
		runs, err := f.store.OrphanedRuns(t.Context(), []string{"another"}, 0, 10)
		require.NoError(t, err)
		require.Empty(t, runs)
		require.Len(t, f.orphans(t, 0), 1)
	})

	t.Run("It outlives its job", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		require.NoError(t, f.store.Announce(t.Context(), a, reference()))
		_, err := f.store.FinishExecution(t.Context(), a.OrganisationID, a.ExecutionID, models.ExecutionStopped, "")
		require.NoError(t, err)
		require.NoError(t, f.store.DeleteBatch(t.Context(), a.OrganisationID, f.batch.ID, true, nil))
		orphans := f.orphans(t, 0)
		require.Len(t, orphans, 1)
		require.NoError(t, f.store.SettleRun(t.Context(), &orphans[0], store.Settlement{Status: "CANCELLED", CostMicros: 1}))
		require.Empty(t, f.orphans(t, 0))
	})
}

func TestPutBack(t *testing.T) {
	t.Parallel()
	broke := store.Failure{Class: failure.Permanent, Code: "INSUFFICIENT_CREDITS", Message: "there are no credits"}

	t.Run("The job is queued again and no attempt is counted", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		first := f.begin(t, 0)
		require.NoError(t, f.store.FailAttempt(t.Context(), first, store.Failure{Class: failure.Timeout, Code: "X", Retry: true}))
		second := f.begin(t, 0)
		require.NoError(t, f.store.PutBack(t.Context(), second, broke))
		require.NoError(t, f.store.PutBack(t.Context(), second, broke), "the answer to the first was lost")
		job := f.job(t, 0)
		require.Equal(t, models.JobQueued, job.Status)
		session := f.sessions(t, 0)[0]
		require.Equal(t, models.SessionCancelled, session.Status)
		require.Equal(t, broke.Code, session.ErrorCode)

		third := f.begin(t, 0)
		require.Equal(t, 3, third.Number)
		require.Equal(t, 1, third.Failed, "what failed before still counts")
		require.Zero(t, third.Lost)
		require.ErrorIs(t, f.store.PutBack(t.Context(), first, broke), models.ErrStaleAttempt)
		require.NoError(t, f.store.CompleteAttempt(t.Context(), third, success(true)))
	})

	t.Run("It is held while the execution is paused", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		require.NoError(t, f.store.PutBack(t.Context(), f.begin(t, 0), broke))
		e := f.execution
		require.NoError(t, f.store.RecordState(t.Context(), e.OrganisationID, e.ID, models.ExecutionPaused, 10, "broke"))
		_, _, err := f.store.BeginAttempt(t.Context(), e.OrganisationID, e.ID, f.jobs[0].ID, "worker-1")
		require.ErrorIs(t, err, models.ErrHeld)
		require.NoError(t, f.store.RecordState(t.Context(), e.OrganisationID, e.ID, models.ExecutionRunning, 10, ""))
		require.Equal(t, 2, f.begin(t, 0).Number)
	})
}
