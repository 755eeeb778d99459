package extract

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html/atom"
)

// findHeading looks for the heading that names what the page is about: the one
// that the page's title repeats. A first h1 may be a slogan or the shop's name.
func (l *layout) findHeading(p *Page) {
	og, _ := p.head.metaContent("og:title", "twitter:title")
	titles := []string{p.head.title, firstBytes(og, maxHeading)}
	var best *frame
	bestScore, scored := 0.0, 0
	for _, r := range l.runs {
		l.watch.step()
		for f, up := r.frame, 0; f != nil && up < 3; f, up = f.parent, up+1 {
			bonus := headingBonus(f)
			if bonus == 0 || l.runs[f.first].index != r.index {
				continue
			}
			if scored++; scored > maxHeadings {
				break
			}
			if s := headingScore(someText(f.node, maxHeading), titles) + bonus; s > bestScore {
				best, bestScore = f, s
			}
		}
	}
	if best == nil || bestScore < 1 {
		best = l.frames[p.head.h1Node]
	}
	if best == nil {
		best = l.titleRun(titles)
	}
	if best == nil || best.first >= len(l.runs) {
		return
	}
	l.heading, l.headingText = best.first, someText(best.node, maxHeading)
	l.headingScore = headingScore(l.headingText, titles)
	for f := best; f != nil; f = f.parent {
		l.around[f] = true
	}
}

// titleRun is the element of the first run that repeats a title, for pages whose
// headings are headings by their looks alone.
func (l *layout) titleRun(titles []string) *frame {
	for _, r := range l.runs {
		l.watch.step()
		if r.index >= maxHeadings {
			break
		}
		if len(r.text) >= 6 && headingScore(r.text, titles) >= 1.3 && l.traits(r.frame)&(traitHidden|traitAside|traitLink) == 0 {
			return r.frame
		}
	}
	return nil
}

// headingBonus is how much an element looks like a heading; 0 when not at all.
func headingBonus(f *frame) float64 {
	bonus := 0.0
	switch f.node.DataAtom {
	case atom.H1:
		bonus = 0.5
	case atom.H2:
		bonus = 0.25
	case atom.H3, atom.H4:
		bonus = 0.1
	default:
	}
	for i, w := range f.words {
		if (w == "name" || w == "title") && i > 0 && (f.words[i-1] == "product" || f.words[i-1] == "item") {
			bonus += 0.2
			break
		}
	}
	if bonus > 0 && f.own&(traitHidden|traitRelated|traitAside) != 0 {
		bonus = 0.01
	}
	return bonus
}

// maxHeadings is the most places that are judged as the main heading.
const maxHeadings = 2000

// maxHeading is the most bytes of a text that can be a heading.
const maxHeading = 500

// sureHeading is the score from which on a heading names the page beyond doubt.
const sureHeading = 1.2

// headingScore is how well a text agrees with one of the titles, 0–2: the share
// of the text that is in the title and the share of the title that is in the text.
func headingScore(text string, titles []string) float64 {
	if text == "" || len(text) > maxHeading {
		return 0
	}
	best := 0.0
	for _, title := range titles {
		if title != "" {
			best = max(best, overlap(text, title)+overlap(title, text))
		}
	}
	return best
}

// overlap is the share of a's words that b has too. Scripts without spaces are
// compared by pairs of characters.
func overlap(a, b string) float64 {
	wordsA, wordsB := tokens(a), tokens(b)
	if len(wordsA) == 0 {
		return 0
	}
	have := wordSet(wordsB...)
	n := 0
	for _, w := range wordsA {
		if have[w] {
			n++
		}
	}
	return float64(n) / float64(len(wordsA))
}

// tokens are the words of a text in lower case; of scripts that do not part words,
// all pairs of neighbouring characters.
func tokens(s string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}) {
		runes := []rune(word)
		if len(runes) < 3 || !unicode.In(runes[0], unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Hangul) {
			out = append(out, word)
			continue
		}
		for i := 0; i+1 < len(runes); i++ {
			out = append(out, string(runes[i:i+2]))
		}
	}
	return out
}

// button is something a reader can press to buy.
type button struct {
	frame   *frame
	index   int // of the run at which it stands
	enabled bool
}

