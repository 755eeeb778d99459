package standin

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// defaultSchema is what a run without an output schema finds.
const defaultSchema = `{"type":"object","properties":{"title":{"type":"string"},"price":{"type":"number"},
"currency":{"type":"string"},"in_stock":{"type":"boolean"},"url":{"type":"string"}}}`

// blockedReason is what a run says that was kept out.
const blockedReason = "Access denied: the site asked to solve a captcha, which the agent could not do."

// find makes up, or fetches, what a completed run has found.
func (r *run) find() (json.RawMessage, *schemaValidation) {
	result := r.findValue()
	check := validateResult(r.req.OutputSchema, result)
	if r.outcome.Kind == SchemaInvalid && (check == nil || check.Valid) {
		check = &schemaValidation{RePromptAttempts: mostRePrompts, Errors: []schemaError{{
			Path: "", Expected: "object", Received: typeOf(nil), Message: "the result is not as the schema says",
		}}}
	}
	return result, check
}

func (r *run) findValue() json.RawMessage {
	switch {
	case r.outcome.Result != nil:
		return r.outcome.Result
	case r.outcome.Kind == Blocked:
		return marshal(map[string]any{"status": "failure", "reason": blockedReason})
	case r.outcome.Kind == AllNull:
		return marshal(r.maker().nothing(r.schema()))
	case r.outcome.Kind == SchemaInvalid:
		return marshal(spoil(r.maker().object(r.schema()), r.schema()))
	case r.behaviour.ResultFunc != nil:
		return marshal(r.behaviour.ResultFunc(r.req))
	case r.behaviour.Result != nil:
		return r.behaviour.Result
	}
	return marshal(r.maker().object(r.schema()))
}

// marshal gives null for what has no JSON form, such as a function's channel.
func marshal(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		return json.RawMessage("null")
	}
	return text
}

func (r *run) schema() map[string]any {
	text := r.req.OutputSchema
	if len(text) == 0 {
		text = json.RawMessage(defaultSchema)
	}
	var schema map[string]any
	_ = json.Unmarshal(text, &schema) // checkSchema has read it
	return schema
}

// maker makes values up. A site has the same ones in every run.
type maker struct {
	lot *rand.Rand
	url string
}

func (r *run) maker() maker { return maker{lot: draws(r.seed, r.req.URL, 0), url: r.req.URL} }

// object makes up an object, its members in the order of their names so that the lot
// falls the same way each time.
func (m maker) object(schema map[string]any) map[string]any {
	out := make(map[string]any)
	for _, name := range propertyNames(schema) {
		out[name] = m.value(name, propertyOf(schema, name))
	}
	return out
}

func propertyNames(schema map[string]any) []string {
	properties, _ := schema["properties"].(map[string]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func propertyOf(schema map[string]any, name string) map[string]any {
	properties, _ := schema["properties"].(map[string]any)
	inner, _ := properties[name].(map[string]any)
	return inner
}

func (m maker) value(name string, schema map[string]any) any {
	if choices, ok := schema["enum"].([]any); ok && len(choices) > 0 {
		return choices[m.lot.IntN(len(choices))]
	}
	if some, ok := schema["anyOf"].([]any); ok && len(some) > 0 {
		return m.value(name, firstThatIsSomething(some))
	}
	kind, _ := schema["type"].(string)
	switch kind {
	case "object":
		return m.object(schema)
	case "array":
		return m.array(name, schema)
	case "boolean":
		return m.lot.IntN(4) > 0
	case "integer":
		return int(m.within(schema, float64(1+m.lot.IntN(99)), 1))
	case "number":
		return m.within(schema, float64(100*(5+m.lot.IntN(195))-1)/100, 0.01)
	case "null":
		return nil
	}
	return m.text(name, schema)
}

// firstThatIsSomething is the first alternative that is not null.
func firstThatIsSomething(some []any) map[string]any {
	for _, one := range some {
		if schema, ok := one.(map[string]any); ok && schema["type"] != "null" {
			return schema
		}
	}
	return map[string]any{"type": "null"}
}

func (m maker) array(name string, schema map[string]any) []any {
	n := 2
	if least, ok := schema["minItems"].(float64); ok {
		n = max(n, int(least))
	}
	if most, ok := schema["maxItems"].(float64); ok {
		n = min(n, int(most))
	}
	items, _ := schema["items"].(map[string]any)
	out := make([]any, n)
	for i := range out {
		out[i] = m.value(name, items)
	}
	return out
}

// within brings a number between minimum and maximum.
func (m maker) within(schema map[string]any, drawn, step float64) float64 {
	least, hasLeast := schema["minimum"].(float64)
	most, hasMost := schema["maximum"].(float64)
	if hasLeast && drawn < least {
		drawn = least + step
	}
	if hasMost && drawn > most {
		drawn = most
	}
	return drawn
}

// Words of which names of goods are made.
var (
	adjectives = []string{"Quiet", "Nordic", "Folding", "Oak", "Copper", "Woven", "Amber", "Slate"}
	nouns      = []string{"Chair", "Lamp", "Kettle", "Desk", "Rug", "Clock", "Shelf", "Basket"}
)

// text makes up a string that suits its format, or else its name.
func (m maker) text(name string, schema map[string]any) string {
	format, _ := schema["format"].(string)
	day := time.Date(2025, time.January, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, m.lot.IntN(365))
	amount := fmt.Sprintf("%d.%02d", 5+m.lot.IntN(195), m.lot.IntN(100))
	name = strings.ToLower(name)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
	}
	switch {
	case format == "date-time":
		return day.Format(time.RFC3339)
	case format == "date", has("date"):
		return day.Format(time.DateOnly)
	case format == "uri", format == "url", has("url", "link"):
		return m.url
	case has("currency"):
		return "EUR"
	case has("amount"):
		return amount
	case has("price", "cost", "total"):
		return amount + " EUR"
	case has("sku", "code", "number", "_id"), name == "id":
		return fmt.Sprintf("MS-%05d", m.lot.IntN(100000))
	case has("availability", "stock"):
		return "In stock"
	}
	return adjectives[m.lot.IntN(len(adjectives))] + " " + nouns[m.lot.IntN(len(nouns))]
}

// nothing is what a run has found that found nothing: null for every member, and empty
// arrays.
func (m maker) nothing(schema map[string]any) map[string]any {
	out := make(map[string]any)
	for _, name := range propertyNames(schema) {
		inner := propertyOf(schema, name)
		switch inner["type"] {
		case "object":
			out[name] = m.nothing(inner)
		case "array":
			out[name] = []any{}
		default:
			out[name] = nil
		}
	}
	return out
}

// spoil gives the first member a type that it should not have.
func spoil(object, schema map[string]any) map[string]any {
	names := propertyNames(schema)
	if len(names) == 0 {
		return object
	}
	if kind := propertyOf(schema, names[0])["type"]; kind == nil || kind == "string" {
		object[names[0]] = map[string]any{"unexpected": true}
	} else {
		object[names[0]] = "not available"
	}
	return object
}
