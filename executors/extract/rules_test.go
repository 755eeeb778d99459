package extract

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

func TestCSSRules(t *testing.T) {
	t.Parallel()

	page := `<base href="https://cdn.example/x/"><ul><li class="a"> </li><li class="a">One  <b>two</b></li><li class="a">Three</li></ul>
		<a class="l" href="next">Next</a><img class="i" src="/i.png"><meta class="m" content="meta text">
		<div class="p"><span>1 299</span><sup>50</sup> €</div><p data-id="77">x</p><time datetime="2020-05-01">1 May</time>`
	for name, test := range map[string]struct {
		rule field.Extract
		kind field.Type
		want any
	}{
		"FirstWithText":   {field.Extract{CSS: "li.a"}, field.TypeText, "One two"},
		"AllForAList":     {field.Extract{CSS: "li.a"}, field.TypeList, []any{"One two", "Three"}},
		"Attribute":       {field.Extract{CSS: "p", Attribute: "data-ID"}, field.TypeNumber, 77.0},
		"AttributeAbsent": {field.Extract{CSS: "p", Attribute: "title"}, field.TypeText, nil},
		"LinkAsURL":       {field.Extract{CSS: ".l"}, field.TypeURL, "https://cdn.example/x/next"},
		"ImageAsURL":      {field.Extract{CSS: ".i"}, field.TypeURL, "https://cdn.example/i.png"},
		"MetaContent":     {field.Extract{CSS: ".m"}, field.TypeText, "meta text"},
		"SplitPrice":      {field.Extract{CSS: ".p"}, field.TypeMoney, eur("1299.50")},
		"NoMatch":         {field.Extract{CSS: ".none"}, field.TypeText, nil},
		"Group":           {field.Extract{CSS: ".none, time"}, field.TypeDate, nil},
		"RegexOnTop":      {field.Extract{CSS: "li.a", Regex: `(\w+)$`}, field.TypeText, "two"},
		"RegexNoMatch":    {field.Extract{CSS: "li.a", Regex: `\d`}, field.TypeText, nil},
		"RegexOnAList":    {field.Extract{CSS: "li.a", Regex: `^\w`}, field.TypeList, []any{"O", "T"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := find(t, readPage(t, page), field.Field{Name: "x", Type: test.kind, Extract: &test.rule})
			if name == "Group" {
				require.NotNil(t, got)
				return
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestRegexRulesReadTextThenSource(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<p>Weight: <b>12.5</b> kg</p><script>var stock = 42;</script>`)
	regex := func(expression string, kind field.Type) field.Field {
		return field.Field{Name: "x", Type: kind, Extract: &field.Extract{Regex: expression}}
	}
	require.InDelta(t, 12.5, find(t, page, regex(`Weight:\s*([\d.]+)`, field.TypeNumber)), 0)
	require.InDelta(t, 42.0, find(t, page, regex(`stock = (\d+)`, field.TypeNumber)), 0)
	require.Equal(t, "12.5 kg", find(t, page, regex(`[\d.]+ kg`, field.TypeText)))
	require.Nil(t, find(t, page, regex(`absent`, field.TypeText)))
	require.Equal(t, []any{"1", "2", "5"}, find(t, page, regex(`\d`, field.TypeList)))
}

func jsonPage(t *testing.T, body string) *Page {
	t.Helper()
	page, err := New(t.Context(), []byte(body), "application/json", &url.URL{Scheme: "https", Host: "api.example"})
	require.NoError(t, err)
	require.Equal(t, KindJSON, page.Kind())
	return page
}

func TestJSONPathRules(t *testing.T) {
	t.Parallel()

	body := `{"items":[{"price":1299.5,"name":"A","in":true,"tags":["x","y"],"at":"2020-05-01","big":12345678901234,"none":null,"o":{"k":1}},{"name":"B"}]}`
	for name, test := range map[string]struct {
		path string
		kind field.Type
		want any
	}{
		"Number":      {"$.items[0].price", field.TypeNumber, 1299.5},
		"Money":       {"$.items[0].price", field.TypeMoney, map[string]any{"amount": "1299.5"}},
		"Big":         {"$.items[0].big", field.TypeText, "12345678901234"},
		"Boolean":     {"$.items[0].in", field.TypeBoolean, true},
		"Date":        {"$.items[0].at", field.TypeDate, "2020-05-01"},
		"List":        {"$.items[0].tags", field.TypeList, []any{"x", "y"}},
		"ListOfMany":  {"$.items[*].name", field.TypeList, []any{"A", "B"}},
		"FirstOfMany": {"$.items[*].name", field.TypeText, "A"},
		"Descent":     {"$..k", field.TypeNumber, 1.0},
		"Filter":      {"$.items[?(@.name == 'B')].name", field.TypeText, "B"},
		"Object":      {"$.items[0].o", field.TypeText, `{"k":1}`},
		"Null":        {"$.items[0].none", field.TypeText, nil},
		"Absent":      {"$.nothing", field.TypeText, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := find(t, jsonPage(t, body), field.Field{Name: "x", Type: test.kind, Extract: &field.Extract{JSONPath: test.path}})
			require.Equal(t, test.want, got)
		})
	}
	t.Run("BrokenJSON", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, find(t, jsonPage(t, `{"a":`), field.Field{Name: "x", Extract: &field.Extract{JSONPath: "$.a"}}))
	})
	t.Run("MoneyWithItsCurrencyBeside", func(t *testing.T) {
		t.Parallel()
		page := jsonPage(t, `{"a":{"amount":"1.500","currencyCode":"KWD"},"b":{"value":7,"currency":"eur"},"c":{"amount":7},"d":{"amount":"7","currency":"none"},
			"e":[{"amount":5,"value":6,"currency":"USD"},{"amount":9,"currency":"USD"}]}`)
		for path, want := range map[string]any{
			"$.a": map[string]any{"amount": "1.500", "currency": "KWD"}, "$.b": map[string]any{"amount": "7", "currency": "EUR"},
			"$.e[*]": map[string]any{"amount": "5", "currency": "USD"}, "$.c.amount": map[string]any{"amount": "7"},
		} {
			require.Equal(t, want, find(t, page, field.Field{Name: "x", Type: field.TypeMoney, Extract: &field.Extract{JSONPath: path}}), path)
		}
		text, ok := find(t, page, field.Field{Name: "x", Type: field.TypeText, Extract: &field.Extract{JSONPath: "$.d"}}).(string)
		require.True(t, ok)
		require.JSONEq(t, `{"amount":"7","currency":"none"}`, text)
	})
	t.Run("RegexOnTop", func(t *testing.T) {
		t.Parallel()
		rule := &field.Extract{JSONPath: "$.items[0].at", Regex: `^\d+`}
		require.InDelta(t, 2020.0, find(t, jsonPage(t, body), field.Field{Name: "x", Type: field.TypeNumber, Extract: rule}), 0)
	})
	t.Run("OnHTMLFindsNothing", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, find(t, readPage(t, "<p>x"), field.Field{Name: "x", Extract: &field.Extract{JSONPath: "$.a"}}))
	})
}

func TestJSONFieldsAreFoundByTheirNames(t *testing.T) {
	t.Parallel()

	page := jsonPage(t, `{"meta":{"deep":{"unitPrice":1}},"data":{"unit_price":12.5,"tags":["a"],"name":"Lamp"}}`)
	require.InDelta(t, 12.5, find(t, page, named("unit_price", field.TypeNumber)), 0)
	require.Equal(t, "Lamp", find(t, page, named("name", field.TypeText)))
	require.Equal(t, []any{"a"}, find(t, page, named("tags", field.TypeList)))
	require.Nil(t, find(t, page, named("sku", field.TypeText)))
}

func TestValueThatDoesNotParseStaysAsFound(t *testing.T) {
	t.Parallel()

	page := readPage(t, `<p class="x">  on request\n </p>`)
	for _, kind := range []field.Type{field.TypeMoney, field.TypeNumber, field.TypeDate, field.TypeBoolean} {
		got := find(t, page, field.Field{Name: "x", Type: kind, Extract: &field.Extract{CSS: ".x"}})
		require.Equal(t, `on request\n`, got, kind)
	}
	enum := field.Field{Name: "x", Type: field.TypeEnum, Values: []string{"a", "b"}, Extract: &field.Extract{CSS: ".x"}}
	require.Equal(t, `on request\n`, find(t, page, enum))
}

func TestKinds(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		contentType, body string
		want              Kind
	}{
		"HTML":            {"text/html; charset=utf-8", "", KindHTML},
		"XHTML":           {"application/xhtml+xml", "", KindHTML},
		"XML":             {"text/xml", "", KindHTML},
		"JSON":            {"application/json", "", KindJSON},
		"ProblemJSON":     {"application/problem+json", "", KindJSON},
		"MalformedType":   {"text/html; charset=\"", "", KindHTML},
		"Absent":          {"", " \n<!doctype html>", KindHTML},
		"AbsentJSON":      {"", "\ufeff[1]", KindJSON},
		"PlainIsSniffed":  {"text/plain", "<html>", KindHTML},
		"PlainText":       {"text/plain", "hello", KindText},
		"CSV":             {"text/csv", "a,b", KindText},
		"OctetsOfText":    {"application/octet-stream", "hello", KindText},
		"OctetsOfBinary":  {"application/octet-stream", "\x00\x01", KindOther},
		"Image":           {"image/png", "<html>", KindOther},
		"EmptyWithNoType": {"", "", KindText},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, KindOf([]byte(test.body), test.contentType))
		})
	}
}
