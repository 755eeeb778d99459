package shop

import (
	"encoding/json"
	"html/template"
)

type object = map[string]any

const schemaOrg = "https://schema.org"

// jsonLD gives the JSON-LD of a page, one text for each script element; none for the
// styles that have none.
func (p *Product) jsonLD(pageURL string) []template.JS {
	switch p.style {
	case styleJSONLD:
		return scripts(p.organisation(), p.product(pageURL, p.offer(pageURL)), p.itemList())
	case styleAggregate:
		return scripts(p.product(pageURL, p.aggregate()))
	case styleGraph:
		return scripts(p.graph(pageURL))
	case styleMicrodata, styleMeta, stylePlain, styleRDFa, styleCount:
	}
	return nil
}

// scripts are trusted: they are marshalled here, with "<" escaped by encoding/json.
func scripts(objects ...object) []template.JS {
	out := make([]template.JS, len(objects))
	for i, o := range objects {
		text, err := json.MarshalIndent(o, "", " ")
		if err != nil {
			panic(err) // maps of texts and numbers marshal
		}
		out[i] = template.JS(text) //nolint:gosec // see above
	}
	return out
}

func (p *Product) product(pageURL string, offers object) object {
	o := object{
		"@context": schemaOrg, "@type": "Product", "@id": pageURL + "#product",
		"name": p.Name, "sku": p.SKU, "offers": offers,
		"brand":           object{"@type": "Brand", "name": p.Brand},
		"aggregateRating": object{"@type": "AggregateRating", "ratingValue": 4.6, "reviewCount": 318},
	}
	var similar []object
	for _, other := range p.related {
		similar = append(similar, object{
			"@type": "Product", "name": other.Name, "sku": other.SKU,
			"offers": object{"@type": "Offer", "price": p.locale.plain(p.priced(other)), "priceCurrency": p.Currency},
		})
	}
	o["isRelatedTo"] = similar
	return o
}

func (p *Product) offer(pageURL string) object {
	return object{
		"@type": "Offer", "url": pageURL, "price": p.Amount, "priceCurrency": p.Currency,
		"availability": schemaOrg + "/" + p.availability(), "itemCondition": schemaOrg + "/NewCondition",
		"shippingDetails": object{"@type": "OfferShippingDetails", "shippingRate": object{
			"@type": "MonetaryAmount", "value": p.locale.plain(p.locale.of(shippingCents)), "currency": p.Currency,
		}},
	}
}

// aggregate is how shops with several sellers state prices: the lowest counts.
func (p *Product) aggregate() object {
	return object{
		"@type": "AggregateOffer", "lowPrice": p.Amount, "highPrice": p.locale.plain(p.amount + p.amount/3),
		"priceCurrency": p.Currency, "offerCount": 3, "availability": "http://schema.org/" + p.availability(),
	}
}

// graph is how popular shop systems state everything at once.
func (p *Product) graph(pageURL string) object {
	product := p.product(pageURL, nil)
	delete(product, "@context")
	product["offers"] = []object{{
		"@type": "Offer", "availability": p.availability(), "url": pageURL,
		"priceSpecification": []object{{
			"@type": "UnitPriceSpecification", "price": json.Number(p.Amount), "priceCurrency": p.Currency,
		}},
	}}
	organisation := p.organisation()
	delete(organisation, "@context")
	return object{"@context": schemaOrg, "@graph": []object{
		organisation,
		{"@type": "WebPage", "@id": pageURL, "name": p.Name + " | Larch & Lane", "mainEntity": object{"@id": pageURL + "#product"}},
		{"@type": "BreadcrumbList", "itemListElement": []object{
			{"@type": "ListItem", "position": 1, "name": p.locale.home, "item": "/"},
			{"@type": "ListItem", "position": 2, "name": p.Name},
		}},
		product,
	}}
}

func (p *Product) organisation() object {
	return object{
		"@context": schemaOrg, "@type": "Organization", "@id": "#shop", "name": "Larch & Lane",
		"telephone": "+1-555-0100", "priceRange": "$$",
	}
}

// itemList is a trap: products that the page does not sell.
func (p *Product) itemList() object {
	var elements []object
	for i, other := range p.related {
		elements = append(elements, object{"@type": "ListItem", "position": i + 1, "item": object{
			"@type": "Product", "name": other.Name, "url": other.Path,
			"offers": object{"@type": "Offer", "price": p.locale.plain(p.priced(other)), "priceCurrency": p.Currency},
		}})
	}
	return object{"@context": schemaOrg, "@type": "ItemList", "itemListElement": elements}
}

// priced is what another product costs in this one's currency; the shop's rates are
// not exact, and the pages are only to have another price.
func (p *Product) priced(other *Product) amount {
	euroCents := int64(float64(other.amount) / other.locale.rate)
	if other.locale.decimals == 0 {
		euroCents *= 100
	}
	priced := p.locale.of(euroCents)
	if priced == p.amount {
		priced += priced / 2
	}
	return priced
}
