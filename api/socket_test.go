package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
)

// socketStream is an open WebSocket.
type socketStream struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial opens a WebSocket; headers are pairs.
func (b *bundle) dial(path string, headers ...string) (*websocket.Conn, *http.Response, error) {
	b.t.Helper()
	h := http.Header{}
	b.identify(h)
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, resp, err := websocket.DefaultDialer.DialContext(b.t.Context(), "ws"+strings.TrimPrefix(b.url, "http")+path, h)
	if err == nil {
		b.t.Cleanup(func() { conn.Close() })
		require.NoError(b.t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	}
	return conn, resp, err
}

func socketPath(e wire.Execution, query string) string { return executionPath(e) + "/ws" + query }

func (b *bundle) socket(e wire.Execution, query string) *socketStream {
	b.t.Helper()
	conn, _, err := b.dial(socketPath(e, query))
	require.NoError(b.t, err)
	return &socketStream{t: b.t, conn: conn}
}

func (s *socketStream) next() wire.Event {
	s.t.Helper()
	kind, text, err := s.conn.ReadMessage()
	require.NoError(s.t, err)
	require.Equal(s.t, websocket.TextMessage, kind)
	return readEvent(s.t, text)
}

func (s *socketStream) events(from, to int64) (out []wire.Event) {
	s.t.Helper()
	for seq := from; seq <= to; {
		e := s.next()
		if e.Type == wire.MessageProgress {
			continue
		}
		require.Equal(s.t, seq, e.Seq, "%+v", e)
		out = append(out, e)
		seq++
	}
	return out
}

func (s *socketStream) over(kind, reason string, code int) {
	s.t.Helper()
	e := s.next()
	for e.Type == wire.MessageProgress {
		e = s.next()
	}
	require.Equal(s.t, kind, e.Type)
	require.JSONEq(s.t, `{"reason": "`+reason+`"}`, string(e.Data))
	_, _, err := s.conn.ReadMessage()
	require.Truef(s.t, websocket.IsCloseError(err, code), "%v", err)
}

func TestSocket(t *testing.T) {
	t.Parallel()

	t.Run("SaysTheSameAsTheEvents", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		b.happen(e, 300)
		events, socket, later := b.follow(eventsPath(e, "")), b.socket(e, ""), b.socket(e, "?after=290")
		b.happen(e, 3)
		b.finish(e)
		want := events.events(1, 304)
		events.over(wire.MessageEnd, wire.EndFinished)
		require.Equal(t, want, socket.events(1, 304))
		socket.over(wire.MessageEnd, wire.EndFinished, websocket.CloseNormalClosure)
		require.Equal(t, want[290:], later.events(291, 304))
		later.over(wire.MessageEnd, wire.EndFinished, websocket.CloseNormalClosure)
		again := b.socket(e, "?after=304")
		again.over(wire.MessageEnd, wire.EndFinished, websocket.CloseNormalClosure)
	})

	t.Run("TellsProgressToThoseWhoWantIt", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		require.Equal(t, wire.MessageProgress, b.socket(e, "?types=progress").next().Type)
		s := b.socket(e, "?types=job_finished")
		b.happen(e, 1)
		require.EqualValues(t, 1, s.next().Seq)
	})

	t.Run("RefusesForeignOrigins", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, func(c *api.Config) { c.Origins = []string{"https://App.example", "http://localhost:3000/"} })
		e := b.anExecution()
		for _, origin := range []string{
			b.url, strings.Replace(b.url, "http:", "https:", 1), "https://app.example", "http://localhost:3000",
		} {
			_, _, err := b.dial(socketPath(e, ""), "Origin", origin)
			require.NoError(t, err, origin)
		}
		for _, origin := range []string{
			"https://evil.example", "http://app.example", "https://app.example.evil.example", "https://app.example:8443",
			"null", "https://app.example@evil.example", b.url + "0", "file://" + strings.TrimPrefix(b.url, "http://"),
		} {
			_, resp, err := b.dial(socketPath(e, ""), "Origin", origin)
			require.ErrorIs(t, err, websocket.ErrBadHandshake, origin)
			require.Equal(t, http.StatusForbidden, resp.StatusCode, origin)
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
		}
		req := b.request(http.MethodGet, socketPath(e, ""), "", nil)
		req.Header.Set("Origin", "https://evil.example")
		b.send(req).problem(http.StatusForbidden, wire.CodeForbidden)
	})

	t.Run("NeedsAHandshake", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		plain := b.get(socketPath(e, ""))
		plain.problem(http.StatusUpgradeRequired, wire.CodeUpgradeRequired)
		require.Equal(t, "websocket", plain.header.Get("Upgrade"))
		handshake := func(version, key string) *answer {
			req := b.request(http.MethodGet, socketPath(e, ""), "", nil)
			req.Header = http.Header{
				"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {version}, "Sec-Websocket-Key": {key},
			}
			return b.send(req)
		}
		handshake("12", "dGhlIHNhbXBsZSBub25jZQ==").problem(http.StatusUpgradeRequired, wire.CodeUpgradeRequired)
		at(t, handshake("13", "short").problem(http.StatusBadRequest, wire.CodeInvalidParams), "Sec-WebSocket-Key")
	})

	t.Run("PingsAndEndsWithoutAnAnswer", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, func(c *api.Config) {
			c.Heartbeat, c.StreamTimeout = 50*time.Millisecond, 100*time.Millisecond
		})
		e := b.anExecution()
		polite, silent := b.socket(e, "?types=execution_finished"), b.socket(e, "?types=execution_finished")
		pings := make(chan struct{}, 1_000)
		answer := polite.conn.PingHandler()
		polite.conn.SetPingHandler(func(text string) error { pings <- struct{}{}; return answer(text) })
		silent.conn.SetPingHandler(func(string) error { return nil })
		ended := make(chan error)
		go func() {
			_, _, err := silent.conn.ReadMessage()
			ended <- err
		}()
		go func() { _, _, _ = polite.conn.ReadMessage() }()
		require.Error(t, <-ended)
		for range 10 {
			<-pings
		}
	})

	t.Run("IgnoresWhatIsSaidAndRefusesTooMuch", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		s := b.socket(e, "?types=job_finished")
		require.NoError(t, s.conn.WriteMessage(websocket.TextMessage, []byte("hello")))
		b.happen(e, 1)
		require.EqualValues(t, 1, s.next().Seq)
		require.NoError(t, s.conn.WriteMessage(websocket.TextMessage, make([]byte, 600)))
		_, _, err := s.conn.ReadMessage()
		require.Truef(t, websocket.IsCloseError(err, websocket.CloseMessageTooBig), "%v", err)
	})
}
