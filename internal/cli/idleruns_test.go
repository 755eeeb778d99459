package cli

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// idleRuns takes every run, obeys, and ends none.
type idleRuns struct {
	mu   sync.Mutex
	runs map[string]*contract.Stats
	// begun, when there is one, does what is started.
	begun func(*models.Execution)
}

func newIdleRuns() *idleRuns { return &idleRuns{runs: map[string]*contract.Stats{}} }

func (o *idleRuns) Start(_ context.Context, e *models.Execution) error {
	if o.begun != nil {
		o.begun(e)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.runs[e.Workflow()] = &contract.Stats{
		ExecutionID: e.ID.String(), State: "running", Concurrency: e.Concurrency, Total: e.TotalJobs, Queued: e.TotalJobs,
	}
	return nil
}

func (o *idleRuns) change(id string, apply func(*contract.Stats)) (contract.Stats, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	run, ok := o.runs[id]
	if !ok {
		return contract.Stats{}, models.ErrRunEnded
	}
	apply(run)
	return *run, nil
}

func (o *idleRuns) Pause(_ context.Context, id string) (contract.Stats, error) {
	return o.change(id, func(s *contract.Stats) { s.State = "paused" })
}

func (o *idleRuns) Resume(_ context.Context, id string) (contract.Stats, error) {
	return o.change(id, func(s *contract.Stats) { s.State = "running" })
}

func (o *idleRuns) Stop(_ context.Context, id string, mode contract.StopMode) (contract.Stats, error) {
	return o.change(id, func(s *contract.Stats) {
		s.State = "stopping"
		if mode == contract.StopCancel {
			s.Cancelled, s.Queued = s.Queued, 0
		}
	})
}

func (o *idleRuns) SetConcurrency(_ context.Context, id string, value int) (contract.Stats, error) {
	return o.change(id, func(s *contract.Stats) { s.Concurrency = value })
}

func (o *idleRuns) Stats(_ context.Context, id string) (contract.Stats, error) {
	return o.change(id, func(*contract.Stats) {})
}

func (o *idleRuns) EndChunks(context.Context, uuid.UUID) error { return nil }

func (*idleRuns) Served(context.Context, string) error { return nil }

func (o *idleRuns) Ping(context.Context) error { return nil }
