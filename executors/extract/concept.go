package extract

import (
	"github.com/minohq/mino/models/field"
)

// concept is something that pages commonly have and that is found without a rule.
type concept func(p *Page, t field.Type) finding

// concepts by the names that people give fields, in lower case and without anything
// but letters and digits.
var concepts = conceptNames(map[string]struct {
	find  concept
	names []string
}{
	"name": {(*Page).findName, []string{"name", "title", "producttitle", "productname", "product", "itemname", "heading", "headline", "displayname", "fullname"}},
	"price": {(*Page).findPrice, []string{"price", "currentprice", "saleprice", "productprice", "sellingprice", "finalprice",
		"unitprice", "amount", "cost", "preis", "prix", "prezzo", "precio", "preco", "cena", "offerprice"}},
	"former":       {(*Page).findFormerPrice, []string{"listprice", "oldprice", "originalprice", "regularprice", "wasprice", "rrp", "msrp", "pricebefore", "strikeprice", "retailprice"}},
	"currency":     {(*Page).findCurrency, []string{"currency", "pricecurrency", "currencycode"}},
	"availability": {(*Page).findAvailability, []string{"availability", "instock", "stock", "stockstatus", "available", "isavailable", "availabilitystatus", "isinstock"}},
	"sku":          {(*Page).findSKU, []string{"sku", "productid", "productcode", "itemnumber", "articlenumber", "itemid", "productnumber", "itemcode", "articleno", "itemno", "artikelnummer", "asin", "reference"}},
	"gtin":         {findByProperties("gtin13", "gtin", "gtin14", "gtin12", "gtin8", "ean", "isbn"), []string{"gtin", "gtin8", "gtin12", "gtin13", "gtin14", "ean", "ean13", "upc", "barcode"}},
	"isbn":         {findByProperties("isbn", "gtin13"), []string{"isbn", "isbn13", "isbn10"}},
	"mpn":          {findByProperties("mpn", "model"), []string{"mpn", "modelnumber", "partnumber", "manufacturerpartnumber", "model", "manufacturernumber"}},
	"brand":        {(*Page).findBrand, []string{"brand", "manufacturer", "make", "brandname", "vendor"}},
	"image":        {(*Page).findImage, []string{"image", "images", "imageurl", "mainimage", "picture", "photo", "thumbnail", "imageurls", "imagelink"}},
	"description":  {(*Page).findDescription, []string{"description", "summary", "productdescription", "shortdescription", "abstract"}},
	"rating":       {(*Page).findRating, []string{"rating", "ratingvalue", "averagerating", "stars", "score", "reviewscore", "ratingscore", "avgrating"}},
	"reviews":      {(*Page).findReviewCount, []string{"reviewcount", "ratingcount", "reviews", "numberofreviews", "numreviews", "reviewscount", "ratings", "ratingscount", "numberofratings"}},
	"url":          {(*Page).findURL, []string{"url", "link", "canonical", "canonicalurl", "producturl", "pageurl", "permalink"}},
	"category":     {(*Page).findCategory, []string{"category", "categories", "breadcrumb", "breadcrumbs", "producttype", "section"}},
	"published": {findByProperties("datePublished", "article:published_time", "uploadDate", "dateCreated", "datePosted", "og:published_time", "date", "dc.date", "pubdate", "publishdate"),
		[]string{"datepublished", "publishdate", "published", "publisheddate", "publicationdate", "date", "publishedat", "pubdate", "releasedate", "dateposted", "posted", "postedat", "created", "createdat"}},
	"modified": {findByProperties("dateModified", "article:modified_time", "og:updated_time", "last-modified"),
		[]string{"datemodified", "modified", "modifieddate", "updated", "updatedat", "lastmodified", "lastupdated", "updateddate"}},
	"author":    {findByProperties("author", "creator", "article:author", "dc.creator", "byl"), []string{"author", "authors", "byline", "writer", "creator"}},
	"publisher": {findByProperties("publisher", "og:site_name", "application-name"), []string{"publisher", "sitename", "site", "source"}},
	"seller":    {findByProperties("offers.seller", "seller"), []string{"seller", "sellername", "merchant", "shop", "store", "soldby"}},
	"keywords":  {(*Page).findKeywords, []string{"keywords", "tags"}},
	"language":  {(*Page).findLanguage, []string{"language", "lang", "inlanguage"}},
	"condition": {findByProperties("offers.itemCondition", "itemCondition", "product:condition"), []string{"condition", "itemcondition"}},
})

func conceptNames(all map[string]struct {
	find  concept
	names []string
}) map[string]concept {
	out := map[string]concept{}
	for _, c := range all {
		for _, name := range c.names {
			out[name] = c.find
		}
	}
	return out
}

// byName finds a field that has no rule: by its name, else by its type when it is
// the only field of that type, else as a property or a label of that name.
func (p *Page) byName(f field.Field, all []field.Field) finding {
	key := idKey(f.Name)
	if p.doc == nil {
		return p.byKey(key)
	}
	find := concepts[key]
	if find != nil && fits(key, f.Type) {
		return find(p, f.Type)
	}
	if found := p.byPropertyName(key); found.found() {
		return found
	}
	if found := p.byLabel(f.Name); found.found() {
		return found
	}
	return p.byType(f, all)
}

// fits keeps a name that means several things from being read as the wrong one: a
// field "reviews" that is a list holds texts, not their number.
func fits(key string, t field.Type) bool {
	switch key {
	case "reviews", "ratings":
		return t == field.TypeNumber || t == field.TypeText
	case "amount", "cost":
		return t == field.TypeMoney || t == field.TypeNumber
	default:
		return true
	}
}

// byType finds a field by its type when no other field of the project has it.
func (p *Page) byType(f field.Field, all []field.Field) finding {
	for _, other := range all {
		if other.Name != f.Name && other.Type == f.Type {
			return finding{}
		}
	}
	switch f.Type {
	case field.TypeMoney:
		return p.findPrice(f.Type)
	case field.TypeDate:
		return concepts["datepublished"](p, f.Type)
	case field.TypeText, field.TypeNumber, field.TypeBoolean, field.TypeURL, field.TypeEnum, field.TypeList:
	}
	return finding{}
}

func findByProperties(paths ...string) concept {
	return func(p *Page, t field.Type) finding {
		for _, path := range paths {
			if found := p.byProperty(path, t); found.found() {
				return found
			}
		}
		return finding{}
	}
}
