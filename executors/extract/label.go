package extract

import (
	"strings"

	"golang.org/x/net/html/atom"
)

// byPropertyName finds a property of what the page is about that has the field's
// name, case and separators aside; additionalProperty counts as well.
func (p *Page) byPropertyName(key string) finding {
	for _, it := range p.subjects() {
		for _, prop := range it.props {
			if idKey(prop.name) == key {
				return follow(it, []string{prop.name}, prop.name)
			}
		}
		for _, extra := range it.items("additionalProperty") {
			if idKey(extra.text("name")) == key {
				return one(extra.text("value"), string(it.syntax)+" additionalProperty "+extra.text("name"))
			}
		}
	}
	for _, m := range p.head.metas {
		if idKey(localName(m.name)) == key {
			return one(m.content, "meta "+m.name)
		}
	}
	return finding{}
}

// byLabel finds a value beside a label of the field's name, as in tables of
// properties: "Screen size: 15 inches", or two cells of a row.
func (p *Page) byLabel(name string) finding {
	l := p.layout()
	for _, i := range l.labelled(idKey(name)) {
		r := l.runs[i]
		if l.traits(r.frame)&(traitRelated|traitReview|traitCart|traitAside|traitHidden) != 0 {
			continue
		}
		label, rest, colon := strings.Cut(r.text, ":")
		if rest = strings.TrimSpace(rest); rest != "" {
			return one(rest, "page label "+label)
		}
		if (colon || isLabel(r.frame)) && i+1 < len(l.runs) && len(l.runs[i+1].text) <= maxLabelled {
			return one(valueText(l.runs[i+1]), "page label "+label)
		}
	}
	return finding{}
}

const maxLabelled = 300

// labelled gives the runs that are, or begin with, a label of the key.
func (l *layout) labelled(key string) []int {
	if l.labels == nil {
		l.labels = map[string][]int{}
		for i, r := range l.runs {
			if len(r.text) <= maxLabelled {
				label, _, _ := strings.Cut(r.text, ":")
				l.labels[idKey(label)] = append(l.labels[idKey(label)], i)
			}
		}
	}
	return l.labels[key]
}

// isLabel tells whether an element is there to name what follows.
func isLabel(f *frame) bool {
	for up := 0; f != nil && up < 3; f, up = f.parent, up+1 {
		switch f.node.DataAtom {
		case atom.Th, atom.Dt, atom.Td, atom.Label:
			return true
		default:
		}
		for _, w := range f.words {
			if w == "label" || w == "key" {
				return true
			}
		}
	}
	return false
}

// valueText is the whole text of the cell that a run begins.
func valueText(r run) string {
	for f, up := r.frame, 0; f != nil && up < 3; f, up = f.parent, up+1 {
		if f.first != r.index {
			break
		}
		switch f.node.DataAtom {
		case atom.Td, atom.Dd:
			return someText(f.node, maxItemText)
		default:
		}
	}
	return r.text
}
