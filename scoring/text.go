package scoring

import (
	"encoding/json"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/minohq/mino/internal/parse"
)

// fold makes texts equal that differ only in case, white space or the way Unicode
// composes the same characters. Invisible characters go first, since they keep
// others from being composed; folding case can undo the composed form, so the text
// is composed again; and composing can bring forth spaces, which are folded last.
func fold(s string) string {
	s = cases.Fold().String(norm.NFKC.String(parse.Text(s)))
	return parse.Text(norm.NFKC.String(s))
}

// textOf writes any value as text: money as "12.50 EUR", a list with "; " between
// its members, an object as JSON.
func textOf(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case json.Number:
		return t.String()
	case parse.Money:
		return t.String()
	case []string:
		return strings.Join(t, "; ")
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(encoded)
}
