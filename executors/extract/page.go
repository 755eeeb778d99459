package extract

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// Page is a body that has been read, ready for fields to be found in it. It is
// not safe for concurrent use: parts of it are read when they are first needed.
type Page struct {
	watch *watch // of the call that is under way

	kind Kind
	url  *url.URL // where the page was found, after redirects
	base *url.URL // what its relative addresses are relative to
	body []byte   // in UTF-8

	doc   *goquery.Document // nil unless HTML
	head  *head
	items []*item // top items, all syntaxes

	json        any // of a JSON body
	jsonRead    bool
	jsonValues  int // about how many it has
	layoutMemo  *layout
	productMemo *product
	addressMemo map[string]bool
	state       []stateProduct
	stateRead   bool
}

// maxItems bounds the things of one syntax that are looked at.
const maxItems = 2000

// New reads a body. The address is the page's own, after redirects; it chooses
// among several products on one page and makes relative addresses absolute.
// Broken markup is read as far as it goes; an error means that nothing was: it is
// the context's when that ended the reading. The context rules this call only.
func New(ctx context.Context, body []byte, contentType string, address *url.URL) (*Page, error) {
	if address == nil {
		address = &url.URL{}
	}
	p := &Page{watch: &watch{}, kind: KindOf(body, contentType), url: address, base: address}
	var failed error
	err := p.watch.guard(ctx, func() {
		if p.kind == KindOther {
			return
		}
		p.body = decode(body, contentType)
		if p.kind == KindHTML {
			failed = p.readHTML()
		}
	})
	if err = cmp.Or(err, failed); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Page) readHTML() error {
	root, err := parseHTML(p.watch, p.body)
	if err != nil {
		return err
	}
	trimAttributes(p.watch, root)
	p.doc = goquery.NewDocumentFromNode(root)
	p.head = readHead(p.watch, root)
	if ref, err := url.Parse(p.head.base); err == nil && p.head.base != "" {
		p.base = p.url.ResolveReference(ref)
	}
	for _, read := range [][]*item{readJSONLD(p.watch, p.head.jsonLD), readMicrodata(p.watch, root), readRDFa(p.watch, root)} {
		p.items = append(p.items, read[:min(len(read), maxItems)]...)
	}
	return nil
}

// Kind is what the body was taken for.
func (p *Page) Kind() Kind { return p.kind }

// Title is the page's title, white space folded; empty when it has none.
func (p *Page) Title() string {
	if p.head == nil {
		return ""
	}
	if p.head.title != "" {
		return p.head.title
	}
	title, _ := p.head.metaContent("og:title", "twitter:title")
	return foldSpace(title)
}

func (p *Page) root() *html.Node {
	if p.doc == nil || len(p.doc.Nodes) == 0 {
		return nil
	}
	return p.doc.Nodes[0]
}

// canonical is the address that the page gives itself, or the one it was found at.
func (p *Page) canonical() *url.URL {
	if p.head == nil {
		return p.url
	}
	address := p.head.canonical
	if address == "" {
		address, _ = p.head.metaContent("og:url")
	}
	ref, err := url.Parse(strings.TrimSpace(address))
	if err != nil || address == "" {
		return p.url
	}
	return p.base.ResolveReference(ref)
}
