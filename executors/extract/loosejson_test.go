package extract

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// plain turns a loosely read value into what the standard library would give.
func plain(v any) any {
	switch v := v.(type) {
	case object:
		out := map[string]any{}
		for _, m := range v {
			out[m.key] = plain(m.value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	default:
		return v
	}
}

func TestLooseJSONReadsWhatAuthorsWrite(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		src  string
		want any
	}{
		"Strict":              {`{"a":[1,-2.5e3,true,false,null,"x"]}`, map[string]any{"a": []any{json.Number("1"), json.Number("-2.5e3"), true, false, nil, "x"}}},
		"Empty":               {`{"a":{},"b":[]}`, map[string]any{"a": map[string]any{}, "b": []any{}}},
		"Escapes":             {`["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]`, []any{"\"\\/    é😀"}},
		"TrailingCommas":      {`{"a":[1,2,],"b":3,}`, map[string]any{"a": []any{json.Number("1"), json.Number("2")}, "b": json.Number("3")}},
		"DoubledCommas":       {`[1,,2]`, []any{json.Number("1"), json.Number("2")}},
		"MissingComma":        {"{\"a\":\"1\"\n\"b\":\"2\"}", map[string]any{"a": "1", "b": "2"}},
		"RawLineBreaks":       {"{\"a\":\"x\n\ty\"}", map[string]any{"a": "x  y"}},
		"HTMLComment":         {"<!--\n{\"a\":1}\n-->", map[string]any{"a": json.Number("1")}},
		"CDATA":               {"//<![CDATA[\n{\"a\":1}\n//]]>", map[string]any{"a": json.Number("1")}},
		"BlockComment":        {`{/* no */"a":/* no */1}`, map[string]any{"a": json.Number("1")}},
		"LineComment":         {"{\"a\":1, // no\n\"b\":2}", map[string]any{"a": json.Number("1"), "b": json.Number("2")}},
		"SingleQuotes":        {`{'a':'it\'s'}`, map[string]any{"a": "it's"}},
		"BareKeys":            {`{a:1,$b_2:'x'}`, map[string]any{"a": json.Number("1"), "$b_2": "x"}},
		"UnescapedQuote":      {`{"a":"17" monitor","b":1}`, map[string]any{"a": `17" monitor`, "b": json.Number("1")}},
		"Truncated":           {`{"a":{"b":[1,"two`, map[string]any{"a": map[string]any{"b": []any{json.Number("1"), "two"}}}},
		"MissingBrace":        {`[{"a":1,{"b":2}]`, []any{map[string]any{"a": json.Number("1"), "b": json.Number("2")}}},
		"Expressions":         {`{a: window.x, b: 1}`, map[string]any{"a": nil, "b": json.Number("1")}},
		"LeadingCode":         {`window.state = {"a":1};`, map[string]any{"a": json.Number("1")}},
		"ByteOrderMark":       {"\ufeff{\"a\":1}", map[string]any{"a": json.Number("1")}},
		"LoneSurrogate":       {`["\ud83d x"]`, []any{"\ufffd x"}},
		"BadEscapes":          {`["\q\u12\x41"]`, []any{"q\ufffd12A"}},
		"AddressInText":       {`{"a":"https://x.example/#y"}`, map[string]any{"a": "https://x.example/#y"}},
		"KeepsOrderOfKeys":    {`{"b":1,"a":2}`, map[string]any{"b": json.Number("1"), "a": json.Number("2")}},
		"NumberLikeTextStays": {`["007"]`, []any{"007"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseLoose(test.src)
			require.NoError(t, err)
			require.Equal(t, test.want, plain(got))
		})
	}
}

func TestLooseJSONFindsNothingWhereThereIsNothing(t *testing.T) {
	t.Parallel()

	for _, src := range []string{"", "   ", "<!-- -->", "plain text", `"only a string"`, "42", "// {", "/* { */"} {
		_, err := parseLoose(src)
		require.ErrorIs(t, err, errNoJSON, src)
	}
}

func TestLooseJSONReadsSeveralDocuments(t *testing.T) {
	t.Parallel()

	all := parseLooseAll(nil, `{"a":1} ; [2] garbage {"b":3}`)
	require.Len(t, all, 3)
}

func TestLooseJSONIsBounded(t *testing.T) {
	t.Parallel()

	_, err := parseLoose(strings.Repeat("[", 1_000_000))
	require.NoError(t, err)
	got, err := parseLoose("[" + strings.Repeat("0,", 2*maxJSONValues) + "]")
	require.NoError(t, err)
	list, ok := got.([]any)
	require.True(t, ok)
	require.LessOrEqual(t, len(list), maxJSONValues)
}

// Nothing panics or runs past the end, and what the standard library reads is read the
// same here. Escapes are left out of the comparison: control characters become spaces.
func FuzzLooseJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2,{"b":"c"}]}`, `{'a':1,}`, `<!--{"a":"b"c"}-->`, `[[[`, `{"a":"\ud83d\ude00"}`, `{a:b(c,{d:1})}`, "{\"\xff\":1}", `[1e400,-0,""]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p := &looseParser{src: src}
		for {
			v, err := p.first()
			require.LessOrEqual(t, p.pos, len(src))
			if err != nil {
				break
			}
			_ = plain(v)
		}
		_ = readJSONLD(nil, []string{src})

		start := strings.TrimLeft(src, " \t\r\n")
		compare := start != "" && (start[0] == '{' || start[0] == '[') && json.Valid([]byte(src)) && utf8.ValidString(src) &&
			!strings.Contains(src, `\`) && strings.Count(src, "[")+strings.Count(src, "{") < maxJSONDepth
		if !compare {
			return
		}
		decoder := json.NewDecoder(strings.NewReader(src))
		decoder.UseNumber()
		var want any
		require.NoError(t, decoder.Decode(&want))
		got, err := parseLoose(src)
		require.NoError(t, err)
		require.Equal(t, want, plain(got))
	})
}
