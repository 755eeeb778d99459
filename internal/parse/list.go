package parse

import (
	"encoding/json"
	"fmt"
	"strings"
)

// List reads several values from one text: a JSON array, else the parts between line
// breaks or semicolons. A comma does not separate, since names hold commas. Blank
// members are dropped; the order and what stands twice are kept.
func List(s string) []string {
	trimmed := strings.TrimSpace(s)
	if strings.HasPrefix(trimmed, "[") {
		var members []any
		if json.Unmarshal([]byte(trimmed), &members) == nil {
			if list, err := listOf(members); err == nil {
				return list
			}
		}
	}
	var out []string
	for _, part := range strings.FieldsFunc(trimmed, func(r rune) bool { return r == ';' || r == '\n' || r == '\r' }) {
		if part = Text(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// listOf gives the members of a JSON array as texts.
func listOf(members []any) ([]string, error) {
	out := make([]string, 0, len(members))
	for _, m := range members {
		if m == nil {
			continue
		}
		text, err := scalarText(m)
		if err != nil {
			return nil, fmt.Errorf("%w: a member is no text", ErrKind)
		}
		if text = Text(text); text != "" {
			out = append(out, text)
		}
	}
	return out, nil
}
