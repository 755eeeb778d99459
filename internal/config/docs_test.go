package config_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// withoutDefault is the mark of the table for a setting that has none.
const withoutDefault = "–"

// TestDocumentation holds docs/configuration.md and the settings together: every
// setting has a row with its names and its default, and every row is a setting.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `(--[a-z-]+)` \\| `([A-Z_]+)` \\| (\\S+) \\|").FindAllStringSubmatch(string(text), -1)
	documented := make([]string, 0, len(rows))
	for _, row := range rows {
		documented = append(documented, fmt.Sprintf("%s %s %s", row[1], row[2], strings.Trim(row[3], "`")))
	}

	declared := make([]string, 0, len(rows))
	for _, part := range new(settings).parts() {
		for field := range reflect.TypeOf(part).Elem().Fields() {
			if name, named := field.Tag.Lookup("name"); named {
				declared = append(declared, fmt.Sprintf("--%s %s %s", name, field.Tag.Get("env"), defaultOf(field)))
			}
		}
	}
	require.Equal(t, declared, documented)
}

// defaultOf reads the default of a setting; that of "${variable=default}" is what
// commands without a default of their own have.
func defaultOf(field reflect.StructField) string {
	value := field.Tag.Get("default")
	if inner, ok := strings.CutPrefix(value, "${"); ok {
		_, value, _ = strings.Cut(strings.TrimSuffix(inner, "}"), "=")
	}
	switch {
	case value != "":
		return value
	case field.Type.Kind() == reflect.Bool:
		return "false"
	}
	return withoutDefault
}
