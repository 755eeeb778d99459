package api

import (
	"net"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// goodbyeTime bounds the last words of a stream when the server stops.
	goodbyeTime = time.Second
	// sendBuffer is what the system keeps for a client that does not read: enough for the
	// line to be busy, and little with thousands of them.
	sendBuffer = 64 << 10
)

// lines are the connections of the streams that are open. They are out of the server's
// hands, which neither counts them nor ends them.
type lines struct {
	places  *shares
	timeout time.Duration

	mu       sync.Mutex
	open     map[*line]struct{}
	stopping bool
	// empty is closed when the last line has left after the server began to stop.
	empty chan struct{}
}

func newLines(most int, timeout time.Duration) *lines {
	return &lines{places: newShares(most), timeout: timeout, open: make(map[*line]struct{}), empty: make(chan struct{})}
}

// full reports whether there is no place for another one of an organisation.
func (l *lines) full(org uuid.UUID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopping || l.places.full(org)
}

// join takes a connection of an organisation in; ok is false when there is no place, and then the line must
// not be left.
func (l *lines) join(conn net.Conn, org uuid.UUID) (_ *line, ok bool) {
	// The server hands out a wrapper; the socket is beneath.
	raw := conn
	if wrapped, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
		raw = wrapped.UnsafeConn()
	}
	if sized, ok := raw.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = sized.SetWriteBuffer(sendBuffer) // the system's own size does as well
	}
	it := &line{Conn: conn, lines: l, org: org}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping || !l.places.take(org) {
		return it, false
	}
	l.open[it] = struct{}{}
	return it, true
}

func (l *lines) leave(it *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, it)
	l.places.give(it.org)
	if l.stopping && len(l.open) == 0 {
		close(l.empty)
	}
}

// stop takes in nobody any more and leaves whoever is there a moment for goodbye.
func (l *lines) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return
	}
	l.stopping = true
	if len(l.open) == 0 {
		close(l.empty)
	}
	for it := range l.open {
		_ = it.SetWriteDeadline(time.Now().Add(goodbyeTime)) // a closed one writes no more anyhow
	}
}

// wait waits until all have left, at most for a time.
func (l *lines) wait(atMost time.Duration) {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-l.empty:
	case <-timer.C:
	}
}

// line is the connection of one stream. Closing it is the server's.
type line struct {
	net.Conn
	lines *lines
	org   uuid.UUID // whose stream it is
}

// deadline is when a write that begins now must be over.
func (l *line) deadline() time.Time {
	l.lines.mu.Lock()
	defer l.lines.mu.Unlock()
	if l.lines.stopping {
		return time.Now().Add(goodbyeTime)
	}
	return time.Now().Add(l.lines.timeout)
}

// send writes within the deadline.
func (l *line) send(p []byte) error {
	if err := l.SetWriteDeadline(l.deadline()); err != nil {
		return err
	}
	_, err := l.Write(p)
	return err
}
