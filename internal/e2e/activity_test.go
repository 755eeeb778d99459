package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkactivity "go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
)

// readPrice is an activity of somebody's own: it knows the documented payload as plain
// JSON and nothing of MINO.
type readPrice func(ctx context.Context, request map[string]any) (any, error)

// callees are a system whose jobs are done by a worker of the test's own.
type callees struct {
	*system
	queue string
	// over ends what a test left hanging.
	over chan struct{}

	mu       sync.Mutex
	requests []map[string]any
}

func newCallees(t *testing.T, do readPrice) *callees {
	t.Helper()
	c := &callees{system: newSystem(t, options{}), queue: testkit.TaskQueue(t), over: make(chan struct{})}
	w := sdkworker.New(c.temporal, c.queue, testkit.WorkerOptions())
	w.RegisterActivityWithOptions(func(ctx context.Context, request map[string]any) (any, error) {
		c.mu.Lock()
		c.requests = append(c.requests, request)
		c.mu.Unlock()
		return do(ctx, request)
	}, sdkactivity.RegisterOptions{Name: "ReadPrice"})
	require.NoError(t, w.Start())
	t.Cleanup(func() { close(c.over); w.Stop() })
	return c
}

// called gives what the activity was called with so far.
func (c *callees) called() []map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]map[string]any(nil), c.requests...)
}

// callProject is a project whose jobs the worker does; settings go into its settings.
func (c *callees) callProject(settings map[string]any) wire.ProjectRequest {
	all := map[string]any{"activity_type": "ReadPrice", "task_queue": c.queue}
	maps.Copy(all, settings)
	encoded, err := json.Marshal(all)
	require.NoError(c.t, err)
	return wire.ProjectRequest{
		Instruction: "The price.", Executor: "activity", Settings: encoded,
		Fields:   []field.Field{{Name: "price", Type: field.TypeMoney, Required: true}, {Name: "stock", Type: field.TypeEnum, Values: []string{"In", "Out"}}},
		Defaults: wire.ExecutionDefaults{Retry: &retry.Policy{MaxAttempts: 2, InitialIntervalMS: 10, BackoffCoefficient: 1, MaxIntervalMS: 10}},
	}
}

// rows is a batch of a row for each word, which the activity finds in its input.
func rows(words ...string) []byte {
	var out bytes.Buffer
	out.WriteString("site_url,do,gt_price\n")
	for i, word := range words {
		fmt.Fprintf(&out, "https://shop.example/%d,%s,10.00 EUR\n", i+1, word)
	}
	return out.Bytes()
}

// word is what the row of a request says.
func word(request map[string]any) string {
	input, _ := request["input"].(map[string]any)
	text, _ := input["do"].(string)
	return text
}

func found(price string) map[string]any {
	return map[string]any{"fields": map[string]any{"price": price, "stock": "In"}}
}

// sessionsOf gives the sessions of a job, the first one first.
func (s *system) sessionsOf(j wire.Job) []wire.Session {
	s.t.Helper()
	full, err := s.client.Job(s.t.Context(), j.ID)
	require.NoError(s.t, err)
	sessions := make([]wire.Session, len(full.Sessions))
	for _, session := range full.Sessions {
		sessions[session.Attempt-1] = session
	}
	return sessions
}

