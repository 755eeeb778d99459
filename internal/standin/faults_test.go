package standin_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/standin"
)

// shown is how one fault shows on a create.
type shown struct {
	status int    // 0: the connection was cut
	code   string // of the envelope; empty when there is none
	made   bool   // whether a run was created all the same
}

// showing is how each fault shows on an asynchronous create.
func showing() map[standin.FaultKind]shown {
	return map[standin.FaultKind]shown{
		standin.None:          {200, "", true},
		standin.RateLimited:   {429, "RATE_LIMIT_EXCEEDED", false},
		standin.Busy:          {503, "SERVICE_BUSY", false},
		standin.Internal:      {500, "INTERNAL_ERROR", false},
		standin.Forbidden:     {403, "FORBIDDEN", false},
		standin.NoCredits:     {403, "INSUFFICIENT_CREDITS", false},
		standin.Unauthorized:  {401, "INVALID_API_KEY", false},
		standin.BadRequest:    {400, "INVALID_INPUT", false},
		standin.NotFound:      {404, "NOT_FOUND", false},
		standin.CutBefore:     {0, "", false},
		standin.RunNotCreated: {500, "INTERNAL_ERROR", false},
		standin.RunFailed:     {500, "INTERNAL_ERROR", false},
		standin.CutAfter:      {0, "", true},
		standin.Timeout:       {504, "TIMEOUT", true},
		standin.Gateway:       {502, "", true},
		standin.Garbled:       {200, "", true},
		standin.Delayed:       {200, "", true},
	}
}

// require holds an answer against what a fault should show.
func (want shown) require(t *testing.T, got reply) {
	t.Helper()
	if want.status == 0 {
		require.Error(t, got.err)
		return
	}
	require.NoError(t, got.err)
	require.Equal(t, want.status, got.status, got.text)
	if want.code != "" {
		require.Equal(t, want.code, got.json(t, "error.code"))
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	require.Len(t, showing(), len(standin.FaultKinds()))

	for _, kind := range standin.FaultKinds() {
		want := showing()[kind]
		fault := standin.Fault{Kind: kind}

		t.Run("OfACreate/"+string(kind), func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"run-async", "run-sse", "run-batch"} {
				b := setupFast(t)
				b.Script(site, standin.Behaviour{Create: []standin.Fault{fault}})
				var body any = m{"url": site, "goal": goal}
				if path == "run-batch" {
					body = m{"runs": []any{m{"url": "https://example.com/other", "goal": goal}, body}}
				}
				want.require(t, b.post("/v1/automation/"+path, body))
				require.Equal(t, want.made, len(b.RunsOf(site)) == 1, path)
				require.Equal(t, want.made && path == "run-batch", len(b.RunsOf("https://example.com/other")) == 1, "all or nothing")
				require.Equal(t, http.StatusOK, b.post("/v1/automation/"+path, body).status, "the next one is well")
			}
		})

		t.Run("OfAnyEndpoint/"+string(kind), func(t *testing.T) {
			t.Parallel()
			b := setupFast(t)
			b.Default(standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.NeverEnds}}})
			id := b.start(site)
			for endpoint, call := range map[standin.Endpoint]func() reply{
				standin.EndpointList:        func() reply { return b.get("/v1/runs") },
				standin.EndpointGet:         func() reply { return b.get("/v1/runs/" + id) },
				standin.EndpointGetBatch:    func() reply { return b.post("/v1/runs/batch", m{"run_ids": []string{id}}) },
				standin.EndpointCancelBatch: func() reply { return b.post("/v1/runs/batch/cancel", m{"run_ids": []string{"none"}}) },
				standin.EndpointRunAsync:    func() reply { return b.post("/v1/automation/run-async", m{"url": site, "goal": goal}) },
			} {
				b.FailNext(endpoint, fault)
				want.require(t, call())
				require.Equal(t, http.StatusOK, call().status, endpoint)
			}
			b.FailNext(standin.EndpointCancel, fault)
			want.require(t, b.post("/v1/runs/"+id+"/cancel", nil))
			require.Equal(t, want.made, b.RunsOf(site)[0].Status == standin.StatusCancelled)
		})

		t.Run("OfAPoll/"+string(kind), func(t *testing.T) {
			t.Parallel()
			b := setupFast(t)
			b.Default(standin.Behaviour{Poll: []standin.Fault{{Kind: standin.None}, fault}})
			for range 2 { // each run has the sequence for itself
				id := b.start(site)
				require.Equal(t, http.StatusOK, b.get("/v1/runs/"+id).status)
				want.require(t, b.get("/v1/runs/"+id))
				require.Equal(t, http.StatusOK, b.get("/v1/runs/"+id).status)
			}
		})
	}

	t.Run("BefallAsManyCallsAsSaidAndSayWhenToComeAgain", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Create: []standin.Fault{
			{Kind: standin.RateLimited, RetryAfter: 60, Times: 2}, {Kind: standin.RateLimited}, {Kind: standin.Busy, RetryAfter: 3},
		}})
		for _, want := range []string{"60", "60", "", "3"} {
			got := b.post("/v1/automation/run-async", m{"url": site, "goal": goal})
			require.Equal(t, want, got.header.Get("Retry-After"))
			require.NotEqual(t, http.StatusOK, got.status)
		}
		b.start(site)
		require.Equal(t, 5, b.Stats().Calls[standin.EndpointRunAsync])
	})

	t.Run("OfABlockingRunAreShapedLikeARun", func(t *testing.T) {
		t.Parallel()
		b := setupFast(t)
		b.Script(site, standin.Behaviour{Create: []standin.Fault{{Kind: standin.RunNotCreated}, {Kind: standin.RunFailed}}})
		got := b.post("/v1/automation/run", m{"url": site, "goal": goal})
		require.Equal(t, http.StatusInternalServerError, got.status)
		require.Nil(t, got.json(t, "run_id"))
		require.Equal(t, "SYSTEM_FAILURE", got.json(t, "error.category"))
		require.Empty(t, b.Runs())

		got = b.post("/v1/automation/run", m{"url": site, "goal": goal})
		require.Equal(t, http.StatusInternalServerError, got.status)
		require.Equal(t, b.Runs()[0].ID, got.json(t, "run_id"))
		require.Equal(t, "FAILED", got.json(t, "status"))
	})

	t.Run("DelayAnAnswerUntilItsTime", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Create: []standin.Fault{{Kind: standin.Delayed}}})
		answered := make(chan reply, 1)
		go func() { answered <- b.post("/v1/automation/run-async", m{"url": site, "goal": goal}) }()
		require.Eventually(t, func() bool { return len(b.Runs()) == 1 }, 10*time.Second, time.Millisecond, "it is created at once")
		require.Empty(t, answered)
		b.clock.Advance(30 * time.Second)
		require.Equal(t, http.StatusOK, (<-answered).status)
	})
}

