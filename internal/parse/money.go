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
//
//nolint:revive // Money is the type
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

//nolint:gosmopolitan // the words of many languages are what is looked for
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
	if !c.reread() || (!c.priced && strings.HasSuffix(before, "/")) { // "/ 100 pack" is what a price is for
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
		lower.reread()
		return lower
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
