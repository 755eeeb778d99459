package export

import (
	"bytes"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// negative is a negative number or amount of money: there is nothing in it to run.
var negative = regexp.MustCompile(`^-[0-9]+(\.[0-9]+)?( [A-Z]{3})?$`)

// AppendDefused appends a text to dst such that a spreadsheet takes it for a text. It
// puts an apostrophe before one that begins with =, +, -, @ or their full-width forms,
// after white space or not, or with a tab, carriage return or line feed. Negative numbers
// such as -12.5, and amounts such as -12.50 EUR, stay as they are.
func AppendDefused(dst, s []byte) []byte {
	if dangerous(s) {
		dst = append(dst, '\'')
	}
	return append(dst, s...)
}

func dangerous(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	switch s[0] {
	case '\t', '\r', '\n':
		return true
	}
	// Some programs drop the space before they look.
	first, _ := utf8.DecodeRune(bytes.TrimLeftFunc(s, ignored))
	switch first {
	case '=', '+', '@', '＝', '＋', '－', '＠':
		return true
	case '-':
		return !negative.Match(s)
	}
	return false
}

// ignored tells what cannot be seen before a text: space, and marks of format such as a
// byte order mark.
func ignored(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