func TestActivityExecutor(t *testing.T) {
	t.Parallel()

	t.Run("CallsWithTheDocumentedPayloadAndScoresTheResult", func(t *testing.T) {
		t.Parallel()
		c := newCallees(t, func(_ context.Context, request map[string]any) (any, error) {
			switch word(request) {
			case "wrong":
				return found("11.00 EUR"), nil
			case "blocked":
				return map[string]any{"blocked": "a captcha"}, nil
			case "unreadable":
				return found("dear"), nil
			case "nothing":
				return nil, nil
			}
			result := found("10,00 €")
			result["raw"], result["steps"], result["remote_run_id"] = map[string]any{"seen": 3}, 12, "run-1"
			result["cost_micros"], result["currency"], result["final_url"] = 192000, "USD", "https://shop.example/final"
			return result, nil
		})
		b := c.upload(c.project(c.callProject(map[string]any{"input": map[string]any{"depth": 2}})),
			rows("right", "wrong", "blocked", "unreadable", "nothing"))
		e := c.execute(b, nil)
		final := c.ended(e)
		require.Equal(t, "completed", final.Status)
		require.Equal(t, map[string]int{"correct": 1, "wrong": 1, "blocked": 1, "schema_invalid": 1, "empty": 1}, final.Verdicts)
		jobs := c.jobs(b)
		require.Equal(t, map[string]any{"amount": "10.00", "currency": "EUR"}, jobs[0].Result["price"])
		session := c.sessionsOf(jobs[0])[0]
		require.Equal(t, "run-1", session.RemoteRunID)
		require.JSONEq(t, `{"seen":3}`, string(session.Raw))
		require.JSONEq(t, `{"steps":12,"cost_micros":192000,"currency":"USD"}`, string(session.Usage))
		require.JSONEq(t, `{"final_url":"https://shop.example/final"}`, string(session.Evidence))
		for _, request := range c.called() {
			if word(request) == "right" {
				require.Equal(t, map[string]any{
					"version": 1.0, "execution_id": e.ID.String(), "job_id": jobs[0].ID.String(), "session_id": session.ID.String(),
					"attempt": 1.0, "row": 1.0, "url": "https://shop.example/1", "input": map[string]any{"do": "right"},
					"instruction": "The price.", "timeout_ms": 120000.0, "settings": map[string]any{"depth": 2.0},
					"fields": []any{
						map[string]any{"name": "price", "type": "money", "required": true},
						map[string]any{"name": "stock", "type": "enum", "values": []any{"In", "Out"}},
					},
				}, request)
			}
		}
		require.Len(t, c.called(), 5)
		rig.RequireSound(t, c.db, e.ID)
		c.requireReplays(e)
	})

	t.Run("GivesEveryFailureItsClass", func(t *testing.T) {
		t.Parallel()
		c := newCallees(t, func(_ context.Context, request map[string]any) (any, error) {
			switch what := word(request); what {
			case "plain":
				return nil, errors.New("out of order")
			case "fatal":
				return nil, temporal.NewNonRetryableApplicationError("no such shop", "ShopUnknown", nil)
			case "shape":
				return map[string]any{"fields": "ten euros"}, nil
			case "large":
				return found(strings.Repeat("1", 5<<18)), nil
			case "raw":
				result := found("10.00 EUR")
				result["raw"] = strings.Repeat("x", 5<<18)
				return result, nil
			case "edge":
				return found(strings.Repeat("1", 2<<20-300)), nil
			case "rawedge":
				result := found("10.00 EUR")
				result["raw"] = strings.Repeat("x", 2<<20-300)
				return result, nil
			case "huge":
				return found(strings.Repeat("1", 3<<20)), nil
			case "later", "rate_limit":
				if request["attempt"] == 2.0 {
					return found("10.00 EUR"), nil
				}
				if what == "rate_limit" {
					return nil, temporal.NewApplicationError("slow down", "rate_limit")
				}
				return nil, temporal.NewApplicationErrorWithOptions("not yet", "transient",
					temporal.ApplicationErrorOptions{NextRetryDelay: 1500 * time.Millisecond})
			default:
				return nil, temporal.NewApplicationError("it is so", what)
			}
		})
		b := c.upload(c.project(c.callProject(nil)), rows("transient", "timeout", "network", "permanent",
			"ShopClosed", "plain", "fatal", "shape", "large", "edge", "huge", "raw", "rawedge", "later", "rate_limit"))
		e := c.execute(b, withConcurrency(20))
		c.ended(e)
		byWord := map[string]wire.Job{}
		for _, j := range c.jobs(b) {
			byWord[j.Input["do"]] = j
		}
		for what, want := range map[string]struct {
			class, code string
			attempts    int
		}{
			"transient":  {"transient", "ACTIVITY_FAILED", 2},
			"timeout":    {"timeout", "ACTIVITY_FAILED", 2},
			"network":    {"network", "ACTIVITY_FAILED", 2},
			"permanent":  {"permanent", "ACTIVITY_FAILED", 1},
			"ShopClosed": {"transient", "ACTIVITY_FAILED", 2},
			"plain":      {"transient", "ACTIVITY_FAILED", 2},
			"fatal":      {"permanent", "ACTIVITY_FAILED", 1},
			"shape":      {"permanent", "RESULT_UNREADABLE", 1},
			"large":      {"permanent", "RESULT_TOO_LARGE", 1},
			"edge":       {"permanent", "RESULT_TOO_LARGE", 1},
			"huge":       {"permanent", "RESULT_TOO_LARGE", 1},
		} {
			j := byWord[what]
			require.Equal(t, "failed", j.Status, what)
			require.Equal(t, []string{want.class, want.code}, []string{j.Error.Class, j.Error.Code}, "%s: %s", what, j.Error.Message)
			sessions := c.sessionsOf(j)
			require.Len(t, sessions, want.attempts, what)
			require.Equal(t, want.class, sessions[0].Error.Class)
		}
		require.Equal(t, "out of order", byWord["plain"].Error.Message)
		require.Equal(t, "no such shop", byWord["fatal"].Error.Message)
		for _, what := range []string{"raw", "rawedge"} {
			require.Equal(t, "completed", byWord[what].Status, "what is too large to keep for people is left out")
			require.Contains(t, string(c.sessionsOf(byWord[what])[0].Raw), "omitted")
		}
		for what, least := range map[string]time.Duration{"later": 1500 * time.Millisecond, "rate_limit": 5 * time.Second} {
			require.Equal(t, "completed", byWord[what].Status)
			sessions := c.sessionsOf(byWord[what])
			require.Len(t, sessions, 2)
			require.GreaterOrEqual(t, sessions[1].StartedAt.Sub(*sessions[0].FinishedAt), least-100*time.Millisecond, what)
		}
		rig.RequireSound(t, c.db, e.ID)
		c.requireReplays(e)
	})

	t.Run("TriesAgainWhenAWorkerGoesSilent", func(t *testing.T) {
		t.Parallel()
		var c *callees
		c = newCallees(t, func(ctx context.Context, request map[string]any) (any, error) {
			if request["attempt"] == 1.0 {
				sdkactivity.RecordHeartbeat(ctx)
				<-c.over
			}
			return found("10.00 EUR"), nil
		})
		b := c.upload(c.project(c.callProject(map[string]any{"heartbeat_timeout_ms": 1000})), rows("hang"))
		e := c.execute(b, nil)
		require.Equal(t, 1, c.ended(e).Completed)
		sessions := c.sessionsOf(c.jobs(b)[0])
		require.Len(t, sessions, 2)
		require.Equal(t, "lost", sessions[0].Status)
		require.Equal(t, "WORKER_LOST", sessions[0].Error.Code)
		require.Equal(t, "succeeded", sessions[1].Status)
		keys := map[any]bool{}
		for _, request := range c.called() {
			keys[request["session_id"]] = true
		}
		require.Len(t, keys, 2, "every attempt has a key of its own")
		rig.RequireSound(t, c.db, e.ID)
	})

	t.Run("EndsAttemptsAtTheirDeadline", func(t *testing.T) {
		t.Parallel()
		c := newCallees(t, func(ctx context.Context, _ map[string]any) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		project := c.callProject(nil)
		project.Defaults.JobTimeoutMS = 1000
		project.Defaults.Retry.MaxAttempts = 1
		b := c.upload(c.project(project), rows("slow"))
		e := c.execute(b, nil)
		c.ended(e)
		failed := c.jobs(b)[0].Error
		require.Equal(t, "timeout", failed.Class)
		require.Equal(t, "DEADLINE_EXCEEDED", failed.Code)
		rig.RequireSound(t, c.db, e.ID)
	})

	t.Run("DoesNotWaitForAWorkerLongerThanItIsTold", func(t *testing.T) {
		t.Parallel()
		c := newCallees(t, nil)
		b := c.upload(c.project(c.callProject(map[string]any{"task_queue": testkit.TaskQueue(t), "start_timeout_ms": 1000})), rows("alone", "alone"))
		e := c.execute(b, nil)
		require.Equal(t, 2, c.ended(e).Failed)
		for _, j := range c.jobs(b) {
			require.Equal(t, "timeout", j.Error.Class)
			require.Equal(t, "NO_WORKER", j.Error.Code)
			require.Equal(t, 2, j.Attempts)
		}
		rig.RequireSound(t, c.db, e.ID)
	})
}
