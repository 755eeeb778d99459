package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
)

// TestLocks has everything that writes to an execution do so at once while it ends and
// the next one takes its jobs: nothing may wait in a circle, and nothing may be left
// half done.
func TestLocks(t *testing.T) {
	t.Parallel()
	const rows, rounds = 40, 6
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, nil)
	b := testfactory.Batch(t, s, p, rows, nil)
	org := p.OrganisationID
	allowed := func(err error) error {
		if errors.Is(err, models.ErrStaleAttempt) || errors.Is(err, models.ErrBatchBusy) || errors.Is(err, models.ErrHeld) {
			return nil
		}
		return err
	}
	ctx := context.WithoutCancel(t.Context())
	next := testfactory.Execution(t, s, p, b, nil)
	for round := range rounds {
		e := next
		_, err := s.BeginExecution(ctx, org, e.ID, e.Workflow())
		require.NoError(t, err)
		jobs, err := s.QueuedJobs(ctx, org, e.ID, models.QueuePage{Limit: rows})
		require.NoError(t, err)
		require.Len(t, jobs, rows)
		next = testfactory.NewExecution(p, b)

		var all sync.WaitGroup
		errs := make(chan error, 10*rows)
		run := func(what string, f func() error) {
			all.Go(func() {
				if err := allowed(f()); err != nil {
					errs <- fmt.Errorf("%s: %w", what, err)
				}
			})
		}
		lost := store.Failure{Class: failure.Transient, Code: store.CodeWorkerLost, Message: "silent"}
		for i := range jobs {
			id := jobs[len(jobs)-1-i].ID // against the order in which the end takes them
			for range 2 {
				run("attempt", func() error {
					a, ended, err := s.BeginAttempt(ctx, org, e.ID, id, "worker")
					if err != nil || ended != nil {
						return err
					}
					return s.CompleteAttempt(ctx, a, success(true))
				})
			}
			run("lost", func() error {
				_, err := s.RecordLost(ctx, org, e.ID, id, models.JobFailed, lost)
				return err
			})
			if i == rows*round/rounds {
				for range 2 {
					run("finish", func() error {
						_, err := s.FinishExecution(ctx, org, e.ID, models.ExecutionStopped, "enough")
						return err
					})
				}
				run("state", func() error { return s.RecordState(ctx, org, e.ID, models.ExecutionStopping, 5, "enough") })
				run("create", func() error { return s.CreateExecution(ctx, another(next)) })
			}
		}
		all.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		ended, err := s.ExecutionByID(ctx, e.ID)
		require.NoError(t, err)
		require.Equal(t, models.ExecutionStopped, ended.Status)
		require.Equal(t, rows, ended.CompletedJobs+ended.FailedJobs+ended.CancelledJobs)
		if err := s.CreateExecution(ctx, next); !errors.Is(err, models.ErrBatchBusy) {
			require.NoError(t, err)
			continue
		}
		active, err := s.ListExecutions(ctx, org, models.ExecutionFilter{BatchID: b.ID, Status: models.ActiveExecutionStatuses()}, models.Page{Limit: 2})
		require.NoError(t, err)
		require.Len(t, active, 1)
		next = &active[0]
	}
}

// another gives a racing execution an id of its own.
func another(e *models.Execution) *models.Execution {
	racing := *e
	racing.ID = models.NewID()
	return &racing
}
