package scoring

import (
	"regexp"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// outcome is one value held against one accepted value.
type outcome struct {
	match      bool
	similarity *float64
	reason     string
}

func matchIf(match bool) outcome {
	if match {
		return outcome{match: true}
	}
	return outcome{reason: reasonDiffers}
}

const reasonDiffers = "differs"

// compareField holds a value against every accepted one. The first that matches
// decides; of mismatches, the most similar is told, else the first.
func compareField(f field.Field, accepted []string, value any, blocked bool) FieldResult {
	settings := settingsOf(f)
	r := FieldResult{Comparer: settings.Comparer, Expected: accepted}
	if parse.IsEmpty(value) {
		r.Reason = reasonMissing
		return r
	}
	r.Actual = value
	canonical, err := parse.Canonical(f, value)
	if err == nil {
		r.Actual = canonical
	}
	if blocked {
		r.Reason = reasonBlocked
		return r
	}
	c := comparison{Compare: settings, field: f, value: value, actual: r.Actual}
	for i, truth := range accepted {
		o := c.against(truth)
		if o.match {
			r.Match, r.Similarity, r.Reason = true, o.similarity, ""
			return r
		}
		if i == 0 || (o.similarity != nil && r.Similarity != nil && *o.similarity > *r.Similarity) {
			r.Similarity, r.Reason = o.similarity, o.reason
		}
	}
	return r
}

// settingsOf gives a field's comparer, which is its type's unless it names one.
func settingsOf(f field.Field) field.Compare {
	if f.Compare == nil {
		return field.Compare{Comparer: field.DefaultComparer(f.Type)}
	}
	settings := *f.Compare
	if settings.Comparer == "" {
		settings.Comparer = field.DefaultComparer(f.Type)
	}
	return settings
}

// comparison is one value with all that is needed to hold it against a truth.
type comparison struct {
	field.Compare
	field  field.Field
	value  any // as the executor gave it
	actual any // in canonical form, if it has one
}

func (c comparison) against(truth string) outcome {
	switch c.Comparer {
	case field.CompareExact:
		return c.exact(truth)
	case field.CompareNumber:
		return c.number(truth)
	case field.CompareMoney:
		return c.money(truth)
	case field.CompareDate:
		return c.date(truth)
	case field.CompareURL:
		return c.url(truth)
	case field.CompareBoolean:
		return c.boolean(truth)
	case field.CompareSet:
		return c.set(truth)
	case field.CompareFuzzy:
		return c.fuzzy(truth)
	case field.CompareRegex:
		return c.regex(truth)
	case field.CompareText:
	}
	return c.text(truth)
}

// exact compares character by character, the value as it was found.
func (c comparison) exact(truth string) outcome {
	if s, ok := c.value.(string); ok {
		return matchIf(s == truth)
	}
	return matchIf(textOf(c.actual) == truth)
}

func (c comparison) text(truth string) outcome {
	return matchIf(fold(textOf(c.actual)) == fold(c.typedTruth(truth)))
}

// typedTruth reads the truth of an enum as the value was read, so that "in stock"
// equals InStock. Of other types the text itself is compared.
func (c comparison) typedTruth(truth string) string {
	if c.field.Type != field.TypeEnum {
		return truth
	}
	member, err := parse.Canonical(c.field, truth)
	if err != nil {
		return truth
	}
	return textOf(member)
}

// regex matches the whole value. The expression is compiled by itself first: inside
// the anchors an unbalanced one could become valid.
func (c comparison) regex(truth string) outcome {
	const bad = "the truth is not a valid regular expression"
	if _, err := regexp.Compile(truth); err != nil {
		return outcome{reason: bad}
	}
	anchored, err := regexp.Compile(`\A(?:` + truth + `)\z`)
	if err != nil {
		return outcome{reason: bad}
	}
	return matchIf(anchored.MatchString(textOf(c.actual)))
}

// fuzzy compares folded texts by similarity.
func (c comparison) fuzzy(truth string) outcome {
	threshold := c.Threshold
	if threshold == 0 {
		threshold = defaultThreshold
	}
	measure := jaroWinkler
	if c.Algorithm == "levenshtein" {
		measure = levenshteinRatio
	}
	similarity := measure(fold(textOf(c.actual)), fold(c.typedTruth(truth)))
	if similarity < threshold {
		return outcome{similarity: &similarity, reason: "too different"}
	}
	return outcome{match: true, similarity: &similarity}
}

// defaultThreshold is that of a fuzzy comparison that names none.
const defaultThreshold = 0.9
