package parse_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/parse"
)

func TestBoolean(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"yes", "Yes.", "TRUE", "1", "on", "y", "ja", "oui", "sí", "si", "да", "はい", "✓", "✔️", " true\n"} {
		b, err := parse.Boolean(s)
		require.NoError(t, err, s)
		require.True(t, b, s)
	}
	for _, s := range []string{"no", "False", "0", "off", "N", "nein", "non", "нет", "いいえ", "✗"} {
		b, err := parse.Boolean(s)
		require.NoError(t, err, s)
		require.False(t, b, s)
	}
	for _, s := range []string{"maybe", "2", "yes and no", "nothing"} {
		_, err := parse.Boolean(s)
		require.ErrorIs(t, err, parse.ErrBoolean, s)
	}
	_, err := parse.Boolean("")
	require.ErrorIs(t, err, parse.ErrEmpty)
}

func TestURL(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://shop.example/a/b?c=1")
	require.NoError(t, err)
	for _, tc := range []struct {
		text string
		base *url.URL
		want string
	}{
		{"https://example.com/x", nil, "https://example.com/x"},
		{" https://example.com/x \n", nil, "https://example.com/x"},
		{"http://example.com", base, "http://example.com"},
		{"www.example.com/x", nil, "https://www.example.com/x"},
		{"/x", base, "https://shop.example/x"},
		{"x", base, "https://shop.example/a/x"},
		{"../x", base, "https://shop.example/x"},
		{"?d=2", base, "https://shop.example/a/b?d=2"},
		{"//cdn.example/x", base, "https://cdn.example/x"},
		{"https://example.com/a b", nil, "https://example.com/a%20b"},
	} {
		got, err := parse.URL(tc.text, tc.base)
		require.NoError(t, err, tc.text)
		require.Equal(t, tc.want, got)
	}
	for _, s := range []string{"/x", "x", "mailto:a@example.com", "javascript:void(0)", "data:text/plain,x", "ftp://example.com", "http://", "http:///x", "http://[::1", "http:example.com", "https://:80/"} {
		_, err := parse.URL(s, nil)
		require.ErrorIs(t, err, parse.ErrURL, s)
	}
	for _, s := range []string{"mailto:a@example.com", "javascript:void(0)"} {
		_, err := parse.URL(s, base)
		require.ErrorIs(t, err, parse.ErrURL, s)
	}
	_, err = parse.URL("", base)
	require.ErrorIs(t, err, parse.ErrEmpty)
}

//nolint:gosmopolitan // texts of many languages are what is parsed
func TestAvailability(t *testing.T) {
	t.Parallel()
	for want, texts := range map[string][]string{
		parse.InStock: {
			"InStock", "http://schema.org/InStock", "https://schema.org/InStock", "schema:InStock", "//schema.org/InStock", "HTTP://SCHEMA.ORG/INSTOCK",
			"in_stock", "IN STOCK", "in-stock", "instock", "LimitedAvailability", "PreOrder", "https://schema.org/PreSale", "BackOrder", "MadeToOrder",
			"InStoreOnly", "OnlineOnly", "available for order", "true", "yes", "12 in stock", "Only 3 left in stock - order soon.", "Available", "Ships within 24 hours",
			"Add to cart", "auf Lager", "Sofort lieferbar", "En stock", "Disponible", "op voorraad", "Disponibile", "Skladem", "в наличии", "In den Warenkorb", "在庫あり",
			"Em estoque", "dostępny", "Raktáron", "I lager",
		},
		parse.OutOfStock: {
			"OutOfStock", "http://schema.org/OutOfStock", "SoldOut", "Discontinued", "Reserved", "oos", "out of stock", "Out-of-stock", "sold out", "SOLD OUT!",
			"Currently unavailable.", "not available", "no longer available", "Notify me when back in stock", "0 in stock", "false", "no",
			"ausverkauft", "nicht lieferbar", "Derzeit nicht auf Lager", "nicht verfügbar", "rupture de stock", "Ce produit n'est pas disponible", "En rupture de stock", "Indisponible", "Agotado",
			"Esaurito", "Non disponibile", "uitverkocht", "niet op voorraad", "Esgotado", "niedostępny", "slutsåld", "нет в наличии", "売り切れ", "缺货", "품절",
			"vyprodáno", "Udsolgt", "Stoc epuizat",
		},
	} {
		for _, s := range texts {
			got, err := parse.Availability(s)
			require.NoError(t, err, s)
			require.Equal(t, want, got, s)
		}
	}
	for _, s := range []string{"blue", "https://schema.org/NewCondition", "?", "Image unavailable", "Bild nicht verfügbar", "Check in-store availability"} {
		_, err := parse.Availability(s)
		require.ErrorIs(t, err, parse.ErrAvailability, s)
	}
	_, err := parse.Availability("")
	require.ErrorIs(t, err, parse.ErrEmpty)
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                      "",
		"  a\t b\r\n c ":        "a b c",
		"a\u00a0\u2003b":        "a b",
		"a\x00b\x07c":           "abc",
		"\ufeffsoft\u00adly":    "softly",
		"bad \xff byte":         "bad \ufffd byte",
		"\u200ba\u200b":         "a",
		"👩\u200d🔬":              "👩\u200d🔬",
		"ك\u200e1":              "ك1",
		"line\u2028break\u0085": "line break",
	} {
		got := parse.Text(in)
		require.Equal(t, want, got)
		require.Equal(t, got, parse.Text(got), "folding is idempotent")
	}
}

// TestOnlyTheBeginningIsSearched: a page that was taken for a value costs no more
// than its beginning.
func TestOnlyTheBeginningIsSearched(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("é ", 400_000)
	_, err := parse.ParseMoney(page + "12 €")
	require.ErrorIs(t, err, parse.ErrMoney)
	_, err = parse.Date(page + "2026-01-02")
	require.ErrorIs(t, err, parse.ErrDate)
	_, err = parse.Availability(page + "in stock")
	require.ErrorIs(t, err, parse.ErrAvailability)
	m, err := parse.ParseMoney("12 € " + page)
	require.NoError(t, err)
	require.Equal(t, "12", m.Amount)
}

func TestList(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"":                    nil,
		" ; \n ":              nil,
		"one":                 {"one"},
		"a, b":                {"a, b"},
		"a; b ;c":             {"a", "b", "c"},
		"a\nb\r\n\r\nc":       {"a", "b", "c"},
		`["a", 1, true, " "]`: {"a", "1", "true"},
		`["a", null]`:         {"a"},
		`[not json; b`:        {"[not json", "b"},
		`[{"a":1}]`:           {`[{"a":1}]`},
		`["a;b"]`:             {"a;b"},
	} {
		require.Equal(t, want, parse.List(in), in)
	}
}
