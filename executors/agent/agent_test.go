package agent_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

func TestARunIsAnnouncedBegunStoredAndFollowed(t *testing.T) {
	t.Parallel()
	r := &records{}
	var announced, stored []int // how many were when the service was called
	known := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		announced, stored = append(announced, len(r.references)), append(stored, len(r.ids))
	}
	f := newFar(t, func(f *far) {
		f.create = func(int, object) reply {
			known()
			return says(200, object{"run_id": "run-1", "error": nil})
		}
		f.run = func(n int) reply {
			known()
			if n == 1 {
				return running()
			}
			return completed(lamp)
		}
	})
	out, err := newExecutor(t, f).Execute(t.Context(), request(r))
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 1}, announced, "before it is begun")
	require.Equal(t, []int{0, 1, 1}, stored, "before it is followed")
	require.Equal(t, []string{"run-1"}, r.ids)
	require.JSONEq(t, `{"name":"Lamp","price":{"amount":"19.50","currency":"EUR"}}`, asJSON(t, out.Fields))
	require.Empty(t, out.Blocked)
	require.True(t, out.RemoteEnded)
	bytes := out.Usage.Bytes
	require.Positive(t, bytes)
	require.Equal(t, executors.Usage{
		Requests: 3, Bytes: bytes, Steps: 12, RemoteMS: 10_500, CostMicros: 192_000, Currency: "USD",
	}, out.Usage)
	require.Equal(t, "https://watch.example/run-1", out.Evidence.RunURL)
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 15, 500_000_000, time.UTC), out.Evidence.FetchedAt)
	require.Contains(t, string(out.Raw), `"num_of_steps":12`)
	require.Contains(t, r.progress, "RUNNING · 2 steps")
	require.Equal(t, []string{operatorKey, operatorKey, operatorKey}, f.keys)

	order := f.order(t)
	require.Equal(t, "https://shop.example/lamp", order["url"])
	require.Equal(t, "Read the price.\n\n"+
		"The result has these fields; one that the page does not tell is null:\n"+
		"- name (text)\n"+
		"- price (money: the amount as a plain decimal such as 1299.00, the currency as an ISO 4217 code): without shipping\n\n"+
		"Reference of this task, for bookkeeping only: "+r.references[0], order["goal"])
	require.Regexp(t, `^mino-[0-9a-f]{32}$`, r.references[0])
	require.JSONEq(t, `{"type":"object","required":["name"],"propertyOrdering":["name","price"],"properties":{
		"name":{"type":"string","nullable":true},
		"price":{"type":"object","nullable":true,"required":["amount"],"propertyOrdering":["amount","currency"],
			"properties":{"amount":{"type":"string"},"currency":{"type":"string","nullable":true}}}}}`, asJSON(t, order["output_schema"]))
	require.Len(t, order, 3, "what is not set is the service's choice")
}

func TestSettingsBecomeTheRequest(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	e := newExecutor(t, nil) // no operator's address is used
	out, err := e.Execute(t.Context(), request(&records{}, with(`{
		"base_url":"`+f.URL+`/", "browser_profile":"stealth", "mode":"strict", "max_steps":40,
		"proxy":{"type":"custom","url":"http://proxy.example:8080","username":"u-{{country}}","password":"{{secret.proxy}}"},
		"goal":"Read the price of {{sku}} on {{site_url}}.", "use_vault":true, "credential_item_ids":["c1"],
		"capture_screenshot":true, "price_per_step_micros":10000, "currency":"EUR",
		"output_schema":{"type":"object","properties":{"name":{"type":"string"}}}}`),
		func(req *executors.Request) {
			req.Inputs = map[string]string{"sku": "L-1", "country": "DE"}
			req.Secrets = map[string]string{"api_key": "project-key-0001", "proxy": "proxy-password"}
			req.Fields = []field.Field{{Name: "name", Type: field.TypeText}}
		}))
	require.NoError(t, err)
	require.Equal(t, int64(120_000), out.Usage.CostMicros)
	require.Equal(t, "EUR", out.Usage.Currency)
	for _, key := range f.keys {
		require.Equal(t, "project-key-0001", key)
	}
	order := f.order(t)
	require.Contains(t, order["goal"], "Read the price of L-1 on https://shop.example/lamp.\n")
	require.Contains(t, order["goal"], "\n- name\n", "the form of values is the project's own schema's to say")
	delete(order, "goal")
	require.JSONEq(t, `{"url":"https://shop.example/lamp","browser_profile":"stealth",
		"agent_config":{"mode":"strict","max_steps":40},
		"proxy_config":{"enabled":true,"type":"custom","url":"http://proxy.example:8080","username":"u-DE","password":"proxy-password"},
		"use_vault":true,"credential_item_ids":["c1"],"capture_config":{"screenshots":true},
		"output_schema":{"type":"object","properties":{"name":{"type":"string"}}}}`, asJSON(t, order))
}

