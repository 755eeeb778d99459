package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Limits of an output schema.
const (
	maxSchemaBytes = 64 << 10
	maxSchemaDepth = 10
)

// keywords are those that an output schema may use.
var keywords = []string{
	"anyOf", "enum", "format", "items", "maxItems", "maximum", "minItems", "minimum", "nullable", "properties",
	"propertyOrdering", "required", "type",
}

var types = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

// checkSchema tells what is wrong with an output schema.
func checkSchema(text json.RawMessage) error {
	if len(text) > maxSchemaBytes {
		return fmt.Errorf("is larger than %d bytes", maxSchemaBytes)
	}
	var top map[string]any
	if err := json.Unmarshal(text, &top); err != nil || top == nil {
		return errors.New("must be an object")
	}
	if top["anyOf"] != nil {
		return errors.New("must have no anyOf at the top")
	}
	if top["type"] != "object" {
		return errors.New("must be of type object at the top")
	}
	return checkSubschema(top, 1)
}

// checkSubschema checks a schema at a depth, the top being at 1.
func checkSubschema(value any, depth int) error {
	schema, ok := value.(map[string]any)
	if !ok {
		return errors.New("every schema in it must be an object")
	}
	if depth > maxSchemaDepth {
		return fmt.Errorf("is nested deeper than %d", maxSchemaDepth)
	}
	for keyword := range schema {
		if !slices.Contains(keywords, keyword) {
			return fmt.Errorf("has the keyword %q; allowed are %s", keyword, strings.Join(keywords, ", "))
		}
	}
	if kind, ok := schema["type"]; ok && !isType(kind) {
		return fmt.Errorf("has an unknown type; there are %s", strings.Join(types, ", "))
	}
	for _, inner := range innerSchemas(schema) {
		if err := checkSubschema(inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func isType(value any) bool {
	name, ok := value.(string)
	return ok && slices.Contains(types, name)
}

// innerSchemas are the schemas in a schema; what is none is among them, to be refused.
func innerSchemas(schema map[string]any) []any {
	var out []any
	if properties, ok := schema["properties"]; ok {
		named, isObject := properties.(map[string]any)
		if !isObject {
			return []any{properties}
		}
		for _, inner := range named {
			out = append(out, inner)
		}
	}
	if items, ok := schema["items"]; ok {
		out = append(out, items)
	}
	if some, ok := schema["anyOf"]; ok {
		list, isList := some.([]any)
		if !isList {
			return []any{some}
		}
		out = append(out, list...)
	}
	return out
}

// schemaValidation is what a run says of its result.
type schemaValidation struct {
	Valid            bool          `json:"valid"`
	RePromptAttempts int           `json:"re_prompt_attempts"`
	Errors           []schemaError `json:"errors"`
}

type schemaError struct {
	Path     string `json:"path"`
	Expected string `json:"expected"`
	Received string `json:"received"`
	Message  string `json:"message"`
}

// mostRePrompts is how often the agent asks itself again for a result that fits.
const mostRePrompts = 2

// validateResult holds a result against a schema that checkSchema has accepted.
func validateResult(schema, result json.RawMessage) *schemaValidation {
	if len(schema) == 0 {
		return nil
	}
	out := &schemaValidation{Valid: true, Errors: []schemaError{}}
	var rules openapi3.Schema
	var value any
	if json.Unmarshal(schema, &rules) != nil || json.Unmarshal(result, &value) != nil {
		return out
	}
	if err := rules.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		out.Valid, out.RePromptAttempts = false, mostRePrompts
		out.Errors = schemaErrors(err)
	}
	return out
}

func schemaErrors(err error) []schemaError {
	var many openapi3.MultiError
	if errors.As(err, &many) {
		out := []schemaError{}
		for _, one := range many {
			out = append(out, schemaErrors(one)...)
		}
		return out
	}
	var one *openapi3.SchemaError
	if !errors.As(err, &one) {
		return []schemaError{{Message: err.Error()}}
	}
	expected := one.SchemaField
	if one.Schema != nil && one.Schema.Type != nil {
		expected = strings.Join(one.Schema.Type.Slice(), " or ")
	}
	return []schemaError{{
		Path: strings.Join(one.JSONPointer(), "."), Expected: expected, Received: typeOf(one.Value), Message: one.Reason,
	}}
}

// typeOf is the JSON type of a decoded value.
func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64, json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// decodeStrictly reads one JSON value and refuses members that it does not know.
func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
