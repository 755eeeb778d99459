package extract

import (
	"net/url"
	"strings"
)

// offer is one way to buy the product, flattened from whatever shape it has.
type offer struct {
	price        value
	currency     string
	availability string
	sku          string
	url          string
	name         string
	path         string // where it stood, for people: "json-ld offers.price"
}

// offers gives the offers of an item in the order of the page.
func offers(it *item) []offer {
	c := offerCollector{visits: maxOfferVisits}
	c.collect(it, string(it.syntax)+" ", offer{}, 0)
	return c.out
}

// offerCollector gathers offers. Items may be shared, so that there are many more
// ways through them than items: the visits are counted.
type offerCollector struct {
	out    []offer
	visits int
}

const (
	maxOfferDepth = 6
	maxOffers     = 1000
)

// collect reads an item that has or is an offer. What an outer offer says
// holds for the inner ones unless they say otherwise.
func (c *offerCollector) collect(it *item, path string, outer offer, depth int) {
	c.visits--
	if depth > maxOfferDepth || len(c.out) >= maxOffers || c.visits < 0 {
		return
	}
	o := outer.within(it)
	before := len(c.out)
	for _, name := range []string{"offers", "offer", "hasVariant", "priceSpecification"} {
		for _, inner := range it.items(name) {
			if name == "priceSpecification" && formerSpecification(inner) {
				continue
			}
			c.collect(inner, path+name+".", o, depth+1)
		}
	}
	// Prices of the item itself come before those of its specifications: these
	// repeat it, or break it down.
	if o.availability == "" {
		o.availability = someAvailability(c.out[before:])
	}
	own := o.prices(it, path)
	if len(own) > 0 {
		c.out = append(c.out[:before], own...)
		return
	}
	if len(c.out) == before && (o.availability != "" || o.sku != "") && depth > 0 {
		o.path = path
		c.out = append(c.out, o)
	}
}

// someAvailability is the best of what offers say: a range of them can be bought when one
// can.
func someAvailability(all []offer) string {
	some := ""
	for _, o := range all {
		if stockOf(o.availability) == inStock {
			return o.availability
		}
		if some == "" {
			some = o.availability
		}
	}
	return some
}

// within is the offer with what an item inside of it says.
func (o offer) within(it *item) offer {
	set := func(to *string, names ...string) {
		for _, name := range names {
			if s := it.text(name); s != "" {
				*to = s
				return
			}
		}
	}
	set(&o.currency, "priceCurrency", "currency")
	set(&o.availability, "availability")
	set(&o.sku, "sku", "productID")
	set(&o.url, "url")
	set(&o.name, "name")
	return o
}

// prices are the item's own: the price, else the lowest one of a range.
func (o offer) prices(it *item, path string) []offer {
	var out []offer
	for _, name := range []string{"price", "lowPrice", "minPrice", "highPrice"} {
		for _, v := range it.all(name) {
			if v.String() == "" || len(out) >= maxOffers {
				continue
			}
			one := o
			one.price, one.path = v, path+name
			out = append(out, one)
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// formerSpecification tells whether a price specification is about a price that is
// not asked, or that is asked for a part only.
func formerSpecification(it *item) bool {
	if strings.Contains(strings.ToLower(it.text("priceType")), "list") ||
		strings.Contains(strings.ToLower(it.text("priceType")), "strikethrough") ||
		strings.Contains(strings.ToLower(it.text("priceType")), "msrp") {
		return true
	}
	return it.is("DeliveryChargeSpecification", "PaymentChargeSpecification") || len(it.all("referenceQuantity")) > 0
}

// chosenByAddress keeps the offers that the page's address points at, by their own
// address or by an identifier that the address has as a whole value; all of them
// when it points at none.
func (p *Page) chosenByAddress(all []offer) []offer {
	if len(all) < 2 {
		return all
	}
	var chosen []offer
	for _, o := range all {
		if (o.sku != "" && p.addressHas(o.sku)) || p.pointsAt(o.url) {
			chosen = append(chosen, o)
		}
	}
	if len(chosen) == 0 {
		return all
	}
	return chosen
}

// pointsAt tells whether an address is the page's own, with the query or fragment
// that chooses a variant.
func (p *Page) pointsAt(raw string) bool {
	ref, err := url.Parse(raw)
	if err != nil || raw == "" {
		return false
	}
	address := p.base.ResolveReference(ref)
	if !sameAddress(address, p.url) || (address.RawQuery == "" && address.Fragment == "") {
		return false
	}
	want := variantValues(address)
	for v := range want {
		if !p.addressHas(v) {
			return false
		}
	}
	return len(want) > 0
}

// addressHas tells whether the page's address has a value as a segment of its path
// or as a value of its query or fragment.
func (p *Page) addressHas(value string) bool {
	if p.addressMemo == nil {
		p.addressMemo = addressValues(p.url)
	}
	return p.addressMemo[strings.ToLower(value)]
}

// variantValues are the values of an address's query and fragment, without those
// that only say where a visitor came from.
func variantValues(u *url.URL) map[string]bool {
	out := map[string]bool{}
	add := func(values url.Values) {
		for key, list := range values {
			if strings.HasPrefix(strings.ToLower(key), "utm_") {
				continue
			}
			for _, v := range list {
				if v != "" {
					out[strings.ToLower(v)] = true
				}
			}
		}
	}
	add(u.Query())
	if fragment, err := url.ParseQuery(u.Fragment); err == nil {
		add(fragment)
	}
	return out
}

// addressValues are the variant values of an address and the segments of its path.
func addressValues(u *url.URL) map[string]bool {
	out := variantValues(u)
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment != "" {
			out[strings.ToLower(segment)] = true
		}
	}
	return out
}
