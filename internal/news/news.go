// Package news follows the events of executions for any number of readers in one process.
//
// PostgreSQL is authoritative: an event is news when it has its number. A Hub hears, on one
// connection, which executions have new numbers, reads those that somebody follows once for
// all of their followers, and keeps the newest of each in a window that the followers share.
// A follower is a place in the sequence and nothing more: what it has fallen behind the
// window it reads from PostgreSQL, page by page, by itself. So a slow follower costs a fast
// one nothing, and the memory of either is bounded.
//
//	written ──numbered──> announced ──> Hub reads ──> window ──> followers
//	                          └ lost? the hub looks by itself every few seconds
//
// A follower at the newest event is also told where the execution stands, about once a
// second. That is state and no event: it has no number, only the last one counts, and none
// comes when nothing has changed.
//
// Failure: while PostgreSQL cannot be reached the followers wait, and miss nothing; those
// that read for themselves are told. When the connection for notices is lost it is made
// again, with growing pauses, and then every execution is looked at. Close ends all
// followers with ErrClosed.
package news

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

// ErrClosed is what followers get when the hub is closed.
var ErrClosed = errors.New("no more news: the process stops")

// Records is what the hub needs of the records. Errors wrap the sentinels of package
// models.
type Records interface {
	// ListEvents lists numbered events after a number, in their order.
	ListEvents(ctx context.Context, org, executionID uuid.UUID, afterSeq int64, limit int) ([]models.ExecutionEvent, error)
	Execution(ctx context.Context, org, id uuid.UUID) (*models.Execution, error)
}

// Notices tells which executions have newly numbered events.
type Notices interface {
	// Listen calls listening once it misses nothing more, then notice for each
	// announcement, until the context is done or it can go on no longer; it returns why.
	Listen(ctx context.Context, listening func(), notice func(executionID uuid.UUID)) error
}

// Stand tells where an execution stands.
type Stand func(ctx context.Context, org, executionID uuid.UUID) (wire.Progress, error)

// Config is what a Hub is made of. Zero means the default of a member.
type Config struct {
	Records Records
	// Notices may be nil: then the hub looks by itself only.
	Notices Notices
	// Stand may be nil: then there is no progress.
	Stand  Stand
	Logger *zap.Logger
	// Poll is how often an execution is looked at without a notice; 3 s. It is what a lost
	// notice costs.
	Poll time.Duration
	// Progress is the least time between two messages of progress; 1 s.
	Progress time.Duration
	// Window and WindowBytes bound what is kept of one execution; 2,048 events, 1 MiB.
	Window, WindowBytes int
}

const (
	defaultPoll        = 3 * time.Second
	defaultProgress    = time.Second
	defaultWindow      = 2_048
	defaultWindowBytes = 1 << 20
	// quietProgress times as long as usual is the wait for progress that no event has
	// announced: a job that begins writes none.
	quietProgress = 5
	// maxReads bounds the statements that the hub and its followers have under way at
	// once, so that requests find a connection.
	maxReads = 4
	// readTimeout bounds one of them.
	readTimeout = 15 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	if c.Progress <= 0 {
		c.Progress = defaultProgress
	}
	if c.Window <= 0 {
		c.Window = defaultWindow
	}
	if c.WindowBytes <= 0 {
		c.WindowBytes = defaultWindowBytes
	}
	return c
}

// Hub reads events for followers. It is safe for concurrent use, and does nothing while
// nobody follows.
type Hub struct {
	Config
	reads chan struct{} // a place for each statement that may be under way

	ctx    context.Context //nolint:containedctx // the hub's life, not a call's
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	topics map[uuid.UUID]*topic
	begun  bool // whether anything listens
}

// New makes a hub; Close ends it.
func New(cfg Config) *Hub {
	h := &Hub{Config: cfg.withDefaults(), reads: make(chan struct{}, maxReads), topics: make(map[uuid.UUID]*topic)}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Follow begins to follow an execution after a number. The execution must be as it was
// read from the records just now; whose it is has been checked by the caller. The follower
// must be closed.
func (h *Hub) Follow(e *models.Execution, after int64) *Follower {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, ok := h.topics[e.ID]
	if !ok {
		t = newTopic(h, e)
		h.topics[e.ID] = t
		h.start(t)
	}
	t.followers++
	// What the row counts and the topic has not read yet is looked for at once.
	t.look()
	return &Follower{topic: t, at: after}
}

// start runs what reads for a topic, and with the first one what listens.
func (h *Hub) start(t *topic) {
	if h.ctx.Err() != nil {
		return // its followers are told
	}
	if !h.begun && h.Notices != nil {
		h.begun = true
		h.work.Go(h.listen)
	}
	h.work.Go(t.read)
	if h.Stand != nil {
		h.work.Go(t.watchProgress)
	}
}

// leave ends what reads for a topic with its last follower.
func (h *Hub) leave(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.followers--; t.followers == 0 {
		t.cancel()
		delete(h.topics, t.execution)
	}
}

// Close ends every follower and waits for what runs for them.
func (h *Hub) Close() {
	h.mu.Lock()
	h.cancel() // under the lock: nothing is started after it
	h.mu.Unlock()
	h.work.Wait()
}

// query runs a statement when there is a place for it.
func (h *Hub) query(ctx context.Context, run func(ctx context.Context) error) error {
	select {
	case h.reads <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.reads }()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return run(ctx)
}