func TestWhatARowOrAProjectLacksIsSaidBeforeAnythingIsBegun(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	e := newExecutor(t, f)
	for name, test := range map[string]struct {
		change func(*executors.Request)
		code   string
		says   string
	}{
		"AColumn":  {func(r *executors.Request) { r.Instruction = "Read {{sku}}." }, agent.CodeMissingColumn, `"sku"`},
		"ASecret":  {with(`{"proxy":{"type":"custom","url":"http://p.example","password":"{{secret.gone}}"}}`), agent.CodeMissingSecret, `"gone"`},
		"Settings": {with(`{"mode":"fast"}`), agent.CodeInvalidSettings, "mode"},
		// The operator's key must not go to an address that a project names.
		"AKeyOfItsOwn": {with(`{"base_url":"` + f.URL + `"}`), agent.CodeMissingAPIKey, `"api_key"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &records{}
			_, err := e.Execute(t.Context(), request(r, test.change))
			requireFailure(t, err, failure.Permanent, test.code)
			require.ErrorContains(t, err, test.says)
			require.Empty(t, r.references)
		})
	}
	t.Cleanup(func() { require.Empty(t, f.calls) })
}

func TestAddressesThatAreNotPublicAreNotReached(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	e := newExecutor(t, f, func(c *agent.Config) { c.AllowedPrefixes = nil })
	out, err := e.Execute(t.Context(), request(&records{}))
	requireFailure(t, err, failure.Permanent, "ADDRESS_NOT_ALLOWED")
	require.True(t, out.RemoteEnded, "nothing was sent")
	require.Empty(t, f.calls)
}

func TestNoSecretComesBack(t *testing.T) {
	t.Parallel()
	const password = "proxy-password"
	settings := with(`{"proxy":{"type":"custom","url":"http://proxy.example","password":"` + password + `"}}`)
	for name, test := range map[string]func(*far){
		"InAFailureOfTheRun": func(f *far) {
			f.run = func(int) reply {
				return failed(object{"code": "proxy_error", "message": "no " + password + " for " + operatorKey})
			}
		},
		"InARefusal": func(f *far) {
			f.create = func(int, object) reply { return refuses(400, "INVALID_INPUT", operatorKey+" and "+password) }
		},
		"InAResult": func(f *far) {
			f.run = func(int) reply {
				return completed(object{"name": "x " + password, operatorKey: []any{operatorKey}})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := newExecutor(t, newFar(t, test)).Execute(t.Context(), request(&records{}, settings))
			seen := asJSON(t, out)
			if err != nil {
				seen += err.Error() + asJSON(t, err)
			}
			require.NotContains(t, seen, password)
			require.NotContains(t, seen, operatorKey)
			require.Contains(t, seen, "[redacted]")
		})
	}
	for name, answer := range map[string]reply{
		"InAnErrorOfTheNetwork":     nil,
		"InAnAnswerThatIsNotHTTP":   raw("key " + operatorKey + "\r\n\r\n"),
		"InAnAnswerThatIsCut":       raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + operatorKey),
		"InAnAnswerThatIsMalformed": raw("HTTP/1.1 200 OK\r\nX-Key " + operatorKey + "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := finished(t, answer)
			require.NotContains(t, err.Error(), "127.0.0.1")
			require.NotContains(t, err.Error(), "/v1/runs")
			require.NotContains(t, err.Error(), operatorKey)
		})
	}
}

// raw answers with these bytes and no more.
func raw(text string) reply {
	return func(w http.ResponseWriter) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte(text)) // a client may hang up on purpose
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	e := newExecutor(t, nil)
	spec := executors.Spec{Instruction: "Read {{sku}} of {{maker}} on {{site_url}}."}
	require.Equal(t, executors.Needs{Columns: []string{"maker", "sku"}, Secrets: []string{"api_key"}}, e.Needs(spec))
	spec.Settings = json.RawMessage(`{"goal":"{{sku}}","proxy":{"type":"custom","url":"http://p.example","username":"{{sku}}-{{zone}}","password":"{{secret.proxy}}"}}`)
	require.Equal(t, executors.Needs{Columns: []string{"sku", "zone"}, Secrets: []string{"api_key", "proxy"}}, e.Needs(spec))
}

func TestSettleEndsRunsThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	done := says(200, object{"run_id": "run-1", "status": "COMPLETED", "num_of_steps": 5})
	ended := says(200, object{"run_id": "run-1", "status": "CANCELLED", "num_of_steps": 2})
	unknown := refuses(404, "NOT_FOUND", "no such run")
	for name, test := range map[string]struct {
		run     executors.RemoteRun
		far     func(*far)
		status  string
		cost    int64
		steps   int
		fails   string // the code
		cancels int
	}{
		"Running": {executors.RemoteRun{ID: "run-1"}, func(f *far) { f.run = func(int) reply { return ended } }, "CANCELLED", 0, 2, "", 1},
		"CompletedMeanwhile": {executors.RemoteRun{ID: "run-1"}, func(f *far) {
			f.cancel = func(int) reply { return cancelled("COMPLETED") }
			f.run = func(int) reply { return done }
		}, "COMPLETED", 80_000, 5, "", 1},
		"EndedAndNoLongerCancellable": {executors.RemoteRun{ID: "run-1"}, func(f *far) {
			f.cancel = func(int) reply { return refuses(409, "CONFLICT", "") }
			f.run = func(int) reply { return done }
		}, "COMPLETED", 80_000, 5, "", 1},
		"Unknown":             {executors.RemoteRun{ID: "run-1"}, func(f *far) { f.cancel = func(int) reply { return unknown } }, "", 0, 0, "", 1},
		"FoundByItsReference": {executors.RemoteRun{Reference: "mino-1"}, func(f *far) { f.list = found; f.run = func(int) reply { return ended } }, "CANCELLED", 0, 2, "", 1},
		"NeverBegun":          {executors.RemoteRun{Reference: "mino-1", Age: time.Hour}, func(*far) {}, "", 0, 0, "", 0},
		"MaybeAboutToBegin":   {executors.RemoteRun{Reference: "mino-1", Age: time.Second}, func(*far) {}, "", 0, 0, agent.CodeRunUnknown, 0},
		"NotAnnounced":        {executors.RemoteRun{}, func(*far) {}, "", 0, 0, "", 0},
		"ASearchThatFails":    {executors.RemoteRun{Reference: "mino-1", Age: time.Hour}, func(f *far) { f.list = func(int, string) reply { return refuses(500, "INTERNAL_ERROR", "") } }, "", 0, 0, "INTERNAL_ERROR", 0},
		"ACancelThatFails": {executors.RemoteRun{ID: "run-1"}, func(f *far) {
			f.cancel = func(int) reply { return refuses(500, "INTERNAL_ERROR", "") }
			f.run = func(int) reply { return running() }
		}, "", 0, 0, "INTERNAL_ERROR", 1},
		"ACostThatCannotBeRead":    {executors.RemoteRun{ID: "run-1"}, func(f *far) { f.run = func(int) reply { return refuses(503, "SERVICE_BUSY", "") } }, "", 0, 0, "SERVICE_BUSY", 1},
		"CancelledButStillRunning": {executors.RemoteRun{ID: "run-1"}, func(f *far) { f.run = func(int) reply { return running() } }, "", 0, 0, agent.CodeRunUnknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t, test.far)
			got, err := newExecutor(t, f).Settle(t.Context(), test.run, nil, nil)
			require.Equal(t, test.cancels, f.count("cancel"))
			require.Zero(t, f.count("create"))
			if test.fails != "" {
				require.Equal(t, test.fails, failure.Classify(err).Code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.status, got.Status)
			require.Equal(t, test.steps, got.Usage.Steps)
			require.Equal(t, test.cost, got.Usage.CostMicros)
		})
	}
	t.Run("NotWithoutAKey", func(t *testing.T) {
		t.Parallel()
		f := newFar(t)
		_, err := newExecutor(t, nil).Settle(context.Background(), executors.RemoteRun{ID: "run-1"}, json.RawMessage(`{"base_url":"`+f.URL+`"}`), nil)
		requireFailure(t, err, failure.Permanent, agent.CodeMissingAPIKey)
		require.Empty(t, f.calls)
	})
}
