package agent

import (
	"context"
	"errors"
	"sync"
	"time"
)

// looks has looks at runs that are due at about the same time share one call, over all
// jobs of a key: the service asks for time between calls, and there may be many runs
// under way.
//
// A look waits for its turn at the gate, and those that come meanwhile go with it. One
// that is alone by then asks for its run as if there were no others. A look whose context
// ends is waited for no more; a call ends with the last of its looks.
//
// Trouble that is nobody's own, such as a service that is busy, is every look's trouble.
// What the service will not do for all of them, or cannot, may be the fault of one: then
// each asks by itself, and its neighbours do not notice.
type looks struct {
	mu      sync.Mutex
	next    *batch    // waits for its turn; nil when none does
	refused time.Time // when the service last said that it does not tell of several runs
}

const (
	// maxBatch is how many runs the service tells of in one answer.
	maxBatch = 100
	// refusedFor is how long looks go alone once the service has said that it knows no
	// other way; then it is asked again, for a gateway may have said so in its stead.
	refusedFor = 10 * time.Minute
)

// batch are looks that go together.
type batch struct {
	looks   []*look
	waiting int // those that have not left
	cancel  context.CancelFunc
}

// look is one look at one run.
type look struct {
	service service // the attempt's, with counts of its own
	id      string
	left    bool // nobody waits for it; guarded by looks.mu
	done    chan struct{}
	run     document
	err     error
}

// errAlone tells a look to ask by itself.
var errAlone = errors.New("the run is to be asked for by itself")

// look asks for a run when the key's turn comes. Nil, without an error, is the answer
// that there is no such run.
func (s *service) look(ctx context.Context, id string) (document, error) {
	if s.gate.looks.together(time.Now()) {
		run, err := s.lookWithOthers(ctx, id)
		if !errors.Is(err, errAlone) {
			return run, err
		}
	}
	if err := s.gate.wait(ctx, s.gate.reads); err != nil {
		return nil, err
	}
	return s.run(ctx, id)
}

func (s *service) lookWithOthers(ctx context.Context, id string) (document, error) {
	k := &look{service: *s, id: id, done: make(chan struct{})}
	k.service.requests, k.service.bytes = 0, 0
	b := s.gate.join(ctx, k)
	select {
	case <-k.done:
		s.requests, s.bytes = s.requests+k.service.requests, s.bytes+k.service.bytes
		return k.run, k.err
	case <-ctx.Done():
		s.gate.looks.leave(b, k)
		return nil, ctx.Err()
	}
}

func (l *looks) together(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused.IsZero() || now.Sub(l.refused) > refusedFor
}

func (l *looks) refuse(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = now
}

// join adds a look to those that wait for the next turn.
func (g *gate) join(ctx context.Context, k *look) *batch {
	g.looks.mu.Lock()
	defer g.looks.mu.Unlock()
	b := g.looks.next
	if b == nil || len(b.looks) == maxBatch {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		b = &batch{cancel: cancel}
		g.looks.next = b
		go g.serve(shared, b)
	}
	b.looks, b.waiting = append(b.looks, k), b.waiting+1
	return b
}

func (l *looks) leave(b *batch, k *look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.left = true
	if b.waiting--; b.waiting > 0 {
		return
	}
	b.cancel()
	if l.next == b {
		l.next = nil
	}
}

// due closes a batch to others, and gives those of its looks that are still waited for.
func (l *looks) due(b *batch) []*look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == b {
		l.next = nil
	}
	var due []*look
	for _, k := range b.looks {
		if !k.left {
			due = append(due, k)
		}
	}
	return due
}

func (g *gate) serve(ctx context.Context, b *batch) {
	defer b.cancel()
	if g.wait(ctx, g.reads) != nil {
		return // its context has no deadline: everybody has left
	}
	due := g.looks.due(b)
	switch len(due) {
	case 0:
		return
	case 1:
		due[0].run, due[0].err = due[0].service.run(ctx, due[0].id)
	default:
		lookTogether(ctx, due)
	}
	for _, k := range due {
		close(k.done)
	}
}
