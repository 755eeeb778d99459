package extract

import (
	"slices"
	"strings"

	"golang.org/x/net/html/atom"
)

// textScore judges an amount by the words around it.
func (l *layout) textScore(r run, text string, at []int) float64 {
	score := 0.0
	before := strings.ToLower(text[:at[0]])
	after := text[at[1]:]
	if perUnit.MatchString(after) || timesFirst.MatchString(before) {
		score -= 4
	}
	if strings.TrimSpace(after) == "" && strings.TrimSpace(before) == "" {
		score += 0.5
		if r.index+1 < len(l.runs) && perUnit.MatchString(l.runs[r.index+1].text) {
			score -= 3
		}
	}
	if len(text) > longText {
		score--
	}
	label := before
	if strings.TrimSpace(label) == "" {
		label = l.label(r)
	}
	if l.inPropertyTable(r) && priceWords[strings.Trim(label, " :")] {
		score += weightTable
	}
	return score + labelScore(label)
}

// weightTable is on top of the label's, in a table of properties, where what is called
// the price is the price of what the page is about.
const weightTable = 3.5

// inPropertyTable tells whether a run follows the name of a property in a table or a list
// of them.
func (l *layout) inPropertyTable(r run) bool {
	if r.index == 0 {
		return false
	}
	name := l.runs[r.index-1].frame.inside(atom.Dt, atom.Th)
	value := r.frame.inside(atom.Dd, atom.Td)
	return name != nil && value != nil && name.parent == value.parent
}

// inside is the nearest element of a kind around a frame, or the frame itself.
func (f *frame) inside(kinds ...atom.Atom) *frame {
	for up := 0; f != nil && up < 3; f, up = f.parent, up+1 {
		if slices.Contains(kinds, f.node.DataAtom) {
			return f
		}
	}
	return nil
}

// label is the short text before a run, such as "Price:".
func (l *layout) label(r run) string {
	for i := r.index - 1; i >= 0 && i >= r.index-2; i-- {
		text := strings.ToLower(l.runs[i].text)
		if len(text) > 40 {
			return ""
		}
		if moneyText.MatchString(text) || strings.ContainsAny(text, "0123456789") {
			return ""
		}
		if len(text) > 2 {
			return text
		}
	}
	return ""
}

func labelScore(label string) float64 {
	switch {
	case label == "":
		return 0
	case startsWithAny(label, formerPhrases):
		return -3
	case containsAny(label, presentPhrases):
		return 1.5
	default:
		return 0
	}
}

// startsWithAny tells whether one of the phrases stands in the label as words.
func startsWithAny(label string, phrases []string) bool {
	padded := " " + label + " "
	for _, p := range phrases {
		if i := strings.Index(padded, p); i > 0 && !isASCIILetter(padded[i-1]) {
			return true
		}
	}
	return false
}

// placeScore judges an amount by the elements around it and by where it stands.
func (p *Page) placeScore(r run, f *frame) float64 {
	l := p.layout()
	score := nameScore(f) + l.zoneScore(l.traits(r.frame)) + l.positionScore(r.index)
	if l.inBuyButton(r.frame) {
		score += 1.5
	}
	return score
}

// nameScore judges the names of an element and of those around it.
func nameScore(f *frame) float64 {
	score, priced := 0.0, false
	weight := 1.0
	for up := 0; f != nil && up < 4; f, up = f.parent, up+1 {
		if f.calledPrice() && !priced {
			priced = true
			score += 3 * weight
		}
		switch {
		case f.hasWord(formerWords) || f.hasPair(formerPairs):
			score -= 2.5 * weight
		case f.hasWord(otherPriceWords):
			score -= 2.5 * weight
		case f.hasWord(presentWords):
			score += 1 * weight
		}
		if attrText(f.node, "itemprop") == "price" {
			score += 2 * weight
		}
		switch f.node.DataAtom {
		case atom.H1, atom.H2, atom.Strong, atom.B:
			score += 0.3
		case atom.Small:
			score -= 0.5
		default:
		}
		weight *= 0.7
	}
	return score
}

func (l *layout) zoneScore(t trait) float64 {
	score := 0.0
	for _, rule := range []struct {
		trait  trait
		weight float64
	}{
		{traitHidden, -3}, {traitStruck, -6}, {traitAside, -4}, {traitRelated, -4},
		{traitReview, -4}, {traitCart, -4}, {traitLink, -1.5}, {traitChoice, -1.5},
	} {
		if t&rule.trait != 0 {
			score += rule.weight
		}
	}
	return score
}

// positionScore judges a place by its distance from the main heading and from the
// buttons to buy.
func (l *layout) positionScore(index int) float64 {
	score := 0.0
	if l.heading >= 0 {
		switch d := index - l.heading; {
		case d < -80:
			score -= 2
		case d < 0:
			score -= 0.5
		case d <= 25:
			score += 2 - float64(d)*0.03
		case d <= 80:
			score++
		case d > 200:
			score -= 1.5
		}
	}
	if l.other[index] {
		score -= 3
	}
	for _, b := range l.buttons {
		if d := index - b.index; d >= -25 && d <= 10 {
			return score + 1
		}
	}
	return score
}

// inBuyButton tells whether a place is in a button that buys, which then names the
// price.
func (l *layout) inBuyButton(f *frame) bool {
	for up := 0; f != nil && up < 4; f, up = f.parent, up+1 {
		for _, b := range l.buttons {
			if b.frame == f {
				return true
			}
		}
	}
	return false
}
