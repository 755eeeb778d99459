package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// A cursor is base64url of where the page before ended and a checksum over that, the
// list and its filters. The checksum is no secret: it tells a caller that went astray
// (another list, other filters, a damaged token), while what a caller may see is
// decided by the organisation alone.
const cursorSum = 8

func cursorChecksum(position []byte, list string, filters []string) []byte {
	h := sha256.New()
	// Lengths keep one sequence of texts apart from another.
	for _, part := range append([]string{"mino cursor 1", string(position), list}, filters...) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write([]byte(part))
	}
	return h.Sum(nil)[:cursorSum]
}

// list is one list under its filters: what a cursor is bound to.
type list struct {
	name    string
	filters []string
	// limit and total are what the query says of the page.
	limit int
	total bool
}

// newList reads what the query says of the page.
func newList(q *query, name string) *list {
	return &list{name: name, limit: q.limit(), total: q.flag("include_total")}
}

// filter adds a filter; its values are in a fixed order.
func filter[T ~string](l *list, name string, values ...T) {
	if len(values) > 0 {
		l.filters = append(l.filters, name+"="+joined(values))
	}
}

func (l *list) id(name string, id uuid.UUID) {
	if id != uuid.Nil {
		filter(l, name, id.String())
	}
}

func (l *list) token(position []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(position, cursorChecksum(position, l.name, l.filters)...))
}

// position reads the cursor of a query; nil starts at the beginning. size is the
// length of the list's positions.
func (l *list) position(q *query, size int) []byte {
	token := q.text("cursor")
	if token == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder passes over line ends; a token has none.
	if err != nil || len(raw) != size+cursorSum || strings.ContainsAny(token, "\r\n") {
		q.refuse("cursor", "is no cursor of this list")
		return nil
	}
	position, sum := raw[:size], raw[size:]
	if !bytes.Equal(sum, cursorChecksum(position, l.name, l.filters)) {
		q.refuse("cursor", "is no cursor of this list under these filters")
		return nil
	}
	return position
}

// after reads the cursor of a list that is ordered by id.
func (l *list) after(q *query) uuid.UUID {
	position := l.position(q, len(uuid.UUID{}))
	if position == nil {
		return uuid.Nil
	}
	return uuid.UUID(position)
}

// afterRow reads the cursor of a list that is ordered by row, or the row that it is to
// begin after. A cursor comes first, so that the address of a page stays good for the
// pages after it.
func (l *list) afterRow(q *query) int {
	position, row := l.position(q, 4), q.row("after_row")
	if position == nil {
		return row
	}
	return int(binary.BigEndian.Uint32(position))
}

// afterRowOf reads the cursor of a list over the rows of several batches.
func (l *list) afterRowOf(q *query) (batch uuid.UUID, row int) {
	position := l.position(q, len(batch)+4)
	if position == nil {
		return uuid.Nil, 0
	}
	return uuid.UUID(position[:len(batch)]), int(binary.BigEndian.Uint32(position[len(batch):]))
}

func idPosition(id uuid.UUID) []byte { return id[:] }

func rowPosition(row int) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(row)) //nolint:gosec // rows are positive integers of PostgreSQL
}

func rowOfPosition(batch uuid.UUID, row int) []byte { return append(batch[:], rowPosition(row)...) }

// ask is how many records to ask the store for: the one beyond the limit tells that
// there is more.
func (l *list) ask() int { return l.limit + 1 }

// sendPage answers with a page of a list, whose records are as many as ask says. count is called when the total is wanted.
func sendPage[R, W any](
	c *fiber.Ctx, l *list, records []R, position func(*R) []byte, convert func(*R) W, count func() (int64, error),
) error {
	more := len(records) > l.limit
	records = records[:min(len(records), l.limit)]
	out := wire.Page[W]{Data: make([]W, len(records)), Pagination: wire.Pagination{HasMore: more}}
	for i := range records {
		out.Data[i] = convert(&records[i])
	}
	if more {
		out.Pagination.NextCursor = l.token(position(&records[l.limit-1]))
	}
	if l.total {
		n, err := count()
		if err != nil {
			return err
		}
		out.Pagination.Total = &n
	}
	return c.JSON(out)
}
