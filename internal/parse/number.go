package parse

import (
	"fmt"
	"regexp"

	"github.com/shopspring/decimal"
)

// Number gives the first number in text, whatever its locale: "1.299,50",
// "1 299.5", "12,5 %" (12.5: the percent sign is dropped), "4.5 out of 5" (4.5).
// Runs of digits that are part of a word ("B07F") or have no reading as a number
// ("1.2.3") are passed over. Magnitudes ("1.2k") are not applied. Numbers of more
// than 30 digits on either side of the decimal point are refused.
func Number(s string) (decimal.Decimal, error) {
	folded := fold(s)
	if folded == "" {
		return decimal.Decimal{}, ErrEmpty
	}
	if scientific.MatchString(folded) {
		return exactNumber(folded)
	}
	for _, t := range scan(folded) {
		if t.attached && currencyBefore(folded[:t.start]).code == "" {
			continue
		}
		r, ok := t.read("")
		if !ok {
			continue
		}
		return exactNumber(r.plain(t.negative))
	}
	return decimal.Decimal{}, ErrNumber
}

var (
	scientific   = regexp.MustCompile(`^[+-]?\d{1,30}(\.\d{1,30})?[eE][+-]?\d{1,3}$`)
	plainDecimal = regexp.MustCompile(`^-?\d{1,30}(\.\d{1,30})?$`)
)

// exactNumber reads machine notation, as JSON writes numbers: the point is always
// the decimal point. Exponents are bounded before anything is expanded, since
// "1e999999999" is a gigabyte of digits.
func exactNumber(s string) (decimal.Decimal, error) {
	if !plainDecimal.MatchString(s) && !scientific.MatchString(s) {
		return decimal.Decimal{}, ErrNumber
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Decimal{}, fmt.Errorf("%w: %q", ErrNumber, s)
	}
	if d.IsZero() {
		return decimal.Zero, nil
	}
	if int(d.Exponent()) < -maxDigits || d.NumDigits()+int(d.Exponent()) > maxDigits {
		return decimal.Decimal{}, fmt.Errorf("%w: out of range", ErrNumber)
	}
	return d, nil
}
