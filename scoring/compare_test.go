package scoring_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/scoring"
)

// compare holds one value against accepted ones.
func compare(f field.Field, actual any, truth ...string) scoring.FieldResult {
	f.Name = "f"
	s := scoring.Evaluate(scoring.Input{
		Fields: []field.Field{f}, Result: map[string]any{"f": actual}, Truth: map[string][]string{"f": truth},
	})
	return s.Fields["f"]
}

func with(t field.Type, c field.Compare) field.Field { return field.Field{Type: t, Compare: &c} }

func plain(t field.Type) field.Field { return field.Field{Type: t} }

func TestComparers(t *testing.T) {
	t.Parallel()
	stock := field.Field{Type: field.TypeEnum, Values: []string{"InStock", "OutOfStock"}}
	textAs := func(c field.Comparer) field.Field { return with(field.TypeText, field.Compare{Comparer: c}) }
	within := func(c field.Comparer, absolute, percent float64) field.Field {
		return with(field.TypeNumber, field.Compare{Comparer: c, Tolerance: absolute, TolerancePercent: percent})
	}
	for _, tc := range []struct {
		name   string
		field  field.Field
		actual any
		truth  string
		reason string // "" for a match
	}{
		{"ExactEqual", textAs(field.CompareExact), "A b", "A b", ""},
		{"ExactMindsCase", textAs(field.CompareExact), "a b", "A b", "differs"},
		{"ExactMindsSpace", textAs(field.CompareExact), "A  b", "A b", "differs"},
		{"ExactNumber", with(field.TypeNumber, field.Compare{Comparer: field.CompareExact}), 12.5, "12.5", ""},

		{"TextFoldsCaseAndSpace", plain(field.TypeText), "Straße  des\n17. Juni", "STRASSE DES 17. JUNI", ""},
		{"TextFoldsUnicodeForm", plain(field.TypeText), "Cafe\u0301 ﬁne", "café fine", ""},
		{"TextFoldsAroundInvisibleCharacters", plain(field.TypeText), "e\u200b\u0301", "é", ""},
		{"TextFoldsWidth", plain(field.TypeText), "ＡＢＣ", "abc", ""},
		{"TextDiffers", plain(field.TypeText), "a", "b", "differs"},
		{"TextOfANumber", plain(field.TypeText), 12.0, "12", ""},
		{"TextIsNoNumber", plain(field.TypeText), "12.0", "12", "differs"},
		{"TextOfAList", with(field.TypeList, field.Compare{Comparer: field.CompareText}), []any{"a", "b"}, "A; B", ""},
		{"TextOfAnObjectAgainstAnUnfitTruth", plain(field.TypeText), map[string]any{"a": "b"}, `{"a":"b"}`, ""},

		{"EnumInWords", stock, "InStock", "in stock", ""},
		{"EnumAsURL", stock, "InStock", "https://schema.org/InStock", ""},
		{"EnumInGerman", stock, "OutOfStock", "ausverkauft", ""},
		{"EnumFoundInWords", stock, "Sold out", "OutOfStock", ""},
		{"EnumDiffers", stock, "InStock", "sold out", "differs"},
		{"EnumUnknownTruth", stock, "InStock", "blue", "differs"},

		{"NumberInAnyLocale", plain(field.TypeNumber), 1299.5, "1.299,50", ""},
		{"NumberFromText", textAs(field.CompareNumber), "1 299,50", "1299.5", ""},
		{"NumberTruthReadAsText", plain(field.TypeNumber), 1250.0, "1.250", ""},
		{"NumberTruthReadAsMachineNotation", plain(field.TypeNumber), 1.25, "1.250", ""},
		{"NumberDiffers", plain(field.TypeNumber), 12.5, "12.51", "differs"},
		{"NumberWithinTolerance", within(field.CompareNumber, 0.01, 0), 12.5, "12.51", ""},
		{"NumberAtToleranceIsExact", within(field.CompareNumber, 0.1, 0), 0.3, "0.2", ""},
		{"NumberBeyondTolerance", within(field.CompareNumber, 0.009, 0), 12.5, "12.51", "differs"},
		{"NumberWithinPercent", within(field.CompareNumber, 0, 5), 95, "100", ""},
		{"NumberWithinPercentOfANegative", within(field.CompareNumber, 0, 5), -95, "-100", ""},
		{"NumberBeyondPercent", within(field.CompareNumber, 0, 5), 94.9, "100", "differs"},
		{"NumberWithinEitherTolerance", within(field.CompareNumber, 10, 1), 91, "100", ""},
		{"NumberTruthIsNone", plain(field.TypeNumber), 1, "many", "the truth is not a number"},
		{"NumberValueIsNone", plain(field.TypeNumber), "many", "1", "the value is not a number"},
		{"NumberValueIsTooLarge", plain(field.TypeNumber), json.Number("1e999999999"), "1", "the value is not a number"},
		{"NumberOfMoney", with(field.TypeMoney, field.Compare{Comparer: field.CompareNumber}), "€ 12.50", "12.5", ""},
		{"NumberWithNonsenseTolerance", within(field.CompareNumber, math.NaN(), math.Inf(1)), 1, "2", "differs"},

		{"MoneyInAnyLocale", plain(field.TypeMoney), "1.299,00 €", "€1,299.00", ""},
		{"MoneyTruthWithoutCurrency", plain(field.TypeMoney), "1.299,00 €", "1299", ""},
		{"MoneyValueWithoutCurrency", plain(field.TypeMoney), 1299.0, "€ 1.299,-", ""},
		{"MoneyInAnotherCurrency", plain(field.TypeMoney), "12 €", "$12", "another currency"},
		{"MoneySharedSymbol", plain(field.TypeMoney), "12 kr", "12 SEK", ""},
		{"MoneyDiffers", plain(field.TypeMoney), "12 €", "12.01 €", "differs"},
		{"MoneyWithinTolerance", with(field.TypeMoney, field.Compare{Comparer: field.CompareMoney, Tolerance: 0.01}), "12 €", "12.01 €", ""},
		{"MoneyTruthReadAsMachineNotation", plain(field.TypeMoney), map[string]any{"amount": "23.45"}, "23.450", ""},
		{"MoneyTruthReadAsText", plain(field.TypeMoney), "Rs. 23,450", "23.450", ""},
		{"MoneyTruthIsNone", plain(field.TypeMoney), "12 €", "on request", "the truth is not an amount of money"},
		{"MoneyValueIsNone", plain(field.TypeMoney), "on request", "12 €", "the value is not an amount of money"},
		{"MoneyOfAnUnparsableAmount", plain(field.TypeMoney), map[string]any{"amount": "much"}, "12", "the value is not an amount of money"},

		{"DateInAnySpelling", plain(field.TypeDate), "2026-01-02", "2. Januar 2026", ""},
		{"DateDiffers", plain(field.TypeDate), "2026-01-02", "2026-01-03", "differs"},
		{"DateByDayWhenTruthHasNoTime", plain(field.TypeDate), "2026-01-02T15:04:05Z", "2026-01-02", ""},
		{"DateByDayWhenValueHasNoTime", plain(field.TypeDate), "2026-01-02", "2026-01-02T15:04:05Z", ""},
		{"DateSameInstantInOtherZones", plain(field.TypeDate), "2026-01-02T01:00:00+02:00", "2026-01-01T23:00:00Z", ""},
		{"DateOtherTimeOfDay", plain(field.TypeDate), "2026-01-02T15:04:05Z", "2026-01-02T15:04:06Z", "differs"},
		{"DateTruthIsNone", plain(field.TypeDate), "2026-01-02", "soon", "the truth is not a date"},
		{"DateValueIsNone", plain(field.TypeDate), "soon", "2026-01-02", "the value is not a date"},

		{"URLEqual", plain(field.TypeURL), "https://e.example/a?b=1", "https://e.example/a?b=1", ""},
		{"URLSchemeAndHostCase", plain(field.TypeURL), "HTTPS://E.example/a", "https://e.EXAMPLE/a", ""},
		{"URLPathMindsCase", plain(field.TypeURL), "https://e.example/A", "https://e.example/a", "differs"},
		{"URLDefaultPort", plain(field.TypeURL), "https://e.example:443/", "https://e.example", ""},
		{"URLEmptyPort", plain(field.TypeURL), "https://e.example:/", "https://e.example", ""},
		{"URLOtherPort", plain(field.TypeURL), "https://e.example:80/", "https://e.example", "differs"},
		{"URLTrailingSlash", plain(field.TypeURL), "https://e.example/a/", "https://e.example/a", ""},
		{"URLFragment", plain(field.TypeURL), "https://e.example/a#top", "https://e.example/a", ""},
		{"URLQueryOrder", plain(field.TypeURL), "https://e.example/?b=2&a=1", "https://e.example/?a=1&b=2", ""},
		{"URLQueryDiffers", plain(field.TypeURL), "https://e.example/?a=1", "https://e.example/?a=2", "differs"},
		{"URLNeedlessEscapes", plain(field.TypeURL), "https://e.example/%7Ea%20b", "https://e.example/~a b", ""},
		{"URLEscapedSlash", plain(field.TypeURL), "https://e.example/a%2Fb", "https://e.example/a/b", "differs"},
		{"URLEscapedSlashEqual", plain(field.TypeURL), "https://e.example/a%2Fb/", "https://e.example/a%2Fb", ""},
		{"URLScheme", plain(field.TypeURL), "http://e.example/", "https://e.example/", "differs"},
		{"URLWithoutScheme", plain(field.TypeURL), "https://www.e.example/a", "www.e.example/a", ""},
		{"URLTruthIsNone", plain(field.TypeURL), "https://e.example/", "/a", "the truth is not an http or https URL"},
		{"URLValueIsNone", plain(field.TypeURL), "/a", "https://e.example/", "the value is not an http or https URL"},

		{"BooleanInWords", plain(field.TypeBoolean), true, "ja", ""},
		{"BooleanDiffers", plain(field.TypeBoolean), false, "yes", "differs"},
		{"BooleanTruthIsNone", plain(field.TypeBoolean), false, "perhaps", "the truth is not a boolean"},
		{"BooleanValueIsNone", plain(field.TypeBoolean), "perhaps", "yes", "the value is not a boolean"},
		{"BooleanOfText", textAs(field.CompareBoolean), "oui", "true", ""},

		{"SetInAnyOrder", plain(field.TypeList), []any{"Red", "blue", "red"}, "BLUE; red", ""},
		{"SetFromLines", plain(field.TypeList), []any{"a", "b"}, "b\na", ""},
		{"SetFromJSON", plain(field.TypeList), []any{"a;b", "c"}, `["c", "a;b"]`, ""},
		{"SetFromCommas", plain(field.TypeList), []any{"red", "blue"}, "Red, Blue", ""},
		{"SetOfOneTextWithCommas", plain(field.TypeList), "red, blue", "blue;red", ""},
		{"SetMemberWithComma", plain(field.TypeList), []any{"red, dark"}, "Red, dark", ""},
		{"SetMemberMissing", plain(field.TypeList), []any{"red"}, "red; blue", "differs"},
		{"SetMemberTooMany", plain(field.TypeList), []any{"red", "blue", "green"}, "red; blue", "differs"},
		{"SetOtherMember", plain(field.TypeList), []any{"red", "green"}, "red; blue", "differs"},
		{"SetOfText", textAs(field.CompareSet), "a; b", "b; a", ""},
		{"SetOfObjects", plain(field.TypeList), []any{map[string]any{"a": 1.0}}, "a", "the value is not of this type: a member is no text"},

		{"FuzzyNear", textAs(field.CompareFuzzy), "Kettle 1.7 l steel", "kettle 1,7 l steel", ""},
		{"FuzzyFar", textAs(field.CompareFuzzy), "Kettle", "Toaster", "too different"},
		{"FuzzyThreshold", with(field.TypeText, field.Compare{Comparer: field.CompareFuzzy, Threshold: 0.4}), "Kettle", "Kessel", ""},
		{
			"FuzzyLevenshtein", with(field.TypeText, field.Compare{Comparer: field.CompareFuzzy, Algorithm: "levenshtein", Threshold: 0.75}),
			"abcd", "abcx", "",
		},
		{
			"FuzzyLevenshteinBelow", with(field.TypeText, field.Compare{Comparer: field.CompareFuzzy, Algorithm: "levenshtein", Threshold: 0.76}),
			"abcd", "abcx", "too different",
		},

		{"RegexMatches", textAs(field.CompareRegex), "SKU-123", `[A-Z]+-\d+`, ""},
		{"RegexMustMatchTheWhole", textAs(field.CompareRegex), "SKU-123x", `[A-Z]+-\d+`, "differs"},
		{"RegexAlternativesAreAnchored", textAs(field.CompareRegex), "ab", `a|b`, "differs"},
		{"RegexMindsCase", textAs(field.CompareRegex), "sku", "SKU", "differs"},
		{"RegexOfANumber", with(field.TypeNumber, field.Compare{Comparer: field.CompareRegex}), 42.0, `\d+`, ""},
		{"RegexOfMoney", with(field.TypeMoney, field.Compare{Comparer: field.CompareRegex}), "€12.50", `12\.50 EUR`, ""},
		{"RegexBad", textAs(field.CompareRegex), "a", `(`, "the truth is not a valid regular expression"},
		{"RegexUnbalanced", textAs(field.CompareRegex), "ab", `a)(?:b`, "the truth is not a valid regular expression"},

		{"UnknownComparerIsText", textAs("surprise"), "A", "a", ""},
		{"ComparerOfTheType", with(field.TypeMoney, field.Compare{Tolerance: 1}), "12 €", "12.50", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := compare(tc.field, tc.actual, tc.truth)
			require.Equal(t, tc.reason, got.Reason)
			require.Equal(t, tc.reason == "", got.Match)
		})
	}
}

