package standin_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/standin"
)

// stream asks for a stream of a run of the site.
func (b *bundle) stream(more ...m) *http.Response {
	b.t.Helper()
	body := m{"url": site, "goal": goal}
	for _, members := range more {
		maps.Copy(body, members)
	}
	resp, err := b.http.Do(b.request(http.MethodPost, "/v1/automation/run-sse", body))
	require.NoError(b.t, err)
	b.t.Cleanup(func() { resp.Body.Close() })
	require.Equal(b.t, http.StatusOK, resp.StatusCode)
	require.Equal(b.t, "text/event-stream", resp.Header.Get("Content-Type"))
	return resp
}

func typesOf(all []m) []any {
	types := make([]any, len(all))
	for i, e := range all {
		types[i] = e["type"]
	}
	return types
}

func TestStream(t *testing.T) {
	t.Parallel()

	t.Run("TellsOfARunFromItsBeginningToItsEnd", func(t *testing.T) {
		t.Parallel()
		b := setupFast(t)
		b.Script(site, standin.Behaviour{Steps: 2})
		all, err := events(b.stream(priceSchema).Body)
		require.NoError(t, err)
		require.Equal(t, []any{"STARTED", "STREAMING_URL", "PROGRESS", "PROGRESS", "TF_API_RESULT", "COMPLETE"}, typesOf(all))
		for _, e := range all {
			require.Equal(t, b.Runs()[0].ID, e["run_id"])
			require.NotEmpty(t, e["timestamp"])
		}
		last := all[len(all)-1]
		require.Equal(t, "COMPLETED", last["status"])
		require.Nil(t, last["error"])
		require.JSONEq(t, string(b.Runs()[0].Result), string(encode(t, last["result"])))
		require.Equal(t, standin.EndpointRunSSE, b.Runs()[0].Endpoint)
	})

	t.Run("TellsOfAFailureInAnObjectOrAString", func(t *testing.T) {
		t.Parallel()
		for asString, want := range map[bool]any{
			false: m{"code": "SITE_BLOCKED", "message": "no", "category": "AGENT_FAILURE", "retry_after": nil, "help_url": "https://help.example", "help_message": "ask"},
			true:  "no",
		} {
			b := setupFast(t)
			b.Script(site, standin.Behaviour{
				Outcomes: []standin.Outcome{{Kind: standin.Failed, Error: &standin.RunError{
					Code: "SITE_BLOCKED", Message: "no", Category: "AGENT_FAILURE", HelpURL: "https://help.example", HelpMessage: "ask",
				}}},
				Stream: standin.Stream{ErrorAsString: asString},
			})
			all, err := events(b.stream().Body)
			require.NoError(t, err)
			last := all[len(all)-1]
			require.Equal(t, "FAILED", last["status"])
			require.Equal(t, want, last["error"])
			require.Equal(t, "https://help.example", last["help_url"])
			require.Equal(t, "ask", last["help_message"])
		}
	})

	t.Run("SpeaksTheOlderWire", func(t *testing.T) {
		t.Parallel()
		b := setupFast(t)
		b.Script(site, standin.Behaviour{Stream: standin.Stream{OldCasing: true}})
		all, err := events(b.stream().Body)
		require.NoError(t, err)
		require.Equal(t, b.Runs()[0].ID, all[0]["runId"])
		require.Contains(t, all[1]["streamingUrl"], b.base)
		require.NotNil(t, all[len(all)-1]["resultJson"])
		for _, e := range all {
			for _, newer := range []string{"run_id", "streaming_url", "result"} {
				require.NotContains(t, e, newer)
			}
		}
	})

	t.Run("BreaksOffBeforeTheEnd", func(t *testing.T) {
		t.Parallel()
		b := setupFast(t)
		b.Script(site, standin.Behaviour{Steps: 4, Stream: standin.Stream{Cut: true}})
		all, err := events(b.stream().Body)
		require.Error(t, err)
		require.Equal(t, []any{"STARTED", "STREAMING_URL", "PROGRESS", "PROGRESS"}, typesOf(all))
	})

	t.Run("SendsNothingButHeartbeatsUntilTheServerIsDown", func(t *testing.T) {
		t.Parallel()
		b := setupFast(t)
		b.Script(site, standin.Behaviour{Stream: standin.Stream{HeartbeatsOnly: true}})
		body := b.stream().Body
		buffer := make([]byte, 8)
		_, err := body.Read(buffer)
		require.NoError(t, err)
		b.Down(true)
		all, err := events(body)
		require.Error(t, err)
		for _, e := range all {
			require.Equal(t, "HEARTBEAT", e["type"])
			require.NotContains(t, e, "run_id")
		}
	})

	t.Run("SendsHeartbeatsWhileNothingHappensAndEndsWithACancel", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Duration: 100 * time.Hour, Steps: 2})
		resp := b.stream()
		beats, read := make(chan m, 1), make(chan []m, 1)
		go func() {
			all, _ := eventsTo(resp.Body, func(e m) {
				if e["type"] == "HEARTBEAT" && len(beats) == 0 {
					beats <- e
				}
			})
			read <- all
		}()
		require.Eventually(t, func() bool {
			b.clock.Advance(10 * time.Second)
			return len(beats) == 1
		}, 10*time.Second, 20*time.Millisecond)
		require.Equal(t, http.StatusOK, b.post("/v1/runs/"+b.Runs()[0].ID+"/cancel", nil).status)
		all := <-read
		require.Equal(t, "CANCELLED", all[len(all)-1]["status"])
		require.Nil(t, all[len(all)-1]["result"])
	})

	t.Run("DoesNotEndItsRunWhenTheClientLeaves", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.stream().Body.Close()
		b.clock.Advance(time.Hour)
		require.Equal(t, standin.StatusCompleted, b.Runs()[0].Status)
	})

	t.Run("EndsWhenTheServerIsClosed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		resp := b.stream()
		b.Close()
		b.Close()
		_, err := events(resp.Body)
		require.Error(t, err)
	})
}

func TestBlockingRun(t *testing.T) {
	t.Parallel()

	t.Run("IsAnsweredWhenItHasEnded", func(t *testing.T) {
		t.Parallel()
		b := setupFast(t)
		b.Script(site, standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.Completed}, {Kind: standin.Failed}}})
		body := m{"url": site, "goal": goal, "output_schema": priceSchema["output_schema"]}
		got := b.post("/v1/automation/run", body)
		require.Equal(t, http.StatusOK, got.status)
		run := b.get("/v1/runs/" + b.Runs()[0].ID)
		for _, member := range []string{"run_id", "status", "started_at", "finished_at", "num_of_steps", "result", "schema_validation", "error"} {
			require.Equal(t, run.json(t, member), got.json(t, member), member)
		}
		got = b.post("/v1/automation/run", body)
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, "FAILED", got.json(t, "status"))
		require.Equal(t, "TASK_FAILED", got.json(t, "error.code"))
	})

	t.Run("CannotBeCancelled", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		go b.post("/v1/automation/run", m{"url": site, "goal": goal})
		require.Eventually(t, func() bool { return len(b.Runs()) == 1 }, 10*time.Second, time.Millisecond)
		id := b.Runs()[0].ID
		got := b.post("/v1/runs/"+id+"/cancel", nil)
		require.Equal(t, http.StatusBadRequest, got.status)
		require.Equal(t, "INVALID_INPUT", got.json(t, "error.code"))
		require.Equal(t, []any{id}, b.post("/v1/runs/batch/cancel", m{"run_ids": []string{id}}).json(t, "not_found"))
		require.Equal(t, standin.StatusPending, b.Runs()[0].Status)
	})
}
