package standin_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/minohq/mino/internal/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestControl(t *testing.T) {
	t.Parallel()

	t.Run("ScriptsASite", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.post("/stand-in/scripts", `{"url":"`+site+`","behaviour":{
			"create": ["rate_limited", {"kind": "busy", "retry_after": 7, "times": 2}, {"kind": "delayed", "delay": "0s"}],
			"poll": ["none", "internal"], "stream": {"cut": true},
			"outcomes": ["blocked", {"kind": "failed", "error": {"message": "no", "category": "UNKNOWN"}}, {"kind": "completed", "result": [1], "steps": 9, "duration": "1m"}],
			"result": {"a": 1}, "duration": "3s", "median": "1s", "cap": "2s", "queued": "500ms", "steps": 2}}`)
		require.Equal(t, http.StatusNoContent, got.status, got.text)
		for _, want := range []int{429, 503, 503} {
			require.Equal(t, want, b.post("/v1/automation/run-async", m{"url": site, "goal": goal}).status)
		}
		b.FailNext(standin.EndpointRunAsync, standin.Fault{Kind: standin.None})
		first := b.start(site)
		b.FailNext(standin.EndpointRunAsync, standin.Fault{Kind: standin.None})
		second := b.start(site)
		b.FailNext(standin.EndpointRunAsync, standin.Fault{Kind: standin.None})
		third := b.start(site)
		b.clock.Advance(10 * time.Second)
		require.Equal(t, "2026-03-01T12:00:03.500Z", b.get("/v1/runs/"+first).json(t, "finished_at"))
		require.Equal(t, http.StatusInternalServerError, b.get("/v1/runs/"+first).status)
		require.Equal(t, "UNKNOWN", b.get("/v1/runs/"+second).json(t, "error.category"))
		b.clock.Advance(time.Minute)
		got = b.get("/v1/runs/" + third)
		require.Equal(t, "2026-03-01T12:01:00.500Z", got.json(t, "finished_at"))
		require.Equal(t, []any{1.0}, got.json(t, "result"))
		require.InDelta(t, 9, got.json(t, "num_of_steps"), 0)
	})

	t.Run("ScriptsTheDefault", func(t *testing.T) {
		t.Parallel()
		for _, url := range []string{`"url":"*",`, ""} {
			b := setup(t)
			require.Equal(t, http.StatusNoContent, b.post("/stand-in/scripts", `{`+url+`"behaviour":{"result":{"a":1}}}`).status)
			require.InDelta(t, 1, b.finished(site).json(t, "result.a"), 0)
		}
	})

	t.Run("FailsCallsStopsCreditsAndConnectionsAndCounts", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.start(site)
		require.Equal(t, http.StatusNoContent, b.post("/stand-in/faults", `{"endpoint":"list","faults":["busy"]}`).status)
		require.Equal(t, http.StatusServiceUnavailable, b.get("/v1/runs").status)
		require.Equal(t, http.StatusNoContent, b.post("/stand-in/credits", `{"enough":false}`).status)
		require.Equal(t, http.StatusForbidden, b.post("/v1/automation/run-async", m{"url": site, "goal": goal}).status)
		require.Equal(t, http.StatusNoContent, b.post("/stand-in/down", `{"down":true}`).status)
		require.Error(t, b.get("/v1/runs").err)
		require.Equal(t, m{
			"created": 1.0, "running": 1.0, "completed": 0.0, "failed": 0.0, "cancelled": 0.0, "duplicates": 0.0, "steps": 0.0,
			"calls": m{"list": 2.0, "run-async": 2.0},
		}, decode(t, b.get("/stand-in/stats")))
	})

	t.Run("RefusesWhatItDoesNotKnow", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for _, c := range [][2]string{
			{"scripts", `{}`}, {"scripts", `{"behaviour":{"colour":1}}`}, {"scripts", `{"behaviour":{"outcomes":["eaten"]}}`},
			{"scripts", `{"behaviour":{"outcomes":[{"kind":"failed","why":1}]}}`}, {"scripts", `{"behaviour":{"create":["bad"]}}`},
			{"scripts", `{"behaviour":{"create":[{"kind":"busy","after":1}]}}`}, {"scripts", `{"behaviour":{"duration":5}}`},
			{"scripts", `{"behaviour":{"duration":"-1s"}}`}, {"scripts", `nonsense`}, {"faults", `{"endpoint":"none","faults":["busy"]}`},
			{"faults", `{"endpoint":"list","faults":"busy"}`}, {"credits", `{"amount":1}`}, {"down", `[]`},
		} {
			got := b.post("/stand-in/"+c[0], c[1])
			require.Equal(t, http.StatusBadRequest, got.status, c[1])
			require.Equal(t, "INVALID_INPUT", got.json(t, "error.code"), c[1])
		}
	})
}

