package standin_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/standin"
)

// priceSchema asks for a price and a title.
var priceSchema = m{"output_schema": m{
	"type":       "object",
	"properties": m{"price": m{"type": "number", "minimum": 1}, "title": m{"type": "string"}, "tags": m{"type": "array", "items": m{"type": "string"}}},
	"required":   []string{"price"},
}}

func TestRunAsync(t *testing.T) {
	t.Parallel()

	t.Run("IsPendingThenRunningThenCompletedWithStepsOnlyAtTheEnd", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Queued: time.Second, Duration: 10 * time.Second, Steps: 5})
		id := b.start(site, priceSchema)

		got := b.get("/v1/runs/" + id)
		require.Equal(t, "PENDING", got.json(t, "status"))
		require.Equal(t, goal, got.json(t, "goal"))
		require.Equal(t, "2026-03-01T12:00:00.000Z", got.json(t, "created_at"))
		require.Nil(t, got.json(t, "started_at"))
		require.Nil(t, got.json(t, "streaming_url"))

		b.clock.Advance(5 * time.Second)
		got = b.get("/v1/runs/" + id)
		require.Equal(t, "RUNNING", got.json(t, "status"))
		require.Equal(t, "2026-03-01T12:00:01.000Z", got.json(t, "started_at"))
		for _, absent := range []string{"finished_at", "num_of_steps", "result", "error", "schema_validation", "video_url"} {
			require.Nil(t, got.json(t, absent), absent)
		}
		require.Len(t, got.json(t, "steps"), 2)

		b.clock.Advance(6 * time.Second)
		got = b.get("/v1/runs/" + id)
		require.Equal(t, "COMPLETED", got.json(t, "status"))
		require.Equal(t, "2026-03-01T12:00:11.000Z", got.json(t, "finished_at"))
		require.InDelta(t, 5, got.json(t, "num_of_steps"), 0)
		require.Greater(t, got.json(t, "result.price"), 0.0)
		require.Equal(t, true, got.json(t, "schema_validation.valid"))
		require.Len(t, got.json(t, "steps"), 5)
	})

	t.Run("IsCountedAgainWhenItIsRepeated", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		one, two := b.start(site), b.start(site)
		require.NotEqual(t, one, two)
		b.start("https://example.com/p/2")
		require.Equal(t, map[string]int{site + "\x00" + goal: 2, "https://example.com/p/2\x00" + goal: 1}, b.Created())
		require.Equal(t, 1, b.Stats().Duplicates)
		require.Len(t, b.Runs(), 3)
		require.Len(t, b.RunsOf(site), 2)
		require.Equal(t, 2, b.RunsOf(site)[1].Nth)
		require.Equal(t, 3, b.Stats().Running)
	})

	t.Run("KeepsWhatItWasAskedFor", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		id := b.start(site, m{"browser_profile": "stealth", "proxy_config": m{"enabled": true, "country_code": "DE"}, "use_profile": true})
		require.JSONEq(t, `{"url":"`+site+`","goal":"`+goal+`","browser_profile":"stealth","proxy_config":{"enabled":true,"country_code":"DE"},"use_profile":true}`,
			string(b.RunsOf(site)[0].Body))
		got := b.get("/v1/runs/" + id)
		require.Equal(t, m{"proxy_enabled": true, "proxy_country_code": "DE"}, got.json(t, "browser_config"))
	})

	t.Run("FailsWhenItTakesMoreStepsThanAllowed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Steps: 11})
		got := b.finished(site, m{"agent_config": m{"max_steps": 10}})
		require.Equal(t, "FAILED", got.json(t, "status"))
		require.Equal(t, "MAX_STEPS_EXCEEDED", got.json(t, "error.code"))
		require.InDelta(t, 10, got.json(t, "num_of_steps"), 0)
	})
}

