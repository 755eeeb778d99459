package extract

import (
	"slices"

	"github.com/minohq/mino/internal/parse"
)

// The weights of the places that can name the price. What the shop states about the
// product in structured data outweighs anything read off the layout; where it
// states several prices, the layout decides between them.
const (
	weightOffer     = 10.0
	weightOneOfMany = 7.0
	weightLowest    = 1.0 // on top of weightOneOfMany
	weightSameThing = 3.0
	weightMeta      = 7.0
	weightSaleMeta  = 9.0
	weightStray     = 4.0
	leastPrice      = 3.0
	leastSoldOut    = 7.0 // of something sold out: other products' prices are all around
	mostSeen        = 9.0
)

// price finds what the product of the page costs.
func (p *Page) price() (money, string, bool) {
	b := newBallot()
	p.voteOffers(b)
	p.voteMetaPrices(b)
	p.voteStrayPrices(b)
	p.voteSeenPrices(b)
	least := leastPrice
	if state, _ := p.seenStock(); state == soldOut {
		least = leastSoldOut
	}
	t := b.winner(least)
	if t == nil {
		p.voteStatePrices(b)
		t = b.winner(least)
	}
	if t == nil {
		return money{}, "", false
	}
	if t.money.currency == "" || t.money.sign != "" {
		t.money.currency = p.localCurrency(t.money)
	}
	return t.money, t.source, true
}

func (p *Page) voteOffers(b *ballot) {
	pr := p.product()
	if pr.main == nil {
		return
	}
	all := p.chosenByAddress(priced(offers(pr.main)))
	all = preferAvailable(all)
	voteEach(b, all, weightOffer, weightOneOfMany)
	for _, it := range pr.same {
		voteEach(b, p.chosenByAddress(priced(offers(it))), weightSameThing, weightSameThing/3)
	}
}

// voteEach votes for each amount among the offers once: with the weight for one
// amount if there is only one, else with that for many, a little more for the lowest.
func voteEach(b *ballot, all []offer, one, many float64) {
	type priceOf struct {
		money  money
		source string
	}
	var distinct []priceOf
	for _, o := range all {
		m, ok := o.money()
		if !ok || slices.ContainsFunc(distinct, func(d priceOf) bool { return d.money.amount.Equal(m.amount) }) {
			continue
		}
		distinct = append(distinct, priceOf{m, o.path})
	}
	if len(distinct) == 0 {
		return
	}
	lowest := slices.MinFunc(distinct, func(x, y priceOf) int { return x.money.amount.Cmp(y.money.amount) })
	for _, d := range distinct {
		weight := many / float64(max(1, len(distinct)-1))
		switch {
		case len(distinct) == 1:
			weight = one
		case d == lowest:
			weight += weightLowest
		}
		b.voteMoney(d.money, d.source, weight)
	}
}

// money reads the price of an offer.
func (o offer) money() (money, bool) {
	read := textMoney
	if o.price.machine {
		read = machineMoney
	}
	m, ok := read(o.price.String())
	if ok && o.currency != "" {
		if code := parse.CurrencyCode(o.currency); code != "" {
			m.currency, m.sign = code, ""
		}
	}
	return m, ok
}

func priced(all []offer) []offer {
	return slices.DeleteFunc(slices.Clone(all), func(o offer) bool { return o.price.String() == "" })
}

// preferAvailable drops offers that are sold out when others are not.
func preferAvailable(all []offer) []offer {
	available := slices.DeleteFunc(slices.Clone(all), func(o offer) bool { return stockOf(o.availability) == soldOut })
	if len(available) > 0 {
		return available
	}
	return all
}

var (
	saleMetas  = []string{"product:sale_price:amount", "product:sale_price", "og:sale_price:amount"}
	priceMetas = []string{"product:price:amount", "og:price:amount", "product:price", "og:price", "twitter:data:price"}
)

func (p *Page) voteMetaPrices(b *ballot) {
	currency, _ := p.head.metaContent("product:sale_price:currency", "product:price:currency", "og:price:currency")
	vote := func(names []string, weight float64) bool {
		content, name := p.head.metaContent(names...)
		m, ok := machineMoney(content)
		if !ok {
			return false
		}
		if code := parse.CurrencyCode(currency); code != "" {
			m.currency, m.sign = code, ""
		}
		b.voteMoney(m, "meta "+name, weight)
		return true
	}
	weight := weightMeta
	if vote(saleMetas, weightSaleMeta) {
		weight /= 2
	}
	vote(priceMetas, weight)
}

// voteStrayPrices votes for a price in microdata that belongs to no item, if it is
// the only one.
func (p *Page) voteStrayPrices(b *ballot) {
	for _, it := range p.items {
		if len(it.types) == 0 && it.syntax == syntaxMicrodata {
			voteEach(b, priced(offers(it)), weightStray, 0)
		}
	}
}

func (p *Page) voteSeenPrices(b *ballot) {
	type best struct {
		seen  seenPrice
		again int
	}
	var order []string
	bests := map[string]*best{}
	for _, s := range p.seenPrices() {
		key := moneyKey(s.money.amount)
		have := bests[key]
		switch {
		case have == nil:
			bests[key] = &best{seen: s}
			order = append(order, key)
		case s.score > have.seen.score:
			if have.seen.score > 0 {
				have.again++
			}
			have.seen = s
		case s.score > 0:
			have.again++
		}
	}
	for _, key := range order {
		s := bests[key].seen
		if s.score <= 0 {
			continue
		}
		weight := min(s.score+0.5*min(float64(bests[key].again), 3), mostSeen)
		b.voteMoney(s.money, "page "+s.where, weight)
	}
}
