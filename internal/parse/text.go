package parse

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Text folds runs of white space into one space, trims the ends, removes control
// and invisible characters (U+0000, which PostgreSQL cannot store, among them) and
// replaces invalid UTF-8 by U+FFFD. Joiners stay: they are part of words and emoji.
func Text(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s { // ranging gives U+FFFD for each invalid byte
		switch {
		case unicode.IsSpace(r) || r == '\u2800' || r == '\u3164':
			gap = true
			continue
		case unicode.IsControl(r) || invisible(r):
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
	}
	return b.String()
}

// invisible reports characters that are drawn as nothing and mean nothing to a
// reader: soft hyphens, zero-width spaces, byte order marks, direction marks.
func invisible(r rune) bool {
	switch {
	case r == '\u00AD', r == '\u200B', r == '\u200E', r == '\u200F', r == '\uFEFF', r == '\u061C':
		return true
	case r >= '\u202A' && r <= '\u202E', r >= '\u2060' && r <= '\u2064', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

// fold prepares text for the number scanner: Text, full-width forms narrowed,
// decimal digits of every script as ASCII, one apostrophe, one dash, and the Arabic
// separators as the characters the scanner knows.
func fold(s string) string {
	return strings.Map(foldRune, width.Fold.String(beginning(Text(s), maxText)))
}

// maxText and maxPhrase bound, in bytes, the text in which a value is looked for. A
// value stands near the beginning of its text; without a bound a selector that
// matched a whole page would keep a worker busy for seconds.
const (
	maxText   = 4096
	maxPhrase = 512
)

func beginning(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// arabicDecimal is never a grouping mark, unlike the point and the comma.
const arabicDecimal = '٫'

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if r == '`' {
			return '\''
		}
		return r
	}
	if d, ok := digit(r); ok {
		return d
	}
	switch r {
	case '’', '‘', 'ʼ', '´', '′', '٬': // the last is the Arabic thousands separator
		return '\''
	case '‐', '‑', '‒', '–', '—', '―', '−', '﹣':
		return '-'
	case '،':
		return ','
	}
	return r
}

// digit gives the ASCII digit of a decimal digit of any script. Unicode lays these
// out in runs of ten that begin with zero, so the place in the run is the value.
func digit(r rune) (rune, bool) {
	if r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	for _, t := range unicode.Nd.R16 {
		if low, high := rune(t.Lo), rune(t.Hi); r >= low && r <= high {
			return '0' + (r-low)%10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if low, high := rune(t.Lo), rune(t.Hi); r >= low && r <= high { //nolint:gosec // tables of runes
			return '0' + (r-low)%10, true
		}
	}
	return 0, false
}

// compact reduces a term to what identifies it: lower case, and nothing but letters
// and digits, so that "In Stock", "in_stock" and "InStock" are one.
func compact(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}
