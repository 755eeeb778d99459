package extract

import "strings"

// A selector or a path may look at all elements for each one that it tries, and again
// for each of those: what takes a moment on most pages takes for ever on a page made
// for it, and the libraries cannot be stopped. Rules of that kind find nothing on
// pages that are too large for them.
const (
	nodesForOne = 20_000 // nodes up to which a rule may have a costly part
	lessForMore = 16     // each further part divides that
)

// affordable tells whether a rule with a number of costly parts may be tried on a
// number of nodes.
func affordable(costly, nodes int) bool {
	limit := nodesForOne
	for range costly - 1 {
		limit /= lessForMore
	}
	return costly < 1 || nodes <= limit
}

func countParts(rule string, parts ...string) int {
	n := 0
	for _, part := range parts {
		n += strings.Count(rule, part)
	}
	return n
}

// costlySelector counts the parts of a selector for which all the elements before or
// within another one are looked at.
func costlySelector(css string) int {
	lower := strings.ToLower(css)
	return countParts(lower, "~", ":has(", ":contains", ":matches") - strings.Count(lower, "~=")
}

// costlyPath counts the parts of a path for which all values are looked at, but for the
// first, and those of a filter for which many are.
func costlyPath(path string) int {
	_, filter, _ := strings.Cut(path, "?")
	return max(countParts(path, "..")-1, 0) + countParts(filter, "*")
}

// maxJSONBodyDepth is the depth up to which the JSON of a body is read: what is deeper
// is no data, and walks through it would not end well.
const maxJSONBodyDepth = 1000

// jsonShape is the depth of a JSON text and about the number of its values.
func jsonShape(w *watch, body []byte) (depth, values int) {
	open, quoted := 0, false
	for i := 0; i < len(body); i++ {
		w.step()
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[', c == '{':
			open++
			values++
			depth = max(depth, open)
		case c == ']', c == '}':
			open--
		case c == ',':
			values++
		}
	}
	return depth, values
}
