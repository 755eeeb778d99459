package fetch_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

// sent is what a server was sent.
type sent struct {
	method, uri, body string
	header            http.Header
}

// recorder answers every request with a page and tells what it was.
func recorder(t *testing.T, contentType, page string) (*httptest.Server, <-chan sent) {
	t.Helper()
	got := make(chan sent, 8)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- sent{method: r.Method, uri: r.RequestURI, body: string(body), header: r.Header}
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, page)
	}), got
}

// rowRequest is a request with a row whose values need escaping, and a secret.
func rowRequest(url, settings string) executors.Request {
	req := request(url, settings)
	req.Inputs = map[string]string{"sku": "A/1?b=c&d#e", "name": `Käse "mild" </q>`, "empty": "", "dots": "..", "lines": "a\r\nX-Evil: 1"}
	req.Secrets = map[string]string{"token": "s3cret+/= value"}
	return req
}

func TestURLIsATemplate(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct{ url, query, want string }{
		"Default":            {"", "", "/site?x=1%202"},
		"Site":               {"{{site_url}}", "", "/site?x=1%202"},
		"SiteAndMore":        {"{{site_url}}&sku={{sku}}", "", "/site?x=1%202&sku=A%2F1%3Fb%3Dc%26d%23e"},
		"Path":               {"BASE/p/{{sku}}/reviews", "", "/p/A%2F1%3Fb=c&d%23e/reviews"},
		"PathInUTF8":         {"BASE/p/{{name}}", "", "/p/K%C3%A4se%20%22mild%22%20%3C%2Fq%3E"},
		"Query":              {"BASE/?q={{sku}}&r={{name}}", "", "/?q=A%2F1%3Fb%3Dc%26d%23e&r=K%C3%A4se+%22mild%22+%3C%2Fq%3E"},
		"SiteInAQuery":       {"BASE/?u={{site_url}}", "", "/?u=BASE%2Fsite%3Fx%3D1%25202"},
		"Fragment":           {"BASE/a#{{sku}}", "", "/a"},
		"Empty":              {"BASE/p/{{empty}}/", "", "/p//"},
		"DotsInAQuery":       {"BASE/?q={{dots}}", "", "/?q=.."},
		"QueryAdded":         {"BASE/a?b=1", `{"q":"{{sku}}","a":"x y"}`, "/a?b=1&a=x+y&q=A%2F1%3Fb%3Dc%26d%23e"},
		"QueryAddedToSite":   {"", `{"q":"{{name}}"}`, "/site?x=1%202&q=K%C3%A4se+%22mild%22+%3C%2Fq%3E"},
		"QueryBeforeHash":    {"BASE/a#b", `{"q":"1"}`, "/a?q=1"},
		"NothingInTheValues": {"BASE/p/{{braces}}", "", "/p/%7B%7Bsku%7D%7D"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, got := recorder(t, "text/html", productPage)
			settings := `{"url":"` + strings.ReplaceAll(test.url, "BASE", server.URL) + `"`
			if test.query != "" {
				settings += `,"query":` + test.query
			}
			req := rowRequest(server.URL+"/site?x=1%202", settings+"}")
			req.Inputs["braces"] = "{{sku}}"
			outcome, err := execute(t, newExecutor(t), req)
			require.NoError(t, err)
			require.Equal(t, "Blue Lamp", outcome.Fields["name"])
			want := strings.ReplaceAll(test.want, "BASE", "http%3A%2F%2F"+strings.ReplaceAll(strings.TrimPrefix(server.URL, "http://"), ":", "%3A"))
			require.Equal(t, want, (<-got).uri)
		})
	}
}

