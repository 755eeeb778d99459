package extract

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"github.com/minohq/mino/internal/parse"
)

// Pages that scripts draw carry what they show as data: the state of the
// application, or what is told to analytics. A product in it is known by its name,
// or by an identifier that is in the page's address.

const (
	weightState      = 3.5
	weightStateWhole = 2.0 // of an amount without decimals, which may count cents
	weightStateSKU   = 5.0
	weightStateID    = 1.5
	weightStateCode  = 3.5 // of an identifier that a person has thought of
	maxStateProducts = 20
	maxScript        = 4 << 20
)

// stateProduct is what the data of a script says of the page's product.
type stateProduct struct {
	name     string
	currency string // its own, or that of what it stands in
	prices   []string
	skus     []string
	ids      []string
	stocks   []string
}

var (
	dataStart  = regexp.MustCompile(`[=(:,]\s*[\[{]`)
	quotedData = regexp.MustCompile("JSON\\.parse\\(\\s*[\"'`]")
)

// stateProducts finds the page's product in the data of its scripts.
func (p *Page) stateProducts() []stateProduct {
	if p.stateRead {
		return p.state
	}
	p.stateRead = true
	for _, script := range p.head.scripts {
		text := scriptText(script)
		if len(text) > maxScript {
			continue
		}
		for _, data := range p.scriptData(script, text) {
			p.collectState(data, "", 0)
		}
	}
	return p.state
}

// scriptData gives the literals of a script: the whole of a data block, and in code
// what is assigned or passed as an argument.
func (p *Page) scriptData(n *html.Node, text string) []any {
	if strings.Contains(attrText(n, "type"), "json") {
		return parseLooseAll(p.watch, text)
	}
	var out []any
	parser := &looseParser{watch: p.watch, src: text}
	for parser.values < maxJSONValues {
		at := dataStart.FindStringIndex(text[parser.pos:])
		if at == nil {
			break
		}
		parser.pos += at[1] - 1
		v, err := parser.value(0)
		if err != nil {
			break
		}
		out = append(out, v)
	}
	return append(out, p.quotedData(text)...)
}

// quotedData gives what a script reads from a string of JSON, as many are written to be
// read faster.
func (p *Page) quotedData(text string) []any {
	var out []any
	parser := &looseParser{watch: p.watch, src: text}
	for {
		at := quotedData.FindStringIndex(text[parser.pos:])
		if at == nil {
			return out
		}
		parser.pos += at[1]
		out = append(out, parseLooseAll(p.watch, parser.text(text[parser.pos-1]))...)
	}
}

var (
	nameKeys  = wordSet("name", "title", "productname", "itemname", "displayname", "producttitle", "prodname", "articlename")
	priceKeys = wordSet("price", "saleprice", "sellingprice", "currentprice", "finalprice", "productprice", "offerprice",
		"specialprice", "actualprice", "priceamount", "pricevalue", "priceinctax", "priceincludingtax", "unitprice", "pricewithtax", "discountedprice")
	priceGroups  = wordSet("price", "prices", "pricing", "offers", "offer", "priceinfo", "currentprice", "saleprice", "sellingprice", "finalprice", "current", "sale", "now")
	groupAmounts = wordSet("value", "amount", "price", "current", "sale", "now", "centamount", "decimalprice", "sellingprice", "finalprice")
	skuKeys      = wordSet("sku", "productsku", "skuid", "articlenumber", "articleno", "productcode", "itemnumber", "partnumber",
		"productnumber", "itemcode", "styleno", "catalognumber", "reference", "displayreference", "ref")
	idKeys    = wordSet("id", "productid", "itemid", "prodid", "pid", "articleid", "goodsid", "goodsno")
	stockKeys = wordSet("availability", "stockstatus", "availabilitystatus", "stockstate")

	currencyKeys = wordSet("currency", "currencycode", "pricecurrency", "currencyiso", "isocurrency", "currencyisocode")
)

// collectState walks through data and keeps the objects that are the product. The currency
// is that of what they stand in.
func (p *Page) collectState(v any, currency string, depth int) {
	p.watch.step()
	if depth > maxJSONDepth || len(p.state) >= maxStateProducts {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			p.collectState(each, currency, depth+1)
		}
	case object:
		sp := readStateProduct(v)
		if sp.currency == "" {
			sp.currency = currency
		}
		if (len(sp.prices) > 0 || len(sp.skus) > 0) && p.isTheProduct(v, sp) {
			p.state = append(p.state, sp)
		}
		for _, m := range v {
			p.collectState(m.value, sp.currency, depth+1)
		}
	}
}