func TestHosts(t *testing.T) {
	t.Parallel()
	create := func(b *bundle, label string) reply {
		return b.post("/v1/automation/run-async", m{"url": "https://" + label + ".example.com/p/1", "goal": goal})
	}
	ends := func(want ...string) func(*testing.T, *bundle, string) {
		return func(t *testing.T, b *bundle, label string) {
			for _, status := range want {
				require.Equal(t, status, b.finished("https://"+label+".example.com/p/1").json(t, "status"))
			}
		}
	}
	refusesFirst := func(status int) func(*testing.T, *bundle, string) {
		return func(t *testing.T, b *bundle, label string) {
			require.Equal(t, status, create(b, label).status)
			require.Equal(t, http.StatusOK, create(b, label).status)
		}
	}
	shows := map[string]func(t *testing.T, b *bundle, label string){
		"blocked": func(t *testing.T, b *bundle, label string) {
			require.Contains(t, b.finished("https://"+label+".example.com/").text, "captcha")
		},
		"empty": func(t *testing.T, b *bundle, label string) {
			require.Nil(t, b.finished("https://"+label+".example.com/").json(t, "result.price"))
		},
		"invalid": func(t *testing.T, b *bundle, label string) {
			require.Equal(t, false, b.finished("https://"+label+".example.com/", priceSchema).json(t, "schema_validation.valid"))
		},
		"failed": ends("FAILED"), "flaky": ends("FAILED", "COMPLETED"), "denied": ends("FAILED"), "cancelled": ends("CANCELLED"),
		"slow": func(t *testing.T, b *bundle, label string) {
			create(b, label)
			b.clock.Advance(45 * time.Second)
			require.Equal(t, 1, b.Stats().Running)
			b.clock.Advance(time.Second)
			require.Equal(t, 1, b.Stats().Completed)
		},
		"never": ends("RUNNING"), "limited": refusesFirst(http.StatusTooManyRequests), "busy": refusesFirst(http.StatusServiceUnavailable),
		"cut": refusesFirst(0), "credits": refusesFirst(http.StatusForbidden),
		"unsteady": func(t *testing.T, b *bundle, label string) {
			id := b.start("https://" + label + ".example.com/")
			require.Equal(t, http.StatusInternalServerError, b.get("/v1/runs/"+id).status)
			require.Error(t, b.get("/v1/runs/"+id).err)
			require.Equal(t, http.StatusOK, b.get("/v1/runs/"+id).status)
		},
	}
	require.Len(t, shows, len(standin.HostLabels()))
	for _, label := range standin.HostLabels() {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, shows, label)
			shows[label](t, setup(t), label)
		})
	}

	t.Run("GoAfterScriptsAndNeedASecondLabel", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script("https://failed.example.com/", standin.Behaviour{})
		require.Equal(t, "COMPLETED", b.finished("https://failed.example.com/").json(t, "status"))
		require.Equal(t, "COMPLETED", b.finished("http://failed/").json(t, "status"))
		require.Equal(t, "FAILED", b.finished("https://FAILED.example.com:8443/").json(t, "status"))
	})
}

func TestServe(t *testing.T) {
	t.Parallel()

	t.Run("ListensUntilItIsStopped", func(t *testing.T) {
		t.Parallel()
		l, err := standin.Serve(t.Context(), "127.0.0.1:0", standin.Config{APIKey: "mine"})
		require.NoError(t, err)
		b := &bundle{Server: l.Server, t: t, base: l.URL(), http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, key: "mine"}
		require.Equal(t, http.StatusOK, b.get("/v1/runs").status)
		_, err = standin.Serve(t.Context(), l.URL()[len("http://"):], standin.Config{})
		require.Error(t, err, "the address is taken")
		l.Stop()
		l.Stop()
		require.Error(t, b.get("/v1/runs").err)
	})

	t.Run("ListensUntilItsContextEnds", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		l, err := standin.Serve(ctx, "127.0.0.1:0", standin.Config{})
		require.NoError(t, err)
		cancel()
		l.Stop()
		b := &bundle{t: t, base: l.URL(), http: new(http.Client)}
		require.Error(t, b.get("/v1/runs").err)
	})
}

// TestNothingIsLeftOut holds the lists of the package, which the other tests go through,
// against its constants and routes, and the documentation against the lists.
func TestNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/stand-in.md")
	require.NoError(t, err)
	listed := map[string][]string{"HostLabels": standin.HostLabels()}
	for _, kind := range standin.OutcomeKinds() {
		listed["OutcomeKind"] = append(listed["OutcomeKind"], string(kind))
	}
	for _, kind := range standin.FaultKinds() {
		listed["FaultKind"] = append(listed["FaultKind"], string(kind))
	}
	for _, endpoint := range standin.Endpoints() {
		listed["Endpoint"] = append(listed["Endpoint"], string(endpoint))
	}
	for name, values := range listed {
		if name != "HostLabels" {
			require.ElementsMatch(t, constants(t, name), values, name)
		}
		for _, value := range values {
			require.Contains(t, string(document), "`"+value+"`", "docs/stand-in.md leaves out the %s", name)
		}
	}

	b := setup(t)
	for range 2 { // the second time, as a check that nothing is at other paths
		b.post("/v1/automation/run-batch", nil)
		b.post("/v1/automation/run", nil)
		b.post("/v1/automation/run-async", nil)
		b.post("/v1/automation/run-sse", nil)
		b.get("/v1/runs")
		b.get("/v1/runs/none")
		b.post("/v1/runs/batch", nil)
		b.post("/v1/runs/none/cancel", nil)
		b.post("/v1/runs/batch/cancel", nil)
		require.Equal(t, http.StatusNotFound, b.get("/v1/automation/run").status)
		require.Equal(t, http.StatusNotFound, b.get("/").status)
	}
	calls := b.Stats().Calls
	require.Len(t, calls, len(standin.Endpoints()))
	for _, endpoint := range standin.Endpoints() {
		require.Equal(t, 2, calls[endpoint], endpoint)
	}
}

// constants are the values of the package's constants of a type.
func constants(t *testing.T, name string) []string {
	t.Helper()
	packages := token.NewFileSet()
	var out []string
	for _, path := range []string{"behaviour.go", "routes.go"} {
		file, err := parser.ParseFile(packages, path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == name {
				literal, ok := spec.Values[0].(*ast.BasicLit)
				require.True(t, ok)
				value, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				out = append(out, value)
			}
			return true
		})
	}
	return out
}
