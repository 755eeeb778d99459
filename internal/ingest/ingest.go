// Package ingest reads the rows of an upload: CSV as people's programs write it, or
// JSON objects.
//
// It is pure and streams: a reader goes in, the columns come out once the header is
// read, then the rows one by one. It knows neither HTTP nor SQL. What it lets
// through is fit for PostgreSQL: valid UTF-8 without NUL, bounded in length, a
// site_url that can be requested.
//
// CSV may be UTF-8 (with or without a byte order mark), UTF-16 with a byte order
// mark, or any encoding that the caller declares; an undeclared one is not guessed,
// because a wrong guess spoils data without a word. The delimiter (comma, semicolon,
// tab or bar) is found in the first 64 KiB, unless a first line such as "sep=;"
// names it. Lines end with LF, CRLF or, throughout the file, CR. Lines without a
// value are skipped and not counted.
//
// Columns get their roles from their headers, whatever their case:
//
//   - "site_url" is the page of the row; "url" or "website" stands in for it when
//     there is no site_url and only one of the two.
//   - "gt_<field>" is the ground truth of that field of the project.
//   - everything else is input.
//
// An explicit mapping in Options overrides that for the columns it names.
//
// A site_url is an absolute http or https URL. A value that only looks like a host,
// such as "example.com/p/1", gets https:// in front, since that is what people keep
// in their sheets. A ground truth cell holds several accepted values when they are
// separated by "|" ("\|" is the character itself); a field compared by regular
// expression takes its cell whole.
//
// Failure: what is wrong with the upload is an *Error, which names row and column
// of up to MaxProblems problems. Any other error is the reader's own.
package ingest

import (
	"errors"
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
	// MaxRows is the most data rows; 0 means DefaultMaxRows.
	MaxRows int
	// Charset is the declared encoding of a CSV, by its IANA or WHATWG name, such as
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
}

// Table is an upload whose header has been read.
type Table struct {
	// Columns are all columns in their order.
	Columns []models.Column

	next    func() (record, error) // io.EOF ends; a Problem makes the rest unreadable
	splits  []bool                 // by column: whether "|" separates accepted values
	maxRows int
	count   int // rows read so far
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

// Rows reads the rows, once. The sequence ends with an error when something is
// wrong: rows that came before must then be dropped.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var found problems
		for {
			row, err := t.read(&found)
			switch {
			case errors.Is(err, io.EOF):
				if err := found.err(); err != nil {
					yield(Row{}, err)
				}
				return
			case err != nil:
				yield(Row{}, err)
				return
			case found.none() && !yield(row, nil):
				return
			}
		}
	}
}

// read reads the next row and adds to found what is wrong with it. It returns io.EOF
// when there is no more to read, or no more is worth reading.
func (t *Table) read(found *problems) (Row, error) {
	if found.full() {
		return Row{}, io.EOF
	}
	rec, err := t.next()
	var problem Problem
	switch {
	case errors.As(err, &problem):
		found.add(problem)
		return Row{}, io.EOF
	case errors.Is(err, io.EOF) && t.count == 0:
		found.add(Problem{Column: fileColumn, Code: CodeNoRows, Message: "there is no data row"})
		return Row{}, err
	case err != nil:
		return Row{}, err
	}
	if t.count++; t.count > t.maxRows {
		found.add(tooManyRows(t.maxRows))
		return Row{}, io.EOF
	}
	row, bad := t.row(rec)
	found.add(bad...)
	return row, nil
}

// row gives a record its meaning.
func (t *Table) row(rec record) (Row, []Problem) {
	if len(rec.cells) != len(t.Columns) {
		return Row{}, rec.problems
	}
	row := Row{Number: rec.number, Input: make(map[string]string, len(t.Columns))}
	bad := rec.problems
	refuse := func(column, code, message string) {
		bad = append(bad, Problem{Row: rec.number, Line: rec.line, Column: column, Code: code, Message: message})
	}
	for i, column := range t.Columns {
		switch column.Role {
		case models.RoleSiteURL:
			var err error
			if row.SiteURL, err = SiteURL(rec.cells[i]); err != nil {
				refuse(column.Name, CodeInvalidURL, err.Error())
			}
		case models.RoleGroundTruth:
			if values := t.truth(rec, i); len(values) > 0 {
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
