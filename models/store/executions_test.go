package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

func TestCreateExecution(t *testing.T) {
	t.Parallel()

	t.Run("TakesEveryJobOfTheBatch", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		require.Equal(t, 3, f.execution.TotalJobs)
		for i := range f.jobs {
			require.Equal(t, f.execution.ID, *f.job(t, i).ExecutionID)
		}
	})

	t.Run("RefusesASecondOneUntilTheFirstHasEnded", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		second := testfactory.NewExecution(f.project, f.batch)
		require.ErrorIs(t, f.store.CreateExecution(t.Context(), second), models.ErrBatchBusy)
		_, err := f.store.Execution(t.Context(), second.OrganisationID, second.ID)
		require.ErrorIs(t, err, models.ErrExecutionNotFound, "nothing is half written")

		_, err = f.store.FinishExecution(t.Context(), f.execution.OrganisationID, f.execution.ID, models.ExecutionStopped, "enough")
		require.NoError(t, err)
		require.NoError(t, f.store.CreateExecution(t.Context(), second))
		j := f.job(t, 0)
		require.Equal(t, models.JobQueued, j.Status)
		require.Nil(t, j.FinishedAt)
	})

	t.Run("SamplesTheSameRowsForTheSameSeed", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		sample := func(seed int64) []int {
			b := testfactory.Batch(t, s, p, 50, nil)
			e := testfactory.Execution(t, s, p, b, func(e *models.Execution) {
				e.Type, e.SampleSize, e.SampleSeed = models.ExecutionTest, 10, seed
			})
			require.Equal(t, 10, e.TotalJobs)
			jobs, err := s.QueuedJobs(t.Context(), e.OrganisationID, e.ID, models.QueuePage{Limit: 100})
			require.NoError(t, err)
			rows := []int{}
			for _, j := range jobs {
				rows = append(rows, j.RowNumber)
			}
			require.Len(t, rows, 10)
			require.IsIncreasing(t, rows)
			return rows
		}
		first, again, other := sample(1), sample(1), sample(2)
		require.Equal(t, first, again)
		require.NotEqual(t, first, other)
	})

	t.Run("RefusesAnEmptyBatchAndAnUnknownOne", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		empty := testfactory.Batch(t, s, p, 0, nil)
		require.ErrorIs(t, s.CreateExecution(t.Context(), testfactory.NewExecution(p, empty)), models.ErrNoJobs)
		empty.ID = models.NewID()
		require.ErrorIs(t, s.CreateExecution(t.Context(), testfactory.NewExecution(p, empty)), models.ErrBatchNotFound)
	})
}

func TestExecutionStatus(t *testing.T) {
	t.Parallel()

	t.Run("GoesOnlyWhereItMay", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org, id := f.execution.OrganisationID, f.execution.ID
		status := func() models.ExecutionStatus {
			e, err := f.store.Execution(t.Context(), org, id)
			require.NoError(t, err)
			return e.Status
		}
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionPaused, 7, ""))
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionPaused, 8, ""))
		require.Equal(t, models.ExecutionPaused, status())
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionStopping, 8, ""))
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionRunning, 8, ""))
		require.Equal(t, models.ExecutionStopping, status(), "there is no way back from stopping")
		e, err := f.store.FinishExecution(t.Context(), org, id, models.ExecutionStopped, "stopped by request")
		require.NoError(t, err)
		require.Equal(t, 8, e.Concurrency)
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionPaused, 1, ""))
		require.Equal(t, models.ExecutionStopped, status())
		begun, err := f.store.BeginExecution(t.Context(), org, id, f.execution.Workflow())
		require.NoError(t, err)
		require.Equal(t, models.ExecutionStopped, begun.Status)
	})

	t.Run("IsListedWhileNobodyHasStartedIt", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 1, nil), nil)
		unstarted, err := s.UnstartedExecutions(t.Context(), time.Hour, 10)
		require.NoError(t, err)
		require.Empty(t, unstarted, "it is too young")
		unstarted, err = s.UnstartedExecutions(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, unstarted, 1)
		require.Equal(t, e.ID, unstarted[0].ID)
		_, err = s.BeginExecution(t.Context(), e.OrganisationID, e.ID, e.Workflow())
		require.NoError(t, err)
		unstarted, err = s.UnstartedExecutions(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, unstarted)
	})
}

func TestFinishExecution(t *testing.T) {
	t.Parallel()

	t.Run("CancelsWhatIsOpenAndCountsTheRows", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org, id := f.execution.OrganisationID, f.execution.ID
		require.NoError(t, f.store.CompleteAttempt(t.Context(), f.begin(t, 0), success(true)))
		late := f.begin(t, 1)
		e, err := f.store.FinishExecution(t.Context(), org, id, models.ExecutionStopped, "stopped by request")
		require.NoError(t, err)
		require.Equal(t, models.ExecutionStopped, e.Status)
		require.Equal(t, "stopped by request", e.Reason)
		require.Equal(t, []int{3, 1, 0, 2}, []int{e.TotalJobs, e.CompletedJobs, e.FailedJobs, e.CancelledJobs})
		require.NotNil(t, e.FinishedAt)
		require.Equal(t, map[scoring.Verdict]int{"correct": 1}, e.Tally.Verdicts)
		require.Equal(t, models.FieldTally{Matched: 1, Compared: 1}, e.Tally.Fields["price"])
		require.Equal(t, models.SessionCancelled, f.sessions(t, 1)[0].Status)
		require.Equal(t, models.JobCancelled, f.job(t, 2).Status)
		require.ErrorIs(t, f.store.CompleteAttempt(t.Context(), late, success(true)), models.ErrStaleAttempt)

		again, err := f.store.FinishExecution(t.Context(), org, id, models.ExecutionCompleted, "")
		require.NoError(t, err)
		require.Equal(t, models.ExecutionStopped, again.Status, "the end is the end")
		require.Equal(t, e.Tally, again.Tally)
	})

	t.Run("KeepsItsTallyWhenTheJobsMoveOn", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org, id := f.execution.OrganisationID, f.execution.ID
		require.NoError(t, f.store.FailAttempt(t.Context(), f.begin(t, 0), store.Failure{Class: failure.Network, Code: "DNS", Message: "no such host"}))
		live, err := f.store.Tally(t.Context(), org, id)
		require.NoError(t, err)
		require.Equal(t, []int{3, 2, 1}, []int{live.Total, live.Queued, live.Failed})
		_, err = f.store.FinishExecution(t.Context(), org, id, models.ExecutionStopped, "")
		require.NoError(t, err)
		testfactory.Execution(t, f.store, f.project, f.batch, nil)
		kept, err := f.store.Tally(t.Context(), org, id)
		require.NoError(t, err)
		require.Equal(t, 1, kept.Failed)
		require.Equal(t, map[failure.Class]int{failure.Network: 1}, kept.ErrorClasses)
	})
}
