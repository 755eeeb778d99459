package orchestrator

import (
	"context"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// Records is what the sweep needs of the executions of every organisation.
type Records interface {
	UnstartedExecutions(ctx context.Context, age time.Duration, limit int) ([]models.Execution, error)
	ActiveExecutions(ctx context.Context, after uuid.UUID, limit int) ([]models.Execution, error)
	ExecutionByID(ctx context.Context, id uuid.UUID) (*models.Execution, error)
	FinishExecution(ctx context.Context, org, id uuid.UUID, status models.ExecutionStatus, reason string) (*models.Execution, error)
	ForgetKeys(ctx context.Context) error
}

// pageSize is how many executions the sweep looks at with one query.
const pageSize = 100

// Sweep puts right what a death between two writes leaves behind: it starts
// executions whose row was written by a process that died, or lost sight of Temporal,
// before it started the workflow; and it ends executions whose workflow was ended from
// outside, by an operator who terminated it say, which otherwise would hold their
// batch for ever. It also deletes idempotency keys that are too old to count. Any number of processes may sweep at once, since starting and ending
// are idempotent.
type Sweep struct {
	orchestrator *Orchestrator
	records      Records
	logger       *zap.Logger
	interval     time.Duration
	age          time.Duration
}

// NewSweep makes a sweep that looks at an interval, and takes an execution for never
// started when it has been pending for longer than age; zero means 5 s and 5 s.
func NewSweep(o *Orchestrator, records Records, logger *zap.Logger, interval, age time.Duration) *Sweep {
	if interval <= 0 {
		interval = 5 * time.Second
	}
	if age <= 0 {
		age = 5 * time.Second
	}
	return &Sweep{orchestrator: o, records: records, logger: logger, interval: interval, age: age}
}

// Run sweeps until the context is done. What fails is logged and tried again.
func (s *Sweep) Run(ctx context.Context) {
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	for {
		s.startUnstarted(ctx)
		s.endAbandoned(ctx)
		if err := s.records.ForgetKeys(ctx); err != nil {
			s.warn(ctx, "the sweep could not delete old idempotency keys", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Sweep) startUnstarted(ctx context.Context) {
	found, err := s.records.UnstartedExecutions(ctx, s.age, pageSize)
	if err != nil {
		s.warn(ctx, "the sweep could not look for unstarted executions", err)
		return
	}
	for i := range found {
		s.startOrEnd(ctx, &found[i])
	}
}

// startOrEnd starts the workflow of a pending execution that never had one, and ends
// the execution when its workflow was ended from outside before it could begin. One
// whose workflow is open waits for a worker.
func (s *Sweep) startOrEnd(ctx context.Context, e *models.Execution) {
	id := zap.Stringer("execution_id", e.ID)
	state, how, err := s.orchestrator.look(ctx, e.Workflow())
	if err != nil {
		s.warn(ctx, "the sweep could not ask for a workflow", err, id)
		return
	}
	switch state {
	case runOpen:
	case runClosed:
		s.end(ctx, e, how)
	case runUnknown:
		if e.Workflow() != contract.WorkflowID(e.ID.String()) {
			// It is the affair of the workflow that made it. Stopping it lets its batch go.
			return
		}
		if err := s.orchestrator.Start(ctx, e); err != nil {
			s.warn(ctx, "the sweep could not start an execution", err, id)
			return
		}
		s.logger.Info("the sweep started an execution that was pending", id)
	}
}

func (s *Sweep) endAbandoned(ctx context.Context) {
	var after uuid.UUID
	for {
		page, err := s.records.ActiveExecutions(ctx, after, pageSize)
		if err != nil {
			s.warn(ctx, "the sweep could not look for abandoned executions", err)
			return
		}
		for i := range page {
			s.endIfAbandoned(ctx, &page[i])
		}
		if len(page) < pageSize {
			return
		}
		after = page[len(page)-1].ID
	}
}

// endIfAbandoned ends an execution whose workflow is closed. A run that Temporal does
// not know is not taken for closed: it may be another Temporal that is being asked.
// Stopping such an execution ends it.
func (s *Sweep) endIfAbandoned(ctx context.Context, e *models.Execution) {
	state, how, err := s.orchestrator.look(ctx, e.Workflow())
	if err != nil {
		s.warn(ctx, "the sweep could not ask for a workflow", err, zap.Stringer("execution_id", e.ID))
		return
	}
	if state == runClosed {
		s.end(ctx, e, how)
	}
}

// end ends an execution whose workflow is closed. A workflow ends its execution before
// it closes, so the row is read again: only one that is still open then was abandoned.
func (s *Sweep) end(ctx context.Context, e *models.Execution, how string) {
	id := zap.Stringer("execution_id", e.ID)
	e, err := s.records.ExecutionByID(ctx, e.ID)
	if err == nil && !e.Status.Terminal() {
		s.logger.Warn("the sweep ends an execution whose workflow was ended from outside", id, zap.String("workflow", how))
		_, err = s.records.FinishExecution(ctx, e.OrganisationID, e.ID, models.ExecutionFailed, "the workflow "+how)
	}
	if err != nil {
		s.warn(ctx, "the sweep could not end an execution", err, id)
		return
	}
	if err := s.orchestrator.EndChunks(ctx, e.ID); err != nil {
		s.warn(ctx, "the sweep could not end the chunks of an execution", err, id)
	}
}

func (s *Sweep) warn(ctx context.Context, what string, err error, fields ...zap.Field) {
	if ctx.Err() == nil {
		s.logger.Warn(what, append(fields, zap.Error(err))...)
	}
}
