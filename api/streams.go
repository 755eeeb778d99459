package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/news"
	"github.com/minohq/mino/models"
)

// The kinds of streams.
const (
	kindSSE       = "sse"
	kindWebSocket = "websocket"
)

// Reasons for the end of a stream that its client cannot be told, beside those of
// package wire.
const (
	reasonLeft    = "left"
	reasonTooSlow = "too_slow"
	reasonBroken  = "broken"
)

// plan is what a client wants of a stream. It outlives the request: nothing of it is the
// Ctx's.
type plan struct {
	kind      string
	requestID string
	opener    *standing
	execution *models.Execution
	after     int64
	// types are those wanted; nil for all.
	types map[string]bool
}

// wants reports whether a message is to be sent.
func (p *plan) wants(m news.Message) bool { return p.types == nil || p.types[m.Type] }

// streamTypes are the types of messages that may be asked for.
func streamTypes() []models.EventType {
	return append(models.EventTypes(), wire.MessageProgress)
}

// planStream reads what a client wants and whether it may have it.
func (s *server) planStream(c *fiber.Ctx, kind string) (*plan, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	q := readQuery(c)
	p := &plan{kind: kind, requestID: s.identifyRequest(c), opener: s.standing(c)}
	q.text(ticketParameter) // identify has read it
	place := "after"
	text := q.text(place)
	if last := c.Get(headerLastEventID); kind == kindSSE && last != "" {
		place, text = headerLastEventID, last
	}
	if text != "" {
		if p.after, err = strconv.ParseInt(text, 10, 64); err != nil || p.after < 0 {
			q.refuse(place, "must be the number of an event, 0 or more")
		}
	}
	if types := oneOf(q, "types", streamTypes()); len(types) > 0 {
		p.types = make(map[string]bool, len(types))
		for _, t := range types {
			p.types[string(t)] = true
		}
	}
	if err := q.err(); err != nil {
		return nil, err
	}
	ctx := c.UserContext()
	if p.execution, err = s.Store.Execution(ctx, organisation(ctx), id); err != nil {
		return nil, err
	}
	if p.after > p.execution.LastEventSeq {
		q.refuse(place, "is beyond the last event, %d", p.execution.LastEventSeq)
		return nil, q.err()
	}
	if s.lines.full(p.execution.OrganisationID) {
		return nil, &problem{
			status: http.StatusServiceUnavailable, code: wire.CodeUnavailable,
			detail: "as many streams are open as may be; try again, or ask for /stats now and then",
		}
	}
	s.stopWithServer(c.Context().Done())
	return p, nil
}

// stopWithServer has the streams end when the server begins to stop, not when the last
// request is answered.
func (s *server) stopWithServer(stopping <-chan struct{}) {
	s.watch.Do(func() {
		go func() {
			<-stopping
			s.beginStop()
		}()
	})
}

func (s *server) beginStop() {
	s.lines.stop()
	s.hub.Close()
}

// endStreams is the end of the server.
func (s *server) endStreams() error {
	s.beginStop()
	s.lines.wait(2 * goodbyeTime)
	return nil
}

// client is the far end of a stream.
type client interface {
	// send sends messages, in their order.
	send(messages []news.Message) error
	// beat shows that the stream is alive; at is the number of the newest event that the
	// client has or does not want.
	beat(at int64) error
	// end says the last words; what cannot be said is left.
	end(kind, reason string)
}

