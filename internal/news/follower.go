package news

import (
	"context"
	"time"
)

// What a follower holds at most, apart from the window, which is shared. A batch is what
// its client has to take within one deadline. A page is what one that fell behind the window
// has of its own: they all do when the machine is busy, and there may be thousands.
const (
	batchMessages = 64
	batchBytes    = 16 << 10
	behindPage    = 40
)

// Follower is a reader's place in the events of an execution. It is used by one
// goroutine.
type Follower struct {
	topic   *topic
	at      int64 // the number of the newest event that was given
	edition int64 // of the progress that was given
	batch   []Message
	// behind holds what was read from PostgreSQL and not given yet.
	behind []Message
	closed bool
}

// At is the number after which the follower goes on.
func (f *Follower) At() int64 { return f.at }

// Next gives the messages that come next, at least one, waiting for them at most for the
// given time; then it gives none. ended says that all events of the execution were given
// and that there will be no other. The messages stay as they are until the next call.
//
// It returns ErrClosed when the hub is closed, the context's error when that ends, and an
// error of the records when they could not be read.
func (f *Follower) Next(ctx context.Context, wait time.Duration) (messages []Message, ended bool, err error) {
	var timeout <-chan time.Time
	for {
		if f.topic.hub.ctx.Err() != nil {
			return nil, false, ErrClosed
		}
		if len(f.behind) > 0 {
			return f.take(f.behind), false, nil
		}
		found, changed, behind := f.look()
		switch {
		case behind:
			if f.behind, err = f.topic.hub.page(ctx, f.topic.org, f.topic.execution, f.at, behindPage); err != nil {
				return nil, false, f.reason(err)
			}
			if len(f.behind) > 0 {
				continue
			}
			// The window says that there are events, and there are none: they were removed.
			f.skip()
			continue
		case len(found) > 0:
			return found, false, nil
		case changed == nil:
			return nil, true, nil
		}
		if timeout == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-changed:
		case <-timeout:
			return nil, false, nil
		case <-f.topic.hub.ctx.Done():
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// look takes what there is from the window. Without any, it gives what is closed when
// there may be, or nil when there never will be; or it says that the next event is older
// than the window.
func (f *Follower) look() (found []Message, changed <-chan struct{}, behind bool) {
	t := f.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	switch missing := t.head - f.at; {
	case missing > int64(len(t.window)):
		return nil, nil, true
	case missing > 0:
		f.behind = nil
		return f.copied(t.window[int64(len(t.window))-missing:]), nil, false
	case t.ended:
		return nil, nil, false
	case missing == 0 && t.edition > f.edition:
		f.edition = t.edition
		f.batch = append(f.batch[:0], t.progress)
		return f.batch, nil, false
	}
	return nil, t.changed, false
}

// take gives the first of some messages that were read for this follower.
func (f *Follower) take(messages []Message) []Message {
	given := f.copied(messages)
	if f.behind = messages[len(given):]; len(f.behind) == 0 {
		f.behind = nil // what was given is let go of with the batch
	}
	return given
}

// copied gives as many as fit of some messages, at least one.
func (f *Follower) copied(messages []Message) []Message {
	n, bytes := 0, 0
	for n < len(messages) && n < batchMessages && (n == 0 || bytes+len(messages[n].JSON) <= batchBytes) {
		bytes += len(messages[n].JSON)
		n++
	}
	f.batch = append(f.batch[:0], messages[:n]...)
	f.at = messages[n-1].Seq
	return f.batch
}

// skip goes to where the window begins.
func (f *Follower) skip() {
	t := f.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	f.at = max(f.at, t.head-int64(len(t.window)))
}

// reason is why a follower could not go on.
func (f *Follower) reason(err error) error {
	if f.topic.hub.ctx.Err() != nil {
		return ErrClosed
	}
	return err
}

// Close ends the follower. Closing twice is nothing.
func (f *Follower) Close() {
	if f.closed {
		return
	}
	f.closed = true
	f.topic.hub.leave(f.topic)
}
