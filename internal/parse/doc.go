// Package parse turns text found in the wild into typed values: prices in any
// locale, numbers, dates, booleans, URLs, stock levels. It is pure: no clock, no
// network, no locale of the machine, so that the same text gives the same value on
// every worker and in every replay.
//
// The package is authoritative for the canonical JSON form of a value, which
// models/field describes. The executors call it on what they find, package scoring
// calls it on both sides of a comparison, and so both read text alike. Canonical
// forms are stable: parsing one again gives the same value.
//
// Text is ambiguous, and the rules that decide are fixed here:
//   - One separator followed by exactly three digits groups: "1.299" and "1,299"
//     are 1299. It is a decimal point after a lone zero ("0.500"), after more than
//     three digits ("1234.567"), and in currencies with three decimals
//     ("KWD 1.250"; with a comma, "1,250 TND" only).
//   - Of a range, the first number is taken.
//   - "$" is USD, "¥" JPY, "£" GBP and "Rs" INR unless the text says otherwise
//     ("CA$", "$12 CAD"). "kr" is the krona of four countries and names no currency.
//   - Dates with slashes are month first, with dots or hyphens day first, unless
//     only the other order makes a date. A time without a zone is taken as UTC.
//
// Numbers, money and dates are looked for in the first 4 KiB of text, wordings for
// availability in the first 512 bytes.
//
// Failure: text that does not hold a value of the type gives one of the package's
// errors, whose message is short enough to be shown as the reason of a mismatch.
// Nothing here panics, whatever the text.
package parse

import "errors"

// The errors of the package. They are compared with errors.Is.
var (
	ErrEmpty        = errors.New("empty")
	ErrNumber       = errors.New("not a number")
	ErrMoney        = errors.New("not an amount of money")
	ErrBoolean      = errors.New("not a boolean")
	ErrDate         = errors.New("not a date")
	ErrURL          = errors.New("not an http or https URL")
	ErrAvailability = errors.New("not a known availability")
	ErrEnum         = errors.New("not one of the values")
	ErrKind         = errors.New("not of this type")
)