// isTheProduct tells whether an object is named like the page.
func (p *Page) isTheProduct(o object, sp stateProduct) bool {
	for _, m := range o {
		name, ok := m.value.(string)
		if !ok || !nameKeys[idKey(m.key)] || len(name) < 4 || len(name) > maxHeading {
			continue
		}
		// A variant is often named for the product and, behind a dash, for itself.
		product, _, _ := cutLast(name, " - ")
		if p.namesThePage(name) || p.namesThePage(product) {
			return true
		}
	}
	return slices.ContainsFunc(slices.Concat(sp.skus, sp.ids), func(id string) bool {
		return len(id) >= 5 && p.addressHas(id)
	})
}

// cutLast cuts a text at the last place where a separator stands.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// namesThePage tells whether a name is that of what the page is about.
func (p *Page) namesThePage(name string) bool {
	titles := []string{p.head.title, p.head.h1}
	if l := p.layout(); l.heading >= 0 {
		titles = append(titles, l.runs[l.heading].text)
	}
	for _, title := range titles {
		if overlap(name, title) >= 0.8 && (overlap(title, name) >= 0.5 || strings.Contains(title, name)) && len(tokens(name)) > 1 {
			return true
		}
	}
	return false
}

func readStateProduct(o object) stateProduct {
	var sp stateProduct
	for _, m := range o {
		key := idKey(m.key)
		text, scalar := scalarText(m.value)
		if scalar {
			switch {
			case text == "" || len(text) > 64:
			case priceKeys[key]:
				sp.prices = append(sp.prices, text)
			case skuKeys[key]:
				sp.skus = append(sp.skus, text)
			case idKeys[key]:
				sp.ids = append(sp.ids, text)
			case stockKeys[key]:
				sp.stocks = append(sp.stocks, text)
			case currencyKeys[key]:
				sp.currency = parse.CurrencyCode(text)
			case nameKeys[key] && sp.name == "":
				sp.name = text
			}
			continue
		}
		if inner, ok := m.value.(object); ok && priceGroups[key] {
			sp.readGroup(inner)
		}
	}
	return sp
}

// readGroup reads what stands for a price and has parts.
func (sp *stateProduct) readGroup(group object) {
	for _, m := range group {
		text, scalar := scalarText(m.value)
		switch key := idKey(m.key); {
		case !scalar:
		case groupAmounts[key]:
			sp.prices = append(sp.prices, text)
		case currencyKeys[key]:
			sp.currency = parse.CurrencyCode(text)
		}
	}
}

func (p *Page) voteStatePrices(b *ballot) {
	seen := map[string]bool{}
	for _, sp := range p.stateProducts() {
		for _, text := range sp.prices {
			m, ok := machineMoney(text)
			if !ok || seen[moneyKey(m.amount)] || countsCents(m, b, seen) {
				continue
			}
			seen[moneyKey(m.amount)] = true
			if sp.currency != "" {
				m.currency, m.sign = sp.currency, ""
			}
			weight := weightState
			if m.amount.IsInteger() && !strings.ContainsAny(text, ".,") {
				weight = weightStateWhole
			}
			b.voteMoney(m, "script price", weight)
		}
	}
}

// countsCents tells whether an amount is a hundred times one that is known.
func countsCents(m money, b *ballot, seen map[string]bool) bool {
	key := moneyKey(m.amount.Shift(-2))
	return m.amount.IsInteger() && (seen[key] || b.byKey[key] != nil)
}

func (p *Page) voteStateSKUs(b *ballot) {
	seen := map[string]bool{}
	vote := func(list []string, source string, weight float64) {
		for _, text := range list {
			if key := idKey(text); !seen[key] {
				seen[key] = true
				voteID(b, text, source, weight)
			}
		}
	}
	for _, sp := range p.stateProducts() {
		vote(sp.skus, "script sku", weightStateSKU)
	}
	for _, sp := range p.stateProducts() {
		for _, id := range sp.ids {
			weight := weightStateID
			if isCode(id) {
				weight = weightStateCode
			}
			vote([]string{id}, "script id", weight)
		}
	}
}

// isCode tells whether an identifier is short and has letters and digits, as the numbers
// of catalogues have, and those of databases not.
func isCode(id string) bool {
	const most = 20
	return len(id) <= most && strings.ContainsFunc(id, unicode.IsLetter) && strings.ContainsFunc(id, unicode.IsDigit)
}
