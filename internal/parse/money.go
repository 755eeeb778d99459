package parse

import (
	"regexp"
	"strings"
)

// Money is an amount and, when it is known, its currency.
type Money struct {
	// Amount is a plain decimal: no grouping, '.' as the point, no exponent, the
	// decimals as they were written.
	Amount string `json:"amount"`
	// Currency is an ISO 4217 code, or "" when the text names none or only a
	// symbol that several currencies share.
	Currency string `json:"currency,omitempty"`
}

// String is the amount and the currency, in a form that ParseMoney reads back as the
// same amount: a zero is appended where three decimals would be taken for a group.
func (m Money) String() string {
	amount := m.Amount
	whole, decimals, _ := strings.Cut(strings.TrimPrefix(amount, "-"), ".")
	if len(decimals) == 3 && len(whole) <= 3 && whole != "0" && decimalMarks(m.Currency) == "" {
		amount += "0"
	}
	if m.Currency == "" {
		return amount
	}
	return amount + " " + m.Currency
}

// ParseMoney finds the price in text of any locale: "1.299,00 €", "CHF 1'299.–",
// "Rs. 1,49,999", "Now only $12.99!". An amount beside a currency is preferred to a
// bare number before it; of a range the lower end is taken; of an old and a new
// price the new one ("was $20 now $15"). Percentages are no amounts. Words for "free"
// alone are 0. See the package comment for the rules on ambiguous separators.
func ParseMoney(s string) (Money, error) {
	folded := fold(s)
	if folded == "" {
		return Money{}, ErrEmpty
	}
	if free[compact(folded)] {
		return Money{Amount: "0"}, nil
	}
	if m, ok := soleWordCode(folded); ok {
		return m, nil
	}
	all := candidates(folded)
	if len(all) == 0 {
		return Money{}, ErrMoney
	}
	best := choose(folded, all)
	if best.code == "" {
		best.code = currencyAnywhere(folded)
		best.reread()
	}
	return Money{Amount: best.amount, Currency: best.code}, nil
}

var free = map[string]bool{
	"free": true, "forfree": true, "freeofcharge": true, "gratis": true, "kostenlos": true, "gratuit": true, "offert": true,
	"gratuito": true, "безплатно": true, "бесплатно": true, "darmowe": true, "zadarmo": true, "無料": true, "免费": true,
}

// candidate is a number that may be the price.
type candidate struct {
	token
	code   string
	priced bool // a currency stands beside it
	amount string
}

// reread writes the amount again once the currency is known, since that decides
// what a separator before three digits means.
func (c *candidate) reread() bool {
	r, ok := c.read(decimalMarks(c.code))
	if ok {
		c.amount = r.plain(c.negative)
	}
	return ok
}

func candidates(s string) []candidate {
	tokens := scan(s)
	var out []candidate
	for _, t := range tokens {
		if c, ok := priceAt(s, t); ok {
			out = append(out, c)
		}
	}
	return out
}

// priceAt reads a token with the currency marks around it. ok is false when it is
// part of a word, a percentage or no number.
func priceAt(s string, t token) (candidate, bool) {
	before, signed := strings.TrimRight(s[:t.start], " "), t.negative
	after := s[t.end:]
	left, second := marksBefore(before)
	if t.attached && left.size == 0 {
		return candidate{}, false
	}
	if left.size > 0 && !signed {
		t.negative = signBefore(before[:len(before)-left.size])
	}
	cents, after := centsAfter(after, left, &t)
	right, after := markAfter(after, t)
	if strings.HasPrefix(strings.TrimLeft(after, " "), "%") {
		return candidate{}, false
	}
	if left.size > 0 && isDigit(strings.TrimLeft(after, " "), 0) {
		right = mark{} // "$12 €15": the mark belongs to the next number
	}
	c := candidate{token: t, code: pickCode(left, second, right), priced: left.size > 0 || right.size > 0 || cents}
	if !c.reread() {
		return candidate{}, false
	}
	if right.minor {
		c.amount = hundredths(c.amount)
	}
	return c, true
}

