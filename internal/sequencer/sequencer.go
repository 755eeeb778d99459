// Package sequencer gives the events of executions their numbers soon after they were
// written.
//
// PostgreSQL is authoritative: an event is there when the transaction that caused it
// has committed, and has its number when SequenceEvents has. The sequencer only knows
// of which executions somebody in this process has written events; any number of
// processes may number the same execution, which the store keeps free of gaps.
//
// An execution is idle, or marked until it is next numbered. The first mark after a quiet
// time is followed at once, since somebody may be watching; while marks keep coming they
// are coalesced, and one execution is numbered at most once an interval, however much
// happens in it.
//
// Failure: an execution that could not be numbered stays marked, and is tried again after
// half a second. What a process has marked and not numbered when it dies is numbered with
// the next mark of that execution in any process, at the latest with its end.
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
	// defaultInterval is what a busy execution's events wait at most. Numbering costs a
	// transaction, whatever the number of events.
	defaultInterval = 200 * time.Millisecond
	// retryAfter is the pause after a numbering that failed, when it is longer than the
	// interval.
	retryAfter = 500 * time.Millisecond
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
	// wake holds a token while there are marks that Run has not seen.
	wake chan struct{}
}

// New makes a sequencer that numbers one execution at most once an interval; 0 means
// 200 ms.
func New(records Records, logger *zap.Logger, interval time.Duration) *Sequencer {
	if interval <= 0 {
		interval = defaultInterval
	}
	return &Sequencer{
		records: records, logger: logger, interval: interval,
		marked: map[uuid.UUID]struct{}{}, wake: make(chan struct{}, 1),
	}
}

// Mark says that events of an execution were written. It never waits for PostgreSQL.
func (s *Sequencer) Mark(executionID uuid.UUID) {
	s.mu.Lock()
	s.marked[executionID] = struct{}{}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // Run knows already
	}
}

// Run numbers until the context is done, and then once more what is still marked.
func (s *Sequencer) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			s.flush(ctx)
			return
		case <-s.wake:
		}
		pause := s.interval
		if !s.number(ctx) {
			pause = max(pause, retryAfter)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// flush numbers what is still marked when Run is to end.
func (s *Sequencer) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushFor)
	defer cancel()
	s.number(ctx)
}

// number numbers every execution that is marked, and reports whether all of them could
// be; those that could not are marked again.
func (s *Sequencer) number(ctx context.Context) bool {
	all := true
	for id := range s.take() {
		_, err := s.records.SequenceEvents(ctx, id)
		if err == nil || errors.Is(err, models.ErrNotFound) {
			continue
		}
		all = false
		s.Mark(id)
		if ctx.Err() == nil {
			s.logger.Warn("events could not be numbered yet", zap.Stringer("execution_id", id), zap.Error(err))
		}
	}
	return all
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