// findButtons collects what can be pressed to buy, outside of lists of other
// products.
func (l *layout) findButtons() {
	for _, r := range l.runs {
		l.watch.step()
		if len(r.text) <= maxButtonText && containsAny(strings.ToLower(r.text), buyPhrases) {
			if f := pressable(r.frame); f != nil {
				l.addButton(f)
			}
		}
	}
	for _, f := range l.order {
		l.watch.step()
		n := f.node
		if n.DataAtom == atom.Input || n.DataAtom == atom.Button || n.DataAtom == atom.A {
			label := strings.ToLower(attrText(n, "value") + " " + attrText(n, "aria-label") + " " + attrText(n, "title"))
			if (len(label) <= maxButtonText && containsAny(label, buyPhrases)) || namedForBuying(f) {
				l.addButton(f)
			}
		}
	}
	slices.SortStableFunc(l.buttons, func(a, b button) int { return cmp.Compare(a.index, b.index) })
}

const (
	maxButtonText = 60
	maxButtons    = 200
)

func (l *layout) addButton(f *frame) {
	if len(l.buttons) >= maxButtons {
		return
	}
	for _, b := range l.buttons {
		if b.frame == f {
			return
		}
	}
	traits := l.traits(f)
	if traits&(traitAside|traitRelated|traitCart|traitReview) != 0 {
		return
	}
	l.buttons = append(l.buttons, button{frame: f, index: f.first, enabled: traits&traitHidden == 0 && !disabled(f)})
}

// pressable is the button or link around a text, if there is one close by.
func pressable(f *frame) *frame {
	for up := 0; f != nil && up < 4; f, up = f.parent, up+1 {
		if f.node.DataAtom == atom.A || f.own&traitButton != 0 {
			return f
		}
		if role := attrText(f.node, "role"); role == "button" {
			return f
		}
	}
	return nil
}

// namedForBuying tells whether a button's names say that it puts into the cart.
func namedForBuying(f *frame) bool {
	joined := " " + strings.Join(f.words, " ") + " "
	return strings.Contains(joined, " add to cart ") || strings.Contains(joined, " addtocart ") ||
		strings.Contains(joined, " add to basket ") || strings.Contains(joined, " add to bag ") ||
		strings.Contains(joined, " addtobasket ") || strings.Contains(joined, " addtobag ") ||
		strings.Contains(joined, " buy now ") || strings.Contains(joined, " buybutton ") ||
		strings.Contains(joined, " buy btn ") || strings.Contains(joined, " btn buy ") || strings.Contains(joined, " buy button ")
}

// disabled tells whether a button, or what stands directly around it, is switched off.
func disabled(f *frame) bool {
	for up := 0; f != nil && up < 2; f, up = f.parent, up+1 {
		if _, off := attr(f.node, "disabled"); off || attrText(f.node, "aria-disabled") == "true" {
			return true
		}
		for _, w := range f.words {
			if w == "disabled" || w == "soldout" || w == "inactive" {
				return true
			}
		}
	}
	return false
}

// markOthers marks the runs that show other products, judged by headings: from one
// that announces them to the next heading of the same rank.
func (l *layout) markOthers() {
	l.other = make([]bool, len(l.runs))
	rank := 0 // of the heading that announced other products; 0 outside
	for i, r := range l.runs {
		l.watch.step()
		if i > l.heading {
			if here := headingRank(r.frame); here > 0 && len(r.text) <= 80 {
				switch {
				case containsAny(strings.ToLower(r.text), relatedHeadings):
					if rank == 0 || here < rank {
						rank = here
					}
				case rank > 0 && here <= rank:
					rank = 0
				}
			}
		}
		l.other[i] = rank > 0
	}
}

// amongOthers tells whether an element stands below a heading that announces other
// products. One without text stands where the text before it does.
func (l *layout) amongOthers(f *frame) bool {
	at := f.first
	if f.end == f.first {
		at--
	}
	return at >= 0 && at < len(l.other) && l.other[at]
}

const unranked = 4 // of what is called a heading but is none by its tag

// headingRank is the rank of the heading that a text stands in, 1 the highest; 0
// when it stands in none.
func headingRank(f *frame) int {
	for up := 0; f != nil && up < 3; f, up = f.parent, up+1 {
		switch f.node.DataAtom {
		case atom.H1:
			return 1
		case atom.H2:
			return 2
		case atom.H3:
			return 3
		case atom.H4, atom.H5:
			return unranked
		default:
		}
		for _, w := range f.words {
			if w == "heading" || w == "headline" || w == "title" {
				return unranked
			}
		}
	}
	return 0
}
