package api

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/news"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// tryLook is how often a try is looked at whose end no event has told.
const tryLook = time.Second

// awaitTry waits for the end of a try as long as its attempt may take and some time more.
// One that has not ended then is stopped, so that nothing is paid for that nobody waits
// for; it is returned as it stands after that.
func (s *server) awaitTry(ctx context.Context, id uuid.UUID) (*models.Execution, error) {
	e, err := s.lookAtTry(ctx, id)
	if err != nil || e.Status.Terminal() {
		return e, err
	}
	most := time.Duration(e.Snapshot.JobTimeoutMS)*time.Millisecond + s.TryGrace
	if e, err = s.followTry(ctx, e, most); err != nil || e.Status.Terminal() {
		return e, err
	}
	if e, err = s.stopTry(ctx, e); err != nil || e.Status.Terminal() {
		return e, err
	}
	return s.followTry(ctx, e, s.TryGrace)
}

// followTry waits for the end of an execution, at most for a time, and returns it as it
// stands then.
func (s *server) followTry(ctx context.Context, e *models.Execution, most time.Duration) (*models.Execution, error) {
	waiting, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	f := s.hub.Follow(e, e.LastEventSeq)
	defer f.Close()
	for waiting.Err() == nil {
		messages, ended, err := f.Next(waiting, tryLook)
		switch {
		case errors.Is(err, news.ErrClosed):
			return nil, errors.Join(err, models.ErrUnavailable)
		case err != nil && waiting.Err() == nil:
			return nil, err
		case err == nil && !ended && len(messages) > 0:
			continue // its events have a last one, after which there are none
		}
		if e, err = s.lookAtTry(ctx, e.ID); err != nil || e.Status.Terminal() {
			return e, err
		}
	}
	return e, nil
}

func (s *server) lookAtTry(ctx context.Context, id uuid.UUID) (*models.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	return s.Store.Execution(ctx, organisation(ctx), id)
}

// stopTry ends a try that has taken too long. One that has no run is ended in the records,
// where it would otherwise be started later.
func (s *server) stopTry(ctx context.Context, e *models.Execution) (*models.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, s.RequestTimeout)
	defer cancel()
	_, err := s.Orchestrator.Stop(ctx, e.Workflow(), contract.StopCancel)
	switch {
	case err == nil:
		return e, nil
	case !errors.Is(err, models.ErrRunEnded) && (!errors.Is(err, models.ErrUnavailable) || e.Status != models.ExecutionPending):
		return nil, executionFailed(err)
	}
	e, err = s.Store.FinishExecution(ctx, e.OrganisationID, e.ID, models.ExecutionStopped, "the try did not end in time")
	if err != nil {
		return nil, err
	}
	if err := s.Orchestrator.EndChunks(ctx, e.ID); err != nil {
		s.Logger.Warn("what still runs of a stopped try could not be cancelled", zap.Stringer("execution_id", e.ID), zap.Error(err))
	}
	return e, nil
}
