package store_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
)

// events numbers and lists what has happened so far.
func (f *fixture) events(t *testing.T) []models.ExecutionEvent {
	t.Helper()
	_, err := f.store.SequenceEvents(t.Context(), f.execution.ID)
	require.NoError(t, err)
	all, err := f.store.ListEvents(t.Context(), f.execution.OrganisationID, f.execution.ID, 0, 1_000)
	require.NoError(t, err)
	requireGapFree(t, all)
	return all
}

func requireGapFree(t *testing.T, events []models.ExecutionEvent) {
	t.Helper()
	for i, event := range events {
		require.EqualValues(t, i+1, event.Seq)
	}
}

func types(events []models.ExecutionEvent) []models.EventType {
	out := make([]models.EventType, len(events))
	for i, event := range events {
		out[i] = event.Type
	}
	return out
}

func data(t *testing.T, event models.ExecutionEvent) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, json.Unmarshal(event.Data, &out))
	return out
}

func TestEvents(t *testing.T) {
	t.Parallel()

	t.Run("TellTheStoryOfARunInOrder", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org, id := f.execution.OrganisationID, f.execution.ID
		require.NoError(t, f.store.CompleteAttempt(t.Context(), f.begin(t, 0), success(true)))
		first := f.begin(t, 1)
		retried := store.Failure{Class: failure.RateLimit, Code: "HTTP_429", Message: "slow down", Retry: true, Delay: 1500 * time.Millisecond}
		require.NoError(t, f.store.FailAttempt(t.Context(), first, retried))
		require.NoError(t, f.store.FailAttempt(t.Context(), first, retried))
		require.NoError(t, f.store.FailAttempt(t.Context(), f.begin(t, 1), store.Failure{Class: failure.Permanent, Code: "HTTP_404"}))
		require.NoError(t, f.store.RecordState(t.Context(), org, id, models.ExecutionPaused, 10, "too many failures"))
		_, err := f.store.FinishExecution(t.Context(), org, id, models.ExecutionStopped, "enough")
		require.NoError(t, err)

		all, err := f.store.ListEvents(t.Context(), org, id, 0, 100)
		require.NoError(t, err, "the end has numbered them")
		requireGapFree(t, all)
		require.Equal(t, []models.EventType{
			models.EventExecutionStarted, models.EventJobFinished, models.EventJobRetry, models.EventJobFinished,
			models.EventExecutionPaused, models.EventExecutionFinished,
		}, types(all))
		require.Equal(t, map[string]any{"type": "production", "total_jobs": 3.0, "concurrency": 10.0, "workflow_id": f.execution.Workflow()}, data(t, all[0]))
		require.Equal(t, map[string]any{"row": 1.0, "status": "completed", "verdict": "correct", "attempts": 1.0}, data(t, all[1]))
		require.Equal(t, f.jobs[0].ID, *all[1].JobID)
		require.Equal(t, 1, all[1].Attempt)
		retry := data(t, all[2])
		due, err := time.Parse(time.RFC3339, retry["next_attempt_at"].(string))
		require.NoError(t, err)
		require.Equal(t, 1500*time.Millisecond, due.Sub(all[2].CreatedAt))
		delete(retry, "next_attempt_at")
		require.Equal(t, map[string]any{
			"row": 2.0, "class": "rate_limit", "code": "HTTP_429", "message": "slow down", "attempt": 1.0, "delay_ms": 1500.0,
		}, retry)
		require.Equal(t, map[string]any{
			"row": 2.0, "status": "failed", "error_class": "permanent", "error_code": "HTTP_404", "attempts": 2.0,
		}, data(t, all[3]))
		require.Equal(t, map[string]any{"reason": "too many failures"}, data(t, all[4]))
		require.Equal(t, map[string]any{
			"status": "stopped", "reason": "enough", "total": 3.0, "completed": 1.0, "failed": 1.0, "cancelled": 1.0,
		}, data(t, all[5]))
		e, err := f.store.Execution(t.Context(), org, id)
		require.NoError(t, err)
		require.EqualValues(t, 6, e.LastEventSeq)

		rest, err := f.store.ListEvents(t.Context(), org, id, 3, 2)
		require.NoError(t, err)
		require.Equal(t, all[3:5], rest)
		other, err := f.store.ListEvents(t.Context(), models.NewID(), id, 0, 100)
		require.NoError(t, err)
		require.Empty(t, other, "another organisation sees none of it")
	})

	t.Run("AreNotWrittenByWhatIsRefused", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		stale := f.begin(t, 0)
		newest := f.begin(t, 0)
		require.ErrorIs(t, f.store.CompleteAttempt(t.Context(), stale, success(true)), models.ErrStaleAttempt)
		require.ErrorIs(t, f.store.FailAttempt(t.Context(), stale, store.Failure{Class: failure.Timeout, Retry: true}), models.ErrStaleAttempt)
		require.ErrorIs(t, f.store.FailAttempt(t.Context(), stale, store.Failure{Class: failure.Timeout}), models.ErrStaleAttempt)
		require.ErrorIs(t, f.store.CancelAttempt(t.Context(), stale, store.Used{}), models.ErrStaleAttempt)
		require.Len(t, f.events(t), 1)
		require.NoError(t, f.store.CancelAttempt(t.Context(), newest, store.Used{}))
		require.ErrorIs(t, f.store.CancelAttempt(t.Context(), newest, store.Used{}), models.ErrStaleAttempt)
		all := f.events(t)
		require.Len(t, all, 2)
		require.Equal(t, map[string]any{"row": 1.0, "status": "cancelled", "attempts": 2.0}, data(t, all[1]))
		require.Equal(t, models.SessionCancelled, f.sessions(t, 0)[0].Status)
	})

	t.Run("AreWrittenOnceByALossThatIsRecordedTwice", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.begin(t, 0)
		for range 2 {
			_, err := f.store.RecordLost(t.Context(), f.execution.OrganisationID, f.execution.ID, f.jobs[0].ID, models.JobFailed,
				store.Failure{Class: failure.Transient, Code: store.CodeWorkerLost})
			require.NoError(t, err)
		}
		all := f.events(t)
		require.Len(t, all, 2)
		require.Equal(t, map[string]any{
			"row": 1.0, "status": "failed", "error_class": "transient", "error_code": "WORKER_LOST", "attempts": 1.0,
		}, data(t, all[1]))
	})

	t.Run("ComeFromTheStateOnlyWhenItChanges", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		org, id := f.execution.OrganisationID, f.execution.ID
		record := func(status models.ExecutionStatus, concurrency int, reason string) {
			t.Helper()
			for range 2 {
				require.NoError(t, f.store.RecordState(t.Context(), org, id, status, concurrency, reason))
			}
		}
		record(models.ExecutionRunning, 10, "")
		require.Len(t, f.events(t), 1)
		record(models.ExecutionPaused, 10, "")
		record(models.ExecutionPaused, 20, "")
		record(models.ExecutionRunning, 20, "")
		record(models.ExecutionStopping, 5, "enough")
		record(models.ExecutionRunning, 50, "")
		all := f.events(t)
		require.Equal(t, []models.EventType{
			models.EventExecutionStarted, models.EventExecutionPaused, models.EventConcurrencyChanged,
			models.EventExecutionResumed, models.EventExecutionStopping, models.EventConcurrencyChanged,
		}, types(all))
		require.Empty(t, data(t, all[1]))
		require.Equal(t, map[string]any{"from": 10.0, "to": 20.0}, data(t, all[2]))
		require.Equal(t, map[string]any{"reason": "enough"}, data(t, all[4]))
		_, err := f.store.SequenceEvents(t.Context(), models.NewID())
		require.ErrorIs(t, err, models.ErrExecutionNotFound)
	})
}

