package agent_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

// finished executes a job whose run is at its end already.
func finished(t *testing.T, run reply, change ...func(*executors.Request)) (executors.Outcome, error) {
	t.Helper()
	f := newFar(t, func(f *far) { f.run = func(int) reply { return run } })
	return newExecutor(t, f).Execute(t.Context(), request(&records{}, append(change, remote(executors.RemoteRun{ID: "run-1"}))...))
}

func TestErrorsOfRunsHaveTheirClasses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		problem any
		class   failure.Class
		code    string
		pause   bool
		after   time.Duration
	}{
		"RateLimit":            {object{"code": "RATE_LIMIT_EXCEEDED", "retry_after": 30}, failure.RateLimit, "RATE_LIMIT_EXCEEDED", false, 30 * time.Second},
		"Busy":                 {object{"code": "SERVICE_BUSY"}, failure.Transient, "SERVICE_BUSY", false, 0},
		"Timeout":              {object{"code": "timeout", "category": "SYSTEM_FAILURE"}, failure.Timeout, "TIMEOUT", false, 0},
		"InvalidInput":         {object{"code": "invalid_input"}, failure.Permanent, "INVALID_INPUT", false, 0},
		"ContentPolicy":        {object{"code": "CONTENT_POLICY_VIOLATION"}, failure.Permanent, "CONTENT_POLICY_VIOLATION", false, 0},
		"SiteBlocked":          {object{"code": "site_blocked", "category": "UNKNOWN"}, failure.Permanent, "SITE_BLOCKED", false, 0},
		"MaxSteps":             {object{"code": "MAX_STEPS_EXCEEDED"}, failure.Permanent, "MAX_STEPS_EXCEEDED", false, 0},
		"TaskOfTheAgent":       {object{"code": "TASK_FAILED", "category": "AGENT_FAILURE"}, failure.Permanent, "TASK_FAILED", false, 0},
		"TaskOfTheSystem":      {object{"code": "TASK_FAILED", "category": "SYSTEM_FAILURE"}, failure.Transient, "TASK_FAILED", false, 0},
		"TaskOfNobody":         {object{"code": "TASK_FAILED"}, failure.Transient, "TASK_FAILED", false, 0},
		"Cancelled":            {object{"code": "CANCELLED"}, failure.Transient, "CANCELLED", false, 0},
		"OnlySystem":           {object{"category": "SYSTEM_FAILURE", "message": "x"}, failure.Transient, "SYSTEM_FAILURE", false, 0},
		"OnlyUnknown":          {object{"category": "unknown"}, failure.Transient, "UNKNOWN", false, 0},
		"OnlyAgent":            {object{"category": "AGENT_FAILURE"}, failure.Permanent, "AGENT_FAILURE", false, 0},
		"Billing":              {object{"category": "BILLING_FAILURE", "code": "x"}, failure.Permanent, agent.CodeInsufficientCredits, true, 0},
		"BillingAsCode":        {object{"code": "billing_failure"}, failure.Permanent, agent.CodeInsufficientCredits, true, 0},
		"Credits":              {object{"code": "insufficient_credits"}, failure.Permanent, agent.CodeInsufficientCredits, true, 0},
		"ForbiddenCredits":     {object{"code": "FORBIDDEN", "message": "add credits"}, failure.Permanent, agent.CodeInsufficientCredits, true, 0},
		"AnUnknownCode":        {object{"code": "proxy broke", "category": "OTHER"}, failure.Transient, "PROXY_BROKE", false, 0},
		"ACodeThatIsNone":      {object{"code": strings.Repeat("x", 80)}, failure.Transient, agent.CodeRunFailed, false, 0},
		"Text":                 {"it broke", failure.Transient, agent.CodeRunFailed, false, 0},
		"Nothing":              {nil, failure.Transient, agent.CodeRunFailed, false, 0},
		"ARetryAfterOfNothing": {object{"code": "SERVICE_BUSY", "retry_after": nil}, failure.Transient, "SERVICE_BUSY", false, 0},
		"ARetryAfterOfYears":   {object{"code": "SERVICE_BUSY", "retry_after": 1e300}, failure.Transient, "SERVICE_BUSY", false, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := finished(t, failed(test.problem))
			requireFailure(t, err, test.class, test.code)
			require.Equal(t, test.pause, failureOf(t, err).Pause)
			require.Equal(t, test.after, failureOf(t, err).RetryAfter)
			require.True(t, out.RemoteEnded)
			require.Equal(t, 3, out.Usage.Steps)
			require.Zero(t, out.Usage.CostMicros, "only completed runs are billed")
		})
	}
	t.Run("WhatIsSaidIsCutShort", func(t *testing.T) {
		t.Parallel()
		_, err := finished(t, failed(object{"message": "a\n\x07b " + strings.Repeat("ü", 5000)}))
		require.EqualError(t, err, "RUN_FAILED: the agent's run failed: a b "+strings.Repeat("ü", 296)+"…")
	})
}

