package extract

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string up to its closing quote. A quote that is no end of a value,
// because no delimiter follows, was meant as a character.
func (p *looseParser) text(quote byte) string {
	var b strings.Builder
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		switch {
		case c == '\\':
			p.escape(&b)
			continue
		case c == quote:
			if p.endsValue() {
				p.pos++
				return b.String()
			}
			b.WriteByte(c)
		case c < ' ':
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
		p.pos++
	}
	return b.String()
}

// endsValue looks whether a delimiter follows the quote at the position.
func (p *looseParser) endsValue() bool {
	for i := p.pos + 1; i < len(p.src); i++ {
		switch c := p.src[i]; {
		case c == ',', c == '}', c == ']', c == ':', c == ';', c == ')', c == '/', c == '<', c == '|', c == '+':
			return true
		case c == '"', c == '\'', c == '\n':
			// Two strings with no comma between them.
			return true
		case c <= ' ':
			continue
		default:
			return false
		}
	}
	return true
}

func (p *looseParser) escape(b *strings.Builder) {
	p.pos++
	if p.pos >= len(p.src) {
		return
	}
	c := p.src[p.pos]
	p.pos++
	switch c {
	case 'n', 'r', 't', 'f', 'v', '\n', '\r':
		b.WriteByte(' ')
	case 'b':
	case 'u':
		b.WriteRune(p.unicode())
	case 'x':
		if r, ok := p.hex(2); ok {
			b.WriteRune(r)
		}
	default:
		b.WriteByte(c)
	}
}

func (p *looseParser) unicode() rune {
	r, ok := p.hex(4)
	if !ok {
		return utf8.RuneError
	}
	if !utf16.IsSurrogate(r) {
		return r
	}
	if strings.HasPrefix(p.src[p.pos:], `\u`) {
		p.pos += 2
		low, ok := p.hex(4)
		if !ok {
			return utf8.RuneError
		}
		return utf16.DecodeRune(r, low)
	}
	return utf8.RuneError
}

func (p *looseParser) hex(digits int) (rune, bool) {
	if p.pos+digits > len(p.src) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.src[p.pos:p.pos+digits], 16, 16)
	if err != nil {
		return 0, false
	}
	p.pos += digits
	return rune(uint16(n)), true
}
