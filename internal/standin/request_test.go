package standin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nested is a schema of so many levels.
func nested(levels int) m {
	if levels == 1 {
		return m{"type": "string"}
	}
	return m{"type": "object", "properties": m{"inner": nested(levels - 1)}}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	with := func(name string, value any) m { return m{"url": site, "goal": goal, name: value} }
	schema := func(members m) m {
		members["type"] = "object"
		return with("output_schema", members)
	}
	for name, c := range map[string]struct {
		body    any
		refused string // what is wrong; empty when nothing is
	}{
		"the least":                  {m{"url": site, "goal": goal}, ""},
		"everything":                 {everything(), ""},
		"no JSON":                    {"url=1", "body"},
		"an array":                   {"[]", "body"},
		"no url":                     {m{"goal": goal}, "url"},
		"a url that is none":         {m{"url": "example.com", "goal": goal}, "url"},
		"a url of another kind":      {m{"url": "ftp://example.com", "goal": goal}, "url"},
		"a url that is a number":     {m{"url": 1, "goal": goal}, "url"},
		"no goal":                    {m{"url": site}, "goal"},
		"an empty goal":              {m{"url": site, "goal": " "}, "goal"},
		"an unknown profile":         {with("browser_profile", "heavy"), "browser_profile"},
		"a proxy without enabled":    {with("proxy_config", m{"country_code": "US"}), "proxy_config.enabled"},
		"an unknown country":         {with("proxy_config", m{"enabled": true, "country_code": "CH"}), "proxy_config.country_code"},
		"an unknown proxy":           {with("proxy_config", m{"enabled": true, "type": "tor"}), "proxy_config.type"},
		"a custom proxy without url": {with("proxy_config", m{"enabled": true, "type": "custom"}), "proxy_config.url"},
		"an unknown mode":            {with("agent_config", m{"mode": "wild"}), "agent_config.mode"},
		"no steps":                   {with("agent_config", m{"max_steps": 0}), "agent_config.max_steps"},
		"too many steps":             {with("agent_config", m{"max_steps": 501}), "agent_config.max_steps"},
		"the most steps":             {with("agent_config", m{"max_steps": 500}), ""},
		"a webhook in the clear":     {with("webhook_url", "http://example.com"), "webhook_url"},
		"a body beyond the limit":    {with("goal", strings.Repeat("x", 4<<20)), "body"},

		"a schema of null":                {with("output_schema", nil), ""},
		"a schema that is an array":       {with("output_schema", []any{}), "output_schema"},
		"a schema of another type":        {with("output_schema", m{"type": "array"}), "output_schema"},
		"a schema without a type":         {with("output_schema", m{}), "output_schema"},
		"a schema with anyOf at the top":  {schema(m{"anyOf": []m{}}), "output_schema"},
		"a schema with a description":     {schema(m{"properties": m{"a": m{"description": "x"}}}), "output_schema"},
		"a schema with a foreign keyword": {schema(m{"additionalProperties": false}), "output_schema"},
		"a foreign keyword in items":      {schema(m{"properties": m{"a": m{"type": "array", "items": m{"pattern": "x"}}}}), "output_schema"},
		"a foreign keyword in anyOf":      {schema(m{"properties": m{"a": m{"anyOf": []m{{"const": 1}}}}}), "output_schema"},
		"a property called as a keyword":  {schema(m{"properties": m{"description": m{"type": "string"}}}), ""},
		"several types":                   {schema(m{"properties": m{"a": m{"type": []string{"string", "null"}}}}), "output_schema"},
		"an unknown type":                 {schema(m{"properties": m{"a": m{"type": "money"}}}), "output_schema"},
		"properties that are none":        {schema(m{"properties": []any{}}), "output_schema"},
		"a property that is none":         {schema(m{"properties": m{"a": "string"}}), "output_schema"},
		"anyOf that is none":              {schema(m{"properties": m{"a": m{"anyOf": true}}}), "output_schema"},
		"ten levels":                      {with("output_schema", nested(10)), ""},
		"eleven levels":                   {with("output_schema", nested(11)), "output_schema"},
		"a schema beyond 64 KiB":          {schema(m{"required": []string{strings.Repeat("x", 64<<10)}}), "output_schema"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got := b.post("/v1/automation/run-async", c.body)
			if c.refused == "" {
				require.Equal(t, http.StatusOK, got.status, got.text)
				require.Len(t, b.Runs(), 1)
				return
			}
			require.Equal(t, http.StatusBadRequest, got.status, got.text)
			require.Equal(t, "INVALID_INPUT", got.json(t, "error.code"))
			require.Equal(t, c.refused, got.json(t, "error.details.0.path"), got.text)
			for _, path := range []string{"run", "run-sse"} {
				require.Equal(t, http.StatusBadRequest, b.post("/v1/automation/"+path, c.body).status)
			}
			require.Empty(t, b.Runs(), "nothing runs")
		})
	}
}

