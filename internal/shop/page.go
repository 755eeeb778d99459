package shop

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

//go:embed templates/*.gohtml
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.gohtml"))

const (
	freeFromCents = 5000
	shippingCents = 495
)

// page is what the templates draw.
type page struct {
	Title, Lang, Charset, URL, Style string
	FreeFrom, Nothing, Shipping, Was string
	P                                *Product
	T                                texts
	Related                          []relatedProduct
	Reviews                          []string
	JSONLD                           []template.JS
	Products                         []*Product
}

// texts are a locale's words, for the templates.
type texts struct {
	Home, SKULabel, InStock, OutOfStock, Add, Notify     string
	Related, Shipping, Instead, Price, Delivery, Reviews string
}

type relatedProduct struct{ Path, Name, Price, Amount string }

var styleNames = map[style]string{styleMicrodata: "microdata", styleRDFa: "rdfa", styleMeta: "meta"}

func newPage(l locale, title string) page {
	return page{
		Title: title, Lang: l.lang, Charset: "utf-8",
		FreeFrom: l.price(l.of(freeFromCents)), Nothing: l.price(0), Shipping: l.price(l.of(shippingCents)),
		T: texts{
			l.home, l.skuLabel, l.inStock, l.outOfStock, l.add, l.notify,
			l.related, l.shipping, l.instead, l.now, l.delivery, l.reviews,
		},
	}
}

// render draws a product's page as it is served, and its content type.
func (p *Product) render(pageURL string) (body []byte, contentType string) {
	data := newPage(p.locale, p.Name)
	data.P, data.URL, data.Style = p, pageURL, styleNames[p.style]
	data.JSONLD = p.jsonLD(pageURL)
	data.Reviews = p.reviews()
	if p.onSale() {
		data.Was = p.locale.price(p.amount + p.amount/4)
	}
	for _, other := range p.related {
		a := p.priced(other)
		data.Related = append(data.Related, relatedProduct{other.Path, other.Name, p.locale.price(a), p.locale.plain(a)})
	}
	old := p.oldCharset()
	if old {
		data.Charset = "windows-1252"
	}
	html := draw("product", data)
	switch {
	case p.Kind == Malformed:
		return []byte(mangle(p.variant, string(html))), contentTypeUTF8
	case old:
		return in1252(html), "text/html"
	}
	return html, contentTypeUTF8
}

const contentTypeUTF8 = "text/html; charset=utf-8"

// onSale pages have a crossed-out price as well.
func (p *Product) onSale() bool { return p.variant%2 == 0 }

// oldCharset pages are of the last century: windows-1252, and only the page itself
// says so.
func (p *Product) oldCharset() bool { return p.Kind == OK && p.locale.lang == "de-DE" }

func in1252(html []byte) []byte {
	out, err := charmap.Windows1252.NewEncoder().Bytes(html)
	if err != nil {
		panic(fmt.Sprintf("shop: a German page does not fit its charset: %v", err))
	}
	return out
}

func draw(name string, data any) []byte {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		panic(fmt.Sprintf("shop: draw %s: %v", name, err)) // the templates are embedded and tested
	}
	return b.Bytes()
}

// heavyReviews makes a page of more than half a megabyte.
const heavyReviews = 3000

func (p *Product) heavy() bool { return p.Kind == Slow && p.variant%3 == 0 }

func (p *Product) reviews() []string {
	few := []string{
		"Arrived after two days, does what it should.",
		fmt.Sprintf("I had seen it elsewhere for %s, so I am content.", p.locale.price(p.amount+p.amount/10)),
		"My third one. The first two still work, I gave them away.",
	}
	if !p.heavy() {
		return few
	}
	return append(few, strings.Split(strings.TrimSpace(strings.Repeat(
		"Five stars. I have used it every day since, through two moves and one flood, and it looks like new. Would buy it again.\n",
		heavyReviews)), "\n")...)
}
