// Package ingest reads the rows of an upload: CSV as people's programs write it, JSON
// objects one a line, or a list of them.
//
// It is pure and streams: a reader goes in, the columns come out once the header is
// read, then the rows one by one. JSON lines have no header, so they are read twice:
// once for the columns, once for the rows. It knows neither HTTP nor SQL. What it lets
// through is fit for PostgreSQL: valid UTF-8 without NUL, bounded in length, a
// site_url that can be requested.
//
// CSV may be UTF-8 (with or without a byte order mark), UTF-16 with a byte order
// mark, or any encoding that the caller declares; an undeclared one is not guessed,
// because a wrong guess spoils data without a word. The delimiter (comma, semicolon,
// tab or bar) is found in the first 64 KiB, unless a first line such as "sep=;"
// names it or the caller does. Lines end with LF, CRLF or, throughout the file, CR. Lines without a
// value are skipped and not counted.
//
// Columns get their roles from their headers, whatever their case:
//
//   - "site_url" is the page of the row; "url" or "website" stands in for it when
//     there is no site_url and only one of the two.
//   - "gt_<field>" is the ground truth of that field of the project.
//   - everything else is input.
//
// An explicit mapping in Options overrides that for the columns it names. Input columns
// that a project cannot do without are missed when they are not there.
//
// A site_url is an absolute http or https URL. A value that only looks like a host,
// such as "example.com/p/1", gets https:// in front, since that is what people keep
// in their sheets. A ground truth cell holds several accepted values when they are
// separated by "|" ("\|" is the character itself); a field compared by regular
// expression takes its cell whole.
//
// Rows with the same site_url and the same inputs are duplicates. They are reported,
// and kept, skipped or refused as Options say; what is remembered of a row is 16 bytes
// and its number.
//
// A Table is read by Rows, to be stored, or by Preview, to be looked at.
//
// Failure: what is wrong with the upload is an *Error, which names row and column
// of up to MaxProblems problems. Any other error is the reader's own.
package ingest

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
)

// Limits of an upload that have no reason to be configurable.
const (
	// DefaultMaxRows is the limit of rows when Options name none.
	DefaultMaxRows = 10_000
	// MaxColumns bounds the columns of an upload.
	MaxColumns = 1_000
	// MaxRowBytes bounds one row as UTF-8 text, and so each of its cells. A quote
	// that is never closed would otherwise read the rest of the file into memory.
	MaxRowBytes = 1 << 20
	// MaxHeaderBytes bounds the header line.
	MaxHeaderBytes = 256 << 10
	// MaxHeaderLength bounds one header, in characters.
	MaxHeaderLength = 200
	// MaxURLLength bounds a site_url, in bytes.
	MaxURLLength = 2_048
)

// Options say how an upload is to be understood.
type Options struct {
	// Fields are the project's; ground truth columns must name one of them.
	Fields []field.Field
	// Columns maps headers to roles: "site_url", "input", "ignored" or
	// "ground_truth:<field>". Headers are matched whatever their case.
	Columns map[string]string
	// Needs are input columns that must be there, under these very names.
	Needs []string
	// MaxRows is the most data rows; 0 means DefaultMaxRows.
	MaxRows int
	// Delimiter separates the cells of a CSV, one of Delimiters; 0 has it found.
	Delimiter rune
	// Duplicates says what becomes of rows that are there already; empty is
	// KeepDuplicates.
	Duplicates DuplicateRule
	// Charset is the declared encoding of a file, by its IANA or WHATWG name, such as
	// "windows-1252"; empty means UTF-8 unless a byte order mark says otherwise.
	Charset string
}

func (o Options) maxRows() int {
	if o.MaxRows > 0 {
		return o.MaxRows
	}
	return DefaultMaxRows
}

// Row is one data row.
type Row struct {
	// Number counts data rows from 1; the header and blank lines are not counted.
	Number  int
	SiteURL string
	// Input is the value of every input column by header.
	Input map[string]string
	// GroundTruth holds the accepted values by field; nil when the row has none.
	GroundTruth map[string][]string
	// DuplicateOf is the first row with the same site_url and inputs; 0 when the row is
	// the first itself.
	DuplicateOf int
}

// Format is how the rows of an upload are written.
type Format string

// The formats.
const (
	FormatCSV       Format = "csv"
	FormatJSON      Format = "json"
	FormatJSONLines Format = "json_lines"
)

