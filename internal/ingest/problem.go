package ingest

import (
	"fmt"
	"slices"
)

// MaxProblems is how many problems of one upload are told before reading stops.
const MaxProblems = 100

// Codes of what can be wrong with an upload.
const (
	CodeEmptyFile       = "EMPTY_FILE"
	CodeNoRows          = "NO_ROWS"
	CodeTooManyRows     = "TOO_MANY_ROWS"
	CodeTooManyColumns  = "TOO_MANY_COLUMNS"
	CodeMissingSiteURL  = "MISSING_SITE_URL"
	CodeBlankHeader     = "BLANK_HEADER"
	CodeDuplicateHeader = "DUPLICATE_HEADER"
	CodeInvalidHeader   = "INVALID_HEADER"
	CodeUnknownField    = "UNKNOWN_FIELD"
	CodeUnknownColumn   = "UNKNOWN_COLUMN"
	CodeMissingColumn   = "MISSING_COLUMN"
	CodeInvalidRole     = "INVALID_ROLE"
	CodeDuplicateRole   = "DUPLICATE_ROLE"
	CodeRaggedRow       = "RAGGED_ROW"
	CodeRowTooLong      = "ROW_TOO_LONG"
	CodeInvalidURL      = "INVALID_URL"
	CodeInvalidQuote    = "INVALID_QUOTE"
	CodeInvalidEncoding = "INVALID_ENCODING"
	CodeUnknownCharset  = "UNKNOWN_CHARSET"
	CodeInvalidCell     = "INVALID_CELL"
	CodeInvalidJSON     = "INVALID_JSON"
	CodeDuplicateRow    = "DUPLICATE_ROW"
)

// fileColumn stands where a problem is with the upload as a whole.
const fileColumn = "file"

// Problem is one thing that is wrong with an upload.
type Problem struct {
	// Row is the data row, from 1; 0 when the header or the whole upload is meant.
	Row int
	// Line is the line of the file on which the row begins; 0 when not known.
	Line int
	// Column is the header of the column, or what else is meant when Row is 0; empty
	// when the whole row is.
	Column  string
	Code    string
	Message string
}

// Error gives the problem in one line, so that a source can return it.
func (p Problem) Error() string {
	return p.Place() + ": " + p.Message
}

// Place says where the problem is, for people: "row 17, column site_url".
func (p Problem) Place() string {
	switch {
	case p.Row == 0:
		return p.Column
	case p.Column == "":
		return fmt.Sprintf("row %d", p.Row)
	default:
		return fmt.Sprintf("row %d, column %s", p.Row, p.Column)
	}
}

// Error is all that was found wrong with an upload.
type Error struct {
	Problems []Problem
	// Truncated says that reading stopped at MaxProblems, so that there may be more.
	Truncated bool
}

// Error names the first problem and the number of the others.
func (e *Error) Error() string {
	first := e.Problems[0].Error()
	switch others := len(e.Problems) - 1; {
	case e.Truncated:
		return fmt.Sprintf("%s, and %d or more others", first, others)
	case others > 0:
		return fmt.Sprintf("%s, and %d others", first, others)
	}
	return first
}

// Has reports whether a problem of the code was found.
func (e *Error) Has(code string) bool {
	return slices.ContainsFunc(e.Problems, func(p Problem) bool { return p.Code == code })
}

var emptyFile = Problem{Column: fileColumn, Code: CodeEmptyFile, Message: "the upload is empty"}

// refused makes an Error of problems found before any row was read; nil when there are
// none.
func refused(all ...Problem) error {
	var found problems
	found.add(all...)
	return found.err()
}

// problems collects problems up to MaxProblems.
type problems struct {
	all       []Problem
	truncated bool
}

func (p *problems) add(more ...Problem) {
	room := MaxProblems - len(p.all)
	if len(more) > room {
		more, p.truncated = more[:room], true
	}
	p.all = append(p.all, more...)
}

func (p *problems) full() bool { return len(p.all) >= MaxProblems }

func (p *problems) none() bool { return len(p.all) == 0 }

func (p *problems) err() error {
	if p.none() {
		return nil
	}
	return &Error{Problems: p.all, Truncated: p.truncated || p.full()}
}

func tooManyRows(limit int) Problem {
	return Problem{
		Row: limit + 1, Code: CodeTooManyRows,
		Message: fmt.Sprintf("there are more than %d rows, which is the limit of a batch", limit),
	}
}
