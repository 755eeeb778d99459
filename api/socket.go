package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/news"
)

const (
	// maxSaid bounds a message of a client's, which is read and ignored.
	maxSaid = 512
	// socketBuffer is the size of a connection's buffers; larger messages pass them by.
	socketBuffer = 1 << 10
	// webSocketKey is the length of what a client sends as Sec-WebSocket-Key.
	webSocketKey = 16
)

// getSocket streams the events of an execution over WebSocket.
func (s *server) getSocket(c *fiber.Ctx) error {
	// The page of another site could open a socket with the rights of whoever looks at it.
	if origin := c.Get(fiber.HeaderOrigin); origin != "" && !s.trusts(origin, string(c.Context().Host())) {
		return &problem{
			status: http.StatusForbidden, code: wire.CodeForbidden,
			detail: "pages of this origin may not open a WebSocket here; the operator can allow it",
		}
	}
	p, err := s.planStream(c, kindWebSocket)
	if err != nil {
		return err
	}
	if !websocket.IsWebSocketUpgrade(c) || c.Method() != http.MethodGet || c.Get("Sec-WebSocket-Version") != "13" {
		c.Set(fiber.HeaderUpgrade, "websocket")
		c.Set("Sec-WebSocket-Version", "13")
		return fiber.ErrUpgradeRequired
	}
	if key, err := base64.StdEncoding.DecodeString(c.Get("Sec-WebSocket-Key")); err != nil || len(key) != webSocketKey {
		return invalidParams(wire.FieldError{Field: "Sec-WebSocket-Key", Code: wire.FieldInvalid, Message: "must be 16 bytes in base64"})
	}
	return websocket.New(func(conn *websocket.Conn) { s.serveSocket(conn, p) }, websocket.Config{
		ReadBufferSize: socketBuffer, WriteBufferSize: socketBuffer,
		RecoverHandler: func(*websocket.Conn) {}, // observed does it, and logs
	})(c)
}

// trusts reports whether pages of an origin may open sockets: those of the API's own, by
// whatever scheme a proxy before it serves them, and those that the operator names.
func (s *server) trusts(origin, host string) bool {
	if s.lists(origin) {
		return true
	}
	parsed, err := url.Parse(strings.ToLower(origin))
	return err == nil && parsed.Host != "" && (parsed.Scheme == "http" || parsed.Scheme == "https") && strings.EqualFold(parsed.Host, host)
}

func (s *server) serveSocket(conn *websocket.Conn, p *plan) {
	l, ok := s.lines.join(conn.NetConn(), p.execution.OrganisationID)
	out := &socketClient{conn: conn, line: l, plan: p, everySo: s.Heartbeat, pinged: time.Now()}
	if !ok {
		out.end(wire.MessageClosing, wire.ClosingBusy)
		return
	}
	defer s.lines.leave(l)
	s.observed(p, func() string {
		w := watchSocket(conn, 2*s.Heartbeat+s.StreamTimeout)
		defer w.release()
		reason := s.stream(w.ctx, p, out)
		if out.closed {
			// The other side confirms that it has everything, and closes first.
			select {
			case <-w.ctx.Done():
			case <-time.After(goodbyeTime):
			}
		}
		return reason
	})
}

// socketWatch reads what a client says: pongs, its goodbye, and what is ignored.
type socketWatch struct {
	conn *websocket.Conn
	// ctx ends when the client leaves, says too much at once, or leaves pings unanswered.
	ctx      context.Context //nolint:containedctx // what is watched for
	patience time.Duration
	gone     chan struct{}

	mu       sync.Mutex
	released bool
}

// watchSocket begins to read. release must be called before the connection is given back.
func watchSocket(conn *websocket.Conn, patience time.Duration) *socketWatch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &socketWatch{conn: conn, ctx: ctx, patience: patience, gone: make(chan struct{})}
	conn.SetReadLimit(maxSaid)
	conn.SetPongHandler(w.alive)
	_ = w.alive("") // of a connection that is gone, the first read says so
	go func() {
		defer close(w.gone)
		defer cancel()
		for {
			if _, _, err := conn.NextReader(); err != nil {
				return
			}
		}
	}()
	return w
}

// alive has patience anew.
func (w *socketWatch) alive(string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.released {
		return nil
	}
	return w.conn.SetReadDeadline(time.Now().Add(w.patience))
}

func (w *socketWatch) release() {
	w.mu.Lock()
	w.released = true
	_ = w.conn.SetReadDeadline(time.Unix(1, 0)) // ends the read; of a closed one it has ended
	w.mu.Unlock()
	<-w.gone
}

// socketClient writes a text frame for each message.
type socketClient struct {
	conn *websocket.Conn
	line *line
	plan *plan
	// pinged is when the client was last asked whether it is there, which is done every so
	// often, however much else it is sent.
	pinged  time.Time
	everySo time.Duration
	// closed says that the close frame is sent.
	closed bool
}

func (c *socketClient) send(messages []news.Message) error {
	if time.Since(c.pinged) >= c.everySo {
		if err := c.beat(0); err != nil {
			return err
		}
	}
	if err := c.conn.SetWriteDeadline(c.line.deadline()); err != nil {
		return err
	}
	for _, m := range messages {
		if err := c.conn.WriteMessage(websocket.TextMessage, m.JSON); err != nil {
			return err
		}
	}
	return nil
}

func (c *socketClient) beat(int64) error {
	c.pinged = time.Now()
	return c.conn.WriteControl(websocket.PingMessage, nil, c.line.deadline())
}

// closeCodes say in WebSocket's own words why a stream ends.
var closeCodes = map[string]int{
	wire.EndFinished:         websocket.CloseNormalClosure,
	wire.ClosingShutdown:     websocket.CloseGoingAway,
	wire.ClosingBusy:         websocket.CloseTryAgainLater,
	wire.ClosingUnavailable:  websocket.CloseTryAgainLater,
	wire.ClosingUnauthorized: websocket.ClosePolicyViolation,
}

func (c *socketClient) end(kind, reason string) {
	if c.send(lastWords(c.plan.execution.ID, kind, reason)) != nil {
		return
	}
	text := websocket.FormatCloseMessage(closeCodes[reason], reason)
	c.closed = c.conn.WriteControl(websocket.CloseMessage, text, c.line.deadline()) == nil
}
