package extract

import (
	"bytes"

	"golang.org/x/net/html"
)

const (
	// maxBuilt bounds the nodes that parsing may make, by a count that errs on the high
	// side; a page that people read makes some tens of thousands.
	maxBuilt = 500_000
	// maxAlike is how many equal formatting elements the parser keeps (the "Noah's Ark
	// clause" of the HTML standard).
	maxAlike = 3
	// maxOpen is the depth at which the parser gives up.
	maxOpen = 512
)

// formatting elements that are left open are made anew in every block that follows.
var formatting = map[string]bool{
	"a": true, "b": true, "big": true, "code": true, "em": true, "font": true, "i": true,
	"nobr": true, "s": true, "small": true, "strike": true, "strong": true, "tt": true, "u": true,
}

// buildable cuts a body where parsing it would make too many nodes: a few hundred
// formatting elements that are never closed, with many blocks behind them, would
// otherwise take all the memory there is.
func buildable(w *watch, body []byte) []byte {
	tokens := html.NewTokenizer(bytes.NewReader(body))
	left := leftOpen{alike: map[string]int{}, byName: map[string][]string{}}
	built, read := 0, 0
	for built <= maxBuilt {
		w.step()
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return body
		}
		raw := tokens.Raw()
		read += len(raw)
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			text := string(raw)
			if name, _ := tokens.TagName(); formatting[string(name)] {
				left.push(string(name), text)
			}
			built += 1 + min(left.open, maxOpen)
		case html.EndTagToken:
			if name, _ := tokens.TagName(); formatting[string(name)] {
				left.pop(string(name))
			}
		case html.TextToken:
			built += 1 + min(left.open, maxOpen)
		case html.ErrorToken, html.CommentToken, html.DoctypeToken:
		}
	}
	return body[:min(read, len(body))]
}

// leftOpen counts the formatting elements that are open, alike ones up to the number
// that the parser keeps.
type leftOpen struct {
	open   int
	alike  map[string]int
	byName map[string][]string // the tags as they stand, "" for one that is not counted
}

func (l *leftOpen) push(name, tag string) {
	if l.alike[tag] >= maxAlike {
		tag = ""
	} else {
		l.alike[tag]++
		l.open++
	}
	l.byName[name] = append(l.byName[name], tag)
}

func (l *leftOpen) pop(name string) {
	open := l.byName[name]
	if len(open) == 0 {
		return
	}
	last := open[len(open)-1]
	l.byName[name] = open[:len(open)-1]
	if last != "" {
		l.alike[last]--
		l.open--
	}
}