func TestResultsOfEveryShape(t *testing.T) {
	t.Parallel()
	const good = `{"name":"Lamp","price":{"amount":"19.50","currency":"EUR"}}`
	for name, test := range map[string]struct {
		result any
		want   string
	}{
		"AnObject":               {lamp, good},
		"ATextOfJSON":            {`{"name":"Lamp","price":"19.50 EUR"}`, good},
		"ATextInAFence":          {"```json\n{\"name\":\"Lamp\",\"price\":\"€19.50\"}\n```", good},
		"AnObjectInAnObject":     {object{"result": lamp}, good},
		"ATextInAnObject":        {object{"result": `{"result":{"name":"Lamp","price":"19,50 €"}}`, "note": "x"}, good},
		"AnArrayOfOne":           {[]any{lamp}, good},
		"OtherCase":              {object{"Name": "Lamp", "PRICE": "EUR 19.50"}, good},
		"Nulls":                  {object{"name": nil, "price": nil}, `{}`},
		"Empty":                  {object{"name": " ", "price": object{"amount": nil}}, `{}`},
		"NoObject":               {"there is nothing", `{}`},
		"Nothing":                {nil, `{}`},
		"BrokenJSON":             {`{"name":`, `{}`},
		"ManyObjects":            {[]any{lamp, lamp}, `{}`},
		"NotOfItsType":           {object{"name": "Lamp", "price": "soon"}, `{"name":"Lamp","price":"soon"}`},
		"ANumber":                {object{"name": "Lamp", "price": json.Number("1299.10")}, `{"name":"Lamp","price":{"amount":"1299.1"}}`},
		"MoreThanWanted":         {object{"name": "Lamp", "colour": "blue"}, `{"name":"Lamp"}`},
		"AResultAmongTheFound":   {object{"name": "Lamp", "result": "ok"}, `{"name":"Lamp"}`},
		"TheExactNameComesFirst": {object{"NAME": "no", "name": "Lamp", "Name": "no"}, `{"name":"Lamp"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := finished(t, completed(test.result))
			require.NoError(t, err)
			require.JSONEq(t, test.want, asJSON(t, out.Fields))
			require.Empty(t, out.Blocked)
			require.True(t, json.Valid(out.Raw))
		})
	}
	t.Run("WordsRunTogether", func(t *testing.T) {
		t.Parallel()
		out, err := finished(t, completed(object{"stockLevel": 3, "Is-Sold": "no"}), func(req *executors.Request) {
			req.Fields = []field.Field{{Name: "stock_level", Type: field.TypeNumber}, {Name: "is_sold", Type: field.TypeBoolean}}
		})
		require.NoError(t, err)
		require.JSONEq(t, `{"stock_level":3,"is_sold":false}`, asJSON(t, out.Fields))
	})
	t.Run("InTheSpellingOfOlderVersions", func(t *testing.T) {
		t.Parallel()
		out, err := finished(t, says(200, object{
			"runId": "run-1", "status": "completed", "numOfSteps": 2, "resultJson": `{"name":"Lamp"}`, "streamingUrl": "https://watch.example/1",
			"startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:04:06Z",
		}))
		require.NoError(t, err)
		require.Equal(t, "Lamp", out.Fields["name"])
		require.Equal(t, 2, out.Usage.Steps)
		require.Equal(t, int64(1000), out.Usage.RemoteMS)
		require.Equal(t, "https://watch.example/1", out.Evidence.RunURL)
	})
	t.Run("WhoseSchemaDidNotHold", func(t *testing.T) {
		t.Parallel()
		out, err := finished(t, says(200, object{
			"run_id": "run-1", "status": "COMPLETED", "result": lamp, "streaming_url": "javascript:alert(1)",
			"schema_validation": object{"valid": false, "re_prompt_attempts": 2}, "video_url": "https://v.example/expires",
			"steps": []any{object{"id": "s1", "action": "click", "screenshot": "AAAA"}},
		}))
		require.NoError(t, err)
		require.Equal(t, "Lamp", out.Fields["name"])
		require.Contains(t, string(out.Raw), `"schema_validation":{"re_prompt_attempts":2,"valid":false}`)
		require.Contains(t, string(out.Raw), `"action":"click"`)
		require.NotContains(t, string(out.Raw), "AAAA")
		require.NotContains(t, string(out.Raw), "expires")
		require.Empty(t, out.Evidence.RunURL)
	})
	t.Run("WithMoreStepsThanCanBeKept", func(t *testing.T) {
		t.Parallel()
		out, err := finished(t, says(200, object{
			"run_id": "run-1", "status": "COMPLETED", "result": lamp,
			"steps": []any{object{"action": strings.Repeat("x", 300<<10)}},
		}))
		require.NoError(t, err)
		require.JSONEq(t, `{"run_id":"run-1","status":"COMPLETED","result":`+asJSON(t, lamp)+`}`, string(out.Raw))
	})
}

func TestACompletedRunThatWasTurnedAwayIsBlocked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		result any
		says   string // part of the reason; empty when it is not blocked
	}{
		"AText":                    {"The site showed a CAPTCHA that I could not solve.", "captcha"},
		"AReason":                  {object{"name": nil, "price": nil, "reason": "Access to the page was denied"}, "access to the page was denied"},
		"AnotherMember":            {object{"name": nil, "details": object{"why": []any{"The request was blocked by the site."}}}, "request was blocked"},
		"AStatus":                  {object{"status": "blocked"}, "blocked"},
		"AFlag":                    {object{"blocked": true, "name": "Lamp"}, "blocked"},
		"ATitleOfARefusal":         {object{"name": "Access Denied", "price": nil}, "access denied"},
		"AReasonBesidesSomething":  {object{"name": "Shop", "price": nil, "error": "Bot detection stopped me"}, "bot detection"},
		"Forbidden":                {object{"error": "HTTP 403 on every page"}, "http 403"},
		"AProductOfThatName":       {object{"name": "Captcha solver", "price": "19.50 EUR"}, ""},
		"AProductWithAStatus":      {object{"name": "Lamp", "price": "19.50 EUR", "status": "in stock"}, ""},
		"NothingFound":             {object{"name": nil, "reason": "There is no such product."}, ""},
		"NotBlocked":               {object{"name": nil, "reason": "The page loaded without any captcha, the site was not blocked."}, ""},
		"ALongTextAboutSomething":  {object{"name": nil, "text": strings.Repeat("words ", 400) + "captcha"}, ""},
		"AFieldThatHoldsTheReason": {object{"name": "Lamp", "Reason": "blocked by the maker"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := finished(t, completed(test.result), func(req *executors.Request) {
				req.Fields = append(req.Fields[:2:2], field.Field{Name: "reason", Type: field.TypeText})
				if name != "AFieldThatHoldsTheReason" {
					req.Fields = req.Fields[:2]
				}
			})
			require.NoError(t, err)
			if test.says == "" {
				require.Empty(t, out.Blocked)
				return
			}
			require.Contains(t, out.Blocked, test.says)
		})
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte(" "), 8<<20+1)
	plain := func(w http.ResponseWriter) { _, _ = w.Write(large) }
	t.Run("Plain", func(t *testing.T) {
		t.Parallel()
		out, err := finished(t, plain)
		requireFailure(t, err, failure.Permanent, agent.CodeAnswerTooLarge)
		require.False(t, out.RemoteEnded)
		require.LessOrEqual(t, out.Usage.Bytes, int64(8<<20+1))
	})
	t.Run("Compressed", func(t *testing.T) {
		t.Parallel()
		var bomb bytes.Buffer
		writer, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
		require.NoError(t, err)
		_, err = writer.Write(large)
		require.NoError(t, err)
		require.NoError(t, writer.Close())
		_, err = finished(t, func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		})
		requireFailure(t, err, failure.Permanent, agent.CodeAnswerTooLarge)
	})
	t.Run("SettledAllTheSame", func(t *testing.T) {
		t.Parallel()
		f := newFar(t, func(f *far) { f.run = func(int) reply { return plain } })
		got, err := newExecutor(t, f).Settle(t.Context(), executors.RemoteRun{ID: "run-1"}, nil, nil)
		require.NoError(t, err)
		require.Equal(t, "CANCELLED", got.Status)
	})
}

func picture(t *testing.T, side int) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&out, image.NewRGBA(image.Rect(0, 0, side, side))))
	return out.Bytes()
}

func TestTheLastPictureIsKept(t *testing.T) {
	t.Parallel()
	small := picture(t, 8)
	encoded := base64.StdEncoding.EncodeToString(small)
	for name, test := range map[string]struct {
		body any
		want []byte
	}{
		"Plain":       {object{"a": object{"steps": 1}, "steps": []any{object{"screenshot": "AAAA"}, object{"screenshot": encoded}, object{"screenshot": nil}}}, small},
		"AsADataURL":  {object{"steps": []any{object{"screenshot": "data:image/png;base64," + encoded}}}, small},
		"TooLarge":    {object{"steps": []any{object{"screenshot": base64.StdEncoding.EncodeToString(picture(t, 600))}}}, nil},
		"NoPicture":   {object{"steps": []any{object{"screenshot": base64.StdEncoding.EncodeToString([]byte("<script>"))}}}, nil},
		"AnAddress":   {object{"steps": []any{object{"screenshot": "https://pictures.example/1.png"}}}, nil},
		"NoSteps":     {object{"steps": nil}, nil},
		"StepsOfText": {object{"steps": []any{"click", object{"screenshot": encoded}}}, small},
		"NotARun":     {[]any{1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t, func(f *far) {
				f.run = func(n int) reply {
					if n == 1 {
						return completed(lamp)
					}
					return says(200, test.body)
				}
			})
			out, err := newExecutor(t, f).Execute(t.Context(), request(&records{}, with(`{"capture_screenshot":true}`), remote(executors.RemoteRun{ID: "run-1"})))
			require.NoError(t, err)
			require.Equal(t, 2, out.Usage.Requests)
			if test.want == nil {
				require.Empty(t, out.Files)
				return
			}
			require.Equal(t, []executors.File{{Kind: executors.KindScreenshot, ContentType: "image/png", Data: test.want}}, out.Files)
		})
	}
}