// TestOutcomes shows each outcome once.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	shows := map[standin.OutcomeKind]func(t *testing.T, b *bundle, got reply){
		standin.Completed: func(t *testing.T, b *bundle, got reply) {
			require.Equal(t, "COMPLETED", got.json(t, "status"))
			require.Equal(t, 1, b.Stats().Completed)
			require.Equal(t, b.Runs()[0].Steps, b.Stats().Steps)
		},
		standin.Failed: func(t *testing.T, b *bundle, got reply) {
			require.Equal(t, "FAILED", got.json(t, "status"))
			require.Nil(t, got.json(t, "result"))
			require.Equal(t, m{
				"code": "TASK_FAILED", "category": "AGENT_FAILURE", "retry_after": nil, "message": "The agent could not reach the goal",
			}, got.json(t, "error"))
			require.Equal(t, 1, b.Stats().Failed)
		},
		standin.Blocked: func(t *testing.T, _ *bundle, got reply) {
			require.Equal(t, "COMPLETED", got.json(t, "status"))
			require.Contains(t, got.json(t, "result.reason"), "captcha")
			require.Equal(t, false, got.json(t, "schema_validation.valid"))
		},
		standin.AllNull: func(t *testing.T, _ *bundle, got reply) {
			require.Equal(t, "COMPLETED", got.json(t, "status"))
			require.Equal(t, m{"price": nil, "title": nil, "tags": []any{}}, got.json(t, "result"))
		},
		standin.SchemaInvalid: func(t *testing.T, _ *bundle, got reply) {
			require.Equal(t, "COMPLETED", got.json(t, "status"))
			require.Equal(t, "not available", got.json(t, "result.price"))
			require.Equal(t, false, got.json(t, "schema_validation.valid"))
			require.InDelta(t, 2, got.json(t, "schema_validation.re_prompt_attempts"), 0)
			require.Equal(t, m{"path": "price", "expected": "number", "received": "string", "message": "value must be a number"},
				got.json(t, "schema_validation.errors.0"))
		},
		standin.Cancelled: func(t *testing.T, b *bundle, got reply) {
			require.Equal(t, "CANCELLED", got.json(t, "status"))
			require.Nil(t, got.json(t, "result"))
			require.Equal(t, 1, b.Stats().Cancelled)
		},
		standin.NeverEnds: func(t *testing.T, b *bundle, got reply) {
			require.Equal(t, "RUNNING", got.json(t, "status"))
			require.Equal(t, 1, b.Stats().Running)
			require.Equal(t, 150, b.Runs()[0].Steps, "it goes on as long as it may")
		},
	}
	require.Len(t, shows, len(standin.OutcomeKinds()))
	for _, kind := range standin.OutcomeKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Script(site, standin.Behaviour{Outcomes: []standin.Outcome{{Kind: kind}}})
			require.Contains(t, shows, kind)
			shows[kind](t, b, b.finished(site, priceSchema))
		})
	}

	t.Run("TakeTurnsAndTheLastOneStays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Outcomes: []standin.Outcome{
			{Kind: standin.Failed, Error: &standin.RunError{Code: "service_busy", Message: "later", Category: "NEW_ONE", RetryAfter: new(60)}},
			{Kind: standin.Completed, Result: json.RawMessage(`"a string"`), Steps: 4},
		}})
		got := b.finished(site)
		require.Equal(t, m{"code": "service_busy", "message": "later", "category": "NEW_ONE", "retry_after": 60.0}, got.json(t, "error"))
		for range 2 {
			got = b.finished(site)
			require.Equal(t, "a string", got.json(t, "result"))
			require.InDelta(t, 4, got.json(t, "num_of_steps"), 0)
		}
		b.Script(site, standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.Blocked}, {Kind: standin.Completed}}})
		require.Contains(t, b.finished(site).text, "captcha", "a new script begins at its beginning")
	})
}

