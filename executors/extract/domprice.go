package extract

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// seenPrice is an amount of money that a reader sees, with how much its place
// speaks for being the price of the product.
type seenPrice struct {
	money  money
	score  float64
	index  int
	where  string
	former bool   // crossed out, or called an old price
	kind   string // the names of the element and its parent: list entries share them
}

const (
	currencySign = `(?:(?:US|CA|AU|NZ|HK|NT|MX|R|S|C|A|U)?\$|[€£¥₹₽₩₪₫₴₺฿₱₦₸₼₡₲₵￥]|(?:Rs|INR|PKR|LKR)\.?|RM|Rp\.?|` +
		`(?:USD|EUR|GBP|CHF|CAD|AUD|NZD|JPY|CNY|RMB|KRW|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|HRK|RUB|UAH|BYN|TRY|ILS|AED|SAR|ZAR|BRL|ARS|CLP|COP|MXN|PEN|TWD|HKD|SGD|MYR|THB|IDR|PHP|VND|BDT|NGN|KES|EGP|MAD|KZT)\b|Fr\.|S/\.?|B/\.)`
	currencyWord = `(?:[€£¥₹₽₩₪₫₴₺฿₱₦₸₼]|\$|zł|Kč|Ft|kr\.?|lei|лв\.?|руб\.?|р\.|грн\.?|сом|тг|원|円|元|đ|บาท|TL|DT|din\.?|KM|kn|` +
		`(?:USD|EUR|GBP|CHF|CAD|AUD|NZD|JPY|CNY|RMB|KRW|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|HRK|RUB|UAH|BYN|TRY|ILS|AED|SAR|ZAR|BRL|ARS|CLP|COP|MXN|PEN|TWD|HKD|SGD|MYR|THB|IDR|PHP|VND|BDT|NGN|KES|EGP|MAD|KZT)\b)`
	amountText = `(?:\d{1,3}(?:[ .,'’\x{a0}\x{202f}]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,3})?)`
)

var (
	moneyText  = regexp.MustCompile(`(?i:` + currencySign + `)\s?` + amountText + `(?:[.,]-)?|` + amountText + `(?:,-|\.-)?\s?(?i:` + currencyWord + `)`)
	plainText  = regexp.MustCompile(`^\D{0,3}(` + amountText + `)(?:[.,]-{1,2})?\D{0,3}$`)
	perUnit    = regexp.MustCompile(`(?i)^\s*(?:/|per\b|je\b|pro\b|par\b|al\b|por\b|за\b|x\b|×|\*?\s?/)\s*\S|^\s*(?:off|rabatt|cashback|de descuento|de réduction|points?)\b|^\s*[-–~]?\s*%|^\s*(?:適立|적립|이상)`)
	timesFirst = regexp.MustCompile(`(?i)\d\s?[x×*]\s?(?:de\s?)?$|[(+-]\s?$|[-–]\s?$`)
)

// seenPrices finds every amount of money on the page in places that can be judged.
func (p *Page) seenPrices() []seenPrice {
	l := p.layout()
	if l.pricesRead {
		return l.prices
	}
	l.pricesRead = true
	done := map[*frame]bool{}
	tried := 0
	for _, r := range l.runs {
		if len(r.text) > 200 || !strings.ContainsAny(r.text, "0123456789") {
			continue
		}
		if tried++; tried > maxPriceTexts {
			break
		}
		if tried%checkEvery == 0 {
			p.watch.check() // expressions are matched here
		}
		f, m, found := l.priceAt(r)
		if !found || done[f] {
			continue
		}
		done[f] = true
		m.score = p.placeScore(r, f) + m.score
		m.kind = kindOf(f)
		m.former = l.traits(r.frame)&traitStruck != 0 || f.calledFormer()
		l.prices = append(l.prices, m)
	}
	p.readSilentPrices()
	l.lowerLists()
	return l.prices
}

// lowerLists takes from the amounts that stand in elements of one kind, as the
// entries of a list of products do: the price of the page's own product stands in
// an element of its own kind.
func (l *layout) lowerLists() {
	const entries, penalty = 4, 1.5
	amounts := map[string]map[string]bool{}
	for _, s := range l.prices {
		if amounts[s.kind] == nil {
			amounts[s.kind] = map[string]bool{}
		}
		amounts[s.kind][moneyKey(s.money.amount)] = true
	}
	for i, s := range l.prices {
		if len(amounts[s.kind]) >= entries {
			l.prices[i].score -= penalty
		}
	}
}

func kindOf(f *frame) string {
	kind := f.node.Data + "." + firstBytes(attrText(f.node, "class"), maxNames)
	if f.parent != nil {
		kind += " in " + f.parent.node.Data + "." + firstBytes(attrText(f.parent.node, "class"), maxNames)
	}
	return kind
}

