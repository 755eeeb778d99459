package fetch_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"

	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models/field"
)

func TestValidSettings(t *testing.T) {
	t.Parallel()

	for name, settings := range map[string]string{
		"Absent": "", "Null": "null", "Empty": "{}", "NullMember": `{"timeout_ms":null}`,
		"All":    `{"method":"GET","headers":{"X-Key":"1","Cookie":"a=b"},"timeout_ms":1000,"max_redirects":0,"max_body_bytes":1024,"accept_language":"de","user_agent":"x"}`,
		"Bounds": `{"timeout_ms":600000,"max_redirects":30,"max_body_bytes":10485760}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, newExecutor(t).Validate(executors.Spec{Settings: json.RawMessage(settings)}))
		})
	}
}

func TestInvalidSettingsNameTheMember(t *testing.T) {
	t.Parallel()

	many := map[string]string{}
	for i := range 51 {
		many["X-"+strings.Repeat("a", i+1)] = "1"
	}
	manyHeaders, err := json.Marshal(map[string]any{"headers": many})
	require.NoError(t, err)

	for name, test := range map[string]struct {
		settings string
		path     []string // of the error
	}{
		"NoObject":       {`[1]`, []string{"settings"}},
		"BrokenJSON":     {`{`, []string{"settings"}},
		"UnknownMember":  {`{"timeout":5}`, []string{"settings", "timeout"}},
		"WrongCase":      {`{"Timeout_MS":5000}`, []string{"settings", "Timeout_MS"}},
		"WrongType":      {`{"timeout_ms":"5"}`, []string{"settings", "timeout_ms"}},
		"Fraction":       {`{"timeout_ms":5000.5}`, []string{"settings", "timeout_ms"}},
		"Post":           {`{"method":"POST"}`, []string{"settings", "method"}},
		"TimeoutZero":    {`{"timeout_ms":0}`, []string{"settings", "timeout_ms"}},
		"TimeoutLong":    {`{"timeout_ms":600001}`, []string{"settings", "timeout_ms"}},
		"RedirectsMinus": {`{"max_redirects":-1}`, []string{"settings", "max_redirects"}},
		"RedirectsMany":  {`{"max_redirects":31}`, []string{"settings", "max_redirects"}},
		"BodyZero":       {`{"max_body_bytes":0}`, []string{"settings", "max_body_bytes"}},
		"BodyBeyond":     {`{"max_body_bytes":10485761}`, []string{"settings", "max_body_bytes"}},
		"AgentInjects":   {`{"user_agent":"a\r\nX: y"}`, []string{"settings", "user_agent"}},
		"LanguageLong":   {`{"accept_language":"` + strings.Repeat("a", 4097) + `"}`, []string{"settings", "accept_language"}},
		"HeaderHost":     {`{"headers":{"host":"x"}}`, []string{"settings", "headers", "host"}},
		"HeaderLength":   {`{"headers":{"Content-Length":"1"}}`, []string{"settings", "headers", "Content-Length"}},
		"HeaderProxy":    {`{"headers":{"Proxy-Authorization":"x"}}`, []string{"settings", "headers", "Proxy-Authorization"}},
		"HeaderEncoding": {`{"headers":{"Accept-Encoding":"x"}}`, []string{"settings", "headers", "Accept-Encoding"}},
		"HeaderAgent":    {`{"headers":{"User-Agent":"x"}}`, []string{"settings", "headers", "User-Agent"}},
		"HeaderName":     {`{"headers":{"X Y":"x"}}`, []string{"settings", "headers", "X Y"}},
		"HeaderValue":    {`{"headers":{"X":"a\nb"}}`, []string{"settings", "headers", "X"}},
		"HeaderNumber":   {`{"headers":{"X":1}}`, []string{"settings", "headers"}},
		"HeadersMany":    {string(manyHeaders), []string{"settings", "headers"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newExecutor(t).Validate(executors.Spec{Settings: json.RawMessage(test.settings)})
			for _, member := range test.path {
				var errs validation.Errors
				require.ErrorAs(t, err, &errs)
				require.Len(t, errs, 1)
				require.Contains(t, errs, member)
				err = errs[member]
			}
			require.Error(t, err)
		})
	}
}

func TestHeaderThatStandsTwiceIsRefused(t *testing.T) {
	t.Parallel()

	err := newExecutor(t).Validate(executors.Spec{Settings: json.RawMessage(`{"headers":{"x-key":"1","X-Key":"2"}}`)})
	require.ErrorContains(t, err, "stands twice")
}

func TestRulesThatCannotBeReadNameTheField(t *testing.T) {
	t.Parallel()

	err := newExecutor(t).Validate(executors.Spec{Fields: []field.Field{
		{Name: "fine", Type: field.TypeText, Extract: &field.Extract{CSS: "h1 > span, .x"}},
		{Name: "css", Type: field.TypeText, Extract: &field.Extract{CSS: "h1 >> ["}},
		{Name: "path", Type: field.TypeText, Extract: &field.Extract{JSONPath: "$.a["}},
		{Name: "property", Type: field.TypeText, Extract: &field.Extract{Property: " . "}},
		{Name: "regex", Type: field.TypeText, Extract: &field.Extract{Regex: "("}},
	}})
	var errs validation.Errors
	require.ErrorAs(t, err, &errs)
	var fields validation.Errors
	require.ErrorAs(t, errs["fields"], &fields)
	for index, member := range map[string]string{"1": "css", "2": "jsonpath", "3": "property", "4": "regex"} {
		var rule, extract validation.Errors
		require.ErrorAs(t, fields[index], &rule)
		require.ErrorAs(t, rule["extract"], &extract)
		require.Error(t, extract[member], index)
	}
	require.Len(t, fields, 4)
}

func TestOperatorsLimitIsTheDefault(t *testing.T) {
	t.Parallel()

	server := answer(t, 200, []byte(strings.Repeat("x", 3000)), "Content-Type", "text/html")
	executor := newExecutor(t, func(c *fetch.Config) { c.MaxBody = 2048 })
	_, err := execute(t, executor, request(server.URL, ""))
	require.ErrorContains(t, err, fetch.CodeBodyTooLarge)
	require.Error(t, executor.Validate(executors.Spec{Settings: json.RawMessage(`{"max_body_bytes":2049}`)}))
}
