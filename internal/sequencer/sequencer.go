// Package sequencer gives the events of executions their numbers soon after they were
// written.
//
// PostgreSQL is authoritative: an event is there when the transaction that caused it
// has committed, and has its number when SequenceEvents has. The sequencer only knows
// of which executions somebody in this process has written events; any number of
// processes may number the same execution, which the store keeps free of gaps.
//
// An execution is idle, or marked until it is next numbered. Marks are coalesced: one
// execution is numbered at most once an interval, however much happens in it.
//
// Failure: an execution that could not be numbered stays marked. What a process has
// marked and not numbered when it dies is numbered with the next mark of that execution
// in any process, at the latest with its end.
package sequencer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/models"
)

const (
	defaultInterval = 500 * time.Millisecond
	// flushFor bounds the last numbering, when the sequencer was told to stop.
	flushFor = 5 * time.Second
)

// Records is what the sequencer needs of the records of executions.
type Records interface {
	SequenceEvents(ctx context.Context, executionID uuid.UUID) (int, error)
}

// Sequencer numbers events. It is safe for concurrent use.
type Sequencer struct {
	records  Records
	logger   *zap.Logger
	interval time.Duration

	mu     sync.Mutex
	marked map[uuid.UUID]struct{}
}

// New makes a sequencer that numbers at an interval; 0 means 500 ms.
func New(records Records, logger *zap.Logger, interval time.Duration) *Sequencer {
	if interval <= 0 {
		interval = defaultInterval
	}
	return &Sequencer{records: records, logger: logger, interval: interval, marked: map[uuid.UUID]struct{}{}}
}

// Mark says that events of an execution were written. It never waits for PostgreSQL.
func (s *Sequencer) Mark(executionID uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marked[executionID] = struct{}{}
}

// Run numbers until the context is done, and then once more what is still marked.
func (s *Sequencer) Run(ctx context.Context) {
	ticker := time.NewTicker(s.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushFor)
			defer cancel()
			s.number(ctx)
			return
		case <-ticker.C:
			s.number(ctx)
		}
	}
}

// number numbers every execution that is marked.
func (s *Sequencer) number(ctx context.Context) {
	for id := range s.take() {
		_, err := s.records.SequenceEvents(ctx, id)
		if err == nil || errors.Is(err, models.ErrNotFound) {
			continue
		}
		s.Mark(id)
		if ctx.Err() == nil {
			s.logger.Warn("events could not be numbered yet", zap.Stringer("execution_id", id), zap.Error(err))
		}
	}
}

// take empties the marks before anything is numbered: an event that is written
// meanwhile marks its execution anew.
func (s *Sequencer) take() map[uuid.UUID]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.marked
	s.marked = map[uuid.UUID]struct{}{}
	return taken
}
