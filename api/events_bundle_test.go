package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// setupNews starts an API that hears notices; change edits its configuration before.
func setupNews(t *testing.T, change func(*api.Config)) *bundle {
	t.Helper()
	return setup(t, nil).another(change)
}

// another starts another API on the same records, as another process would.
func (b *bundle) another(change func(*api.Config)) *bundle {
	b.t.Helper()
	other := *b
	cfg := b.config
	notices, err := store.NewNotices(b.dbURL)
	require.NoError(b.t, err)
	cfg.Notices = notices
	if change != nil {
		change(&cfg)
	}
	other.config = cfg
	other.serve(cfg)
	return &other
}

// anExecution makes an execution, in which nothing has happened yet.
func (b *bundle) anExecution() wire.Execution {
	b.t.Helper()
	return b.execution(b.batch(b.project(), 1))
}

// happen writes some events of an execution and numbers them.
func (b *bundle) happen(e wire.Execution, events int) {
	b.t.Helper()
	b.write(e, events, "")
	_, err := b.store.SequenceEvents(b.t.Context(), e.ID)
	require.NoError(b.t, err)
}

// write writes some events without numbers; padding makes them larger.
func (b *bundle) write(e wire.Execution, events int, padding string) {
	b.t.Helper()
	_, err := b.db.NewRaw(`
		INSERT INTO execution_events (organisation_id, execution_id, type, job_id, attempt, data)
		SELECT ?, ?, 'job_finished', gen_random_uuid(), 1, jsonb_build_object('row', n, 'status', 'completed', 'verdict', 'correct', 'attempts', 1, 'padding', ?::text)
		FROM generate_series(1, ?) AS n`, models.DefaultOrganisationID, e.ID, padding, events).Exec(b.t.Context())
	require.NoError(b.t, err)
}

// finish ends an execution.
func (b *bundle) finish(e wire.Execution) {
	b.t.Helper()
	_, err := b.store.FinishExecution(b.t.Context(), models.DefaultOrganisationID, e.ID, models.ExecutionFailed, "enough")
	require.NoError(b.t, err)
}

func eventsPath(e wire.Execution, query string) string {
	return executionPath(e) + "/events" + query
}

// sse is a Server-Sent Event as a client reads it.
type sse struct {
	id, event, data, retry string
	comment                bool
}

// sseStream reads a stream.
type sseStream struct {
	t      *testing.T
	resp   *http.Response
	lines  *bufio.Reader
	cancel context.CancelFunc
}

// follow opens a stream; headers are pairs.
func (b *bundle) follow(path string, headers ...string) *sseStream {
	b.t.Helper()
	// Long enough for anything; a stream that hangs must not hang the tests.
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	b.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	require.NoError(b.t, err)
	b.identify(req.Header)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { resp.Body.Close() })
	require.Equal(b.t, http.StatusOK, resp.StatusCode)
	require.Equal(b.t, "text/event-stream", resp.Header.Get("Content-Type"))
	require.NotEmpty(b.t, resp.Header.Get("X-Request-Id"))
	checkDocumented(b.t, req, resp, []byte("retry: 2000\n\n"))
	s := &sseStream{t: b.t, resp: resp, lines: bufio.NewReader(resp.Body), cancel: cancel}
	first, err := s.read()
	require.NoError(b.t, err)
	require.Equal(b.t, sse{retry: "2000"}, first)
	return s
}

// read reads what comes next, up to an empty line.
func (s *sseStream) read() (out sse, err error) {
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return out, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return out, nil
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "":
			out.comment = true
		case "id":
			out.id = value
		case "event":
			out.event = value
		case "data":
			out.data = value
		case "retry":
			out.retry = value
		default:
			return out, fmt.Errorf("what is %q?", line)
		}
	}
}

// next reads the next message, past comments.
func (s *sseStream) next() wire.Event {
	s.t.Helper()
	for {
		got, err := s.read()
		require.NoError(s.t, err)
		if got.event == "" {
			continue
		}
		e := readEvent(s.t, []byte(got.data))
		require.Equal(s.t, e.Type, got.event)
		if e.Seq == 0 {
			require.Empty(s.t, got.id)
		} else {
			require.Equal(s.t, strconv.FormatInt(e.Seq, 10), got.id)
		}
		return e
	}
}

// readEvent holds a message against the document.
func readEvent(t *testing.T, text []byte) wire.Event {
	t.Helper()
	c, err := readDocument()
	require.NoError(t, err)
	var value any
	require.NoError(t, json.Unmarshal(text, &value))
	require.NoError(t, c.document.Components.Schemas["Event"].Value.VisitJSON(value))
	var e wire.Event
	require.NoError(t, json.Unmarshal(text, &e))
	if e.Type == wire.MessageProgress {
		require.NoError(t, c.document.Components.Schemas["Progress"].Value.VisitJSON(value.(map[string]any)["data"]))
	}
	return e
}

// events reads the events with the numbers from and to, and nothing but progress between.
func (s *sseStream) events(from, to int64) (out []wire.Event) {
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

// over reads the last message and the end of the stream.
func (s *sseStream) over(kind, reason string) {
	s.t.Helper()
	e := s.next()
	for e.Type == wire.MessageProgress {
		e = s.next()
	}
	require.Equal(s.t, kind, e.Type)
	require.JSONEq(s.t, `{"reason": "`+reason+`"}`, string(e.Data))
	_, err := s.read()
	require.ErrorIs(s.t, err, io.EOF)
}
