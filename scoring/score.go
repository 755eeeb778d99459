package scoring

import (
	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// Verdict is what a result is worth.
type Verdict string

// The verdicts; the package comment says what each one means.
const (
	Correct       Verdict = "correct"
	Partial       Verdict = "partial"
	Wrong         Verdict = "wrong"
	Unverified    Verdict = "unverified"
	Empty         Verdict = "empty"
	Blocked       Verdict = "blocked"
	SchemaInvalid Verdict = "schema_invalid"
)

// Verdicts lists every verdict, the best first.
func Verdicts() []Verdict {
	return []Verdict{Correct, Partial, Wrong, Unverified, Empty, Blocked, SchemaInvalid}
}

// Input is what a job brought and what was expected of it.
type Input struct {
	// Fields are those of the execution's snapshot.
	Fields []field.Field
	// Result holds values by field name; an absent, null or blank one was not found.
	Result map[string]any
	// Truth holds the accepted values by field name.
	Truth map[string][]string
	// Blocked says why the page is not the one that was asked for; "" when it is.
	Blocked string
}

// Score is the judgement of one job.
type Score struct {
	Verdict Verdict `json:"verdict"`
	// Matched of Compared fields agree with their truth.
	Matched  int `json:"matched"`
	Compared int `json:"compared"`
	// Accuracy is Matched/Compared, 0–1; nil when nothing was compared.
	Accuracy *float64 `json:"accuracy,omitempty"`
	// Fields holds every comparison, by name.
	Fields map[string]FieldResult `json:"fields,omitempty"`
	// Invalid says, by field, why the result is not what the project asked for.
	Invalid map[string]string `json:"invalid,omitempty"`
}

// FieldResult is one comparison.
type FieldResult struct {
	Match    bool           `json:"match"`
	Comparer field.Comparer `json:"comparer"`
	// Expected are the accepted values, without the blank ones.
	Expected []string `json:"expected"`
	// Actual is the value found, in canonical form if it has one; nil when there is
	// none.
	Actual any `json:"actual"`
	// Similarity to the nearest accepted value, 0–1; fuzzy comparisons only.
	Similarity *float64 `json:"similarity,omitempty"`
	// Reason says in a few words why it does not match.
	Reason string `json:"reason,omitempty"`
}

// The reasons of a mismatch that do not come from a comparer.
const (
	reasonMissing = "missing"
	reasonBlocked = "blocked"
)

// Evaluate scores one job. What a blocked page brought does not count: its fields
// are compared with no value found.
func Evaluate(in Input) Score {
	s := Score{Fields: map[string]FieldResult{}, Invalid: map[string]string{}}
	wanted := make(map[string]field.Field, len(in.Fields)+len(in.Truth))
	for name := range in.Truth {
		wanted[name] = field.Field{Name: name, Type: field.TypeText}
	}
	for _, f := range in.Fields {
		wanted[f.Name] = f
		if reason := invalid(f, in.Result[f.Name]); reason != "" {
			s.Invalid[f.Name] = reason
		}
	}
	for name, truth := range in.Truth {
		accepted := accepted(truth)
		if len(accepted) == 0 {
			continue
		}
		r := compareField(wanted[name], accepted, in.Result[name], in.Blocked != "")
		s.Fields[name] = r
		s.Compared++
		if r.Match {
			s.Matched++
		}
	}
	if s.Compared > 0 {
		share := float64(s.Matched) / float64(s.Compared)
		s.Accuracy = &share
	}
	s.Verdict = s.verdict(in)
	return s
}

func (s Score) verdict(in Input) Verdict {
	switch {
	case in.Blocked != "":
		return Blocked
	case s.foundNothing(in):
		return Empty
	case len(s.Invalid) > 0:
		return SchemaInvalid
	case s.Compared == 0:
		return Unverified
	case s.Matched == s.Compared:
		return Correct
	case s.Matched == 0:
		return Wrong
	}
	return Partial
}

// foundNothing reports whether no field that is wanted, or compared, has a value.
func (s Score) foundNothing(in Input) bool {
	for _, f := range in.Fields {
		if !parse.IsEmpty(in.Result[f.Name]) {
			return false
		}
	}
	for name := range s.Fields {
		if !parse.IsEmpty(in.Result[name]) {
			return false
		}
	}
	return len(in.Fields) > 0
}

// invalid says why a value is not what the field asks for, "" when it is.
func invalid(f field.Field, value any) string {
	if parse.IsEmpty(value) {
		if f.Required {
			return reasonMissing
		}
		return ""
	}
	if _, err := parse.Canonical(f, value); err != nil {
		return err.Error()
	}
	return ""
}

// accepted drops the blank values of a truth.
func accepted(truth []string) []string {
	out := make([]string, 0, len(truth))
	for _, t := range truth {
		if parse.Text(t) != "" {
			out = append(out, t)
		}
	}
	return out
}
