package ingest

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// CSV reads the header of a CSV and gives its columns their roles. It reads r as the
// rows are asked for.
func CSV(r io.Reader, opt Options) (*Table, error) {
	text, err := decoded(r, opt.Charset)
	var problem Problem
	if errors.As(err, &problem) {
		return unreadable(FormatCSV, opt, problem).checked()
	}
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(text, sniffBytes)
	head, err := buffered.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) && !broken(err) {
		return nil, err
	}
	d := sniff(slices.Clone(head), err != nil, opt.Delimiter, siteURLTeller(opt))
	if _, err := buffered.Discard(d.skip); err != nil {
		return nil, err
	}
	s := newCSVSource(buffered, d, text.replaces)
	var t *Table
	switch err := s.header(); {
	case errors.As(err, &problem):
		t = unreadable(FormatCSV, opt, problem)
	case err != nil:
		return nil, err
	default:
		t = newTable(s.headers, opt, s.next)
	}
	t.Format, t.Charset, t.Delimiter, t.whole = FormatCSV, text.charset, d.delimiter, fileColumn
	return t.checked()
}

// siteURLTeller tells the headers that are the site_url under the given options.
func siteURLTeller(opt Options) func(string) bool {
	names := append([]string{siteURLHeader}, siteURLAliases...)
	for header, role := range opt.Columns {
		if role == siteURLHeader {
			names = append(names, meant(header))
		}
	}
	return func(header string) bool { return slices.Contains(names, meant(header)) }
}

// csvSource reads records from text in UTF-8.
type csvSource struct {
	csv      *csv.Reader
	guard    *rowGuard
	replaces bool
	headers  []string
	rows     int
	// skipped counts the lines before those that csv counts.
	skipped int
}

func newCSVSource(r io.Reader, d dialect, replaces bool) *csvSource {
	if d.crOnly {
		r = crToLF{r: r}
	}
	guard := &rowGuard{r: r}
	s := &csvSource{csv: csv.NewReader(guard), guard: guard, replaces: replaces}
	s.csv.Comma, s.csv.FieldsPerRecord, s.csv.ReuseRecord = d.delimiter, -1, true
	if d.skip > 0 {
		s.skipped = 1
	}
	return s
}

// header reads the first line that has a value; a Problem is what is wrong with it.
func (s *csvSource) header() error {
	s.guard.left = MaxHeaderBytes + readAhead
	record, err := s.record("header", 0)
	if errors.Is(err, io.EOF) {
		return emptyFile
	}
	s.headers = slices.Clone(record)
	return err
}

// next reads the next data row.
func (s *csvSource) next() (record, error) {
	s.guard.left = MaxRowBytes + readAhead
	cells, err := s.record("", s.rows+1)
	if err != nil {
		return record{}, err
	}
	s.rows++
	line, _ := s.csv.FieldPos(0)
	rec := record{number: s.rows, line: line + s.skipped, cells: cells}
	if len(cells) != len(s.headers) {
		rec.problems = []Problem{{
			Row: rec.number, Line: rec.line, Code: CodeRaggedRow,
			Message: fmt.Sprintf("has %d cells, but the header has %d columns", len(cells), len(s.headers)),
		}}
		return rec, nil
	}
	for i, cell := range cells {
		if code, message := s.unfit(cell); code != "" {
			rec.problems = append(rec.problems, Problem{
				Row: rec.number, Line: rec.line, Column: strings.TrimSpace(s.headers[i]), Code: code, Message: message,
			})
		}
	}
	return rec, nil
}

// record reads the next record that has a value; place and row say what to name in a
// Problem.
func (s *csvSource) record(place string, row int) ([]string, error) {
	for {
		cells, err := s.csv.Read()
		if err != nil {
			return nil, s.problem(err, place, row)
		}
		if hasValue(cells) {
			return cells, nil
		}
	}
}

func hasValue(cells []string) bool {
	return slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// problem gives the error of a read its place; io.EOF and errors of the reader
// beneath stay what they are.
func (s *csvSource) problem(err error, place string, row int) error {
	p := Problem{Column: place, Row: row}
	var parse *csv.ParseError
	switch {
	case errors.As(err, &parse):
		p.Line, p.Code = parse.StartLine+s.skipped, CodeInvalidQuote
		p.Message = fmt.Sprintf("line %d: a quote is not closed, or stands inside a cell without being doubled", parse.Line+s.skipped)
		if errors.Is(err, csv.ErrBareQuote) {
			p.Message = fmt.Sprintf("line %d: a quote stands inside a cell that is not quoted; "+
				"quote the cell and double the quotes in it", parse.Line+s.skipped)
		}
	case broken(err):
		p.Code = CodeInvalidEncoding
		p.Message = "the text is not UTF-8; taken are " + acceptedEncodings
	case errors.Is(err, errRowTooLong):
		p.Code = CodeRowTooLong
		limit := MaxRowBytes
		if row == 0 {
			limit = MaxHeaderBytes
		}
		p.Message = fmt.Sprintf("is longer than %d bytes; is a quote left open?", limit)
	default:
		return err
	}
	return p
}

// unfit says why a cell cannot be kept.
func (s *csvSource) unfit(cell string) (code, message string) {
	if strings.IndexByte(cell, 0) >= 0 {
		return CodeInvalidCell, "has a NUL character in it"
	}
	if s.replaces && strings.ContainsRune(cell, utf8.RuneError) {
		return CodeInvalidEncoding, "has a character in it that its encoding does not have"
	}
	return "", ""
}
