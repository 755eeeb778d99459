package news

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/models"
)

// pageSize is how many events a statement reads for a topic.
const pageSize = 500

// topic is an execution that somebody follows.
type topic struct {
	hub       *Hub
	org       uuid.UUID
	execution uuid.UUID
	ctx       context.Context //nolint:containedctx // the topic's life, not a call's
	cancel    context.CancelFunc
	followers int // under the hub's lock
	// wake holds a token while there may be events that have not been read.
	wake chan struct{}
	// moved holds a token while there are events since the last progress.
	moved chan struct{}

	mu sync.Mutex
	// head is the number of the newest event that was read; window holds the newest
	// ones, without a gap, up to and with head.
	head   int64
	window []Message
	bytes  int
	// ended says that there is none after head.
	ended bool
	// progress is the newest, with standing for its data; edition counts how many there
	// were.
	progress Message
	standing []byte
	edition  int64
	// changed is closed, and another one made, when any of the above changes.
	changed chan struct{}
}

// newTopic begins after the events that an execution has: who wants those reads them.
func newTopic(h *Hub, e *models.Execution) *topic {
	t := &topic{
		hub: h, org: e.OrganisationID, execution: e.ID,
		wake: make(chan struct{}, 1), moved: make(chan struct{}, 1),
		head: e.LastEventSeq, ended: e.Status.Terminal(), changed: make(chan struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(h.ctx)
	t.moved <- struct{}{} // who comes first wants to know where it stands
	return t
}

// look has the topic read what is new. It never blocks.
func (t *topic) look() { signal(t.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is known already
	}
}

// read reads what is new, when it is told of it and every few seconds, until the end of
// the execution or of the last follower.
func (t *topic) read() {
	poll := time.NewTicker(t.hub.Poll)
	defer poll.Stop()
	for {
		polled := false
		select {
		case <-t.ctx.Done():
			return
		case <-t.wake:
		case <-poll.C:
			polled = true
		}
		ended, err := t.advance(polled)
		if t.ctx.Err() != nil || ended {
			return
		}
		if err != nil {
			t.hub.Logger.Warn("events cannot be read; followers wait", zap.Stringer("execution_id", t.execution), zap.Error(err))
			if !sleep(t.ctx, firstPause) {
				return
			}
			t.look()
		}
	}
}

// advance reads all that is new, and reports whether the execution has ended. An end is
// an event like any other; it is only when an execution was polled in vain that its row
// is asked too.
func (t *topic) advance(polled bool) (ended bool, err error) {
	if t.isEnded() {
		return true, nil
	}
	for {
		after := t.position()
		page, err := t.hub.page(t.ctx, t.org, t.execution, after, pageSize)
		if err != nil {
			return false, err
		}
		last := len(page) > 0 && page[len(page)-1].Type == string(models.EventExecutionFinished)
		if len(page) > 0 {
			t.publish(page, last)
			polled = false
		}
		if last || len(page) < pageSize {
			if polled {
				return t.askRow()
			}
			return last, nil
		}
	}
}

// askRow finds the end of an execution whose last event is read already.
func (t *topic) askRow() (ended bool, err error) {
	var e *models.Execution
	err = t.hub.query(t.ctx, func(ctx context.Context) (err error) {
		e, err = t.hub.Records.Execution(ctx, t.org, t.execution)
		return err
	})
	if errors.Is(err, models.ErrNotFound) { // it has ended and was deleted, before its end was read
		t.publish(nil, true)
		return true, nil
	}
	if err != nil || !e.Status.Terminal() || e.LastEventSeq > t.position() {
		return false, err
	}
	t.publish(nil, true)
	return true, nil
}

func (t *topic) position() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head
}

func (t *topic) isEnded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// publish adds events to the window and lets go of its oldest.
func (t *topic) publish(events []Message, last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range events {
		t.head = m.Seq
		t.bytes += len(m.JSON)
	}
	t.window = append(t.window, events...)
	drop := 0
	for len(t.window)-drop > t.hub.Window || t.bytes > t.hub.WindowBytes && drop < len(t.window) {
		t.bytes -= len(t.window[drop].JSON)
		drop++
	}
	if drop > 0 {
		kept := copy(t.window, t.window[drop:])
		clear(t.window[kept:])
		t.window = t.window[:kept]
	}
	t.ended = t.ended || last
	if len(events) > 0 {
		signal(t.moved)
	}
	t.announce()
}

// announce tells the followers that something has changed. The lock is held.
func (t *topic) announce() {
	close(t.changed)
	t.changed = make(chan struct{})
}
