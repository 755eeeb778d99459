package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// rowsColumn stands where a problem is with a list of rows as a whole.
const rowsColumn = "rows"

// JSON takes rows that are JSON objects from header to value. Its columns are all
// members that occur, in the order in which they first do; a row without a member
// has a blank cell there. A value is a string, a number, a boolean or null; in a
// ground truth column it may be an array of accepted values instead, and a string is
// one value, whatever characters are in it. Every row must be valid JSON.
func JSON(rows []json.RawMessage, opt Options) (*Table, error) {
	if len(rows) == 0 {
		return unreadable(FormatJSON, opt, Problem{Column: rowsColumn, Code: CodeNoRows, Message: "there is no row"}).checked()
	}
	read := 0
	s := &jsonSource{columns: make(map[string]int)}
	s.object = func() (object, error) {
		if read == len(rows) {
			return object{}, io.EOF
		}
		read++
		if row := rows[read-1]; len(row) <= MaxRowBytes {
			return object{json: row}, nil
		}
		return object{tooLong: true}, nil
	}
	t, err := s.table(opt, func() error { read = 0; return nil })
	if t != nil {
		t.Format, t.whole = FormatJSON, rowsColumn
	}
	return t, err
}

// object is one row as it was written.
type object struct {
	json    []byte
	line    int
	tooLong bool
}

// jsonSource reads records from objects, twice: once for the columns, once for the
// cells.
type jsonSource struct {
	// object gives the next one: valid JSON only after check. io.EOF ends; a Problem
	// makes the rest unreadable.
	object  func() (object, error)
	check   func([]byte) error // nil when what comes is known to be valid
	columns map[string]int     // by header as written
	rows    int                // that the columns were looked for in
	read    int
	t       *Table
}

// table reads the header, then goes back to the beginning.
func (s *jsonSource) table(opt Options, rewind func() error) (*Table, error) {
	headers, bad, err := s.headers(opt.maxRows())
	if err != nil {
		return nil, err
	}
	if err := rewind(); err != nil {
		return nil, err
	}
	s.t = newTable(headers, opt, s.next)
	clear(s.t.splits)
	// What is wrong with rows comes first: without them the header may be another one.
	// It is not kept in the table, since it is found again with the rows.
	if err := bad.err(); err != nil {
		return s.t, err
	}
	return s.t.checked()
}

// headers collects the members of all rows, and what is wrong with rows as such.
func (s *jsonSource) headers(maxRows int) (headers []string, bad problems, err error) {
	size := 0
	for row := 1; row <= maxRows && !bad.full() && len(headers) <= MaxColumns && size <= MaxHeaderBytes; row++ {
		o, err := s.object()
		if errors.Is(err, io.EOF) {
			break
		}
		s.rows++
		var problem Problem
		if errors.As(err, &problem) {
			problem.Row = row
			bad.add(problem)
			break
		}
		if err != nil {
			return nil, bad, err
		}
		if problem := s.members(o, row, func(name string, _ json.RawMessage) {
			if _, known := s.columns[name]; known {
				return
			}
			s.columns[name] = len(headers)
			headers, size = append(headers, name), size+len(name)
		}); problem != nil {
			bad.add(*problem)
		}
	}
	if size > MaxHeaderBytes {
		bad.add(Problem{
			Column: "header", Code: CodeRowTooLong,
			Message: fmt.Sprintf("the names of all members together are longer than %d bytes", MaxHeaderBytes),
		})
	}
	return headers, bad, nil
}

// members calls f for every member of a row, or says what is wrong with the row.
func (s *jsonSource) members(o object, row int, f func(name string, value json.RawMessage)) *Problem {
	refuse := func(code, message string) *Problem {
		return &Problem{Row: row, Line: o.line, Code: code, Message: message}
	}
	if o.tooLong {
		return refuse(CodeRowTooLong, fmt.Sprintf("is longer than %d bytes", MaxRowBytes))
	}
	if s.check != nil {
		if err := s.check(o.json); err != nil {
			return refuse(CodeInvalidJSON, "is not valid JSON: "+err.Error())
		}
	}
	if err := members(o.json, f); err != nil {
		return refuse(CodeInvalidCell, err.Error())
	}
	return nil
}

func (s *jsonSource) next() (record, error) {
	o, err := s.object()
	var problem Problem
	if errors.As(err, &problem) {
		problem.Row = s.read + 1
		return record{}, problem
	}
	if err != nil {
		return record{}, err
	}
	s.read++
	rec := record{number: s.read, line: o.line, cells: make([]string, len(s.columns))}
	if problem := s.members(o, rec.number, func(name string, value json.RawMessage) {
		column, known := s.columns[name]
		if !known {
			return // the header was too large to be read whole
		}
		if err := s.cell(&rec, column, value); err != nil {
			rec.problems = append(rec.problems, Problem{
				Row: rec.number, Line: o.line, Column: strings.TrimSpace(name), Code: CodeInvalidCell, Message: err.Error(),
			})
		}
	}); problem != nil {
		rec.cells, rec.problems = nil, []Problem{*problem}
	}
	return rec, nil
}

// cell puts a value into its column.
func (s *jsonSource) cell(rec *record, column int, value json.RawMessage) error {
	if value[0] != '[' {
		text, err := scalar(value)
		rec.cells[column] = text
		return err
	}
	if column >= len(s.t.Columns) || s.t.Columns[column].Field == "" {
		return errors.New("is an array, which only a ground truth can be")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(value, &items); err != nil {
		return err
	}
	accepted := []string{}
	for _, item := range items {
		text, err := scalar(item)
		if err != nil {
			return err
		}
		accepted = append(accepted, nonBlank(text)...)
	}
	if rec.lists == nil {
		rec.lists = make(map[int][]string)
	}
	rec.lists[column] = accepted
	return nil
}

// members calls f for every member of an object, in order.
func members(object json.RawMessage, f func(name string, value json.RawMessage)) error {
	dec := json.NewDecoder(bytes.NewReader(object))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return errors.New("is not an object from header to value")
	}
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("has the member %s twice", quoted(name))
		}
		seen[name] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		f(name, value)
	}
	return nil
}

// scalar gives a JSON value as the text that a CSV would have.
func scalar(value json.RawMessage) (string, error) {
	switch value[0] {
	case 'n':
		return "", nil
	case '{', '[':
		return "", errors.New("is an array or an object; a cell is a string, a number, a boolean or null")
	case '"':
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return "", err
		}
		if strings.IndexByte(text, 0) >= 0 {
			return "", errors.New("has a NUL character in it")
		}
		if !utf8.Valid(value) {
			return "", errors.New("is not UTF-8")
		}
		return text, nil
	}
	return string(value), nil
}
