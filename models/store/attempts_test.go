package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// fixture is an execution of three jobs, begun.
type fixture struct {
	db        *bun.DB
	store     *store.Store
	project   *models.Project
	batch     *models.Batch
	execution *models.Execution
	jobs      []models.Job
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	db := testkit.Database(t)
	f := &fixture{db: db, store: testkit.Store(t, db)}
	f.project = testfactory.Project(t, f.store, nil)
	f.batch = testfactory.Batch(t, f.store, f.project, 3, nil)
	f.execution = testfactory.Execution(t, f.store, f.project, f.batch, nil)
	_, err := f.store.BeginExecution(t.Context(), f.execution.OrganisationID, f.execution.ID, f.execution.Workflow())
	require.NoError(t, err)
	f.jobs, err = f.store.QueuedJobs(t.Context(), f.execution.OrganisationID, f.execution.ID, models.QueuePage{Limit: 10})
	require.NoError(t, err)
	require.Len(t, f.jobs, 3)
	return f
}

func (f *fixture) begin(t *testing.T, i int) *store.Attempt {
	t.Helper()
	a, ended, err := f.store.BeginAttempt(t.Context(), f.execution.OrganisationID, f.execution.ID, f.jobs[i].ID, "worker-1")
	require.NoError(t, err)
	require.Nil(t, ended)
	return a
}

func (f *fixture) job(t *testing.T, i int) *models.Job {
	t.Helper()
	j, err := f.store.Job(t.Context(), f.execution.OrganisationID, f.jobs[i].ID)
	require.NoError(t, err)
	return j
}

func (f *fixture) sessions(t *testing.T, i int) []models.Session {
	t.Helper()
	all, err := f.store.JobSessions(t.Context(), f.execution.OrganisationID, f.jobs[i].ID)
	require.NoError(t, err)
	return all
}

func success(match bool) store.Success {
	accuracy, matched, verdict := 0.0, 0, scoring.Verdict("wrong")
	if match {
		accuracy, matched, verdict = 1, 1, "correct"
	}
	return store.Success{
		Result: map[string]any{"price": map[string]any{"amount": "10.00", "currency": "EUR"}},
		Raw:    []byte(`{"found":true}`), Used: store.Used{Usage: []byte(`{"requests":1}`), Evidence: []byte(`{"status_code":200}`)},
		Score: scoring.Score{
			Verdict: verdict, Matched: matched, Compared: 1, Accuracy: &accuracy,
			Fields: map[string]scoring.FieldResult{"price": {Match: match, Comparer: field.CompareMoney, Expected: []string{"10.00"}, Actual: "10.00"}},
		},
	}
}

