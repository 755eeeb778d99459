package scoring_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/scoring"
)

func TestTruthThatCannotBeReadIsTold(t *testing.T) {
	t.Parallel()
	regex := &field.Compare{Comparer: field.CompareRegex}
	tests := []struct {
		field     field.Field
		good, bad string
	}{
		{field.Field{Type: field.TypeNumber}, "1.250,5", "many"},
		{field.Field{Type: field.TypeMoney}, "1.299,00 €", "dear"},
		{field.Field{Type: field.TypeDate}, "2026-11-24", "soon"},
		{field.Field{Type: field.TypeURL}, "https://shop.example/1", "no address"},
		{field.Field{Type: field.TypeBoolean}, "yes", "perhaps"},
		{field.Field{Type: field.TypeText, Compare: regex}, "a+", "a("},
		{field.Field{Type: field.TypeNumber, Compare: &field.Compare{Comparer: field.CompareMoney}}, "1 €", "dear"},
	}
	for _, test := range tests {
		test.field.Name = "x"
		require.NoError(t, scoring.CheckTruth(test.field, test.good), "%+v", test)
		require.Error(t, scoring.CheckTruth(test.field, test.bad), "%+v", test)
		matched := func(value, truth string) int {
			return scoring.Evaluate(scoring.Input{
				Fields: []field.Field{test.field}, Truth: map[string][]string{"x": {truth}}, Result: map[string]any{"x": value},
			}).Matched
		}
		if test.field.Compare == nil {
			require.Equal(t, 1, matched(test.good, test.good), "what can be read matches itself")
		}
		require.Zero(t, matched(test.bad, test.bad), "what cannot be read matches nothing")
	}
	for _, kind := range []field.Type{field.TypeText, field.TypeEnum, field.TypeList} {
		require.NoError(t, scoring.CheckTruth(field.Field{Type: kind}, "anything ("))
	}
}
