package shop

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// style is how a page states what it sells.
type style int

const (
	styleJSONLD style = iota
	styleMicrodata
	styleGraph // JSON-LD with @graph
	stylePlain // text only
	styleMeta  // OpenGraph and product: meta elements only
	styleAggregate
	styleRDFa
	styleCount
)

// Product is one page of the shop.
type Product struct {
	// Path is the page's, such as "/products/aurora-desk-lamp".
	Path     string
	Kind     Kind
	Name     string
	Brand    string
	Category string
	SKU      string
	InStock  bool
	// Price is for readers, in the page's locale; Amount is for programs and goes
	// with Currency.
	Price, Amount, Currency string
	// Truth holds what the CSV says, by field; each value that is accepted.
	Truth map[string][]string
	// Expect is what MINO should make of the page.
	Expect Outcome

	variant int // numbers the products of a kind
	style   style
	locale  locale
	amount  amount
	related []*Product
}

var (
	series = []string{"Aurora", "Fjord", "Kestrel", "Linden", "Maple", "Nimbus", "Orbit", "Quarry", "Solstice", "Tundra", "Vela", "Willow"}
	brands = []string{"Halden", "Norrby", "Castor & Vale", "Mirai", "Brünner", "Ashdown", "O'Dell"}
	nouns  = []struct {
		category, noun string
		from, to       int64 // euros
	}{
		{"Lighting", "Desk Lamp", 39, 149}, {"Lighting", "Floor Lamp", 89, 349}, {"Lighting", "Reading Light", 19, 69},
		{"Kitchen", "Kettle", 29, 129}, {"Kitchen", "Cast Iron Pan", 45, 199}, {"Kitchen", "Coffee Grinder", 59, 399},
		{"Kitchen", "Espresso Machine", 699, 2499}, {"Audio", "Headphones", 79, 449}, {"Audio", "Bookshelf Speaker", 199, 1199},
		{"Audio", "Turntable", 299, 1899}, {"Outdoor", "Backpack", 49, 249}, {"Outdoor", "Two-Person Tent", 129, 699},
		{"Outdoor", "Sleeping Bag", 69, 399}, {"Office", "Standing Desk", 399, 1299}, {"Office", "Office Chair", 249, 1499},
		{"Office", "Monitor Arm", 59, 219}, {"Cycling", "City Bike", 599, 2199}, {"Cycling", "Bike Lock", 19, 99},
	}
	cents = []int64{0, 90, 95, 99, 50}
)

// soldOutEvery makes one product in so many unavailable.
const soldOutEvery = 5

// newCatalogue draws the products: who they are, then how they behave, then what the
// CSV will claim.
func newCatalogue(seed int64) []*Product {
	//nolint:gosec // a shop that is the same every time needs no secret randomness
	random := rand.New(rand.NewPCG(uint64(seed), 0x6d696e6f))
	var products []*Product
	for _, k := range kinds {
		for i := range k.pages {
			products = append(products, &Product{Kind: k.kind, Expect: k.expect, variant: i})
		}
	}
	combinations := random.Perm(len(series) * len(nouns))
	for i, p := range products {
		p.name(combinations[i], random)
		p.style = style(i) % styleCount
		if p.Kind == Malformed {
			p.style = styleOfMalformed[p.variant%len(styleOfMalformed)]
		}
		p.locale = locales[(i+i/len(locales))%len(locales)]
		p.InStock = i%soldOutEvery != soldOutEvery-1
		p.sell(combinations[i], random)
	}
	relate(products, random)
	random.Shuffle(len(products), func(i, j int) { products[i], products[j] = products[j], products[i] })
	for i, p := range products {
		p.Truth = truthOf(p)
		p.bendTruth(products, i)
	}
	return products
}

func (p *Product) name(combination int, random *rand.Rand) {
	noun := nouns[combination%len(nouns)]
	p.Name = series[combination/len(nouns)] + " " + noun.noun
	p.Brand = brands[random.IntN(len(brands))]
	p.Category = noun.category
	p.Path = "/products/" + strings.ToLower(strings.ReplaceAll(p.Name, " ", "-"))
	initials := strings.ToUpper(noun.noun[:1] + noun.category[:2])
	p.SKU = fmt.Sprintf("%s-%05d", initials, 10_000+random.IntN(89_999))
}

func (p *Product) sell(combination int, random *rand.Rand) {
	noun := nouns[combination%len(nouns)]
	euros := noun.from + random.Int64N(noun.to-noun.from)
	p.amount = p.locale.of(euros*100 + cents[random.IntN(len(cents))])
	p.Price = p.locale.price(p.amount)
	p.Amount = p.locale.plain(p.amount)
	p.Currency = p.locale.currency
}

// relatedCount is how many other products each page shows, with their prices.
const relatedCount = 3

func relate(products []*Product, random *rand.Rand) {
	for _, p := range products {
		for _, i := range random.Perm(len(products)) {
			other := products[i]
			if other != p && other.amount != p.amount {
				p.related = append(p.related, other)
			}
			if len(p.related) == relatedCount {
				break
			}
		}
	}
}

func (p *Product) availability() string {
	if p.InStock {
		return "InStock"
	}
	return "OutOfStock"
}

// truthOf is the truth, in several accepted forms where people write several.
func truthOf(p *Product) map[string][]string {
	return map[string][]string{
		"name":         {p.Name, p.Brand + " " + p.Name},
		"price":        {p.Amount + " " + p.Currency, p.Price},
		"sku":          {p.SKU, strings.ReplaceAll(p.SKU, "-", "")},
		"availability": {p.availability()},
	}
}

// bendTruth makes the CSV wrong where that is the point of the product.
func (p *Product) bendTruth(products []*Product, at int) {
	switch p.Kind {
	case Partial:
		lastYear := p.amount - p.amount/10
		p.Truth["price"] = []string{p.locale.plain(lastYear) + " " + p.Currency}
	case WrongTruth:
		for i := range products {
			other := products[(at+1+i)%len(products)]
			if other.InStock != p.InStock && other.amount != p.amount && other.Currency != p.Currency {
				p.Truth = truthOf(other)
				return
			}
		}
	default:
	}
}
