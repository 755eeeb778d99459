package api

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
)

// How an upload is to be understood is said in a form, in the query or in JSON; what
// follows reads it in the same way wherever it stands.

// readColumns reads a mapping from headers to roles, written as JSON; none is nil.
func readColumns(text string) (map[string]string, []wire.FieldError) {
	refuse := func(format string, args ...any) []wire.FieldError {
		return []wire.FieldError{{Field: "columns", Code: wire.FieldInvalid, Message: fmt.Sprintf(format, args...)}}
	}
	raw := bytes.TrimSpace([]byte(text))
	if len(raw) == 0 {
		return nil, nil
	}
	if err := wellFormed(raw); err != nil {
		return nil, refuse("must be a JSON object from header to role: %s", asProblem(err).detail)
	}
	var checker shapeChecker
	checker.value("columns", raw, reflect.TypeFor[map[string]string]())
	if len(checker.errors) > 0 {
		return nil, checker.errors
	}
	var columns map[string]string
	if err := decode(raw, &columns); err != nil {
		return nil, refuse("must be a JSON object from header to role")
	}
	return columns, nil
}

// delimiters are what may separate the cells of a CSV, by name: an address and a form give
// some of the characters a meaning of their own, and lose a tab easily.
var delimiters = map[string]rune{
	"comma": ',', "semicolon": ';', "bar": '|', "tab": '\t',
	",": ',', ";": ';', "|": '|', "\t": '\t',
}

// readDelimiter reads the delimiter of a CSV; none is 0.
func readDelimiter(text string) (rune, error) {
	if text == "" {
		return 0, nil
	}
	if delimiter, ok := delimiters[text]; ok {
		return delimiter, nil
	}
	return 0, fmt.Errorf("%s is none of comma, semicolon, bar and tab, nor one of these characters", strconv.Quote(text))
}

// duplicateRule reads what becomes of duplicates; none is the default.
func duplicateRule(text string) (ingest.DuplicateRule, error) {
	rule := ingest.DuplicateRule(text)
	if text != "" && !slices.Contains(ingest.DuplicateRules(), rule) {
		return "", fmt.Errorf("%s is none of %s", strconv.Quote(text), joined(ingest.DuplicateRules()))
	}
	return rule, nil
}

func (q *query) columns() map[string]string {
	columns, errs := readColumns(q.text("columns"))
	q.errors = append(q.errors, errs...)
	return columns
}

func (q *query) delimiter() rune {
	delimiter, err := readDelimiter(q.text("delimiter"))
	if err != nil {
		q.refuse("delimiter", "%s", err.Error())
	}
	return delimiter
}

func (q *query) duplicates() ingest.DuplicateRule {
	rule, err := duplicateRule(q.text("duplicates"))
	if err != nil {
		q.refuse("duplicates", "%s", err.Error())
	}
	return rule
}
