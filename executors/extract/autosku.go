package extract

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The weights of the places that can name the shop's own number of the product. A
// label that readers see is what people call the number; data for programs often
// carries the number of a variant or of the shop's database.
const (
	weightLabel      = 12.0
	weightWeakLabel  = 5.0
	weightSKU        = 8.0
	weightVariantSKU = 4.0
	weightProductID  = 5.0
	weightOfferSKU   = 4.0
	weightSKUMeta    = 6.0
	weightNamed      = 6.0
	weightField      = 3.0
	weightInAddress  = 3.0
	weightAddress    = 2.0
	leastSKU         = 3.5
)

// sku finds the shop's own number of the product.
func (p *Page) sku() (text, source string, ok bool) {
	b := newBallot()
	p.voteStatedSKUs(b)
	p.voteLabelledSKUs(b)
	p.voteNamedSKUs(b)
	p.voteAddressSKUs(b)
	t := b.winner(leastSKU)
	if t == nil {
		p.voteStateSKUs(b)
		t = b.winner(leastSKU)
	}
	if t == nil {
		return "", "", false
	}
	return t.text, t.source, true
}

func voteID(b *ballot, text, source string, weight float64) {
	text = cleanID(text)
	if plausibleID(text) {
		b.vote(idKey(text), text, source, weight)
	}
}

var idPrefix = regexp.MustCompile(`(?i)^(?:sku|mpn|id|ref|productid|item)\s*[:#]\s*`)

func cleanID(s string) string {
	return strings.Trim(idPrefix.ReplaceAllString(foldSpace(s), ""), " :#.,;()[]")
}

// plausibleID tells whether a text can be a number of a product.
func plausibleID(s string) bool {
	return len(s) >= 2 && len(s) <= 64 && strings.ContainsAny(s, "0123456789") && strings.Count(s, " ") <= 2 &&
		!strings.Contains(s, "://") && idKey(s) != "" && strings.Trim(s, "0") != ""
}

func (p *Page) voteStatedSKUs(b *ballot) {
	for _, name := range []string{"product:retailer_item_id", "product:sku", "og:sku", "sku", "product:retailer_part_no"} {
		if content, _ := p.head.metaContent(name); content != "" {
			voteID(b, content, "meta "+name, weightSKUMeta)
			break
		}
	}
	pr := p.product()
	if pr.main == nil {
		return
	}
	source := func(it *item, name string) string { return string(it.syntax) + " " + name }
	own, variants := pr.main.text("sku"), false
	for _, it := range pr.same {
		if s := it.text("sku"); s != "" && own != "" && idKey(s) != idKey(own) {
			variants = true
		}
	}
	weight := weightSKU
	if variants {
		weight = weightVariantSKU
	}
	voteID(b, own, source(pr.main, "sku"), weight)
	voteID(b, pr.main.text("productID"), source(pr.main, "productID"), weightProductID)
	if !variants {
		for _, it := range pr.same {
			voteID(b, it.text("sku"), source(it, "sku"), weightSameThing)
		}
	}
	chosen := p.chosenByAddress(offers(pr.main))
	if own == "" && len(chosen) == 1 {
		voteID(b, chosen[0].sku, chosen[0].source("sku"), weightOfferSKU)
	}
}

var (
	skuNames = wordSet("sku", "itemnumber", "productcode", "articlenumber", "artnr", "itemcode", "articleno", "productnumber")
	idPairs  = wordSet("product code", "product reference", "product number", "article number", "article nr", "article no",
		"item number", "item no", "item code", "ref number", "product ref", "product sku", "catalog number", "stock code",
		"article id", "product no", "article code", "style number")
	fieldNames = wordSet("productid", "product id", "item id", "itemid", "pid", "goods no", "goods id", "goodsno", "prod id",
		"article id", "deal id", "ad id", "listing id", "offer id", "prd id", "product")
)

// voteNamedSKUs votes for texts, form fields and data attributes whose names say
// that they hold the number.
func (p *Page) voteNamedSKUs(b *ballot) {
	l := p.layout()
	const other = traitRelated | traitReview | traitCart | traitAside
	seen := map[string]bool{}
	vote := func(text, source string, weight float64) {
		if key := idKey(text) + source; !seen[key] {
			seen[key] = true
			voteID(b, text, source, weight)
		}
	}
	for _, f := range l.order {
		p.watch.step()
		if l.traits(f)&other != 0 || l.amongOthers(f) {
			continue
		}
		voteDataSKUs(f, vote)
		switch f.node.DataAtom {
		case atom.Input, atom.Meta:
			voteFieldSKU(f, vote)
		default:
			voteTextSKU(f, vote)
		}
	}
}

// voter votes for a text, naming where it stood.
type voter func(text, source string, weight float64)

func voteDataSKUs(f *frame, vote voter) {
	for _, a := range f.node.Attr {
		if !strings.HasPrefix(a.Key, "data-") || len(a.Val) >= 40 || strings.Contains(a.Val, " ") {
			continue
		}
		words := splitWords(a.Key)[1:]
		switch {
		case isSKUName(words):
			vote(a.Val, "page "+a.Key, weightField+1)
		case fieldNames[strings.Join(words, " ")]:
			vote(a.Val, "page "+a.Key, weightField/2)
		}
	}
}

func voteFieldSKU(f *frame, vote voter) {
	name, text := attrText(f.node, "name"), attrText(f.node, "value")
	switch {
	case isSKUName(splitWords(name + " " + attrText(f.node, "id"))):
		vote(text, "page "+markup(f), weightField+1)
	case isFieldName(name):
		vote(text, "page "+markup(f), weightField)
	}
}

func voteTextSKU(f *frame, vote voter) {
	if !isSKUName(f.words) {
		return
	}
	text := leafText(f.node)
	if at := strongLabel.FindStringIndex(text); at != nil {
		text = text[at[1]:]
	}
	if m := idOnly.FindStringSubmatch(text); m != nil {
		vote(m[1], "page "+markup(f), weightNamed)
	}
}

func isSKUName(words []string) bool {
	for i, w := range words {
		if skuNames[w] || (i > 0 && idPairs[words[i-1]+" "+w]) {
			return true
		}
	}
	return false
}

func isFieldName(name string) bool {
	words := splitWords(name)
	return len(words) > 0 && len(words) <= 3 && fieldNames[strings.Join(words, " ")]
}

// leafText is the text of a small element.
func leafText(n *html.Node) string {
	s := joinedText(n, 60)
	if len(s) > 60 {
		return ""
	}
	return s
}