// priceAt reads the amount at a run: in the smallest element around it that shows
// a currency, since authors put sign, amount and cents into elements of their own;
// or a bare number in an element that is called a price.
func (l *layout) priceAt(r run) (*frame, seenPrice, bool) {
	f := r.frame
	if text, _ := f.amount(); f != nil && len(text) > longText && f.end-f.first > 1 {
		// Among other texts, as between line breaks, one that is an amount stands alone.
		if at := moneyText.FindStringIndex(r.text); at != nil && len(r.text) <= longText {
			if m, ok := textMoney(r.text[at[0]:at[1]]); ok {
				return f, seenPrice{money: m, index: r.index, score: l.textScore(r, r.text, at), where: markup(f)}, true
			}
		}
	}
	for up := 0; f != nil && up < 4; f, up = f.parent, up+1 {
		text, at := f.amount()
		if len(text) > maxPriceText {
			break
		}
		if at == nil {
			continue
		}
		m, ok := textMoney(text[at[0]:at[1]])
		if !ok {
			return nil, seenPrice{}, false
		}
		return f, seenPrice{money: m, index: r.index, score: l.textScore(r, text, at), where: markup(f)}, true
	}
	named := namedPrice(r.frame)
	if named == nil {
		return nil, seenPrice{}, false
	}
	text, _ := r.frame.amount()
	match := plainText.FindStringSubmatch(text)
	if match == nil {
		return nil, seenPrice{}, false
	}
	m, ok := textMoney(match[1])
	if !ok {
		return nil, seenPrice{}, false
	}
	return r.frame, seenPrice{money: m, index: r.index, score: l.textScore(r, match[0], []int{0, len(match[0])}) - 1, where: markup(named)}, true
}

const (
	maxPriceText = 60
	longText     = 30 // from which on an amount is one thing among others in a text
)

// namedPrice is the nearest element that is called a price.
func namedPrice(f *frame) *frame {
	for up := 0; f != nil && up < 3; f, up = f.parent, up+1 {
		if f.calledPrice() {
			return f
		}
	}
	return nil
}

func (f *frame) calledPrice() bool {
	for _, w := range f.words {
		if priceWords[w] || strings.HasSuffix(w, "price") || strings.HasPrefix(w, "price") {
			return true
		}
	}
	return false
}

// calledFormer tells whether an element, or one directly around it, is named for a
// price that is not asked any more.
func (f *frame) calledFormer() bool {
	for up := 0; f != nil && up < 2; f, up = f.parent, up+1 {
		if f.hasWord(formerWords) || f.hasPair(formerPairs) {
			return true
		}
	}
	return false
}

// joinedText is the text of an element for reading an amount: digits of different
// elements do not run together, and two digits on their own are decimals. It stops
// when the text is longer than limit.
func joinedText(n *html.Node, limit int) string {
	b := textWriter{limit: limit * 2, nodes: max(limit, minNodesOfText)}
	joinText(&b, n)
	return foldSpace(b.text.String())
}

// amount is the text of an element, as far as a price can be long, and where in it an
// amount of money stands. It is kept, as every number asks the elements around it.
func (f *frame) amount() (text string, at []int) {
	if !f.read {
		f.joined, f.read = joinedText(f.node, maxPriceText), true
		if len(f.joined) <= maxPriceText {
			f.amountAt = moneyText.FindStringIndex(f.joined)
		}
	}
	return f.joined, f.amountAt
}

func joinText(b *textWriter, n *html.Node) {
	b.nodes--
	if b.text.Len() > b.limit || b.nodes < 0 {
		return
	}
	if n.Type == html.TextNode {
		joinDigits(b, firstBytes(n.Data, b.most()))
		return
	}
	if n.Type == html.ElementNode && (unseen(n) || hiddenByMarkup(n)) {
		return
	}
	block := n.Type == html.ElementNode && isBlock(n) && n.DataAtom != atom.Sup
	if block && !endsInDigit(b) {
		b.text.WriteByte(' ')
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if b.nodes < 0 {
			return
		}
		joinText(b, c)
	}
	if block && !endsInDigit(b) {
		b.text.WriteByte(' ')
	}
}

// joinDigits adds a text to what was read before it, apart from digits there.
func joinDigits(b *textWriter, text string) {
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "" || !endsInDigit(b) || !isDigitByte(trimmed[0]):
		b.text.WriteString(text)
	case len(trimmed) == 2 && isDigitByte(trimmed[1]),
		len(trimmed) > 2 && isDigitByte(trimmed[1]) && !isDigitByte(trimmed[2]):
		b.text.WriteString("." + trimmed)
	default:
		b.text.WriteString(" " + text)
	}
}

func endsInDigit(b *textWriter) bool {
	s := b.text.String()
	return s != "" && isDigitByte(s[len(s)-1])
}

func isDigitByte(c byte) bool { return c >= '0' && c <= '9' }

// markup names an element for people.
func markup(f *frame) string {
	if id := attrText(f.node, "id"); id != "" && len(id) <= maxNames && !strings.ContainsAny(id, " \t") {
		return f.node.Data + "#" + id
	}
	if classes := strings.Fields(firstBytes(attrText(f.node, "class"), maxNames)); len(classes) > 0 {
		return f.node.Data + "." + classes[0]
	}
	return f.node.Data
}