// Table is an upload whose header has been read. The functions that make one return it
// beside an *Error too, for its Preview; only Rows must not be asked for then.
type Table struct {
	// Columns are all columns in their order.
	Columns []models.Column
	Format  Format
	// Charset is the encoding that a file is read in, by its WHATWG name; empty where
	// there is none.
	Charset string
	// Delimiter is that of a CSV, else 0.
	Delimiter rune

	fields  []field.Field
	next    func() (record, error) // io.EOF ends; a Problem makes the rest unreadable
	splits  []bool                 // by column: whether "|" separates accepted values
	maxRows int
	count   int // rows read so far
	whole   string
	// bad is what is wrong with the header; unnamed says that it is the names themselves.
	bad     []Problem
	unnamed bool
	cut     bool // no row is read, though there may be some
	seen    seenRows
}

// record is one row as the source has it.
type record struct {
	number int
	line   int // line of a file; 0 where there are no lines
	cells  []string
	// lists holds the cells that are lists already, by column.
	lists map[int][]string
	// problems are those that the source itself found in the row; there are some when
	// the number of cells is not that of the columns.
	problems []Problem
}

// unreadable is the table of an upload of which not even the header can be read, or that
// has none.
func unreadable(format Format, opt Options, bad Problem) *Table {
	return &Table{
		Format: format, bad: []Problem{bad}, unnamed: true, seen: newSeenRows(opt.Duplicates),
		cut:  bad.Code != CodeEmptyFile && bad.Code != CodeNoRows,
		next: func() (record, error) { return record{}, io.EOF },
	}
}

// checked returns a table with what is wrong with its header.
func (t *Table) checked() (*Table, error) { return t, refused(t.bad...) }

// Rows reads the rows, once. The sequence ends with an error when something is
// wrong: rows that came before must then be dropped.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var found problems
		for !found.full() {
			row, _, bad, err := t.read()
			found.add(bad...)
			var last Problem
			if errors.As(err, &last) {
				found.add(last)
				break
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			if found.none() && !t.skips(row) && !yield(row, nil) {
				return
			}
		}
		if err := found.err(); err != nil {
			yield(Row{}, err)
		}
	}
}

// read reads the next row and says what is wrong with it. It returns io.EOF when there
// is no more to read, a Problem when no more can or shall be.
func (t *Table) read() (row Row, rec record, bad []Problem, err error) {
	rec, err = t.next()
	switch {
	case errors.Is(err, io.EOF) && t.count == 0 && len(t.bad) == 0:
		return row, rec, nil, Problem{Column: t.whole, Code: CodeNoRows, Message: "there is no data row"}
	case err != nil:
		return row, rec, nil, err
	}
	if t.count++; t.count > t.maxRows {
		return row, rec, nil, tooManyRows(t.maxRows)
	}
	row, bad = t.row(rec)
	if len(bad) == 0 && len(t.bad) == 0 {
		row.DuplicateOf = t.seen.find(row, t.Columns)
		if row.DuplicateOf > 0 && t.seen.rule == RefuseDuplicates {
			bad = []Problem{{
				Row: row.Number, Line: rec.line, Code: CodeDuplicateRow,
				Message: fmt.Sprintf("has the same site_url and inputs as row %d", row.DuplicateOf),
			}}
		}
	}
	return row, rec, bad, nil
}

// row gives a record its meaning.
func (t *Table) row(rec record) (Row, []Problem) {
	if len(rec.cells) != len(t.Columns) {
		return Row{}, rec.problems
	}
	row := Row{Number: rec.number, Input: make(map[string]string, len(t.Columns))}
	bad := rec.problems
	for i, column := range t.Columns {
		switch column.Role {
		case models.RoleSiteURL:
			var err error
			if row.SiteURL, err = SiteURL(rec.cells[i]); err != nil {
				bad = append(bad, Problem{
					Row: rec.number, Line: rec.line, Column: column.Name, Code: CodeInvalidURL, Message: err.Error(),
				})
			}
		case models.RoleGroundTruth:
			if values := t.truth(rec, i); len(values) > 0 && column.Field != "" {
				if row.GroundTruth == nil {
					row.GroundTruth = make(map[string][]string)
				}
				row.GroundTruth[column.Field] = values
			}
		case models.RoleInput:
			row.Input[column.Name] = rec.cells[i]
		case models.RoleIgnored:
		}
	}
	return row, bad
}

// truth gives the accepted values of a ground truth cell.
func (t *Table) truth(rec record, column int) []string {
	if list, ok := rec.lists[column]; ok {
		return list
	}
	return acceptedValues(rec.cells[column], t.splits[column])
}
