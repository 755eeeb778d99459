package parse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/parse"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"0", "0"},
		{"42", "42"},
		{"-42", "-42"},
		{"+42", "42"},
		{"−42", "-42"},
		{"1.299,50", "1299.5"},
		{"1,299.50", "1299.5"},
		{"1 299.5", "1299.5"},
		{"1'299.5", "1299.5"},
		{"1.299", "1299"},
		{"0.125", "0.125"},
		{"12,5 %", "12.5"},
		{"12.5%", "12.5"},
		{"4.5 out of 5", "4.5"},
		{"Rating: 4,7/5", "4.7"},
		{"(1,234 reviews)", "1234"},
		{"1.5e3", "1500"},
		{"1E-3", "0.001"},
		{"12kg", "12"},
		{"10 - 20", "10"},
		{"١٢٣٫٥", "123.5"},
		{"１２３", "123"},
		{"৪২", "42"},
		{"12,34,567", "1234567"},
		{"€12,50", "12.5"},
		{"CHF12.50", "12.5"},
		{"B07F has 12 parts", "12"},
		{"version 1.2.3 of 2026", "2026"},
		{"007", "7"},
		{"\u200e42\u200f", "42"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			got, err := parse.Number(tc.text)
			require.NoError(t, err)
			require.Equal(t, tc.want, got.String())
		})
	}
}

func TestNumberRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"many", "1.2.3", "NaN", "Infinity", "1e999", "1e31", "-", ".", "%", "B07F", "1234567890123456789012345678901"} {
		_, err := parse.Number(text)
		require.ErrorIs(t, err, parse.ErrNumber, text)
	}
	_, err := parse.Number("\t")
	require.ErrorIs(t, err, parse.ErrEmpty)
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1.299,50", "12,5 %", "1e3", "-0.0", "12٫345", "00012.345", "1e29", "1e-30", "\xff", "1 299", ".125", "1'2'3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parse.Number(s)
		if err != nil {
			return
		}
		// Four decimals or more, so that no point is taken for a grouping mark.
		again, err := parse.Number(d.StringFixed(max(4, -d.Exponent())))
		require.NoError(t, err, "the canonical form of %q", s)
		require.True(t, d.Equal(again), "%q: %s and %s", s, d, again)
	})
}
