package extract

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pages carry JSON that no strict parser takes: trailing commas, raw line breaks
// within strings, comments, CDATA and HTML comment marks, single quotes, keys
// without quotes, a missing end. looseParser reads all of it as the author meant
// it, in one pass and with bounded depth; where nothing can be made of the input
// it stops and keeps what it has.

const (
	maxJSONDepth  = 128
	maxJSONValues = 400_000 // bounds the memory that a hostile document can take
)

var errNoJSON = errors.New("no JSON value")

// object is a JSON object in the order of its source, so that a search through it
// finds the same thing every time.
type object []member

type member struct {
	key   string
	value any // nil, bool, string, json.Number, []any or object
}

func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

type looseParser struct {
	watch  *watch
	src    string
	pos    int
	values int
}

// parseLoose reads the first JSON value in src; whatever follows is ignored.
func parseLoose(src string) (any, error) {
	p := &looseParser{src: src}
	return p.first()
}

// parseLooseAll reads all the values in src, which may be separated by anything
// that is not JSON (some pages put several documents into one script).
func parseLooseAll(w *watch, src string) []any {
	p := &looseParser{watch: w, src: src}
	var all []any
	for {
		v, err := p.first()
		if err != nil {
			return all
		}
		all = append(all, v)
	}
}

// first skips to the next bracket and reads what it opens.
func (p *looseParser) first() (any, error) {
	for p.pos < len(p.src) {
		p.skip()
		if p.pos >= len(p.src) {
			break
		}
		if c := p.src[p.pos]; c == '{' || c == '[' {
			return p.value(0)
		}
		p.pos++
	}
	return nil, errNoJSON
}

// skip passes white space, comments and the marks that hide a script from HTML.
func (p *looseParser) skip() {
	for p.pos < len(p.src) {
		rest := p.src[p.pos:]
		switch {
		case rest[0] <= ' ':
			p.pos++
		case strings.HasPrefix(rest, "\u00a0"), strings.HasPrefix(rest, "\ufeff"):
			_, size := utf8.DecodeRuneInString(rest)
			p.pos += size
		case strings.HasPrefix(rest, "//<![CDATA["):
			p.pos += len("//<![CDATA[")
		case strings.HasPrefix(rest, "<![CDATA["):
			p.pos += len("<![CDATA[")
		case strings.HasPrefix(rest, "<!--"):
			p.pos += len("<!--")
		case strings.HasPrefix(rest, "-->"), strings.HasPrefix(rest, "]]>"):
			p.pos += len("-->")
		case strings.HasPrefix(rest, "/*"):
			p.pos += through(rest, "*/")
		case strings.HasPrefix(rest, "//"):
			p.pos += through(rest, "\n")
		default:
			return
		}
	}
}

// through is the length of s up to and with the mark, or all of it.
func through(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + len(mark)
	}
	return len(s)
}

func (p *looseParser) value(depth int) (any, error) {
	p.watch.step()
	p.skip()
	p.values++
	if p.pos >= len(p.src) || depth > maxJSONDepth || p.values > maxJSONValues {
		p.pos = len(p.src)
		return nil, errNoJSON
	}
	switch c := p.src[p.pos]; c {
	case '{':
		p.pos++
		return p.object(depth), nil
	case '[':
		p.pos++
		return p.array(depth), nil
	case '"', '\'', '`':
		p.pos++
		return p.text(c), nil
	default:
		return p.word()
	}
}

func (p *looseParser) object(depth int) object {
	out := object{}
	for {
		p.skip()
		if p.pos >= len(p.src) {
			return out
		}
		switch c := p.src[p.pos]; c {
		case '}':
			p.pos++
			return out
		case ']': // the author forgot the brace; leave the bracket to the array
			return out
		case ',', ';', ':':
			p.pos++
		default:
			key, ok := p.key(c)
			if !ok {
				p.pos = min(p.pos+1, len(p.src))
				continue
			}
			v, err := p.value(depth + 1)
			if err != nil {
				continue
			}
			out = append(out, member{key, v})
		}
	}
}

// key reads a quoted or bare key and its colon; ok is false when there is none.
func (p *looseParser) key(c byte) (string, bool) {
	var key string
	quoted := c == '"' || c == '\''
	if quoted {
		p.pos++
		key = p.text(c)
	} else {
		start := p.pos
		for p.pos < len(p.src) && isBare(p.src[p.pos]) {
			p.pos++
		}
		key = p.src[start:p.pos]
	}
	p.skip()
	if (key == "" && !quoted) || p.pos >= len(p.src) || p.src[p.pos] != ':' {
		return "", false
	}
	p.pos++
	return key, true
}

func (p *looseParser) array(depth int) []any {
	out := []any{}
	for {
		p.skip()
		if p.pos >= len(p.src) {
			return out
		}
		switch p.src[p.pos] {
		case ']':
			p.pos++
			return out
		case '}':
			return out
		case ',', ';', ':':
			p.pos++
		default:
			v, err := p.value(depth + 1)
			if err == nil {
				out = append(out, v)
			}
		}
	}
}

// word reads a number, a literal, or some expression of a script, which counts as
// null: no value can be had from it, but what follows it can be read.
func (p *looseParser) word() (any, error) {
	start := p.pos
	for p.pos < len(p.src) && isBare(p.src[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		p.pos++
		return nil, errNoJSON
	}
	switch word := p.src[start:p.pos]; word {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		if _, err := strconv.ParseFloat(word, 64); (err == nil || errors.Is(err, strconv.ErrRange)) && isNumberStart(word[0]) {
			return json.Number(word), nil
		}
		return nil, nil //nolint:nilnil // null is a value
	}
}

func isNumberStart(c byte) bool { return c == '-' || c == '.' || (c >= '0' && c <= '9') }

func isBare(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c >= utf8.RuneSelf:
		return true
	default:
		return c == '_' || c == '$' || c == '-' || c == '+' || c == '.' || c == '@'
	}
}