// everything is a request with every member.
func everything() m {
	return m{
		"url": site, "goal": goal, "browser_profile": "lite",
		"proxy_config": m{
			"enabled": true, "type": "custom", "country_code": "AU", "url": "http://proxy.example", "username": "u", "password": "p",
		},
		"agent_config":   m{"mode": "strict", "max_steps": 1},
		"capture_config": m{"elements": true, "snapshots": true, "screenshots": true, "recording": true},
		"webhook_url":    "https://example.com/hook", "use_vault": true, "credential_item_ids": []string{"cred:1"},
		"output_schema": m{
			"type": "object", "required": []string{"a"}, "propertyOrdering": []string{"a"},
			"properties": m{"a": m{"type": "string", "nullable": true, "enum": []string{"x"}}},
		},
	}
}

func TestBatchesOfRuns(t *testing.T) {
	t.Parallel()
	run := m{"url": site, "goal": goal}

	t.Run("AreCreatedTogetherWithTheSchemaOfTheBatch", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		own := m{"url": site, "goal": goal, "output_schema": m{"type": "object", "properties": m{"own": m{"type": "string"}}}}
		got := b.post("/v1/automation/run-batch", m{"runs": []any{run, own}, "output_schema": m{"type": "object", "properties": m{"all": m{"type": "string"}}}})
		require.Nil(t, got.json(t, "error"))
		require.Equal(t, b.Runs()[0].ID, got.json(t, "run_ids.0"))
		require.Equal(t, b.Runs()[1].ID, got.json(t, "run_ids.1"))
		require.Contains(t, string(b.Runs()[0].OutputSchema), "all")
		require.Contains(t, string(b.Runs()[1].OutputSchema), "own")
	})

	t.Run("AreRefusedTogether", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		many := make([]any, 101)
		for i := range many {
			many[i] = run
		}
		for body, path := range map[string]string{
			string(encode(t, m{"runs": []any{run, m{"url": site}, run}})): "runs.1.goal",
			`{"runs":[]}`: "runs", `{}`: "runs", `nonsense`: "body",
			string(encode(t, m{"runs": many})):                             "runs",
			string(encode(t, m{"runs": []any{run}, "output_schema": m{}})): "runs.0.output_schema",
		} {
			got := b.post("/v1/automation/run-batch", body)
			require.Equal(t, http.StatusBadRequest, got.status)
			require.Equal(t, path, got.json(t, "error.details.0.path"))
		}
		require.Empty(t, b.Runs())
		require.Equal(t, http.StatusOK, b.post("/v1/automation/run-batch", m{"runs": many[:100]}).status)
		require.Len(t, b.Runs(), 100)
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for key, code := range map[string]string{"": "MISSING_API_KEY", "wrong": "INVALID_API_KEY"} {
		b.key = key
		for _, got := range []reply{
			b.get("/v1/runs"), b.get("/v1/none"), b.get("/stand-in/stats"),
			b.post("/v1/automation/run-async", m{"url": site, "goal": goal}), b.post("/stand-in/down", m{"down": true}),
		} {
			require.Equal(t, http.StatusUnauthorized, got.status)
			require.Equal(t, code, got.json(t, "error.code"))
		}
	}
	require.Empty(t, b.Runs())
}
