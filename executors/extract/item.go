package extract

import (
	"encoding/json"
	"strings"

	"golang.org/x/net/html"
)

// syntax is how structured data stood on the page; it opens every source that
// Evidence names.
type syntax string

const (
	syntaxJSONLD    syntax = "json-ld"
	syntaxMicrodata syntax = "microdata"
	syntaxRDFa      syntax = "rdfa"
)

// item is one thing that structured data describes, the same for all syntaxes.
type item struct {
	syntax syntax
	types  []string // local names: "Product", not "https://schema.org/Product"
	id     string
	props  []property
	node   *html.Node // the element that is the item; nil for JSON-LD
	parent *item      // what it is a value of, nil at the top
	via    string     // the property of parent whose value it is
}

type property struct {
	name  string // local name
	value value
}

// value is a text or an item.
type value struct {
	text string
	item *item
	// machine tells that the text was written for programs (a JSON number or
	// string, a content attribute), not for readers.
	machine bool
	node    *html.Node // the element that carries it; nil for JSON-LD
}

// all gives the values of a property; its name is matched without case, since
// authors write "InStock" and "instock" alike.
func (it *item) all(name string) []value {
	var out []value
	for _, p := range it.props {
		if strings.EqualFold(p.name, name) {
			out = append(out, p.value)
		}
	}
	return out
}

// text is the first text that a property has: its own, or the name, id or URL of
// the item that is its value.
func (it *item) text(name string) string {
	for _, v := range it.all(name) {
		if s := v.String(); s != "" {
			return s
		}
	}
	return ""
}

// items gives the values of a property that are items.
func (it *item) items(name string) []*item {
	var out []*item
	for _, v := range it.all(name) {
		if v.item != nil {
			out = append(out, v.item)
		}
	}
	return out
}

// is tells whether the item has one of the types.
func (it *item) is(types ...string) bool {
	for _, have := range it.types {
		for _, want := range types {
			if strings.EqualFold(have, want) {
				return true
			}
		}
	}
	return false
}

// String is what stands for a value where a text is wanted.
func (v value) String() string {
	if v.item == nil {
		return foldSpace(v.text)
	}
	for _, name := range []string{"name", "value", "@value", "url", "contentUrl", "ratingValue"} {
		for _, inner := range v.item.all(name) {
			if inner.item == nil && inner.text != "" {
				return foldSpace(inner.text)
			}
		}
	}
	return v.item.id
}

// localName strips the vocabulary from a type or property name.
func localName(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimRight(s, "/#")
	if i := strings.LastIndexAny(s, "/#"); i >= 0 {
		return s[i+1:]
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[i+1:]
	}
	return s
}

func localNames(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		if name := localName(s); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// scalarText is the text of a JSON scalar; ok is false for null and for what is
// no scalar.
func scalarText(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	default:
		return "", false
	}
}

func foldSpace(s string) string { return strings.Join(strings.Fields(s), " ") }
