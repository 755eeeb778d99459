// Package orphans ends the runs at web agents that nobody waits for any more: those of jobs
// that were stopped between two attempts, of workflows that an operator ended, of workers
// that died with the last attempt, and those that an attempt has announced and, as far as
// it could find out, not started.
//
// The records are authoritative for what is open; the far side for what a run came to,
// which is asked of the executor that started it, and what it cost goes to the session, the
// job and the execution. Any number of processes may sweep: the store gives a run to one
// at a time, and ending a run that has ended is nothing.
//
// Failure: a run that could not be ended is tried again, less and less often, and logged
// every time. It stays open in the records until it is known to have ended.
package orphans

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

const (
	defaultInterval = 5 * time.Second
	// askAgain is the wait after a run that could not be ended; it grows with their number.
	askAgain = 15 * time.Second
	// askFor bounds the ending of one run.
	askFor = 30 * time.Second
	// atOnce is how many runs are ended at a time.
	atOnce = 8
)

// Records is what the sweep needs of the records of runs.
type Records interface {
	OrphanedRuns(ctx context.Context, executors []string, again time.Duration, limit int) ([]models.RemoteRun, error)
	SettleRun(ctx context.Context, run *models.RemoteRun, o store.Settlement) error
}

// Secrets opens the secrets of projects.
type Secrets interface {
	Open(ctx context.Context, org, projectID uuid.UUID, names []string) (map[string]string, error)
}

// Sweep ends orphaned runs.
type Sweep struct {
	records  Records
	settlers map[string]executors.Settler
	names    []string
	secrets  Secrets
	logger   *zap.Logger
	interval time.Duration
}

// NewSweep makes a sweep for those of the executors that start runs elsewhere, which looks
// at an interval; 0 means 5 s.
func NewSweep(records Records, registry executors.Registry, secrets Secrets, logger *zap.Logger, interval time.Duration) *Sweep {
	if interval <= 0 {
		interval = defaultInterval
	}
	s := &Sweep{records: records, settlers: map[string]executors.Settler{}, secrets: secrets, logger: logger, interval: interval}
	for name, executor := range registry {
		if settler, ok := executor.(executors.Settler); ok {
			s.settlers[name] = settler
			s.names = append(s.names, name)
		}
	}
	return s
}

// Run sweeps until the context is done.
func (s *Sweep) Run(ctx context.Context) {
	if len(s.names) == 0 {
		return
	}
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	for {
		s.sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweep ends what is orphaned now.
func (s *Sweep) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		runs, err := s.records.OrphanedRuns(ctx, s.names, askAgain, atOnce)
		if err != nil && ctx.Err() == nil {
			s.logger.Warn("orphaned runs could not be looked for", zap.Error(err))
		}
		if err != nil || len(runs) == 0 {
			return
		}
		var ending sync.WaitGroup
		for i := range runs {
			ending.Go(func() { s.end(ctx, &runs[i]) })
		}
		ending.Wait()
	}
}

func (s *Sweep) end(ctx context.Context, run *models.RemoteRun) {
	fields := []zap.Field{
		zap.String("reference", run.Reference), zap.String("remote_run_id", run.RunID),
		zap.Stringer("job_id", run.JobID), zap.Stringer("execution_id", run.ExecutionID),
	}
	settled, err := s.settle(ctx, run)
	switch {
	case err == nil && settled.Status != "":
		s.logger.Info("an orphaned run has ended", append(fields, zap.String("status", settled.Status))...)
	case err != nil && ctx.Err() == nil:
		s.logger.Warn("an orphaned run could not be ended", append(fields, zap.Int("tries", run.Checks), zap.Error(err))...)
	}
}

func (s *Sweep) settle(ctx context.Context, run *models.RemoteRun) (settled executors.Settlement, err error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	settler, ok := s.settlers[run.Executor]
	if !ok {
		return settled, fmt.Errorf("there is no executor %q here", run.Executor)
	}
	var secrets map[string]string
	if names := settler.Needs(executors.Spec{Settings: run.Settings}).Secrets; len(names) > 0 {
		if secrets, err = s.secrets.Open(ctx, run.OrganisationID, run.ProjectID, names); err != nil {
			return settled, err
		}
	}
	remote := executors.RemoteRun{Reference: run.Reference, Age: run.Age, ID: run.RunID}
	if settled, err = ask(ctx, settler, remote, run.Settings, secrets); err != nil {
		return settled, err
	}
	used := settled.Usage.Bounded()
	return settled, s.records.SettleRun(ctx, run, store.Settlement{
		Status: settled.Status, Steps: used.Steps, CostMicros: used.CostMicros, CostCurrency: used.Currency,
	})
}

// ask has an executor end a run. One that panics does not end the process, which would
// meet the same run again. What it panicked with is not told: it may hold a secret.
func ask(
	ctx context.Context, settler executors.Settler, run executors.RemoteRun, settings json.RawMessage, secrets map[string]string,
) (settled executors.Settlement, err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("the executor panicked: %s", debug.Stack())
		}
	}()
	return settler.Settle(ctx, run, settings, secrets)
}
