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
	"github.com/minohq/mino/workflows/contract"
)

// control is one way to control a run.
type control func(ctx context.Context, e *models.Execution) (contract.Stats, error)

func (s *server) pause(c *fiber.Ctx) error {
	if err := readJSON(c, maxJSONBytes, &struct{}{}); err != nil {
		return err
	}
	return s.controlRun(c, func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
		return s.Orchestrator.Pause(ctx, e.Workflow())
	})
}

func (s *server) resume(c *fiber.Ctx) error {
	if err := readJSON(c, maxJSONBytes, &struct{}{}); err != nil {
		return err
	}
	return s.controlRun(c, func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
		return s.Orchestrator.Resume(ctx, e.Workflow())
	})
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
	err := s.controlRun(c, func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
		return s.Orchestrator.Stop(ctx, e.Workflow(), mode)
	})
	var ended *endedError
	if errors.As(err, &ended) && ended.execution.Status == models.ExecutionStopped {
		// What the caller wants is so already.
		return s.sendEnded(c, ended.execution)
	}
	if ended == nil && errors.Is(err, models.ErrRunEnded) {
		return s.stopAbandoned(c)
	}
	return err
}

// stopAbandoned ends an execution whose row is open and whose run is not: Temporal has
// lost it, or an operator has ended it. The caller's word is enough to let its batch go.
func (s *server) stopAbandoned(c *fiber.Ctx) error {
	e, err := s.readExecution(c)
	if err != nil {
		return err
	}
	e, err = s.Store.FinishExecution(c.UserContext(), e.OrganisationID, e.ID, models.ExecutionStopped,
		"stopped by request; Temporal has no open run of it")
	if err != nil {
		return err
	}
	if err := s.Orchestrator.EndChunks(c.UserContext(), e.ID); err != nil {
		s.Logger.Warn("what still runs of a stopped execution could not be cancelled", zap.Stringer("execution_id", e.ID), zap.Error(err))
	}
	return s.sendEnded(c, e)
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
	return s.controlRun(c, func(ctx context.Context, e *models.Execution) (contract.Stats, error) {
		return s.Orchestrator.SetConcurrency(ctx, e.Workflow(), *req.Value)
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
func (s *server) controlRun(c *fiber.Ctx, do control) error {
	e, err := s.readExecution(c)
	if err != nil {
		return err
	}
	if e.Status.Terminal() {
		return &endedError{execution: e}
	}
	ctx := c.UserContext()
	stats, err := do(ctx, e)
	if errors.Is(err, models.ErrRunEnded) {
		stats, err = s.controlAgain(ctx, e, do, err)
	}
	if err != nil {
		return executionFailed(err)
	}
	return c.JSON(liveStats(e, stats))
}

// controlAgain is for a run that is not open: it has ended since its row was read, or
// the process that wrote the row died before it started the run. Starting is
// idempotent, so the second is put right here instead of waiting for the sweep.
func (s *server) controlAgain(
	ctx context.Context, e *models.Execution, do control, cause error,
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
	return do(ctx, now)
}
