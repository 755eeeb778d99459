package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

const operatorKey = "operator-key-0001"

var wantedFields = []field.Field{
	{Name: "name", Type: field.TypeText, Required: true},
	{Name: "price", Type: field.TypeMoney, Description: "without  shipping"},
}

// object is a JSON object in short.
type object = map[string]any

// reply is how the service of a test answers; nil cuts the connection.
type reply func(w http.ResponseWriter)

func says(status int, body any, headers ...string) reply {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // a client may hang up on purpose
	}
}

func refuses(status int, code, message string) reply {
	return says(status, object{"error": object{"code": code, "message": message}})
}

func running() reply {
	return says(200, object{"run_id": "run-1", "status": "RUNNING", "num_of_steps": nil, "steps": []any{object{"id": "1"}, object{"id": "2"}}})
}

func completed(result any) reply {
	return says(200, object{
		"run_id": "run-1", "status": "COMPLETED", "num_of_steps": 12, "result": result,
		"started_at": "2026-01-02T03:04:05Z", "finished_at": "2026-01-02T03:04:15.5Z", "streaming_url": "https://watch.example/run-1",
	})
}

func failed(problem any) reply {
	return says(200, object{"run_id": "run-1", "status": "FAILED", "num_of_steps": 3, "error": problem})
}

func cancelled(status string) reply { return says(200, object{"run_id": "run-1", "status": status}) }

var lamp = object{"name": "Lamp", "price": object{"amount": "19.50", "currency": "EUR"}}

// far is a service that answers as its test says. n counts the calls of that kind from 1.
type far struct {
	*httptest.Server

	create func(n int, body object) reply
	run    func(n int) reply
	list   func(n int, goal string) reply
	cancel func(n int) reply

	mu     sync.Mutex
	calls  []string
	keys   []string
	orders []object
	counts map[string]int
}

func newFar(t *testing.T, change ...func(*far)) *far {
	t.Helper()
	f := &far{counts: map[string]int{}}
	f.create = func(int, object) reply { return says(200, object{"run_id": "run-1", "error": nil}) }
	f.run = func(int) reply { return completed(lamp) }
	f.list = func(int, string) reply { return listOf() }
	f.cancel = func(int) reply { return cancelled("CANCELLED") }
	for _, c := range change {
		c(f)
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body object
	if r.Method == http.MethodPost && r.URL.Path == "/v1/automation/run-async" {
		_ = json.NewDecoder(r.Body).Decode(&body) // a body that is none shows in what the test requires
	}
	var answer reply
	switch {
	case body != nil:
		answer = f.create(f.note(r, "create", body), body)
	case strings.HasSuffix(r.URL.Path, "/cancel"):
		answer = f.cancel(f.note(r, "cancel", nil))
	case r.URL.Path == "/v1/runs":
		answer = f.list(f.note(r, "list", nil), r.URL.Query().Get("goal"))
	default:
		answer = f.run(f.note(r, "run", nil))
	}
	if answer == nil {
		panic(http.ErrAbortHandler)
	}
	answer(w)
}

func (f *far) note(r *http.Request, kind string, order object) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, r.Method+" "+r.URL.Path)
	f.keys = append(f.keys, r.Header.Get("X-API-Key"))
	if order != nil {
		f.orders = append(f.orders, order)
	}
	f.counts[kind]++
	return f.counts[kind]
}

func (f *far) count(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[kind]
}

func (f *far) order(t *testing.T) object {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Len(t, f.orders, 1)
	return f.orders[0]
}

// listOf answers a search with runs of these goals, called run-1, run-2, …
func listOf(goals ...string) reply {
	data := []any{}
	for i, goal := range goals {
		data = append(data, object{"run_id": fmt.Sprintf("run-%d", i+1), "goal": goal, "status": "RUNNING"})
	}
	return says(200, object{"data": data, "pagination": object{"total": len(data), "has_more": false, "next_cursor": nil}})
}

// found answers a search with a run that has what is searched for in its goal.
func found(_ int, goal string) reply { return listOf("Do it.\n" + goal) }

// records are what an attempt tells of its run.
type records struct {
	mu          sync.Mutex
	references  []string
	ids         []string
	progress    []string
	announcing  func() error
	checkpoints func(n int) error
	tried       int
}

var errAway = errors.New("the records are away")

func (r *records) announce(ctx context.Context, reference string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if r.announcing != nil {
		if err := r.announcing(); err != nil {
			return err
		}
	}
	r.references = append(r.references, reference)
	return nil
}

func (r *records) checkpoint(ctx context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.tried++
	if r.checkpoints != nil {
		if err := r.checkpoints(r.tried); err != nil {
			return err
		}
	}
	r.ids = append(r.ids, id)
	return nil
}

func (r *records) beat(progress string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = append(r.progress, progress)
}

func newExecutor(t *testing.T, f *far, change ...func(*agent.Config)) *agent.Executor {
	t.Helper()
	config := agent.Config{
		APIKey: operatorKey, AllowedPrefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		CreateSpacing: time.Nanosecond, ReadSpacing: time.Nanosecond, RateLimitDelay: time.Millisecond,
		Pace: func(time.Duration) time.Duration { return time.Millisecond },
	}
	if f != nil {
		config.BaseURL = f.URL
	}
	for _, c := range change {
		c(&config)
	}
	e := agent.New(config)
	t.Cleanup(e.Close)
	return e
}

// quickly has a search for a run end soon.
func quickly(c *agent.Config) { c.SettleWindow = 20 * time.Millisecond }

func request(r *records, change ...func(*executors.Request)) executors.Request {
	req := executors.Request{
		URL: "https://shop.example/lamp", Instruction: "Read the price.", Fields: wantedFields, Attempt: 1,
		Heartbeat: r.beat, Announce: r.announce, Checkpoint: r.checkpoint,
	}
	for _, c := range change {
		c(&req)
	}
	return req
}

func with(settings string) func(*executors.Request) {
	return func(req *executors.Request) { req.Settings = json.RawMessage(settings) }
}

func remote(run executors.RemoteRun) func(*executors.Request) {
	return func(req *executors.Request) { req.Remote = run }
}

func failureOf(t *testing.T, err error) *failure.Error {
	t.Helper()
	var f *failure.Error
	require.ErrorAs(t, err, &f)
	return f
}

func requireFailure(t *testing.T, err error, class failure.Class, code string) {
	t.Helper()
	f := failureOf(t, err)
	require.Equal(t, code, f.Code, "%v", err)
	require.Equal(t, class, f.Class, "%v", err)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	return string(encoded)
}