func TestResults(t *testing.T) {
	t.Parallel()

	t.Run("AreThoseOfTheFunctionAndHeldAgainstTheSchema", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Default(standin.Behaviour{ResultFunc: func(r standin.Request) any { return m{"price": r.Nth, "title": 5} }})
		b.finished(site, priceSchema)
		got := b.finished(site, priceSchema)
		require.Equal(t, m{"price": 2.0, "title": 5.0}, got.json(t, "result"))
		require.Equal(t, "title", got.json(t, "schema_validation.errors.0.path"))
		require.JSONEq(t, `{"price":2,"title":5}`, string(b.RunsOf(site)[1].Result))
	})

	t.Run("AreMadeUpForEveryKindOfMember", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.finished(site, m{"output_schema": m{"type": "object", "properties": m{
			"price": m{"type": "string"}, "cost": m{"type": "object", "properties": m{"amount": m{"type": "string"}, "currency": m{"type": "string"}}},
			"stars": m{"type": "integer", "minimum": 200, "maximum": 300}, "share": m{"type": "number", "maximum": 1}, "sold": m{"type": "boolean"},
			"since": m{"type": "string", "format": "date"}, "at": m{"type": "string", "format": "date-time"}, "link": m{"type": "string"},
			"state": m{"type": "string", "enum": []string{"new", "used"}}, "maybe": m{"anyOf": []m{{"type": "null"}, {"type": "integer"}}},
			"three": m{"type": "array", "minItems": 3, "items": m{"type": "string"}}, "one": m{"type": "array", "maxItems": 1, "items": m{"type": "number"}},
			"sku": m{"type": "string", "nullable": true}, "nothing": m{"type": "null"}, "stock": m{"type": "string"},
		}}})
		require.Equal(t, true, got.json(t, "schema_validation.valid"), got.text)
		require.Regexp(t, `^\d+\.\d\d EUR$`, got.json(t, "result.price"))
		require.Regexp(t, `^\d+\.\d\d$`, got.json(t, "result.cost.amount"))
		require.Regexp(t, `^2025-\d\d-\d\d$`, got.json(t, "result.since"))
		require.Equal(t, site, got.json(t, "result.link"))
		require.Len(t, got.json(t, "result.three"), 3)
		require.Len(t, got.json(t, "result.one"), 1)
	})

	t.Run("AreTheSameForTheSameSeedAndAnotherForAnotherSite", func(t *testing.T) {
		t.Parallel()
		one, two := setup(t), setup(t)
		first := one.finished(site, priceSchema)
		again := two.finished(site, priceSchema)
		for _, member := range []string{"result", "num_of_steps", "finished_at"} {
			require.Equal(t, first.json(t, member), again.json(t, member), member)
		}
		require.NotEqual(t, first.json(t, "run_id"), again.json(t, "run_id"))
		other := one.finished("https://example.com/p/2", priceSchema)
		require.NotEqual(t, first.json(t, "result"), other.json(t, "result"))
		require.Equal(t, first.json(t, "result"), one.finished(site, priceSchema).json(t, "result"), "a site does not change")
	})
}

// TestDurations holds what is drawn against the distribution that the documentation
// promises.
func TestDurations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Default(standin.Behaviour{Median: 4 * time.Second, Cap: 40 * time.Second})
	const runs, batch = 400, 100
	for range runs / batch {
		many := slices.Repeat([]m{{"url": site, "goal": goal}}, batch)
		require.Equal(t, http.StatusOK, b.post("/v1/automation/run-batch", m{"runs": many}).status)
	}
	b.clock.Advance(time.Hour)
	short, capped, long := 0, 0, 0
	for _, r := range b.Runs() {
		switch d := r.FinishedAt.Sub(r.StartedAt); {
		case d < 4*time.Second:
			short++
		case d == 40*time.Second:
			capped++
		case d > 40*time.Second:
			require.Fail(t, "longer than the cap", d)
		case d > 12*time.Second:
			long++
		}
	}
	require.InDelta(t, runs/2, short, runs/10, "half of them are shorter than the median")
	require.Positive(t, capped, "some are cut off")
	require.Greater(t, long, runs/20, "the tail is heavy")
}
