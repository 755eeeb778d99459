package scoring_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/scoring"
)

func TestWilson(t *testing.T) {
	t.Parallel()
	require.Equal(t, scoring.Interval{}, scoring.Wilson(0, 0))
	require.Equal(t, scoring.Interval{}, scoring.Wilson(3, -1))
	for _, tc := range []struct {
		matched, n int
		low, high  float64
	}{
		{0, 10, 0, 0.2775},
		{10, 10, 0.7225, 1},
		{5, 10, 0.2366, 0.7634},
		{8, 10, 0.4902, 0.9433},
		{81, 263, 0.2553, 0.3662}, // Newcombe 1998, table I
		{15, 148, 0.0624, 0.1605},
		{1, 29, 0.0061, 0.1718},
	} {
		got := scoring.Wilson(tc.matched, tc.n)
		require.InDelta(t, tc.low, got.Low, 0.00006, "%d of %d", tc.matched, tc.n)
		require.InDelta(t, tc.high, got.High, 0.00006, "%d of %d", tc.matched, tc.n)
		require.Equal(t, tc.matched, got.Matched)
		require.Equal(t, tc.n, got.N)
	}
	require.Equal(t, scoring.Wilson(3, 3), scoring.Wilson(5, 3), "more than all is all")
	require.Equal(t, scoring.Wilson(0, 3), scoring.Wilson(-1, 3))
}

func TestWilsonBoundsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1_000_000).Draw(t, "n")
		matched := rapid.IntRange(0, n).Draw(t, "matched")
		got := scoring.Wilson(matched, n)
		require.LessOrEqual(t, 0.0, got.Low)
		require.LessOrEqual(t, got.Low, got.Value)
		require.LessOrEqual(t, got.Value, got.High)
		require.LessOrEqual(t, got.High, 1.0)
		more := scoring.Wilson(matched*2, n*2)
		require.Less(t, more.High-more.Low, got.High-got.Low, "the interval narrows as more is counted")
		mirror := scoring.Wilson(n-matched, n)
		require.InDelta(t, 1-got.High, mirror.Low, 1e-9, "matches and mismatches mirror each other")
	})
}

// samples are texts that are a value of each type.
func samples() map[field.Type]*rapid.Generator[string] {
	number := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%d.%02d", rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "whole"), rapid.IntRange(0, 99).Draw(t, "cents"))
	})
	return map[field.Type]*rapid.Generator[string]{
		field.TypeText:    rapid.String().Filter(func(s string) bool { return parse.Text(s) != "" }),
		field.TypeNumber:  number,
		field.TypeMoney:   rapid.Map(number, func(s string) string { return s + " EUR" }),
		field.TypeBoolean: rapid.SampledFrom([]string{"true", "false", "ja", "non"}),
		field.TypeDate: rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%04d-%02d-%02d", rapid.IntRange(1000, 9999).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m"), rapid.IntRange(1, 28).Draw(t, "d"))
		}),
		field.TypeURL:  rapid.StringMatching(`https?://[a-z]{1,8}\.example(:[1-9][0-9]{1,3})?(/[a-z]{0,5}){0,3}/?(\?[a-z]=[0-9]{0,3}(&[a-z]=[0-9]{0,3}){0,2})?(#[a-z]{0,3})?`),
		field.TypeEnum: rapid.SampledFrom([]string{"InStock", "OutOfStock"}),
		field.TypeList: rapid.StringMatching(`[a-zäß]{1,5}(, ?[a-z]{1,3}){0,2}(; [a-z]{1,5}){0,3}`),
	}
}

// TestComparersAreReflexive: a value that is found is equal to itself as truth, both
// as the text it was and in its canonical form, under its type's comparer and under
// those that compare texts.
func TestComparersAreReflexive(t *testing.T) {
	t.Parallel()
	all := samples()
	for _, kind := range field.Types() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				text := all[kind].Draw(t, "text")
				f := field.Field{Name: "f", Type: kind}
				if kind == field.TypeEnum {
					f.Values = []string{"InStock", "OutOfStock"}
				}
				value, err := parse.Value(f, text, nil)
				require.NoError(t, err)
				got := compare(f, value, text)
				require.True(t, got.Match, "%q: %s", text, got.Reason)
				if kind == field.TypeText {
					for _, c := range []field.Comparer{field.CompareExact, field.CompareFuzzy, field.CompareSet} {
						f.Compare = &field.Compare{Comparer: c}
						if c == field.CompareSet && len(parse.List(text)) == 0 {
							continue // nothing but separators
						}
						got = compare(f, value, value.(string))
						require.True(t, got.Match, "%s of %q: %s", c, text, got.Reason)
					}
				}
			})
		})
	}
}

// anyJSON draws values as encoding/json gives them.
func anyJSON() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any { return drawJSON(t, 3) })
}

