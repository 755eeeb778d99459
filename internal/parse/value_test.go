package parse_test

import (
	"encoding/json"
	"math"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

func stock() field.Field {
	return field.Field{Name: "stock", Type: field.TypeEnum, Values: []string{"InStock", "OutOfStock"}}
}

func of(t field.Type) field.Field {
	f := field.Field{Name: "f", Type: t}
	if t == field.TypeEnum {
		f.Values = []string{"InStock", "OutOfStock", "Light Blue"}
	}
	return f
}

func TestValue(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://shop.example/a/")
	require.NoError(t, err)
	for _, tc := range []struct {
		name  string
		field field.Field
		text  string
		want  any
	}{
		{"Text", of(field.TypeText), "  a \n b ", "a b"},
		{"UntypedIsText", of(""), " 12 ", "12"},
		{"Number", of(field.TypeNumber), "1.299,50", json.Number("1299.5")},
		{"Money", of(field.TypeMoney), "1.299,50 €", parse.Money{Amount: "1299.50", Currency: "EUR"}},
		{"Boolean", of(field.TypeBoolean), "nein", false},
		{"Date", of(field.TypeDate), "2. Januar 2026", "2026-01-02"},
		{"URLAgainstTheBase", of(field.TypeURL), "x", "https://shop.example/a/x"},
		{"List", of(field.TypeList), "a; b", []string{"a", "b"}},
		{"EnumMember", of(field.TypeEnum), "light  blue", "Light Blue"},
		{"EnumMemberWithoutSpace", of(field.TypeEnum), "LightBlue", "Light Blue"},
		{"EnumAvailabilityURL", stock(), "http://schema.org/InStock", "InStock"},
		{"EnumAvailabilityPhrase", stock(), "Derzeit ausverkauft", "OutOfStock"},
		{"EnumAvailabilityTerm", stock(), "SoldOut", "OutOfStock"},
		{"EnumSchemaTerm", field.Field{Type: field.TypeEnum, Values: []string{"new", "NewCondition"}}, "https://schema.org/NewCondition", "NewCondition"},
		{
			"EnumInTheFieldsOwnSpelling",
			field.Field{Type: field.TypeEnum, Values: []string{"in stock", "out of stock", "preorder"}}, "PreOrder", "preorder",
		},
		{
			"EnumFallbackInTheFieldsOwnSpelling",
			field.Field{Type: field.TypeEnum, Values: []string{"in stock", "out of stock"}}, "ausverkauft", "out of stock",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := parse.Value(tc.field, tc.text, base)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestValueRefuses(t *testing.T) {
	t.Parallel()
	for kind, want := range map[field.Type]error{
		field.TypeNumber: parse.ErrNumber, field.TypeMoney: parse.ErrMoney, field.TypeBoolean: parse.ErrBoolean,
		field.TypeDate: parse.ErrDate, field.TypeURL: parse.ErrURL, field.TypeEnum: parse.ErrEnum,
	} {
		got, err := parse.Value(of(kind), "gibberish", nil)
		require.ErrorIs(t, err, want, kind)
		require.Nil(t, got, "a failure gives no value")
	}
	for _, kind := range field.Types() {
		_, err := parse.Value(of(kind), " \u200b ", nil)
		require.ErrorIs(t, err, parse.ErrEmpty, kind)
	}
	_, err := parse.Value(of(field.TypeList), ";\n;", nil)
	require.ErrorIs(t, err, parse.ErrEmpty)
	_, err = parse.Value(field.Field{Type: field.TypeEnum, Values: []string{"InStock"}}, "ausverkauft", nil)
	require.ErrorIs(t, err, parse.ErrEnum, "without both members no stock level is guessed")
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	eur := parse.Money{Amount: "119.01", Currency: "EUR"}
	for _, tc := range []struct {
		name string
		kind field.Type
		in   any
		want any
	}{
		{"TextFromText", field.TypeText, " a  b ", "a b"},
		{"TextFromNumber", field.TypeText, 12.50, "12.5"},
		{"TextFromBoolean", field.TypeText, true, "true"},
		{"TextFromArrayOfOne", field.TypeText, []any{nil, "a"}, "a"},
		{"NumberFromFloat", field.TypeNumber, 12.345, json.Number("12.345")},
		{"NumberFromInteger", field.TypeNumber, int64(1299), json.Number("1299")},
		{"NumberFromUnsigned", field.TypeNumber, uint8(3), json.Number("3")},
		{"NumberFromJSON", field.TypeNumber, json.Number("1.5e3"), json.Number("1500")},
		{"NumberFromText", field.TypeNumber, "1.299,50", json.Number("1299.5")},
		{"NumberThatIsLarge", field.TypeNumber, 1e21, json.Number("1000000000000000000000")},
		{"MoneyFromText", field.TypeMoney, "119,01 €", eur},
		{"MoneyFromNumber", field.TypeMoney, 119.01, parse.Money{Amount: "119.01"}},
		{"MoneyFromMoney", field.TypeMoney, eur, eur},
		{"MoneyFromObject", field.TypeMoney, map[string]any{"amount": "119.01", "currency": "EUR"}, eur},
		{"MoneyFromObjectWithSymbol", field.TypeMoney, map[string]any{"amount": 119.01, "currency": "€"}, eur},
		{"MoneyFromObjectInSchemaTerms", field.TypeMoney, map[string]any{"price": "119,01", "priceCurrency": "EUR"}, eur},
		{"MoneyFromObjectWithFormattedAmount", field.TypeMoney, map[string]any{"amount": "€ 119,01"}, eur},
		{"MoneyAmountInAnObjectIsPlain", field.TypeMoney, map[string]any{"amount": "1.299"}, parse.Money{Amount: "1.299"}},
		{"MoneyAmountIsTidied", field.TypeMoney, map[string]any{"amount": "-007.50"}, parse.Money{Amount: "-7.50"}},
		{"BooleanFromBoolean", field.TypeBoolean, false, false},
		{"BooleanFromNumber", field.TypeBoolean, 1.0, true},
		{"BooleanFromText", field.TypeBoolean, "oui", true},
		{"DateFromText", field.TypeDate, "Jan 2, 2026", "2026-01-02"},
		{"URLFromText", field.TypeURL, "https://example.com", "https://example.com"},
		{"EnumFromText", field.TypeEnum, "sold out", "OutOfStock"},
		{"EnumFromBoolean", field.TypeEnum, true, "InStock"},
		{"ListFromArray", field.TypeList, []any{"a", " ", nil, 1.5}, []string{"a", "1.5"}},
		{"ListFromTexts", field.TypeList, []string{"a", "", "b"}, []string{"a", "b"}},
		{"ListFromText", field.TypeList, "a; b", []string{"a", "b"}},
		{"ListFromNumber", field.TypeList, 7.0, []string{"7"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := parse.Canonical(of(tc.kind), tc.in)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			again, err := parse.Canonical(of(tc.kind), got)
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		kind field.Type
		in   any
		want error
	}{
		{"Nil", field.TypeText, nil, parse.ErrEmpty},
		{"BlankText", field.TypeNumber, " ", parse.ErrEmpty},
		{"EmptyArray", field.TypeList, []any{}, parse.ErrEmpty},
		{"ArrayOfNothing", field.TypeText, []any{nil, "", []any{}}, parse.ErrEmpty},
		{"EmptyObject", field.TypeMoney, map[string]any{"amount": nil}, parse.ErrEmpty},
		{"SeveralValuesForOne", field.TypeText, []any{"a", "b"}, parse.ErrKind},
		{"NestedArray", field.TypeText, []any{[]any{"a"}}, parse.ErrKind},
		{"ObjectForText", field.TypeText, map[string]any{"a": 1.0}, parse.ErrKind},
		{"ObjectInAList", field.TypeList, []any{map[string]any{"a": 1.0}}, parse.ErrKind},
		{"ObjectWithoutAmount", field.TypeMoney, map[string]any{"currency": "EUR"}, parse.ErrMoney},
		{"ObjectWithObjectAmount", field.TypeMoney, map[string]any{"amount": map[string]any{"a": 1.0}}, parse.ErrMoney},
		{"ObjectWithWordAmount", field.TypeMoney, map[string]any{"amount": "much"}, parse.ErrMoney},
		{"BooleanForNumber", field.TypeNumber, true, parse.ErrKind},
		{"BooleanForMoney", field.TypeMoney, true, parse.ErrKind},
		{"NumberForDate", field.TypeDate, 20260102.0, parse.ErrKind},
		{"NumberForURL", field.TypeURL, 1.0, parse.ErrKind},
		{"NumberForBoolean", field.TypeBoolean, 2.0, parse.ErrBoolean},
		{"NotANumber", field.TypeNumber, math.NaN(), parse.ErrNumber},
		{"Infinite", field.TypeNumber, math.Inf(1), parse.ErrNumber},
		{"TooLarge", field.TypeNumber, 1e300, parse.ErrNumber},
		{"ExponentOfAGigabyte", field.TypeNumber, json.Number("1e999999999"), parse.ErrNumber},
		{"UnknownGoType", field.TypeText, struct{}{}, parse.ErrKind},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := parse.Canonical(of(tc.kind), tc.in)
			require.ErrorIs(t, err, tc.want)
			require.Nil(t, got)
		})
	}
}

// TestCanonicalIsStable: whatever comes in, what comes out is a fixed point, also
// after a round trip through a JSON column.
func TestCanonicalIsStable(t *testing.T) {
	t.Parallel()
	scalar := rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Map(rapid.String(), toAny[string]),
		rapid.Map(rapid.Float64(), toAny[float64]),
		rapid.Map(rapid.Bool(), toAny[bool]),
		rapid.Map(rapid.SampledFrom([]string{"1.299,00 €", "12.345", "KWD 1.250", "Jan 2, 2026", "in stock", "https://e.example/a", "a; b", "12٫345"}), toAny[string]),
	)
	value := rapid.OneOf(
		scalar,
		rapid.Map(rapid.SliceOfN(scalar, 0, 3), toAny[[]any]),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"amount", "currency", "price", "x"}), scalar, 0, 3), toAny[map[string]any]),
	)
	rapid.Check(t, func(t *rapid.T) {
		f := of(rapid.SampledFrom(field.Types()).Draw(t, "type"))
		got, err := parse.Canonical(f, value.Draw(t, "value"))
		if err != nil {
			require.Nil(t, got)
			return
		}
		again, err := parse.Canonical(f, got)
		require.NoError(t, err)
		require.Equal(t, got, again)

		stored, err := json.Marshal(got)
		require.NoError(t, err)
		var loaded any
		require.NoError(t, json.Unmarshal(stored, &loaded))
		again, err = parse.Canonical(f, loaded)
		require.NoError(t, err)
		restored, err := json.Marshal(again)
		require.NoError(t, err)
		if _, isNumber := got.(json.Number); isNumber {
			return // a float64 has fewer digits than a json.Number
		}
		require.JSONEq(t, string(stored), string(restored))
	})
}

func toAny[T any](v T) any { return v }
