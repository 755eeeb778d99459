package cli

import (
	"strings"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
)

// acceptedValues reads a cell of right values as an upload does: several apart by "|",
// one that holds it writes "\|"; blank ones are none. A field that compares by a regular
// expression has one value, in which "|" is what it is there.
func acceptedValues(cell string, f field.Field) []string {
	parts := []string{cell}
	if f.Compare == nil || f.Compare.Comparer != field.CompareRegex {
		parts = splitAccepted(cell)
	}
	values := []string{}
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			values = append(values, part)
		}
	}
	return values
}

func splitAccepted(cell string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(cell); i++ {
		switch {
		case strings.HasPrefix(cell[i:], `\|`):
			part.WriteByte('|')
			i++
		case cell[i] == '|':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(cell[i])
		}
	}
	return append(parts, part.String())
}

// fieldNamed finds a field of a project.
func fieldNamed(p wire.Project, name string) (field.Field, bool) {
	for _, f := range p.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return field.Field{}, false
}

// fieldNames lists the fields of a project for a message.
func fieldNames(p wire.Project) string {
	names := make([]string, len(p.Fields))
	for i, f := range p.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}
