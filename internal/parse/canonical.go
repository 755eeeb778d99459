package parse

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/minohq/mino/models/field"
)

// Canonical gives the canonical form of a value as an executor, an agent or a JSON
// column holds it, or an error when the value does not fit the field's type. Strings
// are parsed as Value does. An array of one member stands for the member. nil, blank
// strings and empty arrays are ErrEmpty. JSON numbers are exact: the rules on
// ambiguous separators are for text only. Canonical is idempotent.
func Canonical(f field.Field, v any) (any, error) {
	if IsEmpty(v) {
		return nil, ErrEmpty
	}
	switch t := v.(type) {
	case string:
		return Value(f, t, nil)
	case []any:
		return canonicalArray(f, t)
	case []string:
		members := make([]any, len(t))
		for i := range t {
			members[i] = t[i]
		}
		return canonicalArray(f, members)
	case Money:
		return canonicalMoney(f, map[string]any{"amount": t.Amount, "currency": t.Currency})
	case map[string]any:
		return canonicalMoney(f, t)
	case bool:
		return canonicalBool(f, t)
	}
	d, err := numberOf(v)
	if err != nil {
		return nil, err
	}
	return canonicalNumber(f, d)
}

// IsEmpty reports whether a value says nothing: nil, a blank string, an array or
// object whose members all say nothing.
func IsEmpty(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case string:
		return Text(t) == ""
	case json.Number:
		return t == ""
	case []any:
		for _, m := range t {
			if !IsEmpty(m) {
				return false
			}
		}
		return true
	case []string:
		for _, m := range t {
			if Text(m) != "" {
				return false
			}
		}
		return true
	case map[string]any:
		for _, m := range t {
			if !IsEmpty(m) {
				return false
			}
		}
		return true
	case Money:
		return t.Amount == "" && t.Currency == ""
	}
	return false
}

func canonicalArray(f field.Field, members []any) (any, error) {
	if f.Type != field.TypeList {
		var only any
		for _, m := range members {
			if IsEmpty(m) {
				continue
			}
			if only != nil {
				return nil, fmt.Errorf("%w: several values for one", ErrKind)
			}
			only = m
		}
		if _, nested := only.([]any); nested {
			return nil, fmt.Errorf("%w: an array", ErrKind)
		}
		return Canonical(f, only)
	}
	list, err := listOf(members)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// canonicalMoney reads an object with an amount (also named "value" or "price") and
// a currency as a code or symbol.
func canonicalMoney(f field.Field, object map[string]any) (any, error) {
	if f.Type != field.TypeMoney {
		return nil, fmt.Errorf("%w: an object", ErrKind)
	}
	var amount any
	for _, key := range []string{"amount", "value", "price"} {
		if v, ok := object[key]; ok && !IsEmpty(v) {
			amount = v
			break
		}
	}
	if amount == nil {
		return nil, fmt.Errorf("%w: no amount", ErrMoney)
	}
	var m Money
	switch a := amount.(type) {
	case string:
		if plainDecimal.MatchString(a) {
			m.Amount = tidy(a)
			break
		}
		parsed, err := ParseMoney(a)
		if err != nil {
			return nil, err
		}
		m = parsed
	default:
		d, err := numberOf(a)
		if err != nil {
			return nil, fmt.Errorf("%w: the amount is no number", ErrMoney)
		}
		m.Amount = d.String()
	}
	for _, key := range []string{"currency", "priceCurrency"} {
		if c, ok := object[key].(string); ok && !IsEmpty(c) {
			m.Currency = CurrencyCode(c)
			break
		}
	}
	return m, nil
}

func canonicalBool(f field.Field, b bool) (any, error) {
	if f.Type == field.TypeBoolean {
		return b, nil
	}
	if f.Type == field.TypeNumber || f.Type == field.TypeMoney {
		return nil, fmt.Errorf("%w: a boolean", ErrKind)
	}
	return Value(f, strconv.FormatBool(b), nil)
}

func canonicalNumber(f field.Field, d decimal.Decimal) (any, error) {
	switch f.Type {
	case field.TypeNumber:
		return json.Number(d.String()), nil
	case field.TypeMoney:
		return Money{Amount: d.String()}, nil
	case field.TypeDate, field.TypeURL:
		return nil, fmt.Errorf("%w: a number", ErrKind)
	case field.TypeText, field.TypeBoolean, field.TypeEnum, field.TypeList:
	}
	return Value(f, d.String(), nil)
}

// tidy drops leading zeros and the sign of zero from a plain decimal, and keeps its
// decimals as they were written.
func tidy(amount string) string {
	unsigned, negative := strings.CutPrefix(amount, "-")
	whole, decimals, _ := strings.Cut(unsigned, ".")
	return reading{whole: trimZeros(whole), decimals: decimals}.plain(negative)
}

// numberOf gives any Go or JSON number as a decimal.
func numberOf(v any) (decimal.Decimal, error) {
	switch n := v.(type) {
	case json.Number:
		return exactNumber(n.String())
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return decimal.Decimal{}, ErrNumber
		}
		return exactNumber(strconv.FormatFloat(n, 'g', -1, 64))
	case float32:
		return numberOf(float64(n))
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return exactNumber(fmt.Sprintf("%d", n))
	}
	return decimal.Decimal{}, fmt.Errorf("%w: %T", ErrKind, v)
}

// scalarText gives a string, number or boolean as text.
func scalarText(v any) (string, error) {
	switch t := v.(type) {
	case string:
		return t, nil
	case bool:
		return strconv.FormatBool(t), nil
	}
	d, err := numberOf(v)
	if err != nil {
		return "", ErrKind
	}
	return d.String(), nil
}
