package field

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/invopop/validation"
)

// MaxFields bounds the fields of a project; every one of them is a counter in
// the live statistics of each of its executions.
const MaxFields = 100

var namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// ValidName reports whether a name can be a field's.
func ValidName(name string) bool { return namePattern.MatchString(name) }

// ValidateAll checks the fields of one project: each by itself, and that no two
// share a name whatever its case (CSV headers are matched without case).
func ValidateAll(fields []Field) error {
	if len(fields) > MaxFields {
		return fmt.Errorf("at most %d fields", MaxFields)
	}
	errs := validation.Errors{}
	seen := make(map[string]int, len(fields))
	for i, f := range fields {
		key := strconv.Itoa(i)
		if err := f.Validate(); err != nil {
			errs[key] = err
			continue
		}
		lower := strings.ToLower(f.Name)
		if first, ok := seen[lower]; ok {
			errs[key] = validation.Errors{"name": fmt.Errorf("is the name of field %d already", first)}
			continue
		}
		seen[lower] = i
	}
	return errs.Filter()
}

// Validate checks one field. What depends on the executor, such as whether a
// CSS selector compiles, is the executor's to check.
func (f Field) Validate() error {
	return validation.ValidateStruct(&f,
		validation.Field(&f.Name, validation.Required,
			validation.Match(namePattern).Error("must start with a letter and have only letters, digits and underscores, 64 at most")),
		validation.Field(&f.Type, validation.Required, validation.In(anySlice(Types())...).Error("must be one of "+join(Types()))),
		validation.Field(&f.Description, validation.Length(0, 2000)),
		validation.Field(&f.Values, validation.By(f.checkValues)),
		validation.Field(&f.Extract),
		validation.Field(&f.Compare),
	)
}

func (f Field) checkValues(any) error {
	if f.Type != TypeEnum {
		if len(f.Values) > 0 {
			return errors.New("only a field of type enum has values")
		}
		return nil
	}
	if len(f.Values) == 0 {
		return errors.New("a field of type enum needs its values")
	}
	if len(f.Values) > 100 {
		return errors.New("at most 100 values")
	}
	seen := make(map[string]bool, len(f.Values))
	for _, v := range f.Values {
		lower := strings.ToLower(strings.TrimSpace(v))
		if lower == "" {
			return errors.New("a value must not be blank")
		}
		if seen[lower] {
			return fmt.Errorf("the value %q stands twice", v)
		}
		seen[lower] = true
	}
	return nil
}

// Validate checks that a rule selects in exactly one way.
func (e Extract) Validate() error {
	selectors := 0
	for _, s := range []string{e.Property, e.CSS, e.JSONPath} {
		if s != "" {
			selectors++
		}
	}
	if selectors > 1 {
		return errors.New("only one of property, css and jsonpath can select")
	}
	if selectors == 0 && e.Regex == "" {
		return errors.New("needs one of property, css, jsonpath or regex")
	}
	return validation.ValidateStruct(&e,
		validation.Field(&e.Attribute, validation.When(e.CSS == "", validation.Empty.Error("needs css"))),
		validation.Field(&e.Regex, validation.By(func(any) error {
			_, err := regexp.Compile(e.Regex)
			return err
		})),
	)
}

// Validate checks a comparer and the settings that go with it.
func (c Compare) Validate() error {
	return validation.ValidateStruct(&c,
		validation.Field(&c.Comparer, validation.Required, validation.In(anySlice(Comparers())...).Error("must be one of "+join(Comparers()))),
		validation.Field(&c.Tolerance, validation.Min(0.0)),
		validation.Field(&c.TolerancePercent, validation.Min(0.0), validation.Max(100.0)),
		validation.Field(&c.Threshold, validation.Min(0.0), validation.Max(1.0)),
		validation.Field(&c.Algorithm, validation.In("jaro_winkler", "levenshtein")),
	)
}

func anySlice[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

func join[T ~string](in []T) string {
	parts := make([]string, len(in))
	for i, v := range in {
		parts[i] = string(v)
	}
	return strings.Join(parts, ", ")
}
