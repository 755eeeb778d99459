package extract

import (
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// quickSearch is the most bytes that a project's expression is matched against at one
// go: the package regexp cannot be stopped while it matches a string.
const quickSearch = 16 << 10

// search gives what an expression picks from a text, up to a number of matches. Long
// texts are read rune by rune, so that a slow expression can be stopped.
func (w *watch) search(expression, text string, limit int) []string {
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil
	}
	if prefix, _ := re.LiteralPrefix(); prefix != "" && !strings.Contains(text, prefix) {
		return nil
	}
	var out []string
	if len(text) <= quickSearch && limit == 1 {
		if m := re.FindStringSubmatch(text); m != nil {
			out = append(out, picked(m))
		}
		return out
	}
	// From the second match on, one rune before the place where the search goes on is
	// passed as well, for the sake of ^ and \b.
	again, err := regexp.Compile(`^(?s:.)(?s:.*?)((?:` + expression + `))`)
	if err != nil {
		return nil
	}
	for from, at := 0, 0; len(out) < limit && at <= len(text); {
		var m []int
		if at == 0 {
			m = re.FindReaderSubmatchIndex(&watchedRunes{watch: w, text: text})
		} else if m = again.FindReaderSubmatchIndex(&watchedRunes{watch: w, text: text[from:]}); m != nil {
			m = m[2:]
		}
		if m == nil {
			break
		}
		out = append(out, pickedAt(text[from:], m))
		end := from + m[1]
		if m[0] == m[1] {
			_, size := utf8.DecodeRuneInString(text[end:])
			end += max(size, 1)
		}
		if end > len(text) {
			break
		}
		_, size := utf8.DecodeLastRuneInString(text[:end])
		from, at = end-size, end
	}
	return out
}

// pickedAt is picked for a match given by places in a text.
func pickedAt(text string, m []int) string {
	if len(m) > 3 {
		m = m[2:]
	}
	if m[0] < 0 {
		return ""
	}
	return text[m[0]:m[1]]
}

type watchedRunes struct {
	watch *watch
	text  string
	pos   int
}

// ReadRune implements io.RuneReader.
func (r *watchedRunes) ReadRune() (c rune, size int, err error) {
	r.watch.step()
	if r.pos >= len(r.text) {
		return 0, 0, io.EOF
	}
	c, size = utf8.DecodeRuneInString(r.text[r.pos:])
	r.pos += size
	return c, size, nil
}
