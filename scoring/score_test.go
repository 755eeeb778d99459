package scoring_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/scoring"
)

// product is what most projects want.
func product() []field.Field {
	return []field.Field{
		{Name: "title", Type: field.TypeText, Required: true},
		{Name: "price", Type: field.TypeMoney},
		{Name: "stock", Type: field.TypeEnum, Values: []string{"InStock", "OutOfStock"}},
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	found := map[string]any{"title": "A Kettle", "price": parse.Money{Amount: "19.90", Currency: "EUR"}, "stock": "InStock"}
	for _, tc := range []struct {
		name              string
		result            map[string]any
		truth             map[string][]string
		blocked           string
		verdict           scoring.Verdict
		matched, compared int
		invalid           map[string]string
	}{
		{
			name: "Correct", result: found,
			truth:   map[string][]string{"title": {"a kettle"}, "price": {"19,90 €"}, "stock": {"in stock"}},
			verdict: scoring.Correct, matched: 3, compared: 3,
		},
		{
			name: "CorrectOnWhatIsCompared", result: found,
			truth:   map[string][]string{"price": {"19.9"}, "title": {}, "stock": {"", "  "}},
			verdict: scoring.Correct, matched: 1, compared: 1,
		},
		{
			name: "OneAcceptedValueIsEnough", result: found,
			truth:   map[string][]string{"price": {"21.90", "", "19.90"}},
			verdict: scoring.Correct, matched: 1, compared: 1,
		},
		{
			name: "Partial", result: found,
			truth:   map[string][]string{"title": {"a kettle"}, "price": {"19.91"}},
			verdict: scoring.Partial, matched: 1, compared: 2,
		},
		{
			name: "Wrong", result: found,
			truth:   map[string][]string{"title": {"a pan"}, "stock": {"ausverkauft"}},
			verdict: scoring.Wrong, compared: 2,
		},
		{name: "UnverifiedWithoutTruth", result: found, verdict: scoring.Unverified},
		{name: "UnverifiedWithBlankTruth", result: found, truth: map[string][]string{"title": {" "}}, verdict: scoring.Unverified},
		{
			name: "EmptyWithoutTruth", result: map[string]any{"title": " ", "price": nil, "stock": []any{}, "extra": "x"},
			verdict: scoring.Empty, invalid: map[string]string{"title": "missing"},
		},
		{
			name: "EmptyCountsAsAllWrong", truth: map[string][]string{"title": {"a kettle"}},
			verdict: scoring.Empty, compared: 1, invalid: map[string]string{"title": "missing"},
		},
		{
			name: "BlockedBeforeEmpty", blocked: "captcha", truth: map[string][]string{"title": {"a kettle"}},
			verdict: scoring.Blocked, compared: 1, invalid: map[string]string{"title": "missing"},
		},
		{
			name: "BlockedCountsAsAllWrong", result: found, blocked: "access denied", truth: map[string][]string{"title": {"a kettle"}},
			verdict: scoring.Blocked, compared: 1,
		},
		{
			name: "SchemaInvalidWhenARequiredFieldIsMissing", result: map[string]any{"price": "19.90"}, truth: map[string][]string{"price": {"19.90"}},
			verdict: scoring.SchemaInvalid, matched: 1, compared: 1, invalid: map[string]string{"title": "missing"},
		},
		{
			name: "SchemaInvalidWhenAValueDoesNotFit", result: map[string]any{"title": "A Kettle", "price": "on request", "stock": "blue"},
			verdict: scoring.SchemaInvalid, invalid: map[string]string{"price": "not an amount of money", "stock": "not one of the values"},
		},
		{
			name: "ATruthWithoutAFieldIsComparedAsText", result: map[string]any{"title": "x", "colour": "Dark  Red"},
			truth:   map[string][]string{"colour": {"dark red"}, "size": {"XL"}},
			verdict: scoring.Partial, matched: 1, compared: 2,
		},
		{
			name: "AMissingOptionalFieldIsValid", result: map[string]any{"title": "x"}, truth: map[string][]string{"price": {"5"}},
			verdict: scoring.Wrong, compared: 1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := scoring.Evaluate(scoring.Input{Fields: product(), Result: tc.result, Truth: tc.truth, Blocked: tc.blocked})
			require.Equal(t, tc.verdict, s.Verdict)
			require.Equal(t, tc.matched, s.Matched)
			require.Equal(t, tc.compared, s.Compared)
			require.Len(t, s.Fields, tc.compared)
			if tc.invalid == nil {
				tc.invalid = map[string]string{}
			}
			require.Equal(t, tc.invalid, s.Invalid)
			if tc.compared == 0 {
				require.Nil(t, s.Accuracy)
				return
			}
			require.InDelta(t, float64(tc.matched)/float64(tc.compared), *s.Accuracy, 1e-9)
		})
	}
}

func TestEvaluateTellsWhatWasCompared(t *testing.T) {
	t.Parallel()
	s := scoring.Evaluate(scoring.Input{
		Fields: product(),
		Result: map[string]any{"title": " A  Kettle ", "price": map[string]any{"amount": 19.9, "currency": "€"}},
		Truth:  map[string][]string{"title": {"a kettle", " "}, "price": {"18"}, "stock": {"InStock"}},
	})
	require.Equal(t, map[string]scoring.FieldResult{
		"title": {Match: true, Comparer: field.CompareText, Expected: []string{"a kettle"}, Actual: "A Kettle"},
		"price": {Comparer: field.CompareMoney, Expected: []string{"18"}, Actual: parse.Money{Amount: "19.9", Currency: "EUR"}, Reason: "differs"},
		"stock": {Comparer: field.CompareText, Expected: []string{"InStock"}, Reason: "missing"},
	}, s.Fields)
}

func TestEvaluateBlockedShowsWhatWasFound(t *testing.T) {
	t.Parallel()
	s := scoring.Evaluate(scoring.Input{
		Fields: product(), Result: map[string]any{"title": "Access denied"}, Truth: map[string][]string{"title": {"Access denied"}}, Blocked: "access denied",
	})
	require.Equal(t, scoring.FieldResult{
		Comparer: field.CompareText, Expected: []string{"Access denied"}, Actual: "Access denied", Reason: "blocked",
	}, s.Fields["title"])
}

func TestEvaluateWithNothingWanted(t *testing.T) {
	t.Parallel()
	s := scoring.Evaluate(scoring.Input{})
	require.Equal(t, scoring.Unverified, s.Verdict, "nothing is found where nothing is wanted")
}

func TestVerdictsAreAll(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, []scoring.Verdict{"correct", "partial", "wrong", "unverified", "empty", "blocked", "schema_invalid"}, scoring.Verdicts())
}

// TestScoreJSON pins what is stored with a job.
func TestScoreJSON(t *testing.T) {
	t.Parallel()
	s := scoring.Evaluate(scoring.Input{
		Fields: []field.Field{{Name: "name", Type: field.TypeText, Compare: &field.Compare{Comparer: field.CompareFuzzy}}},
		Result: map[string]any{"name": "kettle"}, Truth: map[string][]string{"name": {"Kettle"}},
	})
	encoded, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{"verdict":"correct","matched":1,"compared":1,"accuracy":1,
		"fields":{"name":{"match":true,"comparer":"fuzzy","expected":["Kettle"],"actual":"kettle","similarity":1}}}`, string(encoded))
}
