package agent_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/models/failure"
)

// What an earlier attempt has left in the records is where it died.
func TestARunOfAnEarlierAttemptIsGoneOnWith(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		run     reply
		class   failure.Class // of the failure; empty for a result
		code    string
		holding bool // the run has not ended for the records
	}{
		"Completed":    {completed(lamp), "", "", false},
		"Failed":       {failed(object{"code": "site_blocked", "message": "no"}), failure.Permanent, "SITE_BLOCKED", false},
		"Cancelled":    {cancelled("CANCELLED"), failure.Transient, agent.CodeRunCancelled, false},
		"InUSSpelling": {cancelled("canceled"), failure.Transient, agent.CodeRunCancelled, false},
		"Lost":         {refuses(404, "NOT_FOUND", ""), failure.Transient, agent.CodeRunLost, false},
		"NoAccess":     {refuses(401, "INVALID_API_KEY", ""), failure.Permanent, agent.CodeInvalidAPIKey, true},
		"NoCredits":    {refuses(402, "", ""), failure.Permanent, agent.CodeInsufficientCredits, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &records{}
			f := newFar(t, func(f *far) { f.run = func(int) reply { return test.run } })
			out, err := newExecutor(t, f).Execute(t.Context(), request(r, remote(executors.RemoteRun{ID: "run-1", Reference: "mino-1", Age: time.Hour})))
			require.Equal(t, []string{"GET /v1/runs/run-1"}, f.calls)
			require.Equal(t, !test.holding, out.RemoteEnded)
			require.Empty(t, r.references)
			require.Empty(t, r.ids, "the records have it")
			if test.class == "" {
				require.NoError(t, err)
				require.Equal(t, "Lamp", out.Fields["name"])
				return
			}
			requireFailure(t, err, test.class, test.code)
			require.Empty(t, out.Fields)
		})
	}
}

func TestARunWhoseIDIsNotKnownIsLookedFor(t *testing.T) {
	t.Parallel()
	young := executors.RemoteRun{Reference: "mino-1"}
	old := executors.RemoteRun{Reference: "mino-1", Age: time.Hour}
	paged := func(n int, goal string) reply {
		if n == 1 {
			return says(200, object{
				"data":       []any{object{"run_id": "run-9", "goal": "mino-12"[:5]}},
				"pagination": object{"has_more": true, "next_cursor": "c"},
			})
		}
		return found(n, goal)
	}
	for name, test := range map[string]struct {
		remote  executors.RemoteRun
		list    func(int, string) reply
		creates int
		lists   int
	}{
		"FoundAtOnce":               {young, found, 0, 1},
		"FoundWhenItHasBegun":       {young, func(n int, goal string) reply { return map[bool]reply{true: listOf(), false: found(n, goal)}[n < 3] }, 0, 3},
		"FoundAfterATroubledSearch": {old, func(n int, goal string) reply { return map[bool]reply{true: nil, false: found(n, goal)}[n < 3] }, 0, 3},
		"FoundOnTheSecondPage":      {old, paged, 0, 2},
		"NeverBegun":                {old, func(int, string) reply { return listOf() }, 1, 1},
		"AnotherRunIsLikeIt":        {old, func(int, string) reply { return listOf("Reference: mino-", "MINO-1") }, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &records{}
			f := newFar(t, func(f *far) { f.list = test.list })
			out, err := newExecutor(t, f).Execute(t.Context(), request(r, remote(test.remote)))
			require.NoError(t, err)
			require.Equal(t, "Lamp", out.Fields["name"])
			require.Equal(t, test.creates, f.count("create"))
			require.Equal(t, test.lists, f.count("list"))
			require.Equal(t, []string{"run-1"}, r.ids)
			require.Len(t, r.references, test.creates)
			require.NotContains(t, r.references, "mino-1", "a reference belongs to one create")
		})
	}
	t.Run("NotFoundWithinTheWindowIsNeverBegun", func(t *testing.T) {
		t.Parallel()
		f := newFar(t)
		_, err := newExecutor(t, f, quickly).Execute(t.Context(), request(&records{}, remote(young)))
		require.NoError(t, err)
		require.Equal(t, 1, f.count("create"))
		require.Greater(t, f.count("list"), 1)
	})
	for name, test := range map[string]struct {
		list  reply
		class failure.Class
		code  string
	}{
		"ASearchThatFails":      {refuses(503, "SERVICE_BUSY", ""), failure.Transient, "SERVICE_BUSY"},
		"ASearchThatIsCut":      {nil, failure.Network, "CONNECTION_RESET"},
		"ASearchThatIsRefused":  {refuses(401, "UNAUTHORIZED", ""), failure.Permanent, "UNAUTHORIZED"},
		"AnAnswerThatIsNoList":  {says(200, object{"runs": []any{}}), failure.Transient, agent.CodeAnswerUnreadable},
		"AListThatDoesNotEnd":   {says(200, object{"data": []any{}, "pagination": object{"has_more": true, "next_cursor": "c"}}), failure.Transient, agent.CodeRunUnknown},
		"AnAnswerThatIsNotJSON": {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) }, failure.Transient, agent.CodeAnswerUnreadable},
	} {
		t.Run(name+"BeginsNothing", func(t *testing.T) {
			t.Parallel()
			f := newFar(t, func(f *far) { f.list = func(int, string) reply { return test.list } })
			out, err := newExecutor(t, f).Execute(t.Context(), request(&records{}, remote(old)))
			requireFailure(t, err, test.class, test.code)
			require.False(t, out.RemoteEnded, "it may be running")
			require.Zero(t, f.count("create"))
		})
	}
}

