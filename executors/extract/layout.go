package extract

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// layout is the page as a reader goes through it: the runs of text in order, each
// with the elements around it. Style sheets are not applied; what classes, ids and
// tags tell of a place stands in for them.
type layout struct {
	watch   *watch
	runs    []run
	frames  map[*html.Node]*frame
	order   []*frame // in document order
	heading int      // index of the run that opens the main heading; -1 when there is none
	// headingText is the whole text of the main heading, headingScore how well it
	// agrees with the page's title.
	headingText  string
	headingScore float64
	around       map[*frame]bool
	buttons      []button
	other        []bool // by run: stands below a heading that announces other products

	labels map[string][]int // runs by the key of the label that they are or begin with

	prices     []seenPrice
	pricesRead bool
}

// run is a piece of text that a reader may see.
type run struct {
	text  string
	frame *frame
	index int
}

// frame is an element in the layout.
type frame struct {
	node   *html.Node
	parent *frame
	words  []string // of class, id and the like, in lower case
	first  int      // index of the first run at or after the start of the element
	end    int      // index of the first run after its end
	own    trait
	all    trait // own and inherited; valid when known
	known  bool

	joined   string // its text as an amount would be read, and where in it one stands
	amountAt []int
	read     bool // joined and amountAt are valid
}

// trait is what an element tells of all that stands in it.
type trait uint16

const (
	traitHidden  trait = 1 << iota // not shown
	traitStruck                    // crossed out
	traitAside                     // navigation, footer
	traitRelated                   // other products
	traitReview                    // what customers say
	traitCart                      // the contents of the cart
	traitLink                      // leads to another page
	traitButton                    // a button or what stands for one
	traitChoice                    // one of several variants to choose from
)

func (p *Page) layout() *layout {
	if p.layoutMemo == nil {
		l := &layout{watch: p.watch, frames: map[*html.Node]*frame{}, heading: -1, around: map[*frame]bool{}}
		if root := p.root(); root != nil {
			l.walk(root, nil)
			l.findHeading(p)
			l.forgetTraits()
			l.findButtons()
			l.markOthers()
		}
		p.layoutMemo = l
	}
	return p.layoutMemo
}

func (l *layout) walk(n *html.Node, parent *frame) {
	l.watch.step()
	switch n.Type {
	case html.TextNode:
		if parent == nil || len(l.runs) >= maxRuns {
			return
		}
		if text := foldSpace(n.Data); text != "" {
			l.runs = append(l.runs, run{text: text, frame: parent, index: len(l.runs)})
		}
		return
	case html.ElementNode:
		if unseen(n) || len(l.order) >= maxElements {
			return
		}
		f := &frame{node: n, parent: parent, words: markupWords(n), first: len(l.runs)}
		f.own = ownTraits(f)
		l.frames[n] = f
		l.order = append(l.order, f)
		parent = f
	default:
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		l.walk(c, parent)
	}
	if n.Type == html.ElementNode {
		parent.end = len(l.runs)
	}
}

// traits are the element's own and those of the elements around it. Elements that
// hold the main heading are the main part of the page whatever they are called.
func (l *layout) traits(f *frame) trait {
	if f == nil {
		return 0
	}
	if !f.known {
		own := f.own
		if l.around[f] {
			own &^= traitAside | traitRelated | traitReview | traitCart | traitLink | traitChoice
		}
		f.all, f.known = own|l.traits(f.parent), true
	}
	return f.all
}

// forgetTraits makes traits be worked out again, once the main heading is known.
func (l *layout) forgetTraits() {
	for _, f := range l.order {
		f.known = false
	}
}

// markupWords are the words that an author gave an element for a name.
func markupWords(n *html.Node) []string {
	var words []string
	for _, a := range n.Attr {
		switch a.Key {
		case "class", "id", "name", "itemprop", "data-testid", "data-test", "data-qa", "data-component",
			"data-role", "data-section", "data-module", "data-hook", "data-auto", "data-automation-id",
			"data-test-id", "data-qa-qualifier", "data-tid", "data-ui", "data-name", "role":
			words = append(words, splitWords(firstBytes(a.Val, maxNames))...)
		}
	}
	return words[:min(len(words), maxWords)]
}

// splitWords takes names apart: "priceBlock-old_price" is price, block, old, price.
func splitWords(s string) []string {
	var words []string
	start := 0
	flush := func(end int) {
		if end > start {
			words = append(words, strings.ToLower(s[start:end]))
		}
		start = end
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case !isASCIILetter(c):
			flush(i)
			start = i + 1
		case c >= 'A' && c <= 'Z' && i > start && s[i-1] >= 'a' && s[i-1] <= 'z':
			flush(i)
		}
	}
	flush(len(s))
	return words
}

func isASCIILetter(c byte) bool { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80 }

func (f *frame) hasWord(set map[string]bool) bool {
	for _, w := range f.words {
		if set[w] {
			return true
		}
	}
	return false
}

func (f *frame) hasPair(set map[string]bool) bool {
	for i := 1; i < len(f.words); i++ {
		if set[f.words[i-1]+" "+f.words[i]] {
			return true
		}
	}
	return false
}

func ownTraits(f *frame) trait {
	var t trait
	n := f.node
	if hiddenByMarkup(n) || f.hasWord(hiddenWords) {
		t |= traitHidden
	}
	switch n.DataAtom {
	case atom.Del, atom.S, atom.Strike:
		t |= traitStruck
	case atom.Nav, atom.Footer:
		t |= traitAside
	case atom.Button:
		t |= traitButton
	case atom.A:
		if leadsAway(attrText(n, "href")) {
			t |= traitLink
		}
	case atom.Option, atom.Select:
		t |= traitChoice
	default:
		style := strings.ToLower(attrText(n, "style"))
		if strings.Contains(style, "line-through") {
			t |= traitStruck
		}
	}
	for i, w := range f.words {
		t |= wordTraits[w]
		if i > 0 {
			t |= pairTraits[f.words[i-1]+" "+w]
		}
	}
	return t
}

// leadsAway tells whether a link goes to another page.
func leadsAway(href string) bool {
	return href != "" && href[0] != '#' && !strings.HasPrefix(strings.ToLower(href), "javascript:")
}
