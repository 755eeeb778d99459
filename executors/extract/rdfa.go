package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// readRDFa reads RDFa Lite: vocab, typeof, property and resource, with content,
// datetime, href and src as values. Prefixes are dropped like vocabularies: the
// local name tells enough. Properties outside of any item are not read, since
// OpenGraph uses that form and has a reader of its own.
func readRDFa(w *watch, root *html.Node) []*item {
	r := &rdfaReader{watch: w, budget: maxStructuredText}
	r.walk(root, nil)
	return r.tops
}

type rdfaReader struct {
	watch  *watch
	tops   []*item
	budget int // bytes of text that may still be read
}

func (r *rdfaReader) walk(n *html.Node, owner *item) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			r.element(c, owner)
		}
	}
}

func (r *rdfaReader) element(n *html.Node, owner *item) {
	r.watch.step()
	names := strings.Fields(attrText(n, "property"))
	if types, ok := attr(n, "typeof"); ok {
		it := &item{syntax: syntaxRDFa, types: localNames(strings.Fields(types)), node: n, id: resource(n)}
		if owner == nil || len(names) == 0 {
			r.tops = append(r.tops, it)
		} else {
			it.parent, it.via = owner, localName(names[0])
		}
		r.walk(n, it)
		for _, name := range names {
			if owner != nil {
				owner.props = append(owner.props, property{localName(name), value{item: it, node: n}})
			}
		}
		return
	}
	if owner != nil {
		for _, name := range names {
			owner.props = append(owner.props, property{localName(name), r.value(n)})
		}
	}
	r.walk(n, owner)
}

func resource(n *html.Node) string {
	for _, name := range []string{"resource", "about"} {
		if v := attrText(n, name); v != "" {
			return v
		}
	}
	return ""
}

func (r *rdfaReader) value(n *html.Node) value {
	if r.budget <= 0 {
		return value{node: n}
	}
	v := rdfaValue(n)
	r.budget -= len(v.text)
	return v
}

func rdfaValue(n *html.Node) value {
	for _, name := range []string{"content", "datetime", "resource"} {
		if v, ok := attr(n, name); ok {
			return value{text: v, machine: true, node: n}
		}
	}
	return elementValue(n)
}
