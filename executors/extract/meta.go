package extract

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// head is what a page says of itself as a whole.
type head struct {
	metas     []metaTag
	title     string // of <title>
	h1        string // the first one with text
	h1Node    *html.Node
	canonical string
	base      string
	language  string
	jsonLD    []string
	scripts   []*html.Node // scripts with content that are not JSON-LD
}

type metaTag struct {
	name    string // of property, name or itemprop, lower case
	content string
	node    *html.Node
}

// readHead walks the page once for everything that needs no context.
func readHead(w *watch, root *html.Node) *head {
	h := &head{}
	elements(w, root, func(n *html.Node) bool {
		switch n.DataAtom {
		case atom.Html:
			h.language = strings.ToLower(attrText(n, "lang"))
		case atom.Meta:
			h.meta(n)
		case atom.Title:
			if h.title == "" && n.Namespace == "" {
				h.title = firstBytes(foldSpace(scriptText(n)), maxHeading)
			}
		case atom.Base:
			if h.base == "" {
				h.base = attrText(n, "href")
			}
		case atom.Link:
			if h.canonical == "" && hasToken(attrText(n, "rel"), "canonical") {
				h.canonical = attrText(n, "href")
			}
		case atom.H1:
			if text := someText(n, maxHeading); text != "" && (h.h1 == "" || hiddenByMarkup(h.h1Node)) {
				h.h1, h.h1Node = text, n
			}
		case atom.Script:
			h.script(n)
			return false
		default:
		}
		return true
	})
	return h
}

func (h *head) meta(n *html.Node) {
	content := attrText(n, "content")
	if content == "" {
		content = attrText(n, "value")
	}
	if content == "" {
		return
	}
	for _, key := range []string{"property", "name", "itemprop"} {
		for name := range strings.FieldsSeq(strings.ToLower(attrText(n, key))) {
			if len(h.metas) >= maxMetas {
				return
			}
			h.metas = append(h.metas, metaTag{name, content, n})
		}
	}
}

func (h *head) script(n *html.Node) {
	text := scriptText(n)
	if strings.TrimSpace(text) == "" {
		return
	}
	kind := strings.ToLower(attrText(n, "type"))
	if strings.Contains(kind, "ld+json") {
		h.jsonLD = append(h.jsonLD, text)
		return
	}
	h.scripts = append(h.scripts, n)
}

// metaContent is the content of the first meta element with one of the names, in
// the order of the names.
func (h *head) metaContent(names ...string) (content, name string) {
	for _, name := range names {
		for _, m := range h.metas {
			if m.name == name {
				return m.content, name
			}
		}
	}
	return "", ""
}

// firstBytes cuts a text to at most n bytes, between characters.
func firstBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func hasToken(list, token string) bool {
	for t := range strings.FieldsSeq(list) {
		if strings.EqualFold(t, token) {
			return true
		}
	}
	return false
}
