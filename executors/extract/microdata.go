package extract

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// microdataReader follows the microdata section of the HTML standard, and takes
// the content attribute on any element, which authors use beyond the standard.
type microdataReader struct {
	watch  *watch
	root   *html.Node
	tops   []*item
	byID   map[string]*html.Node // elements by id, for itemref; made when needed
	stray  *item                 // properties that stand in no item
	inside map[*html.Node]bool   // items that are being read: an itemref may form a ring
	budget int                   // bytes of text that may still be read
	refs   int                   // elements that itemref may still add
}

const (
	maxStructuredText = 16 << 20 // elements with texts may be nested, each repeating those within
	maxItemText       = 64 << 10
	maxItemRefs       = 500
)

// readMicrodata gives the top items of a page. Properties outside of any item
// come last, as one item without type.
func readMicrodata(w *watch, root *html.Node) []*item {
	r := &microdataReader{watch: w, root: root, stray: &item{syntax: syntaxMicrodata}, inside: map[*html.Node]bool{}, budget: maxStructuredText, refs: maxItemRefs}
	r.walk(root, r.stray)
	if len(r.stray.props) > 0 {
		r.tops = append(r.tops, r.stray)
	}
	return r.tops
}

// walk reads the properties below n into owner.
func (r *microdataReader) walk(n *html.Node, owner *item) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode {
			continue
		}
		r.element(c, owner)
	}
}

func (r *microdataReader) element(n *html.Node, owner *item) {
	r.watch.step()
	names := strings.Fields(attrText(n, "itemprop"))
	if _, scope := attr(n, "itemscope"); scope {
		r.scope(n, owner, names)
		return
	}
	if _, typed := attr(n, "itemtype"); typed && len(names) == 0 {
		// itemtype without itemscope is an error, but what is meant is plain.
		r.scope(n, owner, nil)
		return
	}
	for _, name := range names {
		owner.props = append(owner.props, property{localName(name), r.value(n)})
	}
	r.walk(n, owner)
}

func (r *microdataReader) scope(n *html.Node, owner *item, names []string) {
	if r.inside[n] {
		return
	}
	r.inside[n] = true
	defer delete(r.inside, n)

	it := &item{
		syntax: syntaxMicrodata,
		types:  localNames(strings.Fields(attrText(n, "itemtype"))),
		id:     attrText(n, "itemid"),
		node:   n,
	}
	r.walk(n, it)
	for ref := range strings.FieldsSeq(attrText(n, "itemref")) {
		if target := r.elementByID(ref); target != nil && !isAncestor(target, n) && r.refs > 0 {
			r.refs--
			r.element(target, it)
		}
	}
	if len(names) == 0 || owner == r.stray {
		r.tops = append(r.tops, it)
		return
	}
	it.parent, it.via = owner, localName(names[0])
	for _, name := range names {
		owner.props = append(owner.props, property{localName(name), value{item: it, node: n}})
	}
}

func (r *microdataReader) elementByID(id string) *html.Node {
	if r.byID == nil {
		r.byID = map[string]*html.Node{}
		elements(r.watch, r.root, func(n *html.Node) bool {
			if v := attrText(n, "id"); v != "" && r.byID[v] == nil {
				r.byID[v] = n
			}
			return true
		})
	}
	return r.byID[id]
}

func (r *microdataReader) value(n *html.Node) value {
	if r.budget <= 0 {
		return value{node: n}
	}
	v := elementValue(n)
	r.budget -= len(v.text)
	return v
}

// isAncestor tells whether a is n or above it.
func isAncestor(a, n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == a {
			return true
		}
	}
	return false
}

// elementValue is the value that an element gives a property of microdata or RDFa.
func elementValue(n *html.Node) value {
	if content, ok := attr(n, "content"); ok {
		return value{text: content, machine: true, node: n}
	}
	var name string
	switch n.DataAtom {
	case atom.Audio, atom.Embed, atom.Iframe, atom.Img, atom.Source, atom.Track, atom.Video:
		name = "src"
	case atom.A, atom.Area, atom.Link:
		name = "href"
	case atom.Object:
		name = "data"
	case atom.Data, atom.Meter, atom.Input:
		name = "value"
	case atom.Time:
		name = "datetime"
	default:
		return value{text: someText(n, maxItemText), node: n}
	}
	if text, ok := attr(n, name); ok {
		return value{text: text, machine: true, node: n}
	}
	return value{text: someText(n, maxItemText), node: n}
}
