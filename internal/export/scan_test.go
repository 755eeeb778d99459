package export

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// anyJSON draws a value of JSON.
func anyJSON(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Float64Range(-1e9, 1e9).AsAny(), rapid.String().AsAny(),
		rapid.SampledFrom([]string{`\`, `"`, `a\"b`, "{}[],:", "\n", "\u2028", "amount", "|", `\|`}).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	deeper := rapid.Deferred(func() *rapid.Generator[any] { return anyJSON(depth - 1) })
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(deeper, 0, 4).AsAny(),
		rapid.MapOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"amount", "currency"})), deeper, 0, 4).AsAny())...)
}

func TestJSONIsTakenApartAsItIsDecoded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOfN(rapid.String(), anyJSON(3), 0, 5).Draw(t, "object")
		raw, err := json.Marshal(object)
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "spaced") {
			var spaced bytes.Buffer
			require.NoError(t, json.Indent(&spaced, raw, " ", "\t"))
			raw = spaced.Bytes()
		}
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &want))
		got := map[string]json.RawMessage{}
		require.NoError(t, eachMember(raw, func(key, value []byte) {
			name, err := unquote(nil, key)
			require.NoError(t, err)
			got[string(name)] = bytes.Clone(value)
		}))
		require.Equal(t, want, got)
	})
}

// Whatever is in the database, an export of it must not panic.
func FuzzCells(f *testing.F) {
	for _, seed := range []string{`{"amount": "1", "currency": "EUR"}`, `["a|b", [1]]`, `"\u00e9"`, `{"a":`, `[,]`, `-`, `"`, `"\`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := jsonCell(raw)
		out, err := c.AppendText(nil)
		if json.Valid(raw) {
			require.NoError(t, err)
			require.Equal(t, cleaned(bytes.Clone(out), 0), out)
		}
		c.Number()
		c.Bool()
		_, _ = matchCell(raw)
		_, _ = truthCell(raw, true).AppendText(nil)
	})
}