func TestBeginAttempt(t *testing.T) {
	t.Parallel()

	t.Run("WritesTheSessionBeforeAnyWorkAndGivesWhatTheWorkNeeds", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		require.Equal(t, 1, a.Number)
		require.Equal(t, "https://shop.example/1", a.SiteURL)
		require.Equal(t, map[string]string{"category": "chairs"}, a.Input)
		require.Equal(t, map[string][]string{"price": {"10.00"}}, a.GroundTruth)
		require.Equal(t, f.project.Fields, a.Snapshot.Fields)
		require.Equal(t, 3, a.Retry.MaxAttempts)
		sessions := f.sessions(t, 0)
		require.Len(t, sessions, 1)
		require.Equal(t, models.SessionRunning, sessions[0].Status)
		require.Equal(t, "worker-1", sessions[0].Worker)
		require.Equal(t, models.JobRunning, f.job(t, 0).Status)
	})

	t.Run("MarksTheSessionOfADeadWorkerLostAndRefusesItsLateOutcome", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		first := f.begin(t, 0)
		require.NoError(t, f.store.Announce(t.Context(), first, "mino-77"+first.SessionID.String()))
		require.NoError(t, f.store.Checkpoint(t.Context(), first, "run-77"))
		second := f.begin(t, 0)
		require.Equal(t, 2, second.Number)
		require.Equal(t, "run-77", second.Remote.RunID, "the next attempt can re-attach")
		require.Zero(t, second.Failed, "a lost attempt is not a failed one")

		require.ErrorIs(t, f.store.CompleteAttempt(t.Context(), first, success(true)), models.ErrStaleAttempt)
		require.ErrorIs(t, f.store.FailAttempt(t.Context(), first, store.Failure{Class: failure.Timeout}), models.ErrStaleAttempt)
		require.ErrorIs(t, f.store.CancelAttempt(t.Context(), first, store.Used{}), models.ErrStaleAttempt)
		require.ErrorIs(t, f.store.Checkpoint(t.Context(), first, "run-78"), models.ErrStaleAttempt)
		require.Equal(t, models.JobRunning, f.job(t, 0).Status)

		sessions := f.sessions(t, 0)
		require.Equal(t, models.SessionRunning, sessions[0].Status)
		require.Equal(t, models.SessionLost, sessions[1].Status)
		require.Equal(t, store.CodeWorkerLost, sessions[1].ErrorCode)
		require.NotNil(t, sessions[1].FinishedAt)
		require.NoError(t, f.store.CompleteAttempt(t.Context(), second, success(true)))
	})

	t.Run("GivesTheOutcomeOfAJobThatEndedInsteadOfDoingItAgain", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		require.NoError(t, f.store.CompleteAttempt(t.Context(), f.begin(t, 0), success(true)))
		a, ended, err := f.store.BeginAttempt(t.Context(), f.execution.OrganisationID, f.execution.ID, f.jobs[0].ID, "worker-2")
		require.NoError(t, err)
		require.Nil(t, a)
		require.Equal(t, models.JobCompleted, ended.Status)
		require.Len(t, f.sessions(t, 0), 1)
	})

	t.Run("RefusesAJobOfAnotherExecutionAndAnUnknownOne", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org := f.execution.OrganisationID
		_, _, err := f.store.BeginAttempt(t.Context(), org, models.NewID(), f.jobs[0].ID, "w")
		require.ErrorIs(t, err, models.ErrStaleAttempt)
		_, _, err = f.store.BeginAttempt(t.Context(), org, f.execution.ID, models.NewID(), "w")
		require.ErrorIs(t, err, models.ErrJobNotFound)
		_, _, err = f.store.BeginAttempt(t.Context(), models.NewID(), f.execution.ID, f.jobs[0].ID, "w")
		require.ErrorIs(t, err, models.ErrJobNotFound, "another organisation's job does not exist")
	})

	t.Run("NeverHasTwoAttemptsAtOnce", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		const racers = 8
		errs := make(chan error, racers)
		for range racers {
			go func() {
				_, _, err := f.store.BeginAttempt(context.WithoutCancel(t.Context()), f.execution.OrganisationID, f.execution.ID, f.jobs[0].ID, "w")
				errs <- err
			}()
		}
		for range racers {
			require.NoError(t, <-errs)
		}
		sessions := f.sessions(t, 0)
		require.Len(t, sessions, racers)
		running, numbers := 0, map[int]bool{}
		for _, s := range sessions {
			numbers[s.Attempt] = true
			if s.Status == models.SessionRunning {
				running++
				require.Equal(t, racers, s.Attempt, "the newest one runs")
			}
		}
		require.Equal(t, 1, running)
		require.Len(t, numbers, racers)
	})
}