func TestOutOfCredits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.start(site)
	b.SetCredits(false)
	for _, path := range []string{"run", "run-async", "run-sse"} {
		got := b.post("/v1/automation/"+path, m{"url": site, "goal": goal})
		require.Equal(t, http.StatusForbidden, got.status)
		require.Equal(t, "INSUFFICIENT_CREDITS", got.json(t, "error.code"))
	}
	require.Equal(t, http.StatusForbidden, b.post("/v1/automation/run-batch", m{"runs": []any{m{"url": site, "goal": goal}}}).status)
	require.Len(t, b.Runs(), 1)
	b.clock.Advance(time.Hour)
	require.Equal(t, "COMPLETED", b.get("/v1/runs/"+id).json(t, "status"), "runs go on")
	b.SetCredits(true)
	b.start(site)
}

func TestDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.start(site)
	waiting := make(chan reply, 1)
	go func() { waiting <- b.post("/v1/automation/run", m{"url": site, "goal": goal}) }()
	require.Eventually(t, func() bool { return len(b.Runs()) == 2 }, 10*time.Second, time.Millisecond)

	b.Down(true)
	b.Down(true)
	require.Error(t, (<-waiting).err, "what is being answered is dropped")
	require.Error(t, b.get("/v1/runs/"+id).err)
	require.Error(t, b.post("/v1/automation/run-async", m{"url": site, "goal": goal}).err)
	require.Equal(t, http.StatusOK, b.get("/stand-in/stats").status)

	b.clock.Advance(time.Hour)
	b.Down(false)
	b.Down(false)
	require.Equal(t, "COMPLETED", b.get("/v1/runs/"+id).json(t, "status"), "runs went on")
	require.Len(t, b.Runs(), 2)
}
