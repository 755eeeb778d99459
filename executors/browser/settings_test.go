package browser

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/field"
)

func spec(settings string) executors.Spec {
	return executors.Spec{
		Instruction: "Read the price.", Fields: productFields, Settings: json.RawMessage(settings),
		Inputs: []string{"sku", "size"}, Secrets: []string{"key", "token"},
	}
}

const complete = `{
	"wait": {"until": "networkidle", "selector": ".price", "timeout_ms": 5000},
	"steps": [
		{"action": "click", "selector": "#ok", "optional": true, "timeout_ms": 500},
		{"action": "type", "selector": "#q", "text": "{{sku}} {{secret.key}}"},
		{"action": "select", "selector": "#size", "value": "{{size}}"},
		{"action": "press", "key": "Enter"},
		{"action": "scroll"}, {"action": "scroll", "pixels": -100}, {"action": "wait_for", "selector": "h1"}, {"action": "wait", "ms": 100}
	],
	"timeout_ms": 90000, "viewport": {"width": 400, "height": 800}, "user_agent": "T/1", "accept_language": "de",
	"headers": {"Authorization": "Bearer {{secret.token}}", "X-Sku": "{{sku}}"}, "screenshot": "full_page", "block": ["images", "media", "fonts"],
	"max_body_bytes": 100000
}`

func TestValidate(t *testing.T) {
	t.Parallel()
	e := New(Config{})
	t.Cleanup(e.Close)
	require.Equal(t, "browser", e.Name())
	for _, settings := range []string{"", "null", "{}", complete} {
		require.NoError(t, e.Validate(spec(settings)), settings)
	}
	many := `{"steps": [` + strings.TrimSuffix(strings.Repeat(`{"action": "scroll"},`, 51), ",") + `]}`
	for settings, want := range map[string]string{
		`[]`:                                        "settings: must be an object",
		`{"colour": 1}`:                             "colour: is not a setting of this executor",
		`{"timeout_ms": 5}`:                         "timeout_ms: must be between 1000 and 600000",
		`{"timeout_ms": "5"}`:                       "timeout_ms: must be a whole number",
		`{"wait": 1}`:                               "wait: must be an object",
		`{"wait": {"until": "later"}}`:              "until: must be one of load, domcontentloaded, networkidle",
		`{"wait": {"moment": "load"}}`:              "moment: is not a setting of this executor",
		`{"wait": {"timeout_ms": 1}}`:               "timeout_ms: must be between 100 and 120000",
		`{"viewport": {"width": 10}}`:               "width: must be between 100 and 4000",
		`{"screenshot": "yes"}`:                     "screenshot: must be one of viewport, full_page, none",
		`{"block": ["images", "ads"]}`:              "1: must be one of images, media, fonts",
		`{"block": "images"}`:                       "block: must be a list",
		`{"max_body_bytes": 1}`:                     "max_body_bytes: must be between 1024 and 10485760",
		`{"user_agent": "a\nb"}`:                    "user_agent: must be a header value",
		`{"headers": {"Host": "a"}}`:                "Host: is taken from the URL",
		`{"headers": {"Proxy-Authorization": "a"}}`: "Proxy-Authorization: belongs to the connection",
		`{"headers": {"X": "{{secret.other}}"}}`:    `X: refers to the secret "other", which the project does not have`,
		`{"headers": {"X Y": "a"}}`:                 "X Y: is not the name of a header",
		`{"steps": [{"action": "dance"}]}`:          "action: must be one of click, press, scroll, select, type, wait, wait_for",
		`{"steps": [{"action": "click"}]}`:          "selector: is needed by click",
		`{"steps": [{"action": "click", "selector": "a", "text": "b"}]}`:                    "text: does not belong to click",
		`{"steps": [{"action": "type", "selector": "a"}]}`:                                  "text: is needed by type",
		`{"steps": [{"action": "type", "selector": "a", "text": "{{colour}}"}]}`:            `text: refers to the column "colour"`,
		`{"steps": [{"action": "type", "selector": "a", "text": 1}]}`:                       "text: must be a string",
		`{"steps": [{"action": "press", "key": "Any"}]}`:                                    "key: must be one of ArrowDown",
		`{"steps": [{"action": "wait", "ms": 10001}]}`:                                      "ms: must be between 1 and 10000",
		`{"steps": [{"action": "scroll", "optional": true}]}`:                               "selector: is needed by optional and timeout_ms",
		`{"steps": [{"action": "click", "selector": "a", "selektor": "b"}]}`:                "selektor: is not a setting of this executor",
		`{"steps": [{"action": "click", "selector": "` + strings.Repeat("a", 2001) + `"}]}`: "selector: the length must be no more than 2000",
		many: "steps: at most 50 steps",
	} {
		require.ErrorContains(t, e.Validate(spec(settings)), want, settings)
	}
	wrong := spec("")
	wrong.Fields = []field.Field{{Name: "price", Extract: &field.Extract{CSS: "[["}}}
	require.ErrorContains(t, e.Validate(wrong), "fields")
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	e := New(Config{})
	t.Cleanup(e.Close)
	require.Equal(t, executors.Needs{Columns: []string{"size", "sku"}, Secrets: []string{"key", "token"}}, e.Needs(spec(complete)))
	require.Empty(t, e.Needs(spec("")))
}
