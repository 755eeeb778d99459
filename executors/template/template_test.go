package template_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/template"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	values := template.Values{
		SiteURL: "https://shop.example/",
		Inputs:  map[string]string{"sku": "A 1", "Product name": "Kettle", "odd": "{{sku}}"},
		Secrets: map[string]string{"token": "s3cret"},
	}
	for name, test := range map[string]struct{ text, want string }{
		"Plain":            {"no references", "no references"},
		"Empty":            {"", ""},
		"Column":           {"find {{sku}}!", "find A 1!"},
		"White space":      {"{{  Product name }}", "Kettle"},
		"Site":             {"{{site_url}}p?q={{sku}}", "https://shop.example/p?q=A 1"},
		"Secret":           {"Bearer {{secret.token}}", "Bearer s3cret"},
		"Values stay":      {"{{odd}}", "{{sku}}"},
		"Literal":          {"{{{{sku}} is {{sku}}", "{{sku}} is A 1"},
		"Single braces":    {`{"a": {"b": 1}}`, `{"a": {"b": 1}}`},
		"Close before":     {"}} {{sku}}", "}} A 1"},
		"Two in a row":     {"{{sku}}{{sku}}", "A 1A 1"},
		"Next to brackets": {"[{{sku}}]", "[A 1]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parsed, err := template.Parse(test.text)
			require.NoError(t, err)
			got, err := parsed.Expand(values, nil)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
	t.Run("Escaped", func(t *testing.T) {
		t.Parallel()
		parsed, err := template.Parse("?q={{sku}}&x=1 2")
		require.NoError(t, err)
		got, err := parsed.Expand(values, url.QueryEscape)
		require.NoError(t, err)
		require.Equal(t, "?q=A+1&x=1 2", got)
	})
	t.Run("Escaped by what stands before", func(t *testing.T) {
		t.Parallel()
		parsed, err := template.Parse("/{{sku}}?q={{sku}}")
		require.NoError(t, err)
		got, err := parsed.ExpandAt(values, func(before, value string) string { return "<" + before + "|" + value + ">" })
		require.NoError(t, err)
		require.Equal(t, "/</|A 1>?q=</</|A 1>?q=|A 1>", got)
	})
	t.Run("A column that is called like the site comes first", func(t *testing.T) {
		t.Parallel()
		parsed, err := template.Parse("{{site_url}}")
		require.NoError(t, err)
		got, err := parsed.Expand(template.Values{SiteURL: "a", Inputs: map[string]string{"site_url": "b"}}, nil)
		require.NoError(t, err)
		require.Equal(t, "b", got)
	})
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]template.MissingError{
		"{{colour}}":       {Name: "colour"},
		"{{secret.other}}": {Name: "other", Secret: true},
	} {
		parsed, err := template.Parse(text)
		require.NoError(t, err)
		_, err = parsed.Expand(template.Values{Inputs: map[string]string{"sku": "1"}}, nil)
		var missing *template.MissingError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, want, *missing)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text, want string
		allowed    bool
	}{
		"Good":             {"{{sku}} {{secret.token}} {{site_url}}", "", true},
		"Open":             {"abc {{sku", "has {{ without }} at byte 4", true},
		"Nameless":         {"{{ }}", "has {{ without the name of a column at byte 0", true},
		"Nested":           {"{{a {{b}}", "has {{ without the name of a column at byte 0", true},
		"Unknown column":   {"{{colour}}", `refers to the column "colour", which is not among the project's inputs`, true},
		"Unknown secret":   {"{{secret.x}}", `refers to the secret "x", which the project does not have`, true},
		"Secret forbidden": {"{{secret.token}}", `refers to the secret "token", and secrets do not belong here`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := template.Check(test.text, []string{"sku"}, []string{"token"}, test.allowed)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
	t.Run("Any column when none are declared", func(t *testing.T) {
		t.Parallel()
		parsed, err := template.Check("{{a}} {{b}} {{a}} {{site_url}}", nil, nil, false)
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, parsed.Columns())
		require.Empty(t, parsed.Secrets())
		require.False(t, parsed.StartsWithSite())
	})
}
