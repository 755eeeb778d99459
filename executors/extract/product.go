package extract

import (
	"net/url"
	"path"
	"strings"
)

// productTypes are the types of schema.org whose items something can be bought of.
var productTypes = []string{
	"Product", "ProductGroup", "IndividualProduct", "ProductModel", "SomeProducts", "Vehicle", "Car", "Motorcycle",
	"Book", "Audiobook", "Movie", "MusicAlbum", "VideoGame", "SoftwareApplication", "MobileApplication", "WebApplication",
	"Event", "Course", "Apartment", "House", "Accommodation", "Hotel", "Service", "Offer", "AggregateOffer",
}

// otherPaths are properties below which other things than the page's own stand.
var otherPaths = map[string]bool{
	"isrelatedto": true, "issimilarto": true, "isaccessoryorsparepartfor": true, "isconsumablefor": true,
	"itemlistelement": true, "mentions": true, "recommends": true, "review": true, "reviews": true, "itemreviewed": true,
	"itemoffered": true, "ispartof": true,
}

// product is what the page is about, as far as structured data tells: one item, or
// several that describe the same thing (in several syntaxes, or once per variant).
type product struct {
	main  *item
	same  []*item // others that describe the same thing, best first
	score float64
}

// all is the main item and then the others.
func (pr *product) all() []*item {
	if pr.main == nil {
		return nil
	}
	return append([]*item{pr.main}, pr.same...)
}

// product finds the item that the page is about.
func (p *Page) product() *product {
	if p.productMemo != nil {
		return p.productMemo
	}
	pr := &product{}
	p.productMemo = pr
	candidates := p.productItems()
	scores := make([]float64, len(candidates))
	for i, it := range candidates {
		p.watch.check()
		scores[i] = p.productScore(it)
		if pr.main == nil || scores[i] > pr.score {
			pr.main, pr.score = it, scores[i]
		}
	}
	if pr.main == nil {
		return pr
	}
	if pr.score < leastProductScore && len(candidates) > 1 {
		// Several products, and nothing tells one of them from the others: a list.
		pr.main = nil
		return pr
	}
	for i, it := range candidates {
		if it != pr.main && scores[i] >= leastProductScore && p.sameThing(pr.main, it) {
			pr.same = append(pr.same, it)
		}
	}
	return pr
}

const (
	leastProductScore = 1.75
	maxProducts       = 500 // of one page that are looked at
)

// productItems are the items of a product type that are not part of something
// about other products, in the order of the page.
func (p *Page) productItems() []*item {
	var out []*item
	seen := map[*item]bool{}
	var walk func(it *item, depth int)
	walk = func(it *item, depth int) {
		if len(out) >= maxProducts || depth > 8 || seen[it] {
			return
		}
		seen[it] = true
		if it.is(productTypes...) && (depth == 0 || !it.is("Offer", "AggregateOffer", "Service")) {
			out = append(out, it)
		}
		for _, prop := range it.props {
			if inner := prop.value.item; inner != nil && !otherPaths[strings.ToLower(prop.name)] {
				walk(inner, depth+1)
			}
		}
	}
	for _, it := range p.items {
		walk(it, 0)
	}
	return out
}

// productScore is how much an item seems to be what the page is about.
func (p *Page) productScore(it *item) float64 {
	score := 0.0
	if it.is("Product", "ProductGroup", "Vehicle", "Car", "IndividualProduct") {
		score += 0.5
	}
	if name := it.text("name"); name != "" {
		og, _ := p.head.metaContent("og:title")
		heading := ""
		if l := p.layout(); l.heading >= 0 {
			heading = l.runs[l.heading].text
		}
		score += 1.5 * headingScore(name, []string{p.head.title, og, p.head.h1, heading}) / 2
	}
	score += p.addressScore(it)
	if len(it.all("offers")) > 0 || it.text("price") != "" {
		score += 0.5
	}
	if it.text("sku") != "" || it.text("productID") != "" {
		score += 0.25
	}
	if it.node != nil {
		l := p.layout()
		f := l.frames[it.node]
		switch {
		case f == nil:
		case l.around[f]:
			score++
		case l.traits(f)&(traitRelated|traitAside|traitCart|traitReview) != 0:
			score -= 2
		}
	} else {
		score += 0.25 // a document about the page as a whole
	}
	if it.parent != nil {
		score -= 0.25
	}
	return score
}

// addressScore compares the item's address with the page's: the same, or another.
func (p *Page) addressScore(it *item) float64 {
	for _, raw := range []string{it.text("url"), it.id, offerURL(it)} {
		if raw == "" || strings.HasPrefix(raw, "#") || strings.HasPrefix(raw, "_:") {
			continue
		}
		ref, err := url.Parse(raw)
		if err != nil {
			continue
		}
		address := p.base.ResolveReference(ref)
		if sameAddress(address, p.url) || sameAddress(address, p.canonical()) {
			return 1
		}
		if raw == it.text("url") {
			return -0.5
		}
	}
	return 0
}

func offerURL(it *item) string {
	for _, o := range it.items("offers") {
		if u := o.text("url"); u != "" {
			return u
		}
	}
	return ""
}

// sameAddress compares addresses but for scheme, query, fragment and "www.".
func sameAddress(a, b *url.URL) bool {
	if a.Path == "" || b.Path == "" || a.Path == "/" {
		return false
	}
	host := func(u *url.URL) string { return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") }
	return (host(a) == host(b) || a.Host == "" || b.Host == "") && path.Clean(a.Path) == path.Clean(b.Path)
}

// sameThing tells whether two items describe one product: the same name, address
// or identifier.
func (p *Page) sameThing(a, b *item) bool {
	for _, name := range []string{"sku", "productID", "gtin13", "gtin", "mpn"} {
		if x, y := a.text(name), b.text(name); x != "" && strings.EqualFold(x, y) {
			return true
		}
	}
	x, y := firstBytes(a.text("name"), maxHeading), firstBytes(b.text("name"), maxHeading)
	if x == "" || y == "" {
		return p.addressScore(a) > 0 && p.addressScore(b) > 0
	}
	return overlap(x, y) >= 0.75 && overlap(y, x) >= 0.75
}
