package extract

import (
	"math"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// attr is the value of an attribute, and whether the element has it.
func attr(n *html.Node, name string) (string, bool) {
	if n == nil {
		return "", false
	}
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// attrText is the value of an attribute without space around it; empty when the
// element lacks it.
func attrText(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return strings.TrimSpace(v)
}

// unseen elements hold nothing that a reader sees as text.
func unseen(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Head, atom.Iframe, atom.Svg, atom.Object, atom.Textarea:
		return true
	default:
		return false
	}
}

// hiddenByMarkup tells whether an element is hidden by its own attributes; style
// sheets are not looked at.
func hiddenByMarkup(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "style":
			style := strings.ToLower(strings.Join(strings.Fields(firstBytes(a.Val, maxNames)), ""))
			if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
				return true
			}
		case "type":
			if n.DataAtom == atom.Input && strings.EqualFold(a.Val, "hidden") {
				return true
			}
		}
	}
	return false
}

// isBlock tells whether an element starts a new line, so that its text does not
// run into its neighbour's.
func isBlock(n *html.Node) bool {
	switch n.DataAtom {
	case atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Bdo, atom.Cite, atom.Code, atom.Data, atom.Del, atom.Em,
		atom.Font, atom.I, atom.Ins, atom.Kbd, atom.Mark, atom.Q, atom.S, atom.Small, atom.Span, atom.Strong,
		atom.Sub, atom.Sup, atom.Time, atom.U, atom.Var, atom.Label:
		return false
	default:
		return true
	}
}

// nodeText is the text of an element as a reader sees it, white space folded.
func nodeText(n *html.Node) string { return someText(n, math.MaxInt) }

// someText is the beginning of nodeText. It is somewhat longer than limit when the
// text is longer.
func someText(n *html.Node, limit int) string {
	b := textWriter{limit: limit, nodes: max(limit, minNodesOfText)}
	b.write(n)
	return foldSpace(b.text.String())
}

// textWriter gathers the text of elements up to a limit of bytes, and of nodes, since
// there may be any number of them without text.
type textWriter struct {
	text         strings.Builder
	limit, nodes int
}

// most is how much of one text node is taken: more than the limit, as it may be
// white space for the most part.
func (b *textWriter) most() int {
	if b.limit > math.MaxInt/8 {
		return math.MaxInt
	}
	return b.limit*4 + maxNames
}

func (b *textWriter) write(n *html.Node) {
	b.nodes--
	if b.text.Len() > b.limit || b.nodes < 0 {
		return
	}
	switch n.Type {
	case html.TextNode:
		b.text.WriteString(firstBytes(n.Data, b.most()))
		return
	case html.ElementNode:
		if unseen(n) {
			return
		}
	default:
	}
	block := n.Type == html.ElementNode && isBlock(n)
	if block {
		b.text.WriteByte(' ')
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if b.nodes < 0 {
			return
		}
		b.write(c)
	}
	if block {
		b.text.WriteByte(' ')
	}
}

// elements calls f for every element below and with n in document order; f tells
// whether to go below the element.
func elements(w *watch, n *html.Node, f func(*html.Node) bool) {
	w.step()
	if n.Type == html.ElementNode && !f(n) {
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		elements(w, c, f)
	}
}

// scriptText is the raw content of a script or style element.
func scriptText(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	if n.FirstChild.NextSibling == nil {
		return n.FirstChild.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(c.Data)
	}
	return b.String()
}
