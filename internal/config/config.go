// Package config holds what an operator sets: one struct for each part of a
// process, read from flags and from the environment by kong, a flag before its
// variable, a variable before the default.
//
// The struct tags are authoritative for names and defaults; docs/configuration.md
// repeats them, and a test holds the two together. Verify checks every part that a
// command uses before the command opens anything, and reports everything that is
// wrong at once, by flag and by variable.
//
// Failure: Verify returns an *Error; nothing here touches the network or the disk,
// except that the files named for TLS are looked for. Values that are secret have
// the types Secret and DatabaseURL, which show themselves redacted however they
// are printed.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/invopop/validation"
	"go.uber.org/zap"
)

// Part is the configuration of one part of a process: a pointer to one of the
// structs of this package.
type Part interface {
	// Check reports what is wrong as validation.Errors by field name; nil when nothing
	// is. It is not called Validate because kong would call that by itself, part by
	// part, and stop at the first that fails.
	Check() error
}

// Problem is one setting that is wrong.
type Problem struct {
	Flag    string // such as "--listen"
	Env     string // such as "MINO_LISTEN"; empty when there is none
	Message string
}

// String names the setting and says what is wrong with it.
func (p Problem) String() string {
	if p.Env == "" {
		return fmt.Sprintf("%s: %s", p.Flag, p.Message)
	}
	return fmt.Sprintf("%s (%s): %s", p.Flag, p.Env, p.Message)
}

// Error is everything that is wrong with a configuration, in the order of the flags.
type Error struct {
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, "the configuration is not valid:")
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

// Verify checks the parts and returns an *Error with every problem of all of them,
// or nil.
func Verify(parts ...Part) error {
	var problems []Problem
	for _, part := range parts {
		problems = append(problems, problemsOf(part)...)
	}
	if len(problems) == 0 {
		return nil
	}
	return &Error{Problems: problems}
}

// problemsOf turns what Check found into problems in the order of the fields.
func problemsOf(part Part) []Problem {
	err := part.Check()
	if err == nil {
		return nil
	}
	var byField validation.Errors
	if !errors.As(err, &byField) {
		return []Problem{{Flag: fmt.Sprintf("%T", part), Message: err.Error()}}
	}
	settings := settingsOf(part)
	order := make(map[string]int, len(settings))
	for i, s := range settings {
		order[s.field] = i
	}
	names := make([]string, 0, len(byField))
	for name := range byField {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return order[names[i]] < order[names[j]] })

	problems := make([]Problem, 0, len(names))
	for _, name := range names {
		s := settings[order[name]]
		problems = append(problems, Problem{Flag: s.Flag, Env: s.Env, Message: byField[name].Error()})
	}
	return problems
}

// Setting is one setting with its effective value.
type Setting struct {
	Flag  string
	Env   string
	Value string // redacted where it is secret

	field string
}

// Effective lists the settings of the parts as they are in effect, for the log at
// start. Secrets are redacted.
func Effective(parts ...Part) []Setting {
	var all []Setting
	for _, part := range parts {
		all = append(all, settingsOf(part)...)
	}
	return all
}

// Fields gives the settings of the parts as fields of a log line, keyed by flag.
func Fields(parts ...Part) []zap.Field {
	settings := Effective(parts...)
	fields := make([]zap.Field, 0, len(settings))
	for _, s := range settings {
		fields = append(fields, zap.String(strings.TrimPrefix(s.Flag, "--"), s.Value))
	}
	return fields
}

// settingsOf reads the tags of a part. A field without a name tag is no setting of
// its own: an embedded part, or one that is filled by code.
func settingsOf(part Part) []Setting {
	value := reflect.Indirect(reflect.ValueOf(part))
	settings := make([]Setting, 0, value.NumField())
	for i := range value.NumField() {
		field := value.Type().Field(i)
		name, named := field.Tag.Lookup("name")
		if !named {
			continue
		}
		settings = append(settings, Setting{
			Flag:  "--" + name,
			Env:   field.Tag.Get("env"),
			Value: fmt.Sprint(value.Field(i).Interface()),
			field: field.Name,
		})
	}
	return settings
}
