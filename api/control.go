package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"github.com/invopop/validation"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/audit"
	"github.com/minohq/mino/workflows/contract"
)

// control is one way to control a run.
type control struct {
	do func(ctx context.Context, e *models.Execution) (contract.Stats, error)
	// wanted is what is written down of the request.
	wanted any
	// check, when there is any, has the last word before the run is spoken to.
	check func(ctx context.Context, e *models.Execution) error
	// ended, when there is any, answers for a run that is not open in place of the error.
	ended func(ctx context.Context, e *models.Execution, cause error) (*wire.Stats, error)
}

func (s *server) pause(c *fiber.Ctx) error {
	if err := readJSON(c, maxJSONBytes, &struct{}{}); err != nil {
		return err
	}
	return s.controlRun(c, control{do: func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
		return s.Orchestrator.Pause(ctx, e.Workflow())
	}})
}

func (s *server) resume(c *fiber.Ctx) error {
	if err := readJSON(c, maxJSONBytes, &struct{}{}); err != nil {
		return err
	}
	return s.controlRun(c, control{do: func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
		return s.Orchestrator.Resume(ctx, e.Workflow())
	}})
}

func (s *server) stop(c *fiber.Ctx) error {
	req := wire.StopRequest{Mode: string(contract.StopDrain)}
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	mode := contract.StopMode(req.Mode)
	if mode != contract.StopDrain && mode != contract.StopCancel {
		return invalid("the request is not valid", wire.FieldError{
			Field: "mode", Code: wire.FieldInvalid, Message: "must be drain or cancel",
		})
	}
	return s.controlRun(c, control{
		wanted: req, ended: s.stopEnded,
		do: func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
			return s.Orchestrator.Stop(ctx, e.Workflow(), mode)
		},
	})
}

// stopEnded answers a stop of what has no open run.
func (s *server) stopEnded(ctx context.Context, e *models.Execution, cause error) (*wire.Stats, error) {
	var ended *endedError
	switch {
	case !errors.As(cause, &ended):
		return s.stopAbandoned(ctx, e)
	case ended.execution.Status == models.ExecutionStopped:
		// What the caller wants is so already.
		return s.countedStats(ctx, ended.execution)
	}
	return nil, cause
}

// stopAbandoned ends an execution whose row is open and whose run is not: Temporal has
// lost it, or an operator has ended it. The caller's word is enough to let its batch go.
func (s *server) stopAbandoned(ctx context.Context, e *models.Execution) (*wire.Stats, error) {
	e, err := s.Store.FinishExecution(ctx, e.OrganisationID, e.ID, models.ExecutionStopped,
		"stopped by request; Temporal has no open run of it")
	if err != nil {
		return nil, err
	}
	if err := s.Orchestrator.EndChunks(ctx, e.ID); err != nil {
		s.Logger.Warn("what still runs of a stopped execution could not be cancelled", zap.Stringer("execution_id", e.ID), zap.Error(err))
	}
	return s.countedStats(ctx, e)
}

func (s *server) setConcurrency(c *fiber.Ctx) error {
	var req wire.ConcurrencyRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	valueErr := within(req.Value, wire.MaxConcurrency)
	if req.Value == nil {
		valueErr = validation.ErrRequired
	}
	if valueErr != nil {
		return invalid("the request is not valid", fieldErrors(validation.Errors{"value": valueErr})...)
	}
	return s.controlRun(c, control{
		wanted: req,
		check: func(ctx context.Context, e *models.Execution) error {
			return s.Store.CheckConcurrency(ctx, e.OrganisationID, e.ID, *req.Value)
		},
		do: func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
			return s.Orchestrator.SetConcurrency(ctx, e.Workflow(), *req.Value)
		},
	})
}

// endedError says that there is nothing left to control.
type endedError struct{ execution *models.Execution }

func (e *endedError) Error() string {
	return fmt.Sprintf("the execution has ended: it is %s", e.execution.Status)
}

func (e *endedError) Unwrap() error {
	return conflict("the execution has ended: it is %s", e.execution.Status)
}

// controlRun signals the run of the path's execution and answers where it stands
// then. The workflow has the last word on what a signal does: it takes them in any
// order and any number of times.
//
// Temporal knows nothing of transactions, so what is asked of it is written down before,
// and how that ended after: an entry that stays alone was asked for by a process that
// died, and may have happened.
func (s *server) controlRun(c *fiber.Ctx, how control) error {
	e, err := s.readExecution(c)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	var out *wire.Stats
	if e.Status.Terminal() {
		out, err = how.answerEnded(ctx, e, &endedError{execution: e})
	} else {
		out, err = s.controlOpen(ctx, e, how)
	}
	if err != nil {
		return err
	}
	return c.JSON(out)
}

// controlOpen controls the run of an execution that had not ended when it was read.
func (s *server) controlOpen(ctx context.Context, e *models.Execution, how control) (*wire.Stats, error) {
	if how.check != nil {
		if err := how.check(ctx, e); err != nil {
			return nil, err
		}
	}
	n := note(ctx)
	n.About(targetExecution, e.ID.String()).Changes(map[string]any{"status": e.Status, "concurrency": e.Concurrency}, how.wanted)
	if err := s.Store.Audit(ctx, e.OrganisationID, n, audit.Requested); err != nil {
		return nil, errors.Join(models.ErrUnavailable, err)
	}
	out, err := s.askRun(unnoted(ctx), e, how)
	if err != nil {
		n.After = map[string]any{"error": asProblem(err).code}
		s.settle(ctx, s.Logger, audit.Failed)
		return nil, err
	}
	n.After = map[string]any{"status": out.Status, "concurrency": out.Concurrency}
	s.settle(ctx, s.Logger, audit.Done)
	return out, nil
}

func (s *server) askRun(ctx context.Context, e *models.Execution, how control) (*wire.Stats, error) {
	stats, err := how.do(ctx, e)
	if errors.Is(err, models.ErrRunEnded) {
		stats, err = s.controlAgain(ctx, e, how, err)
	}
	var ended *endedError
	switch {
	case errors.As(err, &ended), errors.Is(err, models.ErrRunEnded):
		return how.answerEnded(ctx, e, err)
	case err != nil:
		return nil, executionFailed(err)
	}
	return liveStats(e, stats), nil
}

// answerEnded answers for a run that is not open.
func (how control) answerEnded(ctx context.Context, e *models.Execution, cause error) (*wire.Stats, error) {
	if how.ended == nil {
		return nil, cause
	}
	return how.ended(ctx, e, cause)
}

// controlAgain is for a run that is not open: it has ended since its row was read, or
// the process that wrote the row died before it started the run. Starting is
// idempotent, so the second is put right here instead of waiting for the sweep.
func (s *server) controlAgain(
	ctx context.Context, e *models.Execution, how control, cause error,
) (contract.Stats, error) {
	now, err := s.Store.Execution(ctx, e.OrganisationID, e.ID)
	if err != nil {
		return contract.Stats{}, err
	}
	if now.Status.Terminal() {
		return contract.Stats{}, &endedError{execution: now}
	}
	if now.Status != models.ExecutionPending {
		return contract.Stats{}, cause
	}
	if err := s.Orchestrator.Start(ctx, now); err != nil {
		return contract.Stats{}, err
	}
	return how.do(ctx, now)
}
