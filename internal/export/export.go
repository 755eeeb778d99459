// Package export writes records as tables: CSV, JSON, JSON lines and XLSX.
//
// It is pure and streams: records go in one by one, bytes come out, and no more than a
// row is kept (a workbook is kept in a temporary file, since it can only be zipped whole).
// It knows neither HTTP nor SQL. A Table says which columns there are and gives the cells
// of a record; a Writer writes rows of cells in one format.
//
// JSON keeps the types that values have: money is an object with amount and currency,
// lists are arrays, what is not there is null. CSV and XLSX have texts instead, and one
// function, Cell.AppendText, says which, so that the two agree cell by cell:
//
//   - money is its amount, a space and its currency: "1299.00 EUR";
//   - a list is its members separated by "|", as in an upload ("\|" is the character);
//   - a number is a plain decimal without zeros at its end;
//   - a time is RFC 3339 in UTC;
//   - any other object is its JSON;
//   - control characters other than tab and line breaks become U+FFFD, since XLSX cannot
//     hold them.
//
// A spreadsheet must not run what a web page put into a result. In a CSV, a text that a
// spreadsheet could take for a formula gets an apostrophe in front; see AppendDefused. In
// a workbook every text is typed as text, and nothing is a formula. JSON is not for
// spreadsheets and stays exact: it is the format for programs.
//
// Failure: errors are those of the writer beneath, of the disk, or of JSON that is not
// well formed. What was written until then is not whole. In CSV and JSON lines nothing
// shows that, so whoever carries the bytes must tell.
package export

import (
	"fmt"
	"io"
)

// Format is how a table is written.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	JSON  Format = "json"  // one array of objects
	JSONL Format = "jsonl" // one object a line
	XLSX  Format = "xlsx"
)

// Formats lists every format.
func Formats() []Format { return []Format{CSV, JSON, JSONL, XLSX} }

// MediaType is what the format is called in HTTP.
func (f Format) MediaType() string {
	switch f {
	case CSV:
		return "text/csv"
	case JSON:
		return "application/json"
	case JSONL:
		return "application/x-ndjson"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "application/octet-stream"
}

// Options say how a table is written.
type Options struct {
	// Delimiter separates the cells of a CSV; 0 is a comma.
	Delimiter byte
	// BOM has a CSV begin with a byte order mark, by which Excel knows that it is UTF-8.
	BOM bool
	// Sheet names the sheet of a workbook.
	Sheet string
	// TempDir is where workbooks are put together; empty is the system's.
	TempDir string
}

// Writer writes a table: its header, then its rows, then its end.
type Writer interface {
	Header(names []string) error
	// Row writes the cells of a row, as many as there are names.
	Row(cells []Cell) error
	// Finish writes what ends the table; without it, it is not whole.
	Finish() error
	// Close drops what the writer holds, whether it was finished or not.
	Close() error
}

// NewWriter makes the writer of a format over w. Rows are written in small pieces: w
// should be buffered.
func NewWriter(w io.Writer, format Format, options Options) (Writer, error) {
	switch format {
	case CSV:
		return newCSVWriter(w, options), nil
	case JSON:
		return &jsonWriter{w: w, array: true}, nil
	case JSONL:
		return &jsonWriter{w: w}, nil
	case XLSX:
		return newXLSXWriter(w, options)
	}
	return nil, fmt.Errorf("%q is no format of an export", format)
}
