// Package lifecycle ends a process in order: a signal asks, parts close last in
// first out, one deadline bounds the whole.
//
//	running ──first signal──> context cancelled ──Close──> closed
//	                               └──second signal──> exit at once
//
// A Stack is authoritative for what is open. Close may be called any number of
// times, from any goroutine, before anything was added too: the parts close once,
// and every caller gets the one result.
//
// Failure: a part that returns an error or panics does not keep the others from
// closing. A part that outlasts the deadline is left behind and named in the error;
// the parts below it are still told to close, with a context that is done, so that
// they can let go by force.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// grace is what each remaining part gets once the deadline has passed: enough to
// let go by force, not to finish work.
const grace = 2 * time.Second

// errLate says that a part did not close in time.
var errLate = errors.New("did not close in time")

// Stack holds the open parts of a process in the order in which they were opened.
type Stack struct {
	log     *zap.Logger
	timeout time.Duration

	mu     sync.Mutex
	parts  []part
	closed bool

	once sync.Once
	err  error // set by once
}

type part struct {
	name  string
	close func(ctx context.Context) error
}

// NewStack makes an empty stack whose Close takes at most about the timeout.
func NewStack(log *zap.Logger, timeout time.Duration) *Stack {
	return &Stack{log: log, timeout: timeout}
}

// Add puts a part on the stack as soon as it is open. closePart is called once, with
// the deadline of the whole shutdown. A part that is added after Close is closed at
// once: it was opened while the process was ending.
func (s *Stack) Add(name string, closePart func(ctx context.Context) error) {
	added := part{name: name, close: closePart}
	if s.push(added) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	// There is nobody to return the error to: Close has given its result. It is logged.
	_ = s.closeOne(ctx, added)
}

func (s *Stack) push(p part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.parts = append(s.parts, p)
	return true
}

// Close closes the parts, last in first out, and returns what went wrong, joined. It
// has a deadline of its own and no context: the one at hand at the end of a process
// is usually cancelled already.
func (s *Stack) Close() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
		defer cancel()
		parts := s.take()
		var errs []error
		for _, p := range slices.Backward(parts) {
			errs = append(errs, s.closeOne(ctx, p))
		}
		s.err = errors.Join(errs...)
	})
	return s.err
}

func (s *Stack) take() []part {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	parts := s.parts
	s.parts = nil
	return parts
}

// closeOne closes one part and waits for it until the context is done, and then a
// moment more.
func (s *Stack) closeOne(ctx context.Context, p part) error {
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- guarded(ctx, p.close) }()

	err := wait(ctx, done)
	took := zap.Duration("took", time.Since(began))
	if err != nil {
		err = fmt.Errorf("close %s: %w", p.name, err)
		s.log.Error("a part did not close well", zap.String("part", p.name), took, zap.Error(err))
		return err
	}
	s.log.Debug("closed", zap.String("part", p.name), took)
	return nil
}

func wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	last := time.NewTimer(grace)
	defer last.Stop()
	select {
	case err := <-done:
		return err
	case <-last.C:
		return errLate
	}
}

// guarded turns a panic into an error, so that what lies below still closes.
func guarded(ctx context.Context, closePart func(context.Context) error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return closePart(ctx)
}
