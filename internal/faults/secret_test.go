package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/standin"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models/field"
)

// TestSecretsStayIn gives projects secrets, has sites and agents throw them back in every
// way, and looks for them in all that is kept, said and logged.
func TestSecretsStayIn(t *testing.T) {
	t.Parallel()
	canary := "canary/" + uuid.NewString() + "+x"
	agent, err := standin.Serve(t.Context(), "127.0.0.1:0", standin.Config{Seed: seed, APIKey: canary})
	require.NoError(t, err)
	t.Cleanup(agent.Stop)
	got := make(chan string, 100)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization")
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		if err != nil {
			return // the other side has left
		}
		if strings.Contains(r.URL.Path, "refused") {
			http.Error(w, r.Header.Get("Authorization")+string(body), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		_ = json.NewEncoder(w).Encode(map[string]any{"sku": r.Header.Get("Authorization"), "body": string(body), "at": r.URL.String()})
	}))
	t.Cleanup(echo.Close)

	s := newSystem(t, rig.FarSideConfig{}, "MINO_SECRETS_KEY="+testkit.SecretsKey, "MINO_LOG_LEVEL=debug")
	worker := s.worker()
	ask := func(name, executor, settings string) wire.Project {
		p, err := s.api.CreateProject(t.Context(), wire.ProjectRequest{
			Name: name + " " + uuid.NewString(), Instruction: "Find it.", Executor: executor, Settings: json.RawMessage(settings),
			Fields:   []field.Field{{Name: "sku", Type: field.TypeText, Extract: ruleFor(executor)}},
			Secrets:  map[string]string{"api_key": canary},
			Defaults: wire.ExecutionDefaults{Preset: "FAST"},
		})
		require.NoError(t, err)
		require.Equal(t, []string{"api_key"}, p.SecretNames)
		return p
	}
	run := func(p wire.Project, csv string) wire.Execution {
		b, err := s.api.CreateBatchCSV(t.Context(), p.ID, "rows", strings.NewReader(csv), "rows.csv")
		require.NoError(t, err)
		e, err := s.api.Execute(t.Context(), p.ID, b.ID, wire.ExecuteRequest{Type: "production"})
		require.NoError(t, err)
		return e
	}
	fetched := run(ask("echo", "fetch", `{"method":"POST","headers":{"Authorization":"Bearer {{secret.api_key}}"},
		"query":{"key":"{{secret.api_key}}"},"body":{"json":{"key":"{{secret.api_key}}"}}}`),
		fmt.Sprintf("site_url\n%s/ok\n%s/refused\nhttp://127.0.0.1:1/closed\n", echo.URL, echo.URL))
	asked := run(ask("agent", "agent", fmt.Sprintf(`{"base_url":%q}`, agent.URL())),
		"site_url\nhttps://one.example\nhttps://failed.example\nhttps://blocked.example\n")
	for _, e := range []wire.Execution{fetched, asked} {
		s.ended(e)
	}
	require.Equal(t, "Bearer "+canary, <-got, "the site got it")
	require.NotZero(t, agent.Stats().Created, "the agent got it")

	forms := []string{canary, url.QueryEscape(canary), url.PathEscape(canary), strings.TrimPrefix(canary, "canary/")}
	clean := func(where, text string) {
		for _, form := range forms {
			require.NotContains(t, text, form, "%s", where)
		}
	}
	var tables []string
	require.NoError(t, s.db.NewRaw(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`).Scan(t.Context(), &tables))
	require.Greater(t, len(tables), 10)
	for _, table := range tables {
		var dump string
		require.NoError(t, s.db.NewRaw(fmt.Sprintf(`SELECT COALESCE(string_agg(t::text, E'\n'), '') FROM %q AS t`, table)).Scan(t.Context(), &dump))
		clean("the table "+table, dump)
		if table == "jobs" {
			require.Contains(t, dump, "[redacted]", "a site has thrown it back")
		}
	}
	histories := strings.Join(s.allHistories(), "\n")
	require.Contains(t, histories, "one.example", "payloads can be read")
	clean("the histories", histories)
	clean("the log of the worker", worker.Out.String())
	clean("the log of the API", s.apiProc.Out.String())
	for _, path := range []string{
		"/api/projects", "/api/batches", "/api/executions", "/api/projects/" + fetched.ProjectID.String() + "/jobs",
		"/api/projects/" + asked.ProjectID.String() + "/jobs", "/api/executions/" + fetched.ID.String() + "/sessions",
		"/api/executions/" + asked.ID.String() + "/sessions", "/api/executions/" + fetched.ID.String() + "/sessions/export",
		"/api/executions/" + asked.ID.String() + "/stats", "/api/batches/" + fetched.BatchID.String() + "/export",
	} {
		clean(path, s.get(path))
	}
}

func ruleFor(executor string) *field.Extract {
	if executor == "agent" {
		return nil
	}
	return &field.Extract{JSONPath: "$.sku"}
}

// get gets a path of the API as text.
func (s *system) get(path string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.apiProc.URL(s.t)+path, http.NoBody)
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, response.StatusCode, "%s: %s", path, body)
	return string(body)
}

// allHistories are those of every workflow of this system, as text.
func (s *system) allHistories() []string {
	s.t.Helper()
	var all []string
	eventually(s.t, "the workflows are listed", func() bool {
		all = all[:0]
		listed, err := s.temporal.ListWorkflow(s.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: fmt.Sprintf("TaskQueue = '%s'", s.queue), PageSize: 100,
		})
		if err != nil {
			return false
		}
		for _, w := range listed.GetExecutions() {
			if w.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
				return false
			}
			iterator := s.temporal.GetWorkflowHistory(s.t.Context(), w.GetExecution().GetWorkflowId(), w.GetExecution().GetRunId(),
				false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for iterator.HasNext() {
				event, err := iterator.Next()
				require.NoError(s.t, err)
				all = append(all, event.String()) // payloads as they are
			}
		}
		return len(all) > 0
	})
	return all
}
