package setting_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/setting"
)

type inner struct {
	Name string `json:"name,omitempty"`
}

func (i *inner) UnmarshalJSON(raw []byte) error { return setting.Decode(raw, i) }

type outer struct {
	Text   *string           `json:"text,omitempty"`
	Count  *int64            `json:"count,omitempty"`
	On     bool              `json:"on,omitempty"`
	List   []string          `json:"list,omitempty"`
	Map    map[string]string `json:"map,omitempty"`
	Inner  *inner            `json:"inner,omitempty"`
	Inners []inner           `json:"inners,omitempty"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ raw, want string }{
		"All":         {`{"text": "a", "count": 0, "on": true, "list": ["b"], "map": {"c": "d"}, "inner": {"name": "e"}}`, ""},
		"Absent":      {``, ""},
		"Null":        {` null `, ""},
		"No object":   {`[1]`, "must be an object"},
		"Text":        {`{"text": 1}`, "text: must be a string."},
		"Count":       {`{"count": 1.5}`, "count: must be a whole number."},
		"On":          {`{"on": 1}`, "on: must be true or false."},
		"List":        {`{"list": "b"}`, "list: must be a list."},
		"Map":         {`{"map": {"c": 1}}`, "map: must be an object of strings."},
		"Inner":       {`{"inner": {"name": 1}}`, "inner: (name: must be a string.)."},
		"Inner's own": {`{"inner": {"nome": "e"}}`, "inner: (nome: is not a setting of this executor.)."},
		"Unknown":     {`{"txt": "a"}`, "txt: is not a setting of this executor."},
		"Two":         {`{"text": 1, "on": 1}`, "on: must be true or false; text: must be a string."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var into outer
			err := setting.Decode(json.RawMessage(test.raw), &into)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
	var into outer
	require.NoError(t, setting.Decode(json.RawMessage(`{"count": 0, "inner": {"name": "e"}}`), &into))
	require.Zero(t, *into.Count)
	require.Equal(t, "e", into.Inner.Name)
}

func TestBetween(t *testing.T) {
	t.Parallel()
	rule := setting.Between(1, 10)
	zero, one, eleven := 0, int64(1), int64(11)
	for _, fine := range []any{(*int)(nil), (*int64)(nil), &one, one, 10} {
		require.NoError(t, validation.Validate(fine, rule), "%v", fine)
	}
	for _, wrong := range []any{&zero, zero, &eleven, int64(-1)} {
		require.EqualError(t, validation.Validate(wrong, rule), "must be between 1 and 10", "%v", wrong)
	}
}

func TestOneOf(t *testing.T) {
	t.Parallel()
	rule := setting.OneOf("a", "b")
	require.NoError(t, validation.Validate("a", rule))
	require.NoError(t, validation.Validate("", rule))
	require.EqualError(t, validation.Validate("c", rule), "must be one of a, b")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	own := map[string]string{"User-Agent": "is the setting user_agent", "Sec-": "belongs to the browser"}
	for name, test := range map[string]struct{ header, value, want string }{
		"Fine":                {"x-key", "v", ""},
		"No name":             {"x key", "v", "is not the name of a header"},
		"A long name":         {strings.Repeat("x", 129), "v", "is not the name of a header"},
		"The connection's":    {"transfer-encoding", "v", "belongs to the connection"},
		"The proxy's":         {"proxy-authorization", "v", "belongs to the connection"},
		"The executor's":      {"user-agent", "v", "is the setting user_agent"},
		"One of a family":     {"sec-fetch-mode", "v", "belongs to the browser"},
		"Like a family":       {"security", "v", ""},
		"No value":            {"x-key", "a\nb", "must be a header value of at most 4096 bytes"},
		"A long value":        {"x-key", strings.Repeat("v", 4097), "must be a header value of at most 4096 bytes"},
		"What is not wanted":  {"x-key", "unwanted", "is not wanted"},
		"The empty value too": {"x-key", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := map[string]string{}
			err := setting.Headers(map[string]string{test.header: test.value}, own, func(name, value string) error {
				if value == "unwanted" {
					return errors.New("is not wanted")
				}
				read[name] = value
				return nil
			})
			if test.want != "" {
				var errs validation.Errors
				require.ErrorAs(t, err, &errs)
				require.EqualError(t, errs[test.header], test.want)
				require.Empty(t, read)
				return
			}
			require.NoError(t, err)
			require.Len(t, read, 1)
		})
	}
	t.Run("Twice", func(t *testing.T) {
		t.Parallel()
		err := setting.Headers(map[string]string{"x-key": "1", "X-Key": "2"}, nil, func(string, string) error { return nil })
		require.ErrorContains(t, err, "stands twice")
	})
	t.Run("Too many", func(t *testing.T) {
		t.Parallel()
		many := map[string]string{}
		for i := range setting.MaxHeaders + 1 {
			many["x-"+strings.Repeat("x", i+1)] = "v"
		}
		require.EqualError(t, setting.Headers(many, nil, nil), "at most 50 headers")
	})
	short, long := "a", strings.Repeat("a", setting.MaxHeaderBytes+1)
	require.NoError(t, setting.HeaderValue(&short))
	require.NoError(t, setting.HeaderValue((*string)(nil)))
	require.Error(t, setting.HeaderValue(&long))
}