// A create whose answer says nothing for certain is looked for, and not sent again.
func TestACreateWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]reply{
		"Cut": nil,
		"CutInTheBody": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"run_id":`))
		},
		"Broken":        refuses(500, "INTERNAL_ERROR", ""),
		"BrokenGateway": func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) },
		"GatewayGaveUp": func(w http.ResponseWriter) { w.WriteHeader(http.StatusGatewayTimeout) },
		"TimedOut":      refuses(400, "TIMEOUT", ""),
		"NoID":          says(200, object{"error": nil}),
		"AnOddID":       says(200, object{"run_id": "../runs", "error": nil}),
		"NotJSON":       func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
	} {
		t.Run(name+"AndBegun", func(t *testing.T) {
			t.Parallel()
			r := &records{}
			f := newFar(t, func(f *far) {
				f.create, f.list = func(int, object) reply { return answer }, found
			})
			out, err := newExecutor(t, f).Execute(t.Context(), request(r))
			require.NoError(t, err)
			require.Equal(t, "Lamp", out.Fields["name"])
			require.Equal(t, 1, f.count("create"))
			require.Equal(t, []string{"run-1"}, r.ids)
		})
		t.Run(name+"AndNotBegun", func(t *testing.T) {
			t.Parallel()
			f := newFar(t, func(f *far) { f.create = func(int, object) reply { return answer } })
			out, err := newExecutor(t, f, quickly).Execute(t.Context(), request(&records{}))
			require.True(t, failure.Classify(err).Class.Retryable(), "%v", err)
			require.False(t, out.RemoteEnded, "the next attempt looks again before it begins one")
			require.Equal(t, 1, f.count("create"))
			require.Positive(t, f.count("list"))
		})
	}
	t.Run("NorByAConnectionThatWasInUse", func(t *testing.T) {
		t.Parallel()
		f := newFar(t, func(f *far) {
			f.list = found
			f.create = func(n int, _ object) reply {
				if n == 2 {
					return nil
				}
				return says(200, object{"run_id": "run-1", "error": nil})
			}
		})
		e := newExecutor(t, f)
		for range 2 {
			_, err := e.Execute(t.Context(), request(&records{}))
			require.NoError(t, err)
		}
		require.Equal(t, 2, f.count("create"))
	})
	t.Run("AFailedRunIsOneThatWasBegun", func(t *testing.T) {
		t.Parallel()
		r := &records{}
		f := newFar(t, func(f *far) {
			f.create = func(int, object) reply {
				return says(500, object{"run_id": "run-1", "status": "FAILED", "error": object{"message": "x"}})
			}
			f.run = func(int) reply { return failed(object{"message": "x", "category": "SYSTEM_FAILURE"}) }
		})
		out, err := newExecutor(t, f).Execute(t.Context(), request(r))
		requireFailure(t, err, failure.Transient, "SYSTEM_FAILURE")
		require.True(t, out.RemoteEnded)
		require.Equal(t, []string{"run-1"}, r.ids)
		require.Zero(t, f.count("list"))
	})
}

func TestACreateThatIsRefusedHasBegunNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer reply
		class  failure.Class
		code   string
		pause  bool
	}{
		"Busy":             {refuses(503, "SERVICE_BUSY", ""), failure.Transient, "SERVICE_BUSY", false},
		"RateLimit":        {refuses(429, "RATE_LIMIT_EXCEEDED", ""), failure.RateLimit, agent.CodeRateLimited, false},
		"BareRateLimit":    {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }, failure.RateLimit, agent.CodeRateLimited, false},
		"InvalidInput":     {refuses(400, "INVALID_INPUT", ""), failure.Permanent, "INVALID_INPUT", false},
		"ContentPolicy":    {refuses(400, "content-policy-violation", ""), failure.Permanent, "CONTENT_POLICY_VIOLATION", false},
		"MissingKey":       {refuses(401, "MISSING_API_KEY", ""), failure.Permanent, agent.CodeMissingAPIKey, false},
		"InvalidKey":       {refuses(401, "INVALID_API_KEY", ""), failure.Permanent, agent.CodeInvalidAPIKey, false},
		"Unauthorized":     {refuses(401, "UNAUTHORIZED", ""), failure.Permanent, "UNAUTHORIZED", false},
		"BareUnauthorized": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, failure.Permanent, agent.CodeInvalidAPIKey, false},
		"Forbidden":        {refuses(403, "FORBIDDEN", "not yours"), failure.Permanent, "FORBIDDEN", false},
		"ForbiddenMoney":   {refuses(403, "FORBIDDEN", "Insufficient credits"), failure.Permanent, agent.CodeInsufficientCredits, true},
		"NoCredits":        {refuses(403, "INSUFFICIENT_CREDITS", ""), failure.Permanent, agent.CodeInsufficientCredits, true},
		"PaymentRequired":  {refuses(402, "SOMETHING", ""), failure.Permanent, agent.CodeInsufficientCredits, true},
		"NotFound":         {refuses(404, "NOT_FOUND", ""), failure.Permanent, "NOT_FOUND", false},
		"UnknownCode":      {refuses(422, "TEAPOT", ""), failure.Permanent, "TEAPOT", false},
		"OddCode":          {refuses(418, "<b>", ""), failure.Permanent, "HTTP_418", false},
		"TextOnly":         {says(400, object{"error": "no"}), failure.Permanent, "HTTP_400", false},
		"NoneBegun":        {says(500, object{"run_id": nil, "status": "FAILED", "error": object{"code": "x-y", "message": "m"}}), failure.Transient, "X_Y", false},
		"NoneBegunWith200": {says(200, object{"run_id": nil, "error": object{"code": "CAPACITY"}}), failure.Transient, "CAPACITY", false},
		"Redirect":         {says(307, object{}, "Location", "https://elsewhere.example/"), failure.Permanent, agent.CodeRedirected, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t, func(f *far) { f.create = func(int, object) reply { return test.answer } })
			out, err := newExecutor(t, f).Execute(t.Context(), request(&records{}))
			requireFailure(t, err, test.class, test.code)
			require.Equal(t, test.pause, failureOf(t, err).Pause)
			require.True(t, out.RemoteEnded)
			require.Len(t, f.calls, 1)
			require.Equal(t, 1, out.Usage.Requests)
		})
	}
	t.Run("NobodyThere", func(t *testing.T) {
		t.Parallel()
		f := newFar(t)
		f.Close()
		out, err := newExecutor(t, f).Execute(t.Context(), request(&records{}))
		requireFailure(t, err, failure.Network, "CONNECTION_REFUSED")
		require.True(t, out.RemoteEnded)
	})
	t.Run("TellsWhenToComeBack", func(t *testing.T) {
		t.Parallel()
		f := newFar(t, func(f *far) {
			f.create = func(int, object) reply {
				return says(429, object{"error": object{"code": "RATE_LIMIT_EXCEEDED", "message": "slow\n\tdown"}}, "Retry-After", "90")
			}
		})
		_, err := newExecutor(t, f).Execute(t.Context(), request(&records{}))
		requireFailure(t, err, failure.RateLimit, agent.CodeRateLimited)
		require.Equal(t, 90*time.Second, failureOf(t, err).RetryAfter)
		require.ErrorContains(t, err, "429 Too Many Requests: slow down")
	})
}

func TestNothingIsBegunThatCouldNotBeAnnounced(t *testing.T) {
	t.Parallel()
	stale := errors.New("another attempt has the job")
	f := newFar(t)
	_, err := newExecutor(t, f).Execute(t.Context(), request(&records{announcing: func() error { return stale }}))
	require.ErrorIs(t, err, stale)
	require.Empty(t, f.calls)
}

func TestAnIDThatCannotBeStoredIsKeptInMind(t *testing.T) {
	t.Parallel()
	running3 := func(f *far) {
		f.run = func(n int) reply {
			if n <= 3 {
				return running()
			}
			return completed(lamp)
		}
	}
	t.Run("AndStoredLater", func(t *testing.T) {
		t.Parallel()
		r := &records{checkpoints: func(n int) error {
			if n <= 2 {
				return errAway
			}
			return nil
		}}
		out, err := newExecutor(t, newFar(t, running3)).Execute(t.Context(), request(r))
		require.NoError(t, err)
		require.Equal(t, "Lamp", out.Fields["name"])
		require.Equal(t, []string{"run-1"}, r.ids, "and not again after that")
		require.Equal(t, 3, r.tried)
	})
	t.Run("AndTheResultCounts", func(t *testing.T) {
		t.Parallel()
		r := &records{checkpoints: func(int) error { return errAway }}
		f := newFar(t, running3)
		out, err := newExecutor(t, f).Execute(t.Context(), request(r))
		require.NoError(t, err)
		require.Equal(t, "Lamp", out.Fields["name"])
		require.Equal(t, 1, f.count("create"))
		require.Empty(t, r.ids)
	})
}
