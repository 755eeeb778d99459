package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minohq/mino/models"
)

// maxGroup is how many calls one statement serves at most.
const maxGroup = 100

// A statement that has served many calls or more is followed by the next no sooner than
// groupPause after it has begun.
const (
	many       = 3
	groupPause = 25 * time.Millisecond
)

// group has calls that come at the same time served by one statement: a statement, its
// transaction and its round trip cost more than the rows of a job do. A call that comes
// alone is served at once, and those that come meanwhile are served together next. Once
// one has served many, the next waits a little for more, which is time that jobs so short,
// or so many, have; PostgreSQL's commit_delay does the same for commits alone.
//
// A statement that waits for a lock keeps the calls of its key waiting, and no others.
//
// Every call has its own answer. Data that PostgreSQL refuses is the fault of one of
// them and not of its neighbours, so then each is served alone. A statement ends with
// the last of the contexts of its calls; until then, a call whose context has ended is
// not waited for and may be carried out all the same, as with any statement whose answer
// did not come.
type group[K comparable, T, R any] struct {
	// serve carries out calls of one key, and answers in their order.
	serve func(ctx context.Context, key K, items []T) ([]R, error)

	mu      sync.Mutex
	waiting map[K][]*groupCall[T, R] // a key is there while its calls are being served
}

type groupCall[T, R any] struct {
	ctx    context.Context //nolint:containedctx // of the call, which is one
	item   T
	done   chan struct{}
	answer R
	err    error
	shared bool // others were served by the same statement
}

func newGroup[K comparable, T, R any](serve func(context.Context, K, []T) ([]R, error)) *group[K, T, R] {
	return &group[K, T, R]{serve: serve, waiting: map[K][]*groupCall[T, R]{}}
}

func (g *group[K, T, R]) do(ctx context.Context, key K, item T) (R, error) {
	c := &groupCall[T, R]{ctx: ctx, item: item, done: make(chan struct{})}
	g.mu.Lock()
	waiting, busy := g.waiting[key]
	g.waiting[key] = append(waiting, c)
	g.mu.Unlock()
	if !busy {
		go g.run(key)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		var none R
		return none, ctx.Err()
	}
	if c.shared && (refused(c.err) || deadlocked(c.err)) {
		return g.alone(ctx, key, item)
	}
	return c.answer, c.err
}

// refused tells errors that are PostgreSQL's answer from those of the way to it.
func refused(err error) bool { return err != nil && !errors.Is(mapped(err), models.ErrUnavailable) }

// deadlocked: this statement and others waited for each other. One row does not do that.
func deadlocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "40P01"
}

func (g *group[K, T, R]) alone(ctx context.Context, key K, item T) (R, error) {
	answers, err := g.serve(ctx, key, []T{item})
	if err != nil {
		var none R
		return none, err
	}
	return answers[0], nil
}

// run serves the calls of a key until there are none.
func (g *group[K, T, R]) run(key K) {
	for calls := g.take(key); len(calls) > 0; calls = g.take(key) {
		next := time.NewTimer(groupPause)
		g.together(key, calls)
		if len(calls) >= many {
			<-next.C
		}
		next.Stop()
	}
}

// take gives the calls to serve next; when there are none, the key is free. Calls that
// are not waited for any more are left out.
func (g *group[K, T, R]) take(key K) []*groupCall[T, R] {
	g.mu.Lock()
	defer g.mu.Unlock()
	var calls []*groupCall[T, R]
	waiting := g.waiting[key]
	for len(waiting) > 0 && len(calls) < maxGroup {
		if waiting[0].ctx.Err() == nil {
			calls = append(calls, waiting[0])
		}
		waiting = waiting[1:]
	}
	if len(calls) == 0 {
		delete(g.waiting, key)
	} else {
		g.waiting[key] = waiting
	}
	return calls
}

func (g *group[K, T, R]) together(key K, calls []*groupCall[T, R]) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(calls[0].ctx))
	defer cancel()
	var waited atomic.Int64
	waited.Store(int64(len(calls)))
	items := make([]T, len(calls))
	for i, c := range calls {
		items[i] = c.item
		defer context.AfterFunc(c.ctx, func() {
			if waited.Add(-1) == 0 {
				cancel()
			}
		})()
	}
	answers, err := g.serve(ctx, key, items)
	for i, c := range calls {
		if c.err, c.shared = err, len(calls) > 1; err == nil {
			c.answer = answers[i]
		}
		close(c.done)
	}
}
