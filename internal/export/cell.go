package export

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models"
)

type kind uint8

const (
	nothing kind = iota
	text
	integer
	decimal
	boolean
	instant
	identifier
	money
	value // JSON
	truth // a JSON array of accepted values
	pattern
)

// Cell is one value of a table. The zero Cell is empty.
type Cell struct {
	kind  kind
	text  string
	raw   []byte
	whole int64
	float float64
	at    time.Time
	id    uuid.UUID
}

func textCell(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{kind: text, text: s}
}

func intCell(n int) Cell { return Cell{kind: integer, whole: int64(n)} }

func floatCell(f *float64) Cell {
	if f == nil {
		return Cell{}
	}
	return Cell{kind: decimal, float: *f}
}

func timeCell(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{kind: instant, at: t.UTC()}
}

func idCell(id uuid.UUID) Cell {
	if id == uuid.Nil {
		return Cell{}
	}
	return Cell{kind: identifier, id: id}
}

// costCell is an amount of money; its currency may not be known.
func costCell(c *models.Cost) Cell {
	if c == nil {
		return Cell{}
	}
	return Cell{kind: money, whole: c.Micros, text: c.Currency}
}

// durationCell is the time between two in milliseconds, when both are known.
func durationCell(from, to time.Time) Cell {
	if from.IsZero() || to.IsZero() {
		return Cell{}
	}
	return Cell{kind: integer, whole: to.Sub(from).Milliseconds()}
}

// jsonCell is a value as PostgreSQL has it.
func jsonCell(raw []byte) Cell { return rawCell(value, raw) }

// truthCell is the accepted values of a field; those of one that is compared by regular
// expression are taken whole by an upload.
func truthCell(raw []byte, byPattern bool) Cell {
	if byPattern {
		return rawCell(pattern, raw)
	}
	return rawCell(truth, raw)
}

func rawCell(k kind, raw []byte) Cell {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || bytes.Equal(raw, null) {
		return Cell{}
	}
	return Cell{kind: k, raw: raw}
}

// matchCell is whether a comparison, a JSON object, says that a field matched.
func matchCell(raw []byte) (Cell, error) {
	if len(raw) == 0 {
		return Cell{}, nil
	}
	var found []byte
	err := eachMember(raw, func(key, value []byte) {
		if string(key) == "match" {
			found = value
		}
	})
	return jsonCell(found), err
}

var null = []byte("null")

// Number reports whether the cell is a number.
func (c Cell) Number() bool {
	switch c.kind {
	case integer, decimal:
		return true
	case value:
		return c.raw[0] == '-' || c.raw[0] >= '0' && c.raw[0] <= '9'
	default:
		return false
	}
}

// Bool reports whether the cell is true or false.
func (c Cell) Bool() bool {
	return c.kind == boolean || c.kind == value && (c.raw[0] == 't' || c.raw[0] == 'f')
}

// AppendText appends the text that the cell has in CSV and XLSX; an empty cell has none.
func (c Cell) AppendText(dst []byte) ([]byte, error) {
	switch c.kind {
	case nothing:
		return dst, nil
	case value:
		return appendValue(dst, c.raw)
	case truth, pattern:
		return appendList(dst, c.raw, c.kind == truth)
	case text:
		return cleaned(append(dst, c.text...), len(dst)), nil
	case money:
		return append(dst, c.amount().String()...), nil
	default:
		return c.appendPlain(dst), nil
	}
}

// appendPlain appends what is the same in a text and, apart from quotes, in JSON.
func (c Cell) appendPlain(dst []byte) []byte {
	switch c.kind {
	case integer:
		return strconv.AppendInt(dst, c.whole, 10)
	case decimal:
		return strconv.AppendFloat(dst, c.float, 'f', -1, 64)
	case boolean:
		return strconv.AppendBool(dst, c.whole != 0)
	case instant:
		return c.at.AppendFormat(dst, time.RFC3339Nano)
	case identifier:
		return append(dst, c.id.String()...)
	default:
		return dst
	}
}

// AppendJSON appends the cell as JSON.
func (c Cell) AppendJSON(dst []byte) ([]byte, error) {
	switch c.kind {
	case nothing:
		return append(dst, null...), nil
	case value, truth, pattern:
		return append(dst, c.raw...), nil
	case text:
		return appendQuoted(dst, c.text), nil
	case money:
		out, err := json.Marshal(c.amount())
		return append(dst, out...), err
	case instant, identifier:
		return append(c.appendPlain(append(dst, '"')), '"'), nil
	default:
		return c.appendPlain(dst), nil
	}
}

// amount gives millionths their decimal point, with two decimals or more.
func (c Cell) amount() parse.Money {
	const micro, shown = 6, 2
	digits := strconv.FormatInt(c.whole, 10)
	for len(digits) <= micro {
		digits = "0" + digits
	}
	whole, decimals := digits[:len(digits)-micro], digits[len(digits)-micro:]
	for len(decimals) > shown && decimals[len(decimals)-1] == '0' {
		decimals = decimals[:len(decimals)-1]
	}
	return parse.Money{Amount: whole + "." + decimals, Currency: c.text}
}

// cleaned replaces what XLSX cannot hold in dst from an index on.
func cleaned(dst []byte, from int) []byte {
	const replacement = string(utf8.RuneError)
	for i := from; i < len(dst); i++ {
		var width int
		switch b := dst[i]; {
		case b < ' ' && b != '\t' && b != '\n' && b != '\r':
			width = 1
		case b == 0xEF && i+2 < len(dst) && dst[i+1] == 0xBF && dst[i+2] >= 0xBE: // U+FFFE and U+FFFF
			width = 3
		default:
			continue
		}
		rest := string(dst[i+width:])
		dst = append(append(dst[:i], replacement...), rest...)
		i += len(replacement) - 1
	}
	return dst
}

// appendQuoted appends a text as JSON.
func appendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if b := s[i]; b < ' ' || b == '"' || b == '\\' || b >= utf8.RuneSelf {
			return appendEscaped(dst, s)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendEscaped(dst []byte, s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(dst, null...) // never: a string has its JSON, and a buffer takes it
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// Text is the text that a value of an export in JSON has in CSV, before it is defused,
// and in XLSX. (The accepted values of a field that is compared by regular expression
// have their "|" as it is there.)
func Text(raw json.RawMessage) (string, error) {
	out, err := jsonCell(raw).AppendText(nil)
	return string(out), err
}
