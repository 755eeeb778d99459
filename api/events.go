package api

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/news"
)

const (
	headerLastEventID = "Last-Event-ID"
	// comeBackAfter is what a browser waits before it connects again.
	comeBackAfter = 2 * time.Second
)

// getEvents streams the events of an execution as Server-Sent Events.
//
// The stream takes the connection out of the server's hands. The server would write with
// one deadline for the whole of it, keep the handler's output in pipes, and never say that
// the client has left.
func (s *server) getEvents(c *fiber.Ctx) error {
	p, err := s.planStream(c, kindSSE)
	if err != nil {
		return err
	}
	// A browser comes back after any end but this one.
	if p.execution.Status.Terminal() && p.after == p.execution.LastEventSeq {
		c.Status(http.StatusNoContent)
		return nil
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // nginx hands on what comes as it comes
	if c.Method() == http.MethodHead {
		return nil
	}
	head := rawHead(c)
	c.Context().HijackSetNoResponse(true)
	c.Context().Hijack(func(conn net.Conn) { s.serveEvents(conn, p, head) })
	return nil
}

// rawHead is the head of an answer whose body ends with the connection.
func rawHead(c *fiber.Ctx) []byte {
	head := []byte("HTTP/1.1 200 OK\r\n")
	for key, value := range c.Response().Header.All() {
		switch string(key) {
		case fiber.HeaderContentLength, fiber.HeaderTransferEncoding, fiber.HeaderConnection, fiber.HeaderDate:
			continue
		}
		head = append(head, key...)
		head = append(head, ": "...)
		head = append(head, value...)
		head = append(head, "\r\n"...)
	}
	head = append(head, "Date: "...)
	head = time.Now().UTC().AppendFormat(head, http.TimeFormat)
	return append(head, "\r\nConnection: close\r\n\r\n"...)
}

func (s *server) serveEvents(conn net.Conn, p *plan, head []byte) {
	l, ok := s.lines.join(conn, p.execution.OrganisationID)
	out := &eventClient{line: l, plan: p}
	if !ok {
		if l.send(head) == nil {
			out.end(wire.MessageClosing, wire.ClosingBusy)
		}
		return
	}
	defer s.lines.leave(l)
	s.observed(p, func() string {
		ctx, release := watchClient(conn)
		defer release()
		retry := strconv.AppendInt([]byte("retry: "), comeBackAfter.Milliseconds(), 10)
		if err := l.send(append(append(head, retry...), "\n\n"...)); err != nil {
			return whyFailed(err)
		}
		return s.stream(ctx, p, out)
	})
}

// watchClient gives a context that ends when the client leaves. release must be called
// before the connection is given back.
func watchClient(conn net.Conn) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer cancel()
		var ignored [256]byte // there is nothing for a client to say
		for {
			if _, err := conn.Read(ignored[:]); err != nil {
				return
			}
		}
	}()
	return ctx, func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // ends the read; of a closed one it has ended
		<-gone
	}
}

// eventClient writes Server-Sent Events.
type eventClient struct {
	line *line
	plan *plan
	buf  []byte
}

func (c *eventClient) send(messages []news.Message) error {
	c.buf = c.buf[:0]
	for _, m := range messages {
		c.buf = appendEvent(c.buf, m)
	}
	return c.line.send(c.buf)
}

// appendEvent writes a message down. Its JSON is one line.
func appendEvent(buf []byte, m news.Message) []byte {
	if m.Seq > 0 {
		buf = append(buf, "id: "...)
		buf = strconv.AppendInt(buf, m.Seq, 10)
		buf = append(buf, '\n')
	}
	buf = append(buf, "event: "...)
	buf = append(buf, m.Type...)
	buf = append(buf, "\ndata: "...)
	buf = append(buf, m.JSON...)
	return append(buf, "\n\n"...)
}

// beat is a comment; where some events are not wanted, it also moves the number that the
// client comes back with.
func (c *eventClient) beat(at int64) error {
	c.buf = append(c.buf[:0], ":\n"...)
	if c.plan.types != nil && at > 0 {
		c.buf = append(c.buf, "id: "...)
		c.buf = strconv.AppendInt(c.buf, at, 10)
		c.buf = append(c.buf, '\n')
	}
	c.buf = append(c.buf, '\n')
	return c.line.send(c.buf)
}

func (c *eventClient) end(kind, reason string) {
	_ = c.send(lastWords(c.plan.execution.ID, kind, reason)) // the end comes either way
}
