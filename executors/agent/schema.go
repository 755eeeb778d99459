package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/minohq/mino/models/field"
)

// Bounds of an output_schema, which the service refuses beyond them before it begins a
// run.
const (
	maxSchema      = 64 << 10
	maxSchemaDepth = 10
)

// schemaKeywords are those that the service takes.
var schemaKeywords = []string{
	"anyOf", "enum", "format", "items", "maxItems", "maximum", "minItems", "minimum",
	"nullable", "properties", "propertyOrdering", "required", "type",
}

// schema is an output_schema, as far as fields need one.
type schema struct {
	Type       string            `json:"type"`
	Nullable   bool              `json:"nullable,omitempty"`
	Enum       []string          `json:"enum,omitempty"`
	Items      *schema           `json:"items,omitempty"`
	Properties map[string]schema `json:"properties,omitempty"`
	Required   []string          `json:"required,omitempty"`
	Ordering   []string          `json:"propertyOrdering,omitempty"` //nolint:tagliatelle // a keyword of the service
}

// schemaOf derives the schema from the fields; nil when there are none. Every value may
// be null, a required one too: an agent that has to say something makes something up.
func schemaOf(fields []field.Field) json.RawMessage {
	if len(fields) == 0 {
		return nil
	}
	root := schema{Type: "object", Properties: make(map[string]schema, len(fields))}
	for _, f := range fields {
		root.Properties[f.Name] = schemaOfField(f)
		root.Ordering = append(root.Ordering, f.Name)
		if f.Required {
			root.Required = append(root.Required, f.Name)
		}
	}
	encoded, err := json.Marshal(root)
	if err != nil {
		return nil // strings and booleans always have a JSON form
	}
	return encoded
}

func schemaOfField(f field.Field) schema {
	s := schema{Type: "string", Nullable: true}
	switch f.Type {
	case field.TypeNumber:
		s.Type = "number"
	case field.TypeBoolean:
		s.Type = "boolean"
	case field.TypeEnum:
		s.Enum = f.Values
	case field.TypeList:
		s.Type, s.Items = "array", &schema{Type: "string"}
	case field.TypeMoney:
		s.Type, s.Required, s.Ordering = "object", []string{"amount"}, []string{"amount", "currency"}
		// An amount is text: as a number it would lose digits.
		s.Properties = map[string]schema{"amount": {Type: "string"}, "currency": {Type: "string", Nullable: true}}
	case field.TypeText, field.TypeDate, field.TypeURL:
		// The service's formats are narrower than what is accepted here.
	}
	return s
}

// checkSchema checks a project's own schema against what the service takes.
func checkSchema(raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	if len(raw) > maxSchema {
		return fmt.Errorf("must be at most %d bytes long", maxSchema)
	}
	var root map[string]any
	if err := json.Unmarshal(raw, &root); err != nil || root == nil {
		return errors.New("must be an object")
	}
	if root["type"] != "object" {
		return errors.New(`must be of type "object" at the top`)
	}
	if _, ok := root["anyOf"]; ok {
		return errors.New("must not have anyOf at the top")
	}
	return checkSchemaAt(root, "", 1)
}

func checkSchemaAt(v any, at string, depth int) error {
	node, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%smust be a schema", place(at))
	}
	if depth > maxSchemaDepth {
		return fmt.Errorf("%sis nested more than %d deep", place(at), maxSchemaDepth)
	}
	for _, keyword := range sorted(node) {
		if !slices.Contains(schemaKeywords, keyword) {
			return fmt.Errorf("%shas the keyword %q; the service takes %s", place(at), keyword, strings.Join(schemaKeywords, ", "))
		}
		if err := checkKeyword(keyword, node[keyword], at+"/"+keyword, depth); err != nil {
			return err
		}
	}
	return nil
}

func checkKeyword(keyword string, v any, at string, depth int) error {
	switch keyword {
	case "properties":
		members, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%smust be an object", place(at))
		}
		for _, name := range sorted(members) {
			if err := checkSchemaAt(members[name], at+"/"+name, depth+1); err != nil {
				return err
			}
		}
	case "items":
		return checkSchemaAt(v, at, depth+1)
	case "anyOf":
		members, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%smust be an array", place(at))
		}
		for _, member := range members {
			if err := checkSchemaAt(member, at, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func place(at string) string {
	if at == "" {
		return ""
	}
	return strings.TrimPrefix(at, "/") + " "
}

func sorted(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
