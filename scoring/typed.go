package scoring

import (
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// unreadable is a mismatch because one side is not of the comparer's type.
func unreadable(side string, err error) outcome {
	return outcome{reason: "the " + side + " is " + err.Error()}
}

// number compares within the tolerance. A truth such as "1.250" is taken both as
// text (1250) and as machine notation (1.25): a CSV column may be either, and the
// value says which one was meant.
func (c comparison) number(truth string) outcome {
	actual, err := numberOf(c.actual)
	if err != nil {
		return unreadable("value", err)
	}
	readings, err := numberReadings(truth)
	if err != nil {
		return unreadable("truth", err)
	}
	for _, want := range readings {
		if c.within(actual, want) {
			return outcome{match: true}
		}
	}
	return outcome{reason: reasonDiffers}
}

// numberOf reads a value as a number; of money, the amount.
func numberOf(v any) (decimal.Decimal, error) {
	if m, ok := v.(parse.Money); ok {
		v = json.Number(m.Amount)
	}
	canonical, err := parse.Canonical(field.Field{Type: field.TypeNumber}, v)
	if err != nil {
		return decimal.Decimal{}, err
	}
	n, _ := canonical.(json.Number) // the canonical form of a number
	return decimal.NewFromString(n.String())
}

func numberReadings(truth string) ([]decimal.Decimal, error) {
	var out []decimal.Decimal
	if exact, err := numberOf(json.Number(strings.TrimSpace(truth))); err == nil {
		out = append(out, exact)
	}
	read, err := parse.Number(truth)
	if err != nil && len(out) == 0 {
		return nil, err
	}
	if err == nil {
		out = append(out, read)
	}
	return out, nil
}

// within reports whether a value is within either tolerance of the truth.
func (c comparison) within(actual, want decimal.Decimal) bool {
	difference := actual.Sub(want).Abs()
	if difference.LessThanOrEqual(tolerance(c.Tolerance)) {
		return true
	}
	relative := want.Abs().Mul(tolerance(c.TolerancePercent)).Shift(-2)
	return difference.LessThanOrEqual(relative)
}

// tolerance is a setting as a decimal; nonsense, which validation refuses, is none.
func tolerance(f float64) decimal.Decimal {
	if math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
		return decimal.Zero
	}
	return decimal.NewFromFloat(f)
}

// money compares amounts within the tolerance, and the currencies when both sides
// name one. A truth in plain notation is read both ways, as number does.
func (c comparison) money(truth string) outcome {
	actual, err := moneyOf(c.actual)
	if err != nil {
		return unreadable("value", err)
	}
	want, err := parse.ParseMoney(truth)
	if err != nil {
		return unreadable("truth", err)
	}
	if actual.Currency != "" && want.Currency != "" && actual.Currency != want.Currency {
		return outcome{reason: "another currency"}
	}
	amount, err := numberOf(json.Number(actual.Amount))
	if err != nil {
		return unreadable("value", err)
	}
	amounts := []string{want.Amount, strings.TrimSpace(truth)}
	for _, a := range amounts {
		if d, err := numberOf(json.Number(a)); err == nil && c.within(amount, d) {
			return outcome{match: true}
		}
	}
	return outcome{reason: reasonDiffers}
}

func moneyOf(v any) (parse.Money, error) {
	canonical, err := parse.Canonical(field.Field{Type: field.TypeMoney}, v)
	if err != nil {
		return parse.Money{}, err
	}
	m, _ := canonical.(parse.Money) // the canonical form of money
	return m, nil
}

// date compares days when one side knows no more, else the instants.
func (c comparison) date(truth string) outcome {
	actual, err := parse.Date(textOf(c.actual))
	if err != nil {
		return unreadable("value", err)
	}
	want, err := parse.Date(truth)
	if err != nil {
		return unreadable("truth", err)
	}
	if len(actual) == len(time.DateOnly) || len(want) == len(time.DateOnly) {
		return matchIf(actual[:len(time.DateOnly)] == want[:len(time.DateOnly)])
	}
	a, errA := time.Parse(time.RFC3339Nano, actual)
	w, errW := time.Parse(time.RFC3339Nano, want)
	return matchIf(errA == nil && errW == nil && a.Equal(w))
}

// url compares addresses by what they lead to, not by how they are written.
func (c comparison) url(truth string) outcome {
	actual, err := normalURL(textOf(c.actual))
	if err != nil {
		return unreadable("value", err)
	}
	want, err := normalURL(truth)
	if err != nil {
		return unreadable("truth", err)
	}
	return matchIf(actual == want)
}

// normalURL folds what does not change the address: the case of scheme and host, a
// default port, a trailing slash, the fragment, the order of the query's keys and
// needless escapes. Values of one key keep their order, which may matter.
func normalURL(s string) (string, error) {
	absolute, err := parse.URL(s, nil)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(absolute)
	if err != nil {
		return "", parse.ErrURL
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	normal := url.URL{Scheme: u.Scheme, User: u.User, Host: strings.TrimSuffix(host, ":"), Path: strings.TrimRight(u.Path, "/")}
	if strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		normal.RawPath = strings.TrimRight(u.RawPath, "/") // an escaped slash is no separator
	}
	normal.RawQuery = u.RawQuery
	if query, err := url.ParseQuery(u.RawQuery); err == nil {
		normal.RawQuery = query.Encode()
	}
	return normal.String(), nil
}

func (c comparison) boolean(truth string) outcome {
	kind := field.Field{Type: field.TypeBoolean}
	actual, err := parse.Canonical(kind, c.actual)
	if err != nil {
		return unreadable("value", err)
	}
	want, err := parse.Boolean(truth)
	if err != nil {
		return unreadable("truth", err)
	}
	return matchIf(actual == want)
}

// set compares members as folded texts, whatever their order and number. One
// accepted value holds all members, written as parse.List reads them; text of one
// member is also tried split at its commas, since many lists are written so.
func (c comparison) set(truth string) outcome {
	canonical, err := parse.Canonical(field.Field{Type: field.TypeList}, c.actual)
	if err != nil {
		return unreadable("value", err)
	}
	actual, _ := canonical.([]string) // the canonical form of a list
	for _, have := range setReadings(actual) {
		for _, want := range setReadings(parse.List(truth)) {
			if equalSets(have, want) {
				return outcome{match: true}
			}
		}
	}
	return outcome{reason: reasonDiffers}
}

func setReadings(members []string) []map[string]bool {
	out := []map[string]bool{setOf(members)}
	if len(members) == 1 && strings.Contains(members[0], ",") {
		out = append(out, setOf(strings.Split(members[0], ",")))
	}
	return out
}

func setOf(members []string) map[string]bool {
	out := make(map[string]bool, len(members))
	for _, m := range members {
		if folded := fold(m); folded != "" {
			out[folded] = true
		}
	}
	return out
}

func equalSets(a, b map[string]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for m := range a {
		if !b[m] {
			return false
		}
	}
	return true
}
