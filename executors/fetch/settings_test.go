package fetch_test

import (
	"encoding/json"
	"fmt"
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
		"All":       `{"method":"GET","headers":{"X-Key":"1","Cookie":"a=b"},"timeout_ms":1000,"max_redirects":0,"max_body_bytes":1024,"accept_language":"de","user_agent":"x"}`,
		"Templates": `{"url":"{{site_url}}/reviews?q={{sku}}","headers":{"Authorization":"Bearer {{secret.token}}"},"query":{"page":"1","key":"{{secret.token}}"}}`,
		"Literal":   `{"url":"https://{{sku}}.shop.example:{{port}}/p/{{sku}}?q={{sku}}#{{sku}}"}`,
		"Post":      `{"method":"POST"}`,
		"JSON":      `{"method":"POST","body":{"json":{"q":["{{sku}}",1,null],"{{":"a key is no template"},"content_type":"application/vnd.api+json"}}`,
		"Form":      `{"body":{"form":{"q":"{{sku}}","token":"{{secret.token}}"}}}`,
		"Text":      `{"body":{"text":"<q>{{sku}}</q>","content_type":"text/xml"}}`,
		"TypeAlone": `{"headers":{"Content-Type":"application/json"}}`,
		"Bounds":    `{"timeout_ms":600000,"max_redirects":30,"max_body_bytes":10485760}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := executors.Spec{Settings: json.RawMessage(settings), Inputs: []string{"sku", "port"}, Secrets: []string{"token"}}
			require.NoError(t, newExecutor(t).Validate(spec))
		})
	}
}

func TestNeedsAreWhatTemplatesReferTo(t *testing.T) {
	t.Parallel()

	settings := `{"url":"{{site_url}}?a={{url column}}","headers":{"X-A":"{{secret.one}} {{shared}}"},"query":{"a":"{{query}}{{secret.two}}"},"body":%s}`
	for body, want := range map[string]executors.Needs{
		`{"json":{"a":["{{json}}",{"b":"{{secret.three}}"}],"{{key}}":"{{{{literal}}"}}`: {Columns: []string{"json", "query", "shared", "url column"}, Secrets: []string{"one", "three", "two"}},
		`{"form":{"a":"{{form}} {{shared}}"}}`:                                           {Columns: []string{"form", "query", "shared", "url column"}, Secrets: []string{"one", "two"}},
		`{"text":"{{text}}{{secret.one}}"}`:                                              {Columns: []string{"query", "shared", "text", "url column"}, Secrets: []string{"one", "two"}},
	} {
		got := newExecutor(t).Needs(executors.Spec{Settings: json.RawMessage(fmt.Sprintf(settings, body))})
		require.Equal(t, want, got, body)
	}
	require.Empty(t, newExecutor(t).Needs(executors.Spec{}))
	require.Empty(t, newExecutor(t).Needs(executors.Spec{Settings: json.RawMessage(`{"timeout_ms":"no"}`)}))
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
		"Put":            {`{"method":"PUT"}`, []string{"settings", "method"}},
		"GetWithBody":    {`{"method":"GET","body":{"text":"x"}}`, []string{"settings", "method"}},
		"URLRelative":    {`{"url":"/p/{{sku}}"}`, []string{"settings", "url"}},
		"URLScheme":      {`{"url":"ftp://shop.example/{{sku}}"}`, []string{"settings", "url"}},
		"URLOfAColumn":   {`{"url":"{{sku}}"}`, []string{"settings", "url"}},
		"URLColumn":      {`{"url":"https://shop.example/{{colour}}"}`, []string{"settings", "url"}},
		"URLSecret":      {`{"url":"https://shop.example/{{secret.token}}"}`, []string{"settings", "url"}},
		"URLOpen":        {`{"url":"https://shop.example/{{sku"}`, []string{"settings", "url"}},
		"URLLong":        {`{"url":"https://shop.example/` + strings.Repeat("a", 16<<10) + `"}`, []string{"settings", "url"}},
		"QueryColumn":    {`{"query":{"q":"{{colour}}"}}`, []string{"settings", "query", "q"}},
		"QueryNumber":    {`{"query":{"q":1}}`, []string{"settings", "query"}},
		"HeaderSecret":   {`{"headers":{"X-A":"{{secret.other}}"}}`, []string{"settings", "headers", "X-A"}},
		"HeaderType":     {`{"headers":{"content-type":"a/b"},"body":{"text":""}}`, []string{"settings", "headers", "content-type"}},
		"BodyNoObject":   {`{"body":"x"}`, []string{"settings", "body"}},
		"BodyEmpty":      {`{"body":{}}`, []string{"settings", "body"}},
		"BodyTwo":        {`{"body":{"text":"x","form":{}}}`, []string{"settings", "body"}},
		"BodyUnknown":    {`{"body":{"xml":"x"}}`, []string{"settings", "body", "xml"}},
		"BodyText":       {`{"body":{"text":"{{colour}}"}}`, []string{"settings", "body", "text"}},
		"BodyTextType":   {`{"body":{"text":5}}`, []string{"settings", "body", "text"}},
		"BodyTextLong":   {`{"body":{"text":"` + strings.Repeat("a", 256<<10+1) + `"}}`, []string{"settings", "body", "text"}},
		"BodyJSON":       {`{"body":{"json":{"a":[{"b":"{{colour}}"}]}}}`, []string{"settings", "body", "json"}},
		"BodyJSONLong":   {`{"body":{"json":"` + strings.Repeat("a", 256<<10) + `"}}`, []string{"settings", "body", "json"}},
		"BodyForm":       {`{"body":{"form":{"a":"{{secret.other}}"}}}`, []string{"settings", "body", "form", "a"}},
		"BodyFormType":   {`{"body":{"form":{},"content_type":"a/b"}}`, []string{"settings", "body", "content_type"}},
		"BodyType":       {`{"body":{"text":"","content_type":"a\nb"}}`, []string{"settings", "body", "content_type"}},
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
			err := newExecutor(t).Validate(executors.Spec{Settings: json.RawMessage(test.settings), Inputs: []string{"sku"}, Secrets: []string{"token"}})
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

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	t.Parallel()

	err := newExecutor(t).Validate(executors.Spec{Settings: json.RawMessage(`{"method":"PUT","url":"x","timeout_ms":1,"body":{"json":"{{a"}}`)})
	require.ErrorContains(t, err, "method: must be GET or POST")
	require.ErrorContains(t, err, "url: must be an absolute http or https URL, or begin with {{site_url}}")
	require.ErrorContains(t, err, "timeout_ms: must be between 1000 and 600000")
	require.ErrorContains(t, err, `json: "{{a" has {{ without }} at byte 0`)
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
