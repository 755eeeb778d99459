package extract

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"

	"github.com/minohq/mino/internal/parse"
)

// money is an amount found on a page; the currency may be unknown.
type money struct {
	amount   decimal.Decimal
	written  string // the amount with the decimals it was written with
	currency string
	// sign is the sign of the currency when several countries use it: the currency
	// is then the best known of them, and the page may say that another is meant.
	sign string
}

var machineNumber = regexp.MustCompile(`^\d{1,12}(\.\d{1,6})?$`)

// machineMoney reads an amount written for programs: a point is a decimal point
// there, also before three digits. What is not in that form is read like text.
func machineMoney(s string) (money, bool) {
	s = foldSpace(s)
	if !machineNumber.MatchString(s) {
		return textMoney(s)
	}
	d, err := decimal.NewFromString(s)
	return money{amount: d, written: s}, err == nil && d.IsPositive()
}

var sharedSign = regexp.MustCompile(`(?i)(^|[^a-z])(\$|¥|£|kr|rs)([^a-z]|$)`)

// textMoney reads an amount written for people. Nothing costs nothing or less.
func textMoney(s string) (money, bool) {
	read, err := parse.ParseMoney(s)
	if err != nil {
		return money{}, false
	}
	d, err := decimal.NewFromString(read.Amount)
	if err != nil || !d.IsPositive() {
		return money{}, false
	}
	m := money{amount: d, written: read.Amount, currency: read.Currency}
	if sign := sharedSign.FindStringSubmatch(s); sign != nil && (read.Currency == "" || !strings.Contains(s, read.Currency)) {
		m.sign = strings.ToLower(sign[2])
	}
	return m, true
}

// signUsers are the currencies that share a sign.
var signUsers = map[string]string{
	"$":  "USD CAD AUD NZD HKD SGD TWD MXN ARS CLP COP UYU DOP BRL",
	"¥":  "JPY CNY",
	"£":  "GBP EGP",
	"kr": "SEK NOK DKK ISK",
	"rs": "INR PKR LKR NPR MUR",
}

// localCurrency decides whose currency a shared sign means: the one that the page
// states, else that of the country that its language or its address names.
func (p *Page) localCurrency(m money) string {
	users := signUsers[m.sign]
	if code := p.pageCurrency(); code != "" && (m.currency == "" || strings.Contains(users, code)) {
		return code
	}
	sure := language.Exact
	if m.currency == "" {
		sure = language.Low // no country is better known for the sign: its speakers' will do
	}
	for _, region := range p.regions(sure) {
		unit, ok := currency.FromRegion(region)
		if ok && strings.Contains(users, unit.String()) {
			return unit.String()
		}
	}
	return m.currency
}

// regions are the countries that the page's language and address name, the language as
// surely as is asked for.
func (p *Page) regions(sure language.Confidence) []language.Region {
	var out []language.Region
	if tag, err := language.Parse(p.head.language); err == nil {
		if region, confidence := tag.Region(); confidence >= sure {
			out = append(out, region)
		}
	}
	if region, err := language.ParseRegion(topLevel(p.url)); err == nil && region.IsCountry() {
		out = append(out, region)
	}
	return out
}

// topLevel is the last label of the host when it is a country's.
func topLevel(u *url.URL) string {
	host := u.Hostname()
	label := host[strings.LastIndexByte(host, '.')+1:]
	if len(label) != 2 {
		return ""
	}
	return strings.ToUpper(label)
}

// pageCurrency is the currency that the page states anywhere.
func (p *Page) pageCurrency() string {
	content, _ := p.head.metaContent("product:price:currency", "og:price:currency", "currency", "pricecurrency")
	if code := parse.CurrencyCode(content); code != "" {
		return code
	}
	for _, it := range p.product().all() {
		for _, o := range offers(it) {
			if code := parse.CurrencyCode(o.currency); code != "" {
				return code
			}
		}
	}
	return ""
}
