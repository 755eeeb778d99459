package extract

import (
	"html"
	"strings"
)

// jsonLDReader turns JSON-LD documents into items. Objects anywhere become items;
// a reference by @id alone is replaced by the object that it names.
type jsonLDReader struct {
	watch *watch
	tops  []*item
	isTop map[*item]bool
	byID  map[string]*item
	refs  []reference
}

// maxReferences bounds the references that are resolved; a page has a few dozen.
const maxReferences = 1000

// reference is a value that names an item by its id.
type reference struct {
	owner *item
	prop  int
	id    string
}

// readJSONLD reads the scripts of a page. Broken documents give what can be read
// of them.
func readJSONLD(w *watch, scripts []string) []*item {
	r := &jsonLDReader{watch: w, byID: map[string]*item{}, isTop: map[*item]bool{}}
	for _, script := range scripts {
		if strings.Contains(script, "&quot;") && !strings.Contains(script, `"`) {
			// Some templates escape the whole script as if it were text.
			script = html.UnescapeString(script)
		}
		for _, doc := range parseLooseAll(r.watch, script) {
			r.top(doc)
		}
	}
	r.resolve()
	return r.tops
}

func (r *jsonLDReader) top(v any) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			r.top(each)
		}
	case object:
		if graph, ok := v.get("@graph"); ok {
			r.top(graph)
			if _, typed := v.get("@type"); !typed {
				return
			}
		}
		if it := r.item(v, nil, ""); it != nil {
			r.tops = append(r.tops, it)
			r.isTop[it] = true
		}
	}
}

func (r *jsonLDReader) item(o object, parent *item, via string) *item {
	r.watch.step()
	it := &item{syntax: syntaxJSONLD, parent: parent, via: via}
	for _, m := range o {
		switch m.key {
		case "@type", "type":
			it.types = append(it.types, localNames(texts(m.value))...)
			if m.key == "type" {
				r.add(it, m.key, m.value)
			}
		case "@id":
			it.id, _ = scalarText(m.value)
		case "@context", "@graph":
		case "@value":
			r.add(it, m.key, m.value)
		default:
			r.add(it, localName(m.key), m.value)
		}
	}
	if it.id != "" && len(it.props) > 0 && r.byID[it.id] == nil {
		r.byID[it.id] = it
	}
	return it
}

func (r *jsonLDReader) add(owner *item, name string, v any) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			r.add(owner, name, each)
		}
	case object:
		inner := r.item(v, owner, name)
		owner.props = append(owner.props, property{name, value{item: inner, machine: true}})
		if inner.id != "" && len(inner.props) == 0 && len(r.refs) < maxReferences {
			r.refs = append(r.refs, reference{owner, len(owner.props) - 1, inner.id})
		}
	default:
		if text, ok := scalarText(v); ok {
			// Texts in JSON-LD are often escaped twice over.
			text = html.UnescapeString(text)
			owner.props = append(owner.props, property{name, value{text: text, machine: true}})
		}
	}
}

// resolve replaces references by what they name. An item is never put below
// itself, so that every walk through the items ends.
func (r *jsonLDReader) resolve() {
	budget := maxReferenceWork
	for _, ref := range r.refs {
		r.watch.check()
		target := r.byID[ref.id]
		if target == nil || target.contains(ref.owner, map[*item]bool{}, &budget) || budget < 0 {
			continue
		}
		ref.owner.props[ref.prop].value.item = target
		if target.parent == nil && !r.isTop[target] {
			target.parent, target.via = ref.owner, ref.owner.props[ref.prop].name
		}
	}
}

// contains tells whether other is the item or below it. Items may be shared, so that
// those which were looked at are remembered. The answer is worth nothing once the
// budget of items is below zero.
func (it *item) contains(other *item, seen map[*item]bool, budget *int) bool {
	if it == other {
		return true
	}
	if seen[it] {
		return false
	}
	if *budget--; *budget < 0 {
		return false
	}
	seen[it] = true
	for _, p := range it.props {
		if p.value.item != nil && p.value.item.contains(other, seen, budget) {
			return true
		}
	}
	return false
}

// texts gives a scalar, or the scalars of a list.
func texts(v any) []string {
	if list, ok := v.([]any); ok {
		var out []string
		for _, each := range list {
			if s, ok := scalarText(each); ok {
				out = append(out, s)
			}
		}
		return out
	}
	if s, ok := scalarText(v); ok {
		return []string{s}
	}
	return nil
}
