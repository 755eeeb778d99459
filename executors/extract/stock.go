package extract

import (
	"strings"

	"github.com/minohq/mino/internal/parse"
)

// stock is whether the product can be bought, as far as it is known.
type stock int

const (
	unknown stock = iota
	inStock
	soldOut
)

// stockOf reads an availability: a term of schema.org or a phrase.
func stockOf(s string) stock {
	switch known, err := parse.Availability(s); {
	case err != nil:
		return unknown
	case known == parse.InStock:
		return inStock
	default:
		return soldOut
	}
}

// availability finds whether the product of the page can be bought.
func (p *Page) availability() (state stock, source string) {
	stated, source := p.statedStock()
	seen, where := p.seenStock()
	switch {
	case stated == unknown && seen == unknown:
		return p.stateStock()
	case stated == unknown:
		return seen, where
	case stated == soldOut && seen == inStock:
		// A button that sells is better evidence than data that may be of another
		// variant or of yesterday.
		return seen, where
	default:
		return stated, source
	}
}

// statedStock is what structured data and meta elements say.
func (p *Page) statedStock() (state stock, source string) {
	if pr := p.product(); pr.main != nil {
		for _, it := range pr.all() {
			state, source = statedBy(it, p.chosenByAddress(offers(it)))
			if state == inStock {
				return state, source
			}
			if state != unknown && it == pr.main && len(pr.same) == 0 {
				return state, source
			}
		}
		if state != unknown {
			return state, source
		}
	}
	if content, name := p.head.metaContent("product:availability", "og:availability", "availability"); stockOf(content) != unknown {
		return stockOf(content), "meta " + name
	}
	for _, it := range p.items {
		// Microdata that belongs to no item, as the price of voteStrayPrices.
		if len(it.types) == 0 && it.syntax == syntaxMicrodata && stockOf(it.text("availability")) != unknown {
			return stockOf(it.text("availability")), "microdata availability"
		}
	}
	return unknown, ""
}

// stateStock is what the data of scripts says: something that can be bought in one way
// can be bought.
func (p *Page) stateStock() (state stock, source string) {
	for _, sp := range p.stateProducts() {
		for _, text := range sp.stocks {
			switch stockOf(text) {
			case inStock:
				return inStock, "script availability"
			case soldOut:
				state, source = soldOut, "script availability"
			case unknown:
			}
		}
	}
	return state, source
}

// statedBy reads offers: something that can be bought in one way can be bought.
func statedBy(it *item, all []offer) (state stock, source string) {
	for _, o := range all {
		switch stockOf(o.availability) {
		case inStock:
			return inStock, o.source("availability")
		case soldOut:
			state, source = soldOut, o.source("availability")
		case unknown:
		}
	}
	if state == unknown {
		if own := it.text("availability"); own != "" {
			return stockOf(own), string(it.syntax) + " availability"
		}
	}
	return state, source
}

// source names a property beside the one at which the offer was found.
func (o offer) source(name string) string {
	if i := strings.LastIndexByte(o.path, '.'); i >= 0 {
		return o.path[:i+1] + name
	}
	if i := strings.LastIndexByte(o.path, ' '); i >= 0 {
		return o.path[:i+1] + name
	}
	return o.path
}

// seenStock is what the layout tells: a button that sells, or a phrase such as
// "sold out" where the reader looks for the price.
func (p *Page) seenStock() (state stock, where string) {
	l := p.layout()
	enabled := ""
	for _, b := range l.buttons {
		if b.enabled && !l.amongOthers(b.frame) {
			enabled = markup(b.frame)
			break
		}
	}
	for _, r := range l.runs {
		p.watch.step()
		if !l.nearMain(r) || len(r.text) > 90 {
			continue
		}
		if enabled == "" && containsAny(strings.ToLower(r.text), soldOutPhrases) {
			return soldOut, "page " + markup(r.frame)
		}
	}
	if enabled != "" {
		return inStock, "page " + enabled
	}
	return unknown, ""
}

// nearMain tells whether a run stands in the part of the page about the product
// itself, and is shown.
func (l *layout) nearMain(r run) bool {
	if l.other[r.index] || (l.heading >= 0 && (r.index < l.heading-100 || r.index > l.heading+150)) {
		return false
	}
	const other = traitHidden | traitAside | traitRelated | traitReview | traitCart | traitChoice
	return l.traits(r.frame)&other == 0
}