// marksBefore reads the mark that ends text and, for "CAD $" or "AU $", the code or
// country before it.
func marksBefore(s string) (first, second mark) {
	first = currencyBefore(s)
	if first.size == 0 {
		return first, second
	}
	rest := s[:len(s)-first.size]
	trimmed := strings.TrimRight(rest, " ")
	if first.code == "USD" && !first.iso && len(trimmed) >= 2 && len(trimmed) < len(rest) {
		country := trimmed[len(trimmed)-2:]
		alone := len(trimmed) == 2 || trimmed[len(trimmed)-3] == ' '
		if code := symbols[strings.ToLower(country)+"$"]; alone && code != "" && country == strings.ToUpper(country) {
			return mark{code: code, size: first.size}, second
		}
	}
	return first, currencyBefore(trimmed)
}

// pickCode prefers an ISO code to a symbol, and what stands before to what follows.
func pickCode(left, second, right mark) string {
	for _, m := range []mark{left, second, right} {
		if m.iso {
			return m.code
		}
	}
	if left.code != "" {
		return left.code
	}
	return right.code
}

func signBefore(s string) bool {
	rest, ok := strings.CutSuffix(s, "-")
	return ok && (rest == "" || strings.HasSuffix(rest, " ") || strings.HasSuffix(rest, "("))
}

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

var (
	rangeGap = regexp.MustCompile(`(?i)^ ?(?:-|~|〜|to|bis|à|a|до|tot|til|till) ?$`)
	oldPrice = regexp.MustCompile(`(?i)(?:^|\PL)(?:was|rrp|msrp|uvp|statt|instead of|list price|originally|original price|regular price|old price|save|au lieu de|prezzo di listino|antes|vorher)\PL*$`)
)

// choose takes the first number with a currency that is not introduced as an old
// price, else the first with a currency, else the first. When that is the upper end of
// a range ("10 - 20 €"), the lower end is the amount.
func choose(s string, all []candidate) candidate {
	best := -1
	for i, c := range all {
		if !c.priced {
			continue
		}
		if best < 0 {
			best = i
		}
		if !oldPrice.MatchString(s[endOf(all, i-1):c.start]) {
			best = i
			break
		}
	}
	if best <= 0 {
		return all[0]
	}
	chosen, lower := all[best], all[best-1]
	if !lower.priced && rangeGap.MatchString(s[lower.end:chosen.start]) {
		lower.code = chosen.code
		if lower.reread() {
			return lower
		}
	}
	return chosen
}

func endOf(all []candidate, i int) int {
	if i < 0 {
		return 0
	}
	return all[i].end
}

// currencyAnywhere reads a currency that stands apart from the number, as in
// "Price (EUR): 12.99". Only symbols and ISO codes count; words would be guesses.
func currencyAnywhere(s string) string {
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !isWord(r) && !isSymbol(r) }) {
		m := lookUp(word)
		first := []rune(word)[0]
		if m.code != "" && (m.iso || isSymbol(first)) {
			return m.code
		}
	}
	return ""
}

var soleCode = regexp.MustCompile(`^(?:([A-Z]{3}) ?(-?[\d., ']+)|(-?[\d., ']+) ?([A-Z]{3}))$`)

// soleWordCode reads an amount in a currency whose code is a word too, when there is
// nothing else in the text.
func soleWordCode(s string) (Money, bool) {
	m := soleCode.FindStringSubmatch(s)
	if m == nil || !wordCodes[m[1]+m[4]] {
		return Money{}, false
	}
	tokens := scan(m[2] + m[3])
	if len(tokens) != 1 {
		return Money{}, false
	}
	r, ok := tokens[0].read("")
	return Money{Amount: r.plain(tokens[0].negative), Currency: m[1] + m[4]}, ok
}