// stream serves one client until the end, and says why it came. The context ends when the
// client leaves.
func (s *server) stream(ctx context.Context, p *plan, out client) (reason string) {
	f := s.hub.Follow(p.execution, p.after)
	defer f.Close()
	silent := time.Now()
	for {
		if reason := s.recheck(ctx, p); reason != "" {
			out.end(wire.MessageClosing, reason)
			return reason
		}
		wait := max(s.Heartbeat-time.Since(silent), 0)
		if due, ok := p.opener.due(); ok {
			wait = min(wait, due)
		}
		messages, ended, err := f.Next(ctx, wait)
		switch {
		case errors.Is(err, news.ErrClosed):
			out.end(wire.MessageClosing, wire.ClosingShutdown)
			return wire.ClosingShutdown
		case err != nil && ctx.Err() != nil:
			return reasonLeft
		case err != nil:
			s.Logger.Warn("the events of a stream cannot be read", zap.String("request_id", p.requestID), zap.Error(err))
			out.end(wire.MessageClosing, wire.ClosingUnavailable)
			return wire.ClosingUnavailable
		case ended:
			out.end(wire.MessageEnd, wire.EndFinished)
			return wire.EndFinished
		}
		wanted := messages[:0]
		for _, m := range messages {
			if p.wants(m) {
				wanted = append(wanted, m)
			}
		}
		switch {
		case len(wanted) > 0:
			err = out.send(wanted)
		case time.Since(silent) >= s.Heartbeat:
			err = out.beat(f.At())
		default:
			continue
		}
		if err != nil {
			return whyFailed(err)
		}
		silent = time.Now()
	}
}

// recheck asks whether whoever has opened a stream still may, when it is time to; the
// reason is why not. The context ends when the client leaves.
func (s *server) recheck(left context.Context, p *plan) (reason string) {
	ctx, cancel := context.WithTimeout(left, s.StreamTimeout)
	defer cancel()
	err := p.opener.check(ctx)
	switch {
	case err == nil:
		return ""
	case left.Err() != nil:
		return reasonLeft
	case errors.Is(err, authn.ErrInvalid):
		return wire.ClosingUnauthorized
	}
	// Nobody knows whether they may. The client comes back, and is asked.
	s.Logger.Warn("it cannot be asked whose a stream is", zap.String("request_id", p.requestID), zap.Error(err))
	return wire.ClosingUnavailable
}

// whyFailed tells a client that does not read from one that is gone.
func whyFailed(err error) string {
	var network net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout() {
		return reasonTooSlow
	}
	return reasonLeft
}

// observed counts and logs a stream that serve serves.
func (s *server) observed(p *plan, serve func() (reason string)) {
	s.Streams.StreamOpened(p.kind)
	begun, reason := time.Now(), reasonBroken
	defer func() {
		log := s.Logger.With(zap.String("request_id", p.requestID))
		if r := recover(); r != nil {
			log.Error("a stream broke", zap.Error(fmt.Errorf("panic: %v\n%s", r, debug.Stack())))
		}
		s.Streams.StreamClosed(p.kind, reason)
		log.Info("a stream has ended", zap.String("kind", p.kind), zap.Stringer("execution_id", p.execution.ID),
			zap.String("reason", reason), zap.Duration("duration", time.Since(begun)))
	}()
	reason = serve()
}

// lastWords is a message about the stream itself.
func lastWords(executionID uuid.UUID, kind, reason string) []news.Message {
	m, err := news.Encode(wire.Event{
		Type: kind, ExecutionID: executionID, Data: []byte(`{"reason":` + strconv.Quote(reason) + `}`), CreatedAt: time.Now().UTC(),
	})
	if err != nil {
		return nil // reasons are words
	}
	return []news.Message{m}
}

// stand tells where an execution stands, in short.
func (s *server) stand(ctx context.Context, org, executionID uuid.UUID) (wire.Progress, error) {
	e, err := s.Store.Execution(ctx, org, executionID)
	if err != nil {
		return wire.Progress{}, err
	}
	stats, err := s.statsOf(ctx, e)
	if err != nil {
		return wire.Progress{}, err
	}
	return wire.Progress{
		Status: stats.Status, Concurrency: stats.Concurrency, Total: stats.Total,
		Queued: stats.Queued, Running: stats.Running, Completed: stats.Completed, Failed: stats.Failed,
		Cancelled: stats.Cancelled, Retries: stats.Retries, Accuracy: stats.Accuracy,
		Steps: stats.Steps, CostMicros: stats.CostMicros, CostCurrency: stats.CostCurrency,
	}, nil
}

type noObserver struct{}

func (noObserver) StreamOpened(string)         {}
func (noObserver) StreamClosed(string, string) {}
