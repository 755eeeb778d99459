package standin_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/standin"
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bundle is a stand-in, its clock and a client.
type bundle struct {
	*standin.Server

	t     *testing.T
	clock *clock
	base  string
	http  *http.Client
	key   string
}

// setup starts a stand-in whose clock stands still.
func setup(t *testing.T) *bundle {
	t.Helper()
	c := newClock()
	b := serve(t, standin.Config{Seed: 7, Clock: c.Now})
	b.clock = c
	return b
}

// setupFast starts a stand-in whose runs take microseconds.
func setupFast(t *testing.T) *bundle {
	t.Helper()
	return serve(t, standin.Config{Seed: 7, Speed: 1e6})
}

func serve(t *testing.T, cfg standin.Config) *bundle {
	t.Helper()
	server := standin.New(cfg)
	served := httptest.NewServer(server)
	// Connections are not reused: the client would repeat a GET whose connection is cut.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		server.Close()
		served.Close()
	})
	return &bundle{Server: server, t: t, base: served.URL, http: client, key: standin.DefaultAPIKey}
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	text   string
	err    error
}

// json is a member of the answer, by its path, such as "error.code" or "data.0.run_id".
func (r reply) json(t *testing.T, path string) any {
	t.Helper()
	require.NoError(t, r.err)
	var value any
	require.NoError(t, json.Unmarshal([]byte(r.text), &value), r.text)
	for part := range strings.SplitSeq(path, ".") {
		switch at := value.(type) {
		case map[string]any:
			inner, ok := at[part]
			require.True(t, ok, "there is no %s (%s) in %s", part, path, r.text)
			value = inner
		case []any:
			var i int
			require.NoError(t, json.Unmarshal([]byte(part), &i))
			require.Less(t, i, len(at), "%s in %s", path, r.text)
			value = at[i]
		default:
			require.Fail(t, "not a container", "%s in %s", path, r.text)
		}
	}
	return value
}

func (b *bundle) request(method, path string, body any) *http.Request {
	b.t.Helper()
	var in io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		require.NoError(b.t, err)
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, in)
	require.NoError(b.t, err)
	if b.key != "" {
		req.Header.Set("X-API-Key", b.key)
	}
	return req
}

func (b *bundle) send(req *http.Request) reply {
	b.t.Helper()
	resp, err := b.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, text: string(text), err: err}
}

func (b *bundle) post(path string, body any) reply {
	b.t.Helper()
	return b.send(b.request(http.MethodPost, path, body))
}

func (b *bundle) get(path string) reply {
	b.t.Helper()
	return b.send(b.request(http.MethodGet, path, nil))
}

// m is a JSON object.
type m = map[string]any

const (
	site = "https://example.com/p/1"
	goal = "Find the price"
)

// start creates a run of a site and gives its id.
func (b *bundle) start(url string, more ...m) string {
	b.t.Helper()
	body := m{"url": url, "goal": goal}
	for _, members := range more {
		maps.Copy(body, members)
	}
	got := b.post("/v1/automation/run-async", body)
	require.Equal(b.t, http.StatusOK, got.status, got.text)
	require.Nil(b.t, got.json(b.t, "error"))
	id, ok := got.json(b.t, "run_id").(string)
	require.True(b.t, ok)
	return id
}

// finished creates a run, lets it end, and gives it as GET does.
func (b *bundle) finished(url string, more ...m) reply {
	b.t.Helper()
	id := b.start(url, more...)
	b.clock.Advance(time.Hour)
	return b.get("/v1/runs/" + id)
}

// events reads the messages of a stream until it ends or breaks.
func events(body io.Reader) (all []m, err error) { return eventsTo(body, func(m) {}) }

// eventsTo hands each message on as it comes, too.
func eventsTo(body io.Reader, to func(m)) (all []m, err error) {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e m
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return all, err
		}
		to(e)
		all = append(all, e)
	}
	return all, lines.Err()
}

// decode is the answer as a whole.
func decode(t *testing.T, got reply) m {
	t.Helper()
	require.NoError(t, got.err)
	var out m
	require.NoError(t, json.Unmarshal([]byte(got.text), &out), got.text)
	return out
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}