func drawJSON(t *rapid.T, depth int) any {
	kinds := []string{"null", "bool", "number", "text", "words", "exact"}
	if depth > 0 {
		kinds = append(kinds, "array", "object")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "bool":
		return rapid.Bool().Draw(t, "bool")
	case "number":
		return rapid.Float64().Draw(t, "number")
	case "text":
		return rapid.String().Draw(t, "text")
	case "words":
		return rapid.SampledFrom([]string{"", " ", "12.345", "1.299,00 €", "2026-01-02", "yes", "InStock", "a; b", "https://e.example/", "("}).Draw(t, "words")
	case "exact":
		return json.Number(rapid.StringMatching(`-?\d{1,3}(\.\d{1,3})?(e[+-]?\d{1,9})?`).Draw(t, "exact"))
	case "array":
		out := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range out {
			out[i] = drawJSON(t, depth-1)
		}
		return out
	case "object":
		out := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			out[rapid.SampledFrom([]string{"amount", "currency", "price", "x"}).Draw(t, "key")] = drawJSON(t, depth-1)
		}
		return out
	}
	return nil
}

func drawInput(t *rapid.T) scoring.Input {
	names := []string{"a", "b", "c", "d"}
	in := scoring.Input{Result: map[string]any{}, Truth: map[string][]string{}}
	for _, name := range names[:rapid.IntRange(0, 3).Draw(t, "fields")] {
		f := field.Field{Name: name, Type: rapid.SampledFrom(field.Types()).Draw(t, "type"), Required: rapid.Bool().Draw(t, "required")}
		if f.Type == field.TypeEnum {
			f.Values = []string{"InStock", "OutOfStock", "x"}
		}
		if rapid.Bool().Draw(t, "compares") {
			f.Compare = &field.Compare{
				Comparer:  rapid.SampledFrom(field.Comparers()).Draw(t, "comparer"),
				Tolerance: rapid.Float64().Draw(t, "tolerance"), TolerancePercent: rapid.Float64().Draw(t, "percent"),
				Threshold: rapid.Float64().Draw(t, "threshold"), Algorithm: rapid.SampledFrom([]string{"", "levenshtein"}).Draw(t, "algorithm"),
			}
		}
		in.Fields = append(in.Fields, f)
	}
	value := anyJSON()
	truth := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "12.345", "1.299,00 €", "2026-01-02", "no", "sold out", "a; b", "(", `a)(b`, "www.e.example"}))
	for _, name := range names {
		if rapid.Bool().Draw(t, "found") {
			in.Result[name] = value.Draw(t, "value")
		}
		if rapid.Bool().Draw(t, "known") {
			in.Truth[name] = rapid.SliceOfN(truth, 0, 3).Draw(t, "truth")
		}
	}
	in.Blocked = rapid.SampledFrom([]string{"", "", "", "captcha"}).Draw(t, "blocked")
	return in
}

// TestEvaluateHoldsItsPromises: whatever the JSON, nothing panics, the counts agree
// with the comparisons, and the verdict is the first of the list that holds.
func TestEvaluateHoldsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		s := scoring.Evaluate(in)
		require.Contains(t, scoring.Verdicts(), s.Verdict)
		require.Equal(t, s, scoring.Evaluate(in), "scoring is deterministic")

		matched := 0
		for name, r := range s.Fields {
			require.NotEmpty(t, in.Truth[name])
			require.NotEmpty(t, r.Expected)
			require.Equal(t, r.Match, r.Reason == "", "a reason is given for a mismatch, and for nothing else")
			if r.Match {
				matched++
			}
		}
		require.Len(t, s.Fields, s.Compared)
		require.Equal(t, matched, s.Matched)
		require.Equal(t, s.Compared > 0, s.Accuracy != nil)

		found := false
		for _, f := range in.Fields {
			found = found || !parse.IsEmpty(in.Result[f.Name])
		}
		for name := range s.Fields {
			found = found || !parse.IsEmpty(in.Result[name])
		}
		switch {
		case in.Blocked != "":
			require.Equal(t, scoring.Blocked, s.Verdict)
			require.Zero(t, s.Matched)
		case !found && len(in.Fields) > 0:
			require.Equal(t, scoring.Empty, s.Verdict)
			require.Zero(t, s.Matched)
		case len(s.Invalid) > 0:
			require.Equal(t, scoring.SchemaInvalid, s.Verdict)
		case s.Compared == 0:
			require.Equal(t, scoring.Unverified, s.Verdict)
		case s.Matched == s.Compared:
			require.Equal(t, scoring.Correct, s.Verdict)
		case s.Matched == 0:
			require.Equal(t, scoring.Wrong, s.Verdict)
		default:
			require.Equal(t, scoring.Partial, s.Verdict)
		}
	})
}