func TestOutcomes(t *testing.T) {
	t.Parallel()

	t.Run("CompletesSessionAndJobTogetherAndOnce", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		require.NoError(t, f.store.CompleteAttempt(t.Context(), a, success(false)))
		j := f.job(t, 0)
		require.Equal(t, models.JobCompleted, j.Status)
		require.Equal(t, scoring.Verdict("wrong"), j.Verdict)
		require.InDelta(t, 0, *j.Accuracy, 0)
		require.True(t, j.GTEvaluated)
		require.False(t, j.Comparison["price"].Match)
		require.NotNil(t, j.FinishedAt)
		s := f.sessions(t, 0)[0]
		require.Equal(t, models.SessionSucceeded, s.Status)
		require.JSONEq(t, `{"found":true}`, string(s.Raw))
		require.ErrorIs(t, f.store.CompleteAttempt(t.Context(), a, success(true)), models.ErrStaleAttempt)
		require.Equal(t, scoring.Verdict("wrong"), f.job(t, 0).Verdict, "the second outcome changed nothing")
	})

	t.Run("KeepsAJobRunningBetweenAttemptsAndFailsItAfterTheLast", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		require.NoError(t, f.store.FailAttempt(t.Context(), f.begin(t, 0), store.Failure{
			Class: failure.Transient, Code: "HTTP_503", Message: "unwell", Retry: true, Delay: time.Minute,
		}))
		j := f.job(t, 0)
		require.Equal(t, models.JobRunning, j.Status)
		require.Equal(t, time.Minute, j.NextAttemptAt.Sub(j.UpdatedAt), "by PostgreSQL's clock")
		second := f.begin(t, 0)
		require.Equal(t, 1, second.Failed)
		require.NoError(t, f.store.FailAttempt(t.Context(), second, store.Failure{
			Class: failure.Permanent, Code: "HTTP_404", Message: "gone",
		}))
		j = f.job(t, 0)
		require.Equal(t, models.JobFailed, j.Status)
		require.Equal(t, failure.Permanent, j.ErrorClass)
		require.Equal(t, "HTTP_404", j.ErrorCode)
		require.Nil(t, j.NextAttemptAt)
		sessions := f.sessions(t, 0)
		require.Equal(t, failure.Permanent, sessions[0].ErrorClass)
		require.Equal(t, failure.Transient, sessions[1].ErrorClass)
		require.NotNil(t, sessions[1].RetryAt)
	})

	t.Run("WritesAFailureAgainWhenTheAnswerOfTheFirstWriteWasLost", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		again := store.Failure{Class: failure.Transient, Code: "HTTP_503", Message: "unwell", Retry: true, Delay: time.Minute}
		require.NoError(t, f.store.FailAttempt(t.Context(), a, again))
		require.NoError(t, f.store.FailAttempt(t.Context(), a, again), "a job that is to be tried again is not stale")
		require.Equal(t, models.JobRunning, f.job(t, 0).Status)
		second := f.begin(t, 0)
		require.Equal(t, 1, second.Failed, "it counts once")
		require.ErrorIs(t, f.store.FailAttempt(t.Context(), a, again), models.ErrStaleAttempt)
	})

	t.Run("RecordsAJobThatEndedWithoutAWordAndLeavesOneThatEndedAlone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.begin(t, 0)
		lost := store.Failure{Class: failure.Transient, Code: store.CodeWorkerLost, Message: "silent"}
		j, err := f.store.RecordLost(t.Context(), f.execution.OrganisationID, f.execution.ID, f.jobs[0].ID, models.JobFailed, lost)
		require.NoError(t, err)
		require.Equal(t, models.JobFailed, j.Status)
		require.Equal(t, models.SessionLost, f.sessions(t, 0)[0].Status)

		require.NoError(t, f.store.CompleteAttempt(t.Context(), f.begin(t, 1), success(true)))
		j, err = f.store.RecordLost(t.Context(), f.execution.OrganisationID, f.execution.ID, f.jobs[1].ID, models.JobFailed, lost)
		require.NoError(t, err)
		require.Equal(t, models.JobCompleted, j.Status)

		j, err = f.store.RecordLost(t.Context(), f.execution.OrganisationID, f.execution.ID, f.jobs[2].ID, models.JobCancelled, store.Failure{})
		require.NoError(t, err)
		require.Equal(t, models.JobCancelled, j.Status)
		_, err = f.store.RecordLost(t.Context(), f.execution.OrganisationID, f.execution.ID, uuid.New(), models.JobFailed, lost)
		require.ErrorIs(t, err, models.ErrJobNotFound)
	})
}
