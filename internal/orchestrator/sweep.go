package orchestrator

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/minohq/mino/models"
)

// Unstarted lists executions that were written and whose workflow may never have
// been started.
type Unstarted interface {
	UnstartedExecutions(ctx context.Context, age time.Duration, limit int) ([]models.Execution, error)
}

// Sweep starts executions whose row was written by a process that died, or lost
// sight of Temporal, before it started the workflow. Any number of processes may
// sweep at once, since starting is idempotent.
type Sweep struct {
	orchestrator *Orchestrator
	executions   Unstarted
	logger       *zap.Logger
	interval     time.Duration
	age          time.Duration
}

// NewSweep makes a sweep that looks at an interval for executions that have been
// pending for longer than age; zero means 5 s and 5 s.
func NewSweep(o *Orchestrator, executions Unstarted, logger *zap.Logger, interval, age time.Duration) *Sweep {
	if interval <= 0 {
		interval = 5 * time.Second
	}
	if age <= 0 {
		age = 5 * time.Second
	}
	return &Sweep{orchestrator: o, executions: executions, logger: logger, interval: interval, age: age}
}

// Run sweeps until the context is done.
func (s *Sweep) Run(ctx context.Context) {
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	for {
		s.once(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Sweep) once(ctx context.Context) {
	found, err := s.executions.UnstartedExecutions(ctx, s.age, 100)
	if err != nil {
		if ctx.Err() == nil {
			s.logger.Warn("the sweep could not look for unstarted executions", zap.Error(err))
		}
		return
	}
	for i := range found {
		id := zap.Stringer("execution_id", found[i].ID)
		if err := s.orchestrator.Start(ctx, &found[i]); err != nil {
			s.logger.Warn("the sweep could not start an execution", id, zap.Error(err))
			continue
		}
		s.logger.Info("the sweep started an execution that was pending", id)
	}
}