func TestSimilarityOfTheNearestIsTold(t *testing.T) {
	t.Parallel()
	f := with(field.TypeText, field.Compare{Comparer: field.CompareFuzzy, Algorithm: "levenshtein", Threshold: 1})
	got := compare(f, "abcd", "xxxx", "abcx", "abxx")
	require.False(t, got.Match)
	require.NotNil(t, got.Similarity)
	require.InDelta(t, 0.75, *got.Similarity, 1e-9)
	require.Nil(t, compare(plain(field.TypeText), "a", "b").Similarity, "only a fuzzy comparison has one")
}

// TestJaroWinkler holds the measure against the values in Winkler's papers.
func TestJaroWinkler(t *testing.T) {
	t.Parallel()
	f := with(field.TypeText, field.Compare{Comparer: field.CompareFuzzy, Threshold: 0.01})
	for _, tc := range []struct {
		a, b string
		want float64
	}{
		{"MARTHA", "MARHTA", 0.9611},
		{"DWAYNE", "DUANE", 0.84},
		{"DIXON", "DICKSONX", 0.8133},
		{"JELLYFISH", "SMELLYFISH", 0.8963},
		{"ab", "axxx", 0.5833}, // too far apart for the common beginning to count
		{"a", "b", 0},
		{"same", "same", 1},
	} {
		got := compare(f, tc.a, tc.b)
		require.InDelta(t, tc.want, *got.Similarity, 0.0001, "%s and %s", tc.a, tc.b)
		back := compare(f, tc.b, tc.a)
		require.InDelta(t, *got.Similarity, *back.Similarity, 1e-12, "the measure is symmetric")
	}
}

