package extract

import (
	"strconv"
	"strings"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

func (p *Page) findName(field.Type) finding {
	for _, it := range p.subjects() {
		for _, name := range []string{"name", "headline", "title"} {
			if s := it.text(name); s != "" {
				return one(s, string(it.syntax)+" "+name)
			}
		}
	}
	if l := p.layout(); l.heading >= 0 && l.headingScore >= sureHeading {
		return one(l.headingText, "page heading")
	}
	if content, name := p.head.metaContent("og:title", "twitter:title"); content != "" {
		return one(content, "meta "+name)
	}
	if p.head.h1 != "" {
		return one(p.head.h1, "page h1")
	}
	for _, sp := range p.stateProducts() {
		if sp.name != "" && strings.Contains(foldSpace(p.head.title), foldSpace(sp.name)) {
			return one(sp.name, "script name") // the title has the shop's name beside it
		}
	}
	return one(p.head.title, "page title")
}

func (p *Page) findPrice(field.Type) finding {
	m, source, ok := p.price()
	if !ok {
		return finding{}
	}
	return finding{texts: []string{m.written}, source: source, exact: true, currency: m.currency}
}

// findFormerPrice finds what the product cost before, or is said to cost elsewhere.
func (p *Page) findFormerPrice(field.Type) finding {
	price, _, ok := p.price()
	for _, it := range p.product().all() {
		for _, o := range it.items("offers") {
			for _, spec := range o.items("priceSpecification") {
				if m, read := machineMoney(spec.text("price")); read && formerSpecification(spec) && (!ok || m.amount.GreaterThan(price.amount)) {
					return finding{texts: []string{m.written}, source: string(it.syntax) + " offers.priceSpecification.price", exact: true, currency: price.currency}
				}
			}
		}
	}
	content, name := p.head.metaContent("product:original_price:amount", "og:original_price:amount", "product:original_price")
	if m, read := machineMoney(content); read && (!ok || m.amount.GreaterThan(price.amount)) {
		return finding{texts: []string{m.written}, source: "meta " + name, exact: true, currency: price.currency}
	}
	if !ok {
		return finding{}
	}
	l := p.layout()
	for _, s := range p.seenPrices() {
		r := l.runs[s.index]
		if l.nearMain(r) && s.former && s.money.amount.GreaterThan(price.amount) {
			return finding{texts: []string{s.money.written}, source: "page " + s.where, exact: true, currency: price.currency}
		}
	}
	return finding{}
}

func (p *Page) findCurrency(field.Type) finding {
	if m, source, ok := p.price(); ok && m.currency != "" {
		return one(m.currency, source)
	}
	return one(p.pageCurrency(), "page currency")
}

// findAvailability gives what is stated or what the layout tells; nothing when
// neither says anything.
func (p *Page) findAvailability(t field.Type) finding {
	state, source := p.availability()
	switch {
	case state == unknown:
		return finding{}
	case t == field.TypeBoolean:
		return one(strconv.FormatBool(state == inStock), source)
	case state == inStock:
		return one(parse.InStock, source)
	default:
		return one(parse.OutOfStock, source)
	}
}

func (p *Page) findSKU(field.Type) finding {
	text, source, ok := p.sku()
	if !ok {
		return finding{}
	}
	return one(text, source)
}

func (p *Page) findBrand(t field.Type) finding {
	return findByProperties("brand", "manufacturer", "product:brand", "og:brand", "brand")(p, t)
}

func (p *Page) findImage(field.Type) finding {
	for _, it := range p.subjects() {
		for _, name := range []string{"image", "thumbnailUrl", "photo"} {
			found := finding{source: string(it.syntax) + " " + name, exact: true}
			for _, v := range it.all(name) {
				if address := imageAddress(v); address != "" && len(found.texts) < maxListed {
					found.texts = append(found.texts, p.absolute(address))
				}
			}
			if found.found() {
				return found
			}
		}
	}
	found := finding{}
	for _, m := range p.head.metas {
		if m.name == "og:image" || m.name == "og:image:url" || m.name == "twitter:image" {
			found.texts = append(found.texts, p.absolute(m.content))
			found.source = "meta " + m.name
		}
	}
	return found
}

func imageAddress(v value) string {
	if v.item == nil {
		return foldSpace(v.text)
	}
	for _, name := range []string{"contentUrl", "url", "thumbnailUrl"} {
		if s := v.item.text(name); s != "" {
			return s
		}
	}
	return v.item.id
}

// absolute makes an address absolute; what is no address stays as it is.
func (p *Page) absolute(address string) string {
	if s, err := parse.URL(address, p.base); err == nil {
		return s
	}
	return address
}

func (p *Page) findDescription(field.Type) finding {
	for _, it := range p.subjects() {
		for _, name := range []string{"description", "abstract", "articleBody"} {
			if s := it.text(name); s != "" {
				return one(stripTags(p.watch, s), string(it.syntax)+" "+name)
			}
		}
	}
	content, name := p.head.metaContent("og:description", "description", "twitter:description")
	return one(content, "meta "+name)
}

// stripTags drops markup from a description that was written as HTML.
func stripTags(w *watch, s string) string {
	if !strings.Contains(s, "</") && !strings.Contains(s, "<br") {
		return s
	}
	root, err := parseHTML(w, []byte(s))
	if err != nil {
		return s
	}
	return nodeText(root)
}

func (p *Page) findRating(t field.Type) finding {
	return findByProperties("aggregateRating.ratingValue", "AggregateRating.ratingValue", "reviewRating.ratingValue", "ratingValue", "og:rating")(p, t)
}

func (p *Page) findReviewCount(t field.Type) finding {
	return findByProperties("aggregateRating.reviewCount", "aggregateRating.ratingCount", "AggregateRating.reviewCount",
		"AggregateRating.ratingCount", "reviewCount", "ratingCount", "og:rating_count")(p, t)
}

func (p *Page) findURL(field.Type) finding {
	if address := p.canonical().String(); address != "" {
		return one(address, "page canonical")
	}
	return finding{}
}

func (p *Page) findLanguage(t field.Type) finding {
	if p.head.language != "" {
		return one(p.head.language, "page lang")
	}
	return findByProperties("inLanguage", "og:locale", "content-language")(p, t)
}

// findKeywords takes a list apart that stands in one text, between commas.
func (p *Page) findKeywords(t field.Type) finding {
	found := findByProperties("keywords", "article:tag", "news_keywords")(p, t)
	if t == field.TypeList && len(found.texts) == 1 {
		found.texts = strings.SplitN(firstBytes(found.texts[0], maxRuleText), ",", maxListed)
	}
	return found
}

// findCategory gives the category of the product, else the breadcrumbs: all of them
// for a list, the last one before the page's own otherwise.
func (p *Page) findCategory(t field.Type) finding {
	for _, it := range p.product().all() {
		if s := it.text("category"); s != "" {
			return one(s, string(it.syntax)+" category")
		}
	}
	if content, name := p.head.metaContent("product:category", "article:section"); content != "" {
		return one(content, "meta "+name)
	}
	crumbs := p.breadcrumbs()
	if n := len(crumbs); n > 1 && p.namesThePage(crumbs[n-1]) {
		crumbs = crumbs[:n-1]
	}
	switch {
	case len(crumbs) == 0:
		return findByProperties("articleSection", "genre")(p, t)
	case t == field.TypeList:
		return finding{texts: crumbs, source: "breadcrumbs"}
	default:
		return one(crumbs[len(crumbs)-1], "breadcrumbs")
	}
}

// breadcrumbs are the names of the way to the page, from the first list of them.
func (p *Page) breadcrumbs() []string {
	for _, it := range p.everything() {
		for _, list := range append([]*item{it}, it.items("breadcrumb")...) {
			if !list.is("BreadcrumbList") {
				continue
			}
			if names := entryNames(list); len(names) > 0 {
				return names
			}
		}
	}
	return nil
}

func entryNames(list *item) []string {
	var names []string
	for _, entry := range list.items("itemListElement") {
		name := entry.text("name")
		if name == "" {
			name = entry.text("item")
		}
		if name != "" && !strings.Contains(name, "://") {
			names = append(names, name)
		}
	}
	return names
}
