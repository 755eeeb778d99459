package api_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// fakeOrchestrator keeps runs in memory and takes control as the workflow does.
type fakeOrchestrator struct {
	mu   sync.Mutex
	runs map[string]*contract.Stats
	// away is returned by every call.
	away error
	// unserved are executors whose jobs nobody does.
	unserved map[string]bool
	// starts counts the calls of Start that succeeded.
	starts int
	// begun, when there is one, is called with each execution that was started.
	begun func(*models.Execution)
	// stopped, when there is one, is called with each execution that was cancelled.
	stopped func(uuid.UUID)
}

func newFakeOrchestrator() *fakeOrchestrator {
	return &fakeOrchestrator{runs: make(map[string]*contract.Stats)}
}

// fail has every call fail from here on; nil has them succeed again.
func (o *fakeOrchestrator) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away = err
}

// end closes a run.
func (o *fakeOrchestrator) end(executionID uuid.UUID) {
	id := contract.WorkflowID(executionID.String())
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.runs, id)
}

// tell has a run say what it has used.
func (o *fakeOrchestrator) tell(executionID uuid.UUID, steps int, micros int64, currency string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	run := o.runs[contract.WorkflowID(executionID.String())]
	run.Steps, run.CostMicros, run.CostCurrency = steps, micros, currency
}

func (o *fakeOrchestrator) Served(_ context.Context, executor string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.unserved[executor] {
		return models.ErrUnserved
	}
	return nil
}

// said is where the runs stand.
func (o *fakeOrchestrator) said() map[string]contract.Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make(map[string]contract.Stats, len(o.runs))
	for id, run := range o.runs {
		out[id] = *run
	}
	return out
}

func (o *fakeOrchestrator) started() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.starts
}

func (o *fakeOrchestrator) Start(_ context.Context, e *models.Execution) error {
	if err := o.start(e); err != nil {
		return err
	}
	if o.begun != nil {
		o.begun(e)
	}
	return nil
}

func (o *fakeOrchestrator) start(e *models.Execution) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away != nil {
		return o.away
	}
	o.starts++
	if _, ok := o.runs[e.Workflow()]; !ok {
		o.runs[e.Workflow()] = &contract.Stats{
			ExecutionID: e.ID.String(), State: "running", Concurrency: e.Concurrency,
			Total: e.TotalJobs, Queued: e.TotalJobs, StartedAt: "2026-01-02T03:04:05Z",
		}
	}
	return nil
}

func (o *fakeOrchestrator) change(id string, apply func(*contract.Stats)) (contract.Stats, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away != nil {
		return contract.Stats{}, o.away
	}
	run, ok := o.runs[id]
	if !ok {
		return contract.Stats{}, fmt.Errorf("%w: no run", models.ErrRunEnded)
	}
	apply(run)
	return *run, nil
}

func (o *fakeOrchestrator) Pause(_ context.Context, id string) (contract.Stats, error) {
	return o.change(id, func(s *contract.Stats) {
		if s.State == "running" {
			s.State = "paused"
		}
	})
}

func (o *fakeOrchestrator) Resume(_ context.Context, id string) (contract.Stats, error) {
	return o.change(id, func(s *contract.Stats) {
		if s.State == "paused" {
			s.State = "running"
		}
	})
}

func (o *fakeOrchestrator) Stop(_ context.Context, id string, mode contract.StopMode) (contract.Stats, error) {
	stats, err := o.change(id, func(s *contract.Stats) {
		s.State = "stopping"
		if mode == contract.StopCancel {
			s.State, s.Cancelled, s.Queued = "stopped", s.Queued, 0
		}
	})
	if o.stopped != nil && err == nil && mode == contract.StopCancel {
		o.stopped(uuid.MustParse(stats.ExecutionID))
	}
	return stats, err
}

func (o *fakeOrchestrator) SetConcurrency(_ context.Context, id string, value int) (contract.Stats, error) {
	return o.change(id, func(s *contract.Stats) { s.Concurrency = value })
}

func (o *fakeOrchestrator) Stats(_ context.Context, id string) (contract.Stats, error) {
	return o.change(id, func(*contract.Stats) {})
}

func (o *fakeOrchestrator) EndChunks(context.Context, uuid.UUID) error { return nil }

func (o *fakeOrchestrator) Ping(context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.away
}