func TestRowsThatMakeNoRequestFailForGood(t *testing.T) {
	t.Parallel()

	server, got := recorder(t, "text/html", productPage)
	for name, test := range map[string]struct{ settings, code, says string }{
		"MissingInURL":    {`{"url":"BASE/{{colour}}"}`, fetch.CodeMissingColumn, `there is no column "colour"`},
		"MissingInQuery":  {`{"query":{"a":"{{colour}}"}}`, fetch.CodeMissingColumn, `there is no column "colour"`},
		"MissingInHeader": {`{"headers":{"X-A":"{{colour}}"}}`, fetch.CodeMissingColumn, `there is no column "colour"`},
		"MissingInJSON":   {`{"body":{"json":[{"a":"{{colour}}"}]}}`, fetch.CodeMissingColumn, `there is no column "colour"`},
		"MissingInForm":   {`{"body":{"form":{"a":"{{colour}}"}}}`, fetch.CodeMissingColumn, `there is no column "colour"`},
		"MissingInText":   {`{"body":{"text":"{{colour}}"}}`, fetch.CodeMissingColumn, `there is no column "colour"`},
		"MissingSecret":   {`{"headers":{"X-A":"{{secret.other}}"}}`, fetch.CodeMissingSecret, `there is no secret "other"`},
		"Astray":          {`{"url":"BASE/users/{{dots}}/orders"}`, fetch.CodeInvalidURL, "out of its place"},
		"HostWithPath":    {`{"url":"http://{{sku}}.shop.example/"}`, fetch.CodeInvalidURL, "absolute"},
		"HeaderOfTwo":     {`{"headers":{"X-A":"{{lines}}"}}`, fetch.CodeInvalidHeader, "X-A"},
		"HeaderLong":      {`{"headers":{"X-A":"{{long}}"}}`, fetch.CodeRequestTooLarge, "the header X-A would be longer than 4096 bytes"},
		"URLLong":         {`{"url":"BASE/{{long}}"}`, fetch.CodeRequestTooLarge, "the URL would be longer than 16384 bytes"},
		"BodyLong":        {`{"body":{"text":"` + strings.Repeat("{{long}}", 10_000) + `"}}`, fetch.CodeRequestTooLarge, "the body would be longer than 1048576 bytes"},
		"JSONLong":        {`{"body":{"json":[` + strings.Repeat(`"{{long}}",`, 10_000) + `1]}}`, fetch.CodeRequestTooLarge, "the body would be longer than 1048576 bytes"},
		"FormLong":        {`{"body":{"form":{"a":"` + strings.Repeat("{{long}}", 10_000) + `"}}}`, fetch.CodeRequestTooLarge, "the body would be longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := rowRequest(server.URL, strings.ReplaceAll(test.settings, "BASE", server.URL))
			req.Inputs["long"] = strings.Repeat("x", 20_000)
			outcome, err := execute(t, newExecutor(t), req)
			requireFailure(t, err, failure.Permanent, test.code)
			require.ErrorContains(t, err, test.says)
			require.Zero(t, outcome.Usage.Requests)
		})
	}
	t.Cleanup(func() {
		if n := len(got); n > 0 {
			t.Errorf("%d requests were sent", n)
		}
	})
}

func TestBodiesAreTemplates(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct{ settings, contentType, body string }{
		"None":     {`{"method":"POST"}`, "", ""},
		"JSON":     {`{"body":{"json":{"z":"{{name}}","a":[1.50, 12345678901234567890,"{{sku}}"],"{{k}}":{"t":"{{secret.token}}","n":null,"raw":"<\u00e9>"}}}}`, "application/json", `{"z":"Käse \"mild\" </q>","a":[1.50, 12345678901234567890,"A/1?b=c&d#e"],"{{k}}":{"t":"s3cret+/= value","n":null,"raw":"<\u00e9>"}}`},
		"JSONText": {`{"body":{"json":"say \"{{name}}\" {{{{x}}","content_type":"application/x"}}`, "application/x", `"say \"Käse \"mild\" </q>\" {{x}}"`},
		"Form":     {`{"body":{"form":{"q":"{{sku}}","a b":"{{name}}","t":"{{secret.token}}"}}}`, "application/x-www-form-urlencoded", "a+b=K%C3%A4se+%22mild%22+%3C%2Fq%3E&q=A%2F1%3Fb%3Dc%26d%23e&t=s3cret%2B%2F%3D+value"},
		"Text":     {`{"body":{"text":"<q>{{sku}}</q>"}}`, "text/plain; charset=utf-8", "<q>A/1?b=c&d#e</q>"},
		"XML":      {`{"method":"POST","body":{"text":"<q/>","content_type":"text/xml"}}`, "text/xml", "<q/>"},
		"NoType":   {`{"body":{"text":"x","content_type":""}}`, "", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, got := recorder(t, "text/html", productPage)
			outcome, err := execute(t, newExecutor(t), rowRequest(server.URL, test.settings))
			require.NoError(t, err)
			require.Equal(t, "Blue Lamp", outcome.Fields["name"])
			request := <-got
			require.Equal(t, http.MethodPost, request.method)
			require.Equal(t, test.contentType, request.header.Get("Content-Type"))
			require.Equal(t, test.body, request.body)
		})
	}
}

