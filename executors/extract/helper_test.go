package extract

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
)

const pageAddress = "https://shop.example/p/blue-lamp?variant=2"

func readPage(t testing.TB, body string) *Page {
	t.Helper()
	return readPageAt(t, pageAddress, body)
}

func readPageAt(t testing.TB, address, body string) *Page {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	page, err := New(t.Context(), []byte(body), "text/html; charset=utf-8", u)
	require.NoError(t, err)
	return page
}

// find gives the value of one field, as JSON would have it; nil when it was not found.
func find(t *testing.T, page *Page, f field.Field) any {
	t.Helper()
	if f.Type == "" {
		f.Type = field.TypeText
	}
	result := fieldsOf(t, page, []field.Field{f})
	value, ok := result.Values[f.Name]
	if !ok {
		require.NotContains(t, result.Sources, f.Name)
		return nil
	}
	require.NotEmpty(t, result.Sources[f.Name])
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func propertyField(path string) field.Field {
	return field.Field{Name: "x", Type: field.TypeText, Extract: &field.Extract{Property: path}}
}

func named(name string, t field.Type) field.Field { return field.Field{Name: name, Type: t} }

func eur(amount string) any { return map[string]any{"amount": amount, "currency": "EUR"} }

func fieldsOf(t testing.TB, page *Page, fields []field.Field) Result {
	t.Helper()
	result, err := page.Fields(t.Context(), fields)
	require.NoError(t, err)
	return result
}

func blockedBy(t testing.TB, page *Page) string {
	t.Helper()
	reason, err := page.Blocked(t.Context())
	require.NoError(t, err)
	return reason
}
