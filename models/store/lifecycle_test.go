package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, workflowID string) (*store.Store, *models.Execution) {
		t.Helper()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		return s, testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 1, nil), func(e *models.Execution) { e.WorkflowID = workflowID })
	}

	t.Run("IsWhoeversComesFirstAndThenTheirsForGood", func(t *testing.T) {
		t.Parallel()
		s, e := setup(t, "")
		for range 2 {
			begun, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, "nightly")
			require.NoError(t, err)
			require.Equal(t, models.ExecutionRunning, begun.Status)
			require.Equal(t, "nightly", begun.Workflow())
			require.NotNil(t, begun.StartedAt)
		}
		_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, models.DefaultWorkflowID(e.ID))
		require.ErrorIs(t, err, models.ErrClaimed)
		require.ErrorIs(t, err, models.ErrConflict)
		n, err := s.SequenceEvents(t.Context(), e.ID)
		require.NoError(t, err)
		require.Equal(t, 1, n, "it started once")
	})

	t.Run("IsTheWorkflowsThatItWasMadeFor", func(t *testing.T) {
		t.Parallel()
		s, e := setup(t, "nightly")
		_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, "weekly")
		require.ErrorIs(t, err, models.ErrClaimed)
		_, err = s.BeginExecution(t.Context(), e.OrganisationID, e.ID, models.DefaultWorkflowID(e.ID))
		require.ErrorIs(t, err, models.ErrClaimed)
		stays, err := s.Execution(t.Context(), e.OrganisationID, e.ID)
		require.NoError(t, err)
		require.Equal(t, models.ExecutionPending, stays.Status)
		_, err = s.BeginExecution(t.Context(), e.OrganisationID, e.ID, "nightly")
		require.NoError(t, err)
	})

	t.Run("IsTheDefaultWorkflowsWhenItRunsUnclaimed", func(t *testing.T) {
		t.Parallel()
		s, e := setup(t, "")
		require.NoError(t, s.RecordState(t.Context(), e.OrganisationID, e.ID, models.ExecutionRunning, 10, ""))
		_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, "nightly")
		require.ErrorIs(t, err, models.ErrClaimed)
		begun, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, models.DefaultWorkflowID(e.ID))
		require.NoError(t, err)
		require.Equal(t, models.DefaultWorkflowID(e.ID), begun.WorkflowID)
	})

	t.Run("RefusesAWorkflowThatRunsAnotherExecution", func(t *testing.T) {
		t.Parallel()
		s, e := setup(t, "nightly")
		p, err := s.Project(t.Context(), e.OrganisationID, e.ProjectID)
		require.NoError(t, err)
		other := testfactory.NewExecution(p, testfactory.Batch(t, s, p, 1, nil))
		other.WorkflowID = "nightly"
		require.ErrorIs(t, s.CreateExecution(t.Context(), other), models.ErrClaimed)
		other.WorkflowID = ""
		require.NoError(t, s.CreateExecution(t.Context(), other))
		_, err = s.BeginExecution(t.Context(), e.OrganisationID, other.ID, "nightly")
		require.ErrorIs(t, err, models.ErrClaimed)
	})

	t.Run("IsOneWorkflowsWhenManyTry", func(t *testing.T) {
		t.Parallel()
		s, e := setup(t, "")
		const racers = 8
		errs := make(chan error, racers)
		for i := range racers {
			go func() {
				_, err := s.BeginExecution(context.WithoutCancel(t.Context()), e.OrganisationID, e.ID, "workflow-"+string(rune('a'+i)))
				errs <- err
			}()
		}
		won := 0
		for range racers {
			if err := <-errs; err == nil {
				won++
			} else {
				require.ErrorIs(t, err, models.ErrClaimed)
			}
		}
		require.Equal(t, 1, won)
	})

	t.Run("FindsNoExecutionThatIsNotThere", func(t *testing.T) {
		t.Parallel()
		s, e := setup(t, "")
		_, err := s.BeginExecution(t.Context(), models.NewID(), e.ID, e.Workflow())
		require.ErrorIs(t, err, models.ErrExecutionNotFound)
	})
}

func TestReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	org, id := f.execution.OrganisationID, f.execution.ID
	reason := func() string {
		e, err := f.store.Execution(t.Context(), org, id)
		require.NoError(t, err)
		return e.Reason
	}
	require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionPaused, 10, "12 of 40 jobs failed"))
	require.Equal(t, "12 of 40 jobs failed", reason())
	require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionRunning, 10, "12 of 40 jobs failed"))
	require.Empty(t, reason(), "a running execution needs none")
	_, err := f.store.FinishExecution(t.Context(), org, id, models.ExecutionFailed, "the end")
	require.NoError(t, err)
	require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionPaused, 10, "late"))
	require.Equal(t, "the end", reason())
}

func TestHold(t *testing.T) {
	t.Parallel()

	t.Run("KeepsFirstAttemptsBackAndLetsOthersGoOn", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org, id := f.execution.OrganisationID, f.execution.ID
		again := f.begin(t, 0)
		require.NoError(t, f.store.FailAttempt(t.Context(), again, store.Failure{Class: failure.Timeout, Retry: true}))
		require.NoError(t, f.store.CompleteAttempt(t.Context(), f.begin(t, 1), success(true)))
		for _, status := range []models.ExecutionStatus{models.ExecutionPaused, models.ExecutionStopping} {
			require.NoError(t, f.store.RecordState(t.Context(), org, id, status, 10, ""))
			_, _, err := f.store.BeginAttempt(t.Context(), org, id, f.jobs[2].ID, "w")
			require.ErrorIs(t, err, models.ErrHeld)
			require.NotErrorIs(t, err, models.ErrConflict)
			require.Equal(t, models.JobQueued, f.job(t, 2).Status)
			require.Empty(t, f.sessions(t, 2))
			f.begin(t, 0)
			_, ended, err := f.store.BeginAttempt(t.Context(), org, id, f.jobs[1].ID, "w")
			require.NoError(t, err)
			require.Equal(t, models.JobCompleted, ended.Status)
		}
		require.Equal(t, 3, f.job(t, 0).Attempt)
	})

	t.Run("EndsWithThePause", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org, id := f.execution.OrganisationID, f.execution.ID
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionPaused, 10, ""))
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionRunning, 10, ""))
		require.Equal(t, 1, f.begin(t, 0).Number)
	})

	// Many begin while the execution is paused: once the pause is written, no job begins.
	t.Run("IsStrict", func(t *testing.T) {
		t.Parallel()
		const rows, workers, rounds = 2_000, 12, 6
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, rows, nil), nil)
		begun(t, s, e)
		ctx := context.WithoutCancel(t.Context())
		running := func() int {
			n, err := s.CountJobs(ctx, e.OrganisationID, models.JobFilter{ExecutionID: e.ID, Status: []models.JobStatus{models.JobRunning}})
			require.NoError(t, err)
			return int(n)
		}
		held := 0
		for round := range rounds {
			jobs := queued(t, s, e, rows)
			next := make(chan models.Job, len(jobs))
			for _, j := range jobs {
				next <- j
			}
			close(next)
			results, some := make(chan error, workers), make(chan struct{}, rows)
			for range workers {
				go func() {
					for j := range next {
						if _, _, err := s.BeginAttempt(ctx, e.OrganisationID, e.ID, j.ID, "worker"); err != nil {
							results <- err
							return
						}
						some <- struct{}{}
					}
					results <- nil
				}()
			}
			for range min(10+round, len(jobs)) {
				<-some
			}
			asked := time.Now()
			require.NoError(t, s.RecordState(ctx, e.OrganisationID, e.ID, models.ExecutionPaused, 10, ""))
			atThePause := running()
			t.Log("the pause took", time.Since(asked), "with", atThePause, "begun")
			for range workers {
				if err := <-results; err != nil {
					require.ErrorIs(t, err, models.ErrHeld)
					held++
				}
			}
			require.Equal(t, atThePause, running(), "a job began after the pause was written")
			require.NoError(t, s.RecordState(ctx, e.OrganisationID, e.ID, models.ExecutionRunning, 10, ""))
		}
		require.NotZero(t, held, "nobody met the pause")
	})
}