func TestLevenshteinRatio(t *testing.T) {
	t.Parallel()
	f := with(field.TypeText, field.Compare{Comparer: field.CompareFuzzy, Algorithm: "levenshtein", Threshold: 0.01})
	for _, tc := range []struct {
		a, b string
		want float64
	}{
		{"kitten", "sitting", 1 - 3.0/7},
		{"flaw", "lawn", 0.5},
		{"grün", "grun", 0.75},
		{"abc", "xyz", 0},
		{"same", "same", 1},
	} {
		require.InDelta(t, tc.want, *compare(f, tc.a, tc.b).Similarity, 1e-9, "%s and %s", tc.a, tc.b)
	}
}

func TestLongTextsAreComparedByTheirBeginnings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ab", 100_000)
	for _, algorithm := range []string{"jaro_winkler", "levenshtein"} {
		got := compare(with(field.TypeText, field.Compare{Comparer: field.CompareFuzzy, Algorithm: algorithm}), long+"x", long+"y")
		require.True(t, got.Match, algorithm)
	}
}

// TestMoneyFromTheDatabase: after a round trip through jsonb a value is a map.
func TestMoneyFromTheDatabase(t *testing.T) {
	t.Parallel()
	stored, err := json.Marshal(parse.Money{Amount: "1299.00", Currency: "EUR"})
	require.NoError(t, err)
	var loaded any
	require.NoError(t, json.Unmarshal(stored, &loaded))
	got := compare(plain(field.TypeMoney), loaded, "1.299 €")
	require.True(t, got.Match, got.Reason)
	require.Equal(t, parse.Money{Amount: "1299.00", Currency: "EUR"}, got.Actual)
}