func TestHeadersAreTemplates(t *testing.T) {
	t.Parallel()

	server, got := recorder(t, "text/html", productPage)
	_, err := execute(t, newExecutor(t), rowRequest(server.URL, `{"headers":{"authorization":"Bearer {{secret.token}}","X-Sku":"{{sku}}","X-Empty":"{{empty}}"}}`))
	require.NoError(t, err)
	header := (<-got).header
	require.Equal(t, "Bearer s3cret+/= value", header.Get("Authorization"))
	require.Equal(t, "A/1?b=c&d#e", header.Get("X-Sku"))
	require.Contains(t, header, "X-Empty")
}

// A GraphQL API is asked with a POST and answers with JSON, in which fields are found by
// their paths or by their names.
func TestGraphQL(t *testing.T) {
	t.Parallel()

	server, got := recorder(t, "application/json", `{"data":{"product":{"title":"Blue Lamp","variants":[{"sku":"BL-1","price":{"amount":"19.5","currencyCode":"EUR"}},{"sku":"BL-2"}]}},"extensions":{"cost":1}}`)
	req := request("https://shop.example/lamp", `{
		"url": "`+server.URL+`/graphql",
		"headers": {"X-Token": "{{secret.token}}"},
		"body": {"json": {
			"query": "query($handle: String!) { product(handle: $handle) { title variants { sku price { amount currencyCode } } } }",
			"variables": {"handle": "{{handle}}"}
		}}}`,
		field.Field{Name: "title", Type: field.TypeText},
		field.Field{Name: "sku", Type: field.TypeText, Extract: &field.Extract{JSONPath: "$.data.product.variants[0].sku"}},
		field.Field{Name: "skus", Type: field.TypeList, Extract: &field.Extract{JSONPath: "$.data.product.variants[*].sku"}},
		field.Field{Name: "cost", Type: field.TypeNumber, Extract: &field.Extract{JSONPath: "$.data.product.variants[0].price.amount"}},
		field.Field{Name: "price", Type: field.TypeMoney, Extract: &field.Extract{JSONPath: "$.data.product.variants[0].price"}},
		field.Field{Name: "error", Type: field.TypeText, Extract: &field.Extract{JSONPath: "$.errors[0].message"}},
	)
	req.Inputs, req.Secrets = map[string]string{"handle": `blue "lamp"`}, map[string]string{"token": "s3cret value"}
	outcome, err := execute(t, newExecutor(t), req)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"title": "Blue Lamp", "sku": "BL-1", "skus": []any{"BL-1", "BL-2"}, "cost": 19.5, "price": map[string]any{"amount": "19.5", "currency": "EUR"}}, asJSON(outcome.Fields))
	request := <-got
	require.JSONEq(t, `{"query":"query($handle: String!) { product(handle: $handle) { title variants { sku price { amount currencyCode } } } }","variables":{"handle":"blue \"lamp\""}}`, request.body)
	require.Equal(t, server.URL+"/graphql", outcome.Evidence.FinalURL)
}
