package ingest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// sniffBytes is how much of a file decides on its dialect.
const sniffBytes = 64 << 10

// sniffRecords bounds the records that are held against each delimiter.
const sniffRecords = 100

// delimiters are tried in this order; an earlier one wins a draw.
var delimiters = []rune{',', ';', '\t', '|'}

// Delimiters are those that a CSV may have.
func Delimiters() []rune { return slices.Clone(delimiters) }

// dialect is how a file writes its records.
type dialect struct {
	delimiter rune
	// skip is the length of a first line that names the delimiter.
	skip int
	// crOnly says that lines end with CR alone.
	crOnly bool
}

// sniff finds the dialect from the beginning of a file. isSiteURL tells the header
// without which a file is of no use; nothing shows the right delimiter as well. A
// declared delimiter is not looked for.
func sniff(head []byte, whole bool, declared rune, isSiteURL func(header string) bool) dialect {
	d := dialect{crOnly: linesEndWithCR(head)}
	if d.crOnly {
		head = bytes.ReplaceAll(head, []byte{'\r'}, []byte{'\n'})
	}
	if delimiter, skip := namedDelimiter(head); skip > 0 {
		d.delimiter, d.skip = delimiter, skip
	}
	if declared != 0 {
		d.delimiter = declared
	}
	if d.delimiter != 0 {
		return d
	}
	best := fit{}
	for _, delimiter := range delimiters {
		if f := fitOf(head, whole, delimiter, isSiteURL); d.delimiter == 0 || f.better(best) {
			d.delimiter, best = delimiter, f
		}
	}
	return d
}

// namedDelimiter reads a line such as "sep=;", which spreadsheets write and heed.
func namedDelimiter(head []byte) (delimiter rune, skip int) {
	line, _, found := bytes.Cut(head, []byte{'\n'})
	if !found {
		return 0, 0
	}
	value, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(string(line), "\r")), "sep=")
	r, size := utf8.DecodeRuneInString(value)
	if !ok || size != len(value) || !slices.Contains(delimiters, r) {
		return 0, 0
	}
	return r, len(line) + 1
}

// fit is how well a delimiter goes with a file.
type fit struct {
	hasSiteURL bool
	splits     bool // the header has several columns
	consistent float64
	columns    int
}

func (f fit) better(than fit) bool {
	switch {
	case f.hasSiteURL != than.hasSiteURL:
		return f.hasSiteURL
	case f.splits != than.splits:
		return f.splits
	case f.consistent != than.consistent:
		return f.consistent > than.consistent
	default:
		return f.columns > than.columns
	}
}

// fitOf reads the beginning of a file with one delimiter.
func fitOf(head []byte, whole bool, delimiter rune, isSiteURL func(string) bool) fit {
	r := csv.NewReader(bytes.NewReader(head))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = delimiter, -1, true, true
	var f fit
	records, same := 0, 0
	for records < sniffRecords {
		record, err := r.Read()
		if err != nil {
			break
		}
		if records > 0 && !whole && r.InputOffset() >= int64(len(head)) {
			break // the last record is cut off
		}
		if !hasValue(record) {
			continue
		}
		if records == 0 {
			f.columns, f.splits = len(record), len(record) > 1
			f.hasSiteURL = slices.ContainsFunc(record, isSiteURL)
		}
		if records++; len(record) == f.columns {
			same++
		}
	}
	if records > 0 {
		f.consistent = float64(same) / float64(records)
	}
	return f
}

// linesEndWithCR reports whether CR alone ends lines: outside quotes there is CR and
// no LF. A spreadsheet that writes CR may well have LF inside a quoted cell.
func linesEndWithCR(head []byte) bool {
	quotes, cr := false, false
	for _, b := range head {
		switch {
		case b == '"':
			quotes = !quotes
		case quotes:
		case b == '\n':
			return false
		case b == '\r':
			cr = true
		}
	}
	return cr
}

// crToLF reads lines that end with CR as lines that end with LF.
type crToLF struct{ r io.Reader }

func (c crToLF) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

var errRowTooLong = errors.New("the row is too long")

// readAhead is the most that csv.Reader reads beyond the record it returns.
const readAhead = 4 << 10

// rowGuard bounds what one record may take, since csv.Reader does not: it counts
// what was read since the last record.
type rowGuard struct {
	r    io.Reader
	left int
}

func (g *rowGuard) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errRowTooLong
	}
	n, err := g.r.Read(p)
	g.left -= n
	return n, err
}

// broken reports whether reading ended because the text is not in its encoding.
func broken(err error) bool { return errors.Is(err, encoding.ErrInvalidUTF8) }
