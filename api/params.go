package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// The size of a page.
const (
	defaultLimit = 50
	maxLimit     = 100
)

// uuidLength is that of the one form of a UUID that is taken.
const uuidLength = 36

func parseUUID(text string) (uuid.UUID, bool) {
	if len(text) != uuidLength {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}

// pathID reads a UUID of the path.
func pathID(c *fiber.Ctx, name string) (uuid.UUID, error) {
	id, ok := parseUUID(c.Params(name))
	if !ok {
		return uuid.Nil, invalidParams(wire.FieldError{Field: name, Code: wire.FieldInvalid, Message: "must be a UUID"})
	}
	return id, nil
}

// query reads the parameters of a request's query. What is wrong is collected; err
// returns it, together with the parameters that nobody asked for.
type query struct {
	values map[string][]string
	known  map[string]bool
	errors []wire.FieldError
}

func readQuery(c *fiber.Ctx) *query {
	q := &query{values: make(map[string][]string), known: make(map[string]bool)}
	for key, value := range c.Context().QueryArgs().All() {
		q.values[string(key)] = append(q.values[string(key)], string(value))
	}
	return q
}

func (q *query) refuse(name, format string, args ...any) {
	q.errors = append(q.errors, wire.FieldError{Field: name, Code: wire.FieldInvalid, Message: fmt.Sprintf(format, args...)})
}

// err returns all that is wrong with the query.
func (q *query) err() error {
	for name := range q.values {
		if !q.known[name] {
			q.errors = append(q.errors, wire.FieldError{Field: name, Code: wire.FieldUnknown, Message: "there is no such parameter"})
		}
	}
	if len(q.errors) == 0 {
		return nil
	}
	slices.SortFunc(q.errors, func(a, b wire.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return invalidParams(q.errors...)
}

// text reads a parameter that may be given once; empty is as good as absent.
func (q *query) text(name string) string {
	q.known[name] = true
	values := q.values[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		q.refuse(name, "is given %d times", len(values))
		return ""
	case !storable(values[0]):
		q.refuse(name, "must be UTF-8 without NUL")
		return ""
	}
	return values[0]
}

// storable reports whether PostgreSQL can take a text at all.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

func (q *query) id(name string) uuid.UUID {
	text := q.text(name)
	if text == "" {
		return uuid.Nil
	}
	id, ok := parseUUID(text)
	if !ok {
		q.refuse(name, "must be a UUID")
	}
	return id
}

func (q *query) limit() int {
	text := q.text("limit")
	if text == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		q.refuse("limit", "must be a whole number between 1 and %d", maxLimit)
		return defaultLimit
	}
	return n
}

// row reads the number of a row; none is 0.
func (q *query) row(name string) int {
	text := q.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		q.refuse(name, "must be a whole number, 0 or more")
	}
	return int(n)
}

// boolean reads a parameter that is true, false or absent.
func (q *query) boolean(name string) *bool {
	switch q.text(name) {
	case "":
		return nil
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	q.refuse(name, "must be true or false")
	return nil
}

// flag reads a parameter that is true or false, which is the default.
func (q *query) flag(name string) bool {
	value := q.boolean(name)
	return value != nil && *value
}

// oneOf reads a parameter with a fixed set of values, of which several may be given,
// repeated or separated by commas. They come back sorted, each once.
func oneOf[T ~string](q *query, name string, allowed []T) []T {
	q.known[name] = true
	var out []T
	for _, value := range q.values[name] {
		for part := range strings.SplitSeq(value, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			if !slices.Contains(allowed, T(part)) {
				q.refuse(name, "%s is none of %s", strconv.Quote(part), joined(allowed))
				continue
			}
			out = append(out, T(part))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func joined[T ~string](values []T) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = string(v)
	}
	return strings.Join(parts, ", ")
}