// TestSequence has many write and many number at once, and one read along as a client
// does that was told the last number it saw.
func TestSequence(t *testing.T) {
	t.Parallel()
	const rows, writers, sequencers = 300, 12, 3
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, nil)
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, rows, nil), nil)
	begun(t, s, e)
	jobs := make(chan models.Job, rows)
	for _, j := range queued(t, s, e, rows) {
		jobs <- j
	}
	close(jobs)
	ctx, done := context.WithCancel(context.WithoutCancel(t.Context()))
	defer done()
	errs := make(chan error, writers+sequencers+1)
	var writing, numbering sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for j := range jobs {
				a, _, err := s.BeginAttempt(ctx, e.OrganisationID, e.ID, j.ID, "worker")
				if err == nil && j.RowNumber%3 == 0 {
					err = s.FailAttempt(ctx, a, store.Failure{Class: failure.Network, Retry: true})
				} else if err == nil {
					err = s.CompleteAttempt(ctx, a, success(true))
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	for range sequencers {
		numbering.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.SequenceEvents(ctx, e.ID); err != nil && ctx.Err() == nil {
					errs <- err
					return
				}
			}
		})
	}
	var seen []models.ExecutionEvent
	numbering.Go(func() {
		for ctx.Err() == nil {
			more, err := s.ListEvents(ctx, e.OrganisationID, e.ID, int64(len(seen)), 50)
			if err != nil && ctx.Err() == nil {
				errs <- err
				return
			}
			seen = append(seen, more...)
		}
	})
	writing.Wait()
	ended, err := s.FinishExecution(ctx, e.OrganisationID, e.ID, models.ExecutionStopped, "")
	require.NoError(t, err)
	done()
	numbering.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	requireGapFree(t, seen)
	all, err := s.ListEvents(t.Context(), e.OrganisationID, e.ID, 0, 2*rows)
	require.NoError(t, err)
	requireGapFree(t, all)
	require.Len(t, all, rows+2)
	require.Equal(t, seen, all[:len(seen)], "what was seen never changes, and nothing comes before it later")
	require.Equal(t, models.EventExecutionFinished, all[len(all)-1].Type)
	require.EqualValues(t, rows+2, ended.LastEventSeq)
}
