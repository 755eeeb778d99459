package extract

import (
	"slices"
	"strings"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// furniture are types that describe the site or the page rather than what the page
// is about.
var furniture = []string{
	"WebSite", "WebPage", "ItemPage", "Organization", "Corporation", "OnlineStore", "Store", "BreadcrumbList", "ListItem", "ItemList",
	"SiteNavigationElement", "WPHeader", "WPFooter", "WPSideBar", "SearchAction", "ImageObject", "ContactPoint",
	"PostalAddress", "Review", "Rating", "Brand", "URL", "Breadcrumb", "CollectionPage", "SearchResultsPage",
}

// subjects are the items of the page, first the ones it is about.
func (p *Page) subjects() []*item {
	if p.doc == nil {
		return nil
	}
	out := slices.Clone(p.product().all())
	seen := itemSet(out)
	add := func(list []*item, wanted func(*item) bool) {
		for _, it := range list {
			if !seen[it] && wanted(it) {
				seen[it] = true
				out = append(out, it)
			}
		}
	}
	products := p.product().main != nil
	add(p.items, func(it *item) bool {
		if it.is(furniture...) || len(it.types) == 0 {
			return false
		}
		return !products || !it.is(productTypes...)
	})
	for _, it := range p.items {
		for _, name := range []string{"mainEntity", "mainEntityOfPage"} {
			add(it.items(name), func(it *item) bool { return len(it.props) > 0 && !it.is(furniture...) })
		}
	}
	return out
}

// everything is all items of the page, first those that it is about.
func (p *Page) everything() []*item {
	out := p.subjects()
	seen := itemSet(out)
	for _, it := range p.items {
		if !seen[it] {
			out = append(out, it)
		}
	}
	return out
}

func itemSet(list []*item) map[*item]bool {
	set := make(map[*item]bool, len(list))
	for _, it := range list {
		set[it] = true
	}
	return set
}

// byProperty follows a dotted path through the page's structured data; the first
// item that has it gives the value. The path may begin with the type of the item.
// What no item has is looked for among the meta elements.
func (p *Page) byProperty(path string, t field.Type) finding {
	names := strings.Split(strings.Trim(path, ". "), ".")
	for _, it := range p.everything() {
		rest := names
		if len(names) > 1 && it.is(names[0]) {
			rest = names[1:]
		}
		if found := follow(it, rest, path); found.found() {
			return found
		}
	}
	if p.head == nil {
		return finding{}
	}
	found := finding{source: "meta " + strings.ToLower(path), exact: true}
	for _, m := range p.head.metas {
		if m.name == strings.ToLower(path) {
			found.texts = append(found.texts, m.content)
			if t != field.TypeList {
				break
			}
		}
	}
	return found
}

// follow gives the values at the end of a path below an item.
func follow(it *item, names []string, path string) finding {
	found := finding{source: string(it.syntax) + " " + path}
	level := []*item{it}
	for _, name := range names[:len(names)-1] {
		var next []*item
		seen := map[*item]bool{}
		for _, it := range level {
			for _, inner := range it.items(name) {
				if !seen[inner] {
					seen[inner] = true
					next = append(next, inner)
				}
			}
		}
		level = next
	}
	for _, it := range level {
		for _, v := range it.all(names[len(names)-1]) {
			if text := v.String(); text != "" && len(found.texts) < maxListed {
				found = found.with(it, text, v.machine)
			}
		}
	}
	return found
}

// with adds the text of an item's property; the first one decides how texts are read.
func (f finding) with(it *item, text string, machine bool) finding {
	if len(f.texts) == 0 {
		f.exact = machine
		f.currency = parse.CurrencyCode(it.text("priceCurrency"))
	}
	f.texts = append(f.texts, text)
	return f
}
