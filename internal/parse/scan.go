package parse

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDigits bounds each side of the decimal point. It is far above any real value
// and keeps a page of digits from becoming a number.
const maxDigits = 30

// token is a run of digits and separators in folded text.
type token struct {
	start, end int // byte offsets; start is that of the sign or leading point, if any
	negative   bool
	groups     []string
	separators []byte // between the groups; 'd' stands for the Arabic decimal separator
	attached   bool   // a letter stands directly before it
}

// scan finds the digit runs of folded text, in order.
func scan(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		if !isDigit(s, i) {
			i++
			continue
		}
		t := scanRun(s, i)
		i = t.end
		t.readLead(s)
		out = append(out, t)
	}
	return out
}

func scanRun(s string, start int) token {
	end := digitsEnd(s, start)
	t := token{start: start, groups: []string{s[start:end]}}
	for {
		sep, size := separatorAt(s, end)
		if size == 0 || !isDigit(s, end+size) {
			break
		}
		next := digitsEnd(s, end+size)
		if sep == ' ' && !t.spaceGroups(next-end-size) {
			break
		}
		t.separators = append(t.separators, sep)
		t.groups = append(t.groups, s[end+size:next])
		end = next
	}
	t.end = end
	return t
}

// spaceGroups reports whether a space may continue the run: it groups thousands and
// nothing else, so "1 299" is one number and "3 12" are two.
func (t *token) spaceGroups(nextLen int) bool {
	if nextLen != 3 || len(t.groups[0]) > 3 {
		return false
	}
	for _, sep := range t.separators {
		if sep != ' ' {
			return false
		}
	}
	return true
}

// readLead looks at what stands directly before the run: a sign, a leading point
// (".99"), or a letter, which makes the run part of a word.
func (t *token) readLead(s string) {
	before := s[:t.start]
	if rest, ok := strings.CutSuffix(before, "."); ok && len(t.separators) == 0 {
		r, _ := utf8.DecodeLastRuneInString(rest)
		if rest == "" || (!isWord(r) && r != '.') {
			t.groups = []string{"0", t.groups[0]}
			t.separators = []byte{'d'}
			t.start--
			before = rest
		}
	}
	if rest, ok := strings.CutSuffix(before, "-"); ok {
		r, _ := utf8.DecodeLastRuneInString(rest)
		if rest == "" || r == ' ' || r == '(' || isSymbol(r) {
			t.negative = true
			t.start--
			before = rest
		}
	}
	r, _ := utf8.DecodeLastRuneInString(before)
	t.attached = before != "" && isWord(r)
}

// reading is a token understood as a number: digits without leading zeros, and the
// decimals as written.
type reading struct{ whole, decimals string }

// read decides which separators group and which one is the decimal point. ok is
// false for runs that are no number, such as "1.2.3" or "12.31.2026".
func (t *token) read(threeDecimals string) (reading, bool) {
	groups := append([]string(nil), t.groups...)
	groups[0] = trimZeros(groups[0])
	n := len(t.separators)
	var r reading
	switch {
	case n == 0:
		r.whole = groups[0]
	case isDecimal(groups, t.separators, threeDecimals):
		if n > 1 && !validGroups(groups[:n], t.separators[:n-1]) {
			return r, false
		}
		r.whole, r.decimals = strings.Join(groups[:n], ""), groups[n]
	default:
		if !validGroups(groups, t.separators) {
			return r, false
		}
		r.whole = strings.Join(groups, "")
	}
	return r, len(r.whole) <= maxDigits && len(r.decimals) <= maxDigits
}

// isDecimal reports whether the last separator is the decimal point.
func isDecimal(groups []string, seps []byte, threeDecimals string) bool {
	n := len(seps)
	last := seps[n-1]
	if last == 'd' {
		return true
	}
	if last == ' ' || last == '\'' {
		return false
	}
	if n > 1 {
		if !bytes.Contains(seps[:n-1], seps[n-1:]) {
			return true
		}
		// "1.299.00": sloppy, but it can be read in one way only.
		return len(groups[n]) == 2 && len(groups[n-1]) == 3
	}
	grouped := len(groups[1]) == 3 && len(groups[0]) <= 3 && groups[0] != "0"
	return !grouped || strings.IndexByte(threeDecimals, last) >= 0
}

// validGroups accepts thousands ("1,234,567") and, with commas, the Indian system
// ("12,34,567"). All separators are of one kind and the first group is not zero.
func validGroups(groups []string, seps []byte) bool {
	n := len(groups)
	if groups[0] == "0" || len(groups[0]) > 3 || len(groups[n-1]) != 3 {
		return false
	}
	middle := 3
	if n > 2 && seps[0] == ',' && len(groups[1]) == 2 && len(groups[0]) <= 2 {
		middle = 2
	}
	for i := 1; i < n-1; i++ {
		if len(groups[i]) != middle {
			return false
		}
	}
	for _, sep := range seps {
		if sep != seps[0] || sep == 'd' {
			return false
		}
	}
	return true
}

// plain writes a reading as a plain decimal. Zero has no sign.
func (r reading) plain(negative bool) string {
	s := r.whole
	if r.decimals != "" {
		s += "." + r.decimals
	}
	if negative && strings.Trim(s, "0.") != "" {
		return "-" + s
	}
	return s
}

func trimZeros(s string) string {
	if t := strings.TrimLeft(s, "0"); t != "" {
		return t
	}
	return "0"
}

func isDigit(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

func digitsEnd(s string, i int) int {
	for isDigit(s, i) {
		i++
	}
	return i
}

// separatorAt gives the separator that stands at i and its size in bytes, 0 if none.
func separatorAt(s string, i int) (sep byte, size int) {
	if i >= len(s) {
		return 0, 0
	}
	switch s[i] {
	case '.', ',', '\'', ' ':
		return s[i], 1
	}
	if strings.HasPrefix(s[i:], string(arabicDecimal)) {
		return 'd', len(string(arabicDecimal))
	}
	return 0, 0
}

// isWord reports whether a character joins its neighbours to a word. Scripts that are
// written without spaces do not: in 每箱799 the number stands by itself.
func isWord(r rune) bool {
	if !unicode.IsLetter(r) && !unicode.IsMark(r) {
		return false
	}
	return !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer)
}

func isSymbol(r rune) bool { return unicode.Is(unicode.Sc, r) }
