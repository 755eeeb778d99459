package parse

import (
	"regexp"
	"strings"
)

var (
	dashes   = regexp.MustCompile(`^[.,:]?-{1,2}(?: |$|[^\d -])`)
	colon    = regexp.MustCompile(`^:(\d\d)(?: ?kr| ?SEK| ?NOK| ?DKK|$)`)
	inside   = regexp.MustCompile(`^(€|\$|£)(\d\d)(?:\D|$)`)
	raised   = regexp.MustCompile(`^ ?([⁰¹²³⁴⁵⁶⁷⁸⁹]{2})(?:[^⁰¹²³⁴⁵⁶⁷⁸⁹]|$)`)
	lowered  = strings.NewReplacer("⁰", "0", "¹", "1", "²", "2", "³", "3", "⁴", "4", "⁵", "5", "⁶", "6", "⁷", "7", "⁸", "8", "⁹", "9")
	minorEnd = regexp.MustCompile(`^(?: ?¢|p(?:$|[^\p{L}\d]))`)
)

// centsAfter reads what may stand in the place of decimals after a whole number:
// the dash of "1299.–", the colon of "12:50 kr", cents after the symbol ("12€99") or
// raised ("12⁹⁹"). It gives the text that is left; priced says that a currency was
// passed on the way.
func centsAfter(s string, left mark, t *token) (priced bool, rest string) {
	if m := dashes.FindString(s); m != "" {
		return false, strings.TrimLeft(s, ".,:-")
	}
	if m := colon.FindStringSubmatch(s); m != nil && (left.size > 0 || len(m[0]) > 3) {
		t.addCents(m[1])
		return false, s[3:]
	}
	if m := inside.FindStringSubmatch(s); m != nil && left.size == 0 && t.addCents(m[2]) {
		return true, m[1] + s[len(m[1])+2:]
	}
	if m := raised.FindStringSubmatch(s); m != nil && t.addCents(lowered.Replace(m[1])) {
		return false, s[strings.Index(s, m[1])+len(m[1]):]
	}
	return false, s
}

// addCents appends decimals to a token that has none; a token that may have some
// already is left as it is.
func (t *token) addCents(cents string) bool {
	if len(t.separators) > 0 && !validGroups(t.groups, t.separators) {
		return false
	}
	t.groups = append(append([]string(nil), t.groups...), cents)
	t.separators = append(append([]byte(nil), t.separators...), 'd')
	return true
}

// markAfter reads the mark that begins text, and an ISO code that follows it
// ("12 $ CAD"), and gives the text after them. A mark for hundredths counts after one
// or two digits only: "99p" is a price, "1080p" is not.
func markAfter(s string, t token) (mark, string) {
	if m := minorEnd.FindString(s); m != "" && len(t.separators) == 0 && len(t.groups[0]) <= 2 {
		code := "GBP"
		if strings.Contains(m, "¢") {
			code = "USD"
		}
		return mark{code: code, size: len(m), minor: true}, s[len(m):]
	}
	trimmed := strings.TrimLeft(s, " ")
	m := currencyAfter(trimmed)
	rest := trimmed[m.size:]
	if m.size == 0 {
		return m, s
	}
	if next := currencyAfter(strings.TrimLeft(rest, " ")); next.iso && !m.iso {
		after := strings.TrimLeft(rest, " ")[next.size:]
		if !isDigit(strings.TrimLeft(after, " "), 0) {
			return next, after
		}
	}
	return m, rest
}

func hundredths(amount string) string {
	sign := ""
	if strings.HasPrefix(amount, "-") {
		sign, amount = "-", amount[1:]
	}
	for len(amount) < 3 {
		amount = "0" + amount
	}
	return sign + amount[:len(amount)-2] + "." + amount[len(amount)-2:]
}
