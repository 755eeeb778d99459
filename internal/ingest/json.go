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

// JSON takes rows that are JSON objects from header to value. Its columns are all
// members that occur, in the order in which they first do; a row without a member
// has a blank cell there. A value is a string, a number, a boolean or null; in a
// ground truth column it may be an array of accepted values instead, and a string is
// one value, whatever characters are in it. Every row must be valid JSON.
func JSON(rows []json.RawMessage, opt Options) (*Table, error) {
	if len(rows) > opt.maxRows() {
		return nil, refused(tooManyRows(opt.maxRows()))
	}
	if len(rows) == 0 {
		return nil, refused(Problem{Column: "rows", Code: CodeNoRows, Message: "there is no row"})
	}
	s := &jsonSource{rows: rows, columns: make(map[string]int)}
	headers, err := s.headers()
	if err != nil {
		return nil, err
	}
	t, err := newTable(headers, opt, s.next)
	if err != nil {
		return nil, err
	}
	for i := range t.splits {
		t.splits[i] = false
	}
	s.table = t
	return t, nil
}

type jsonSource struct {
	rows    []json.RawMessage
	columns map[string]int // by header as written
	read    int
	table   *Table
}

// headers collects the members of all rows.
func (s *jsonSource) headers() ([]string, error) {
	var headers []string
	var bad problems
	for i, row := range s.rows {
		if len(row) > MaxRowBytes {
			bad.add(Problem{Row: i + 1, Code: CodeRowTooLong, Message: fmt.Sprintf("is longer than %d bytes", MaxRowBytes)})
			continue
		}
		err := members(row, func(name string, _ json.RawMessage) error {
			if _, known := s.columns[name]; known {
				return nil
			}
			s.columns[name] = len(headers)
			headers = append(headers, name)
			return nil
		})
		if err != nil {
			bad.add(Problem{Row: i + 1, Code: CodeInvalidCell, Message: err.Error()})
		}
		if bad.full() || len(headers) > MaxColumns {
			break
		}
	}
	return headers, bad.err()
}

func (s *jsonSource) next() (record, error) {
	if s.read == len(s.rows) {
		return record{}, io.EOF
	}
	s.read++
	rec := record{number: s.read, cells: make([]string, len(s.columns))}
	err := members(s.rows[s.read-1], func(name string, value json.RawMessage) error {
		column := s.columns[name]
		if err := s.cell(&rec, column, value); err != nil {
			rec.problems = append(rec.problems, Problem{
				Row: rec.number, Column: s.table.Columns[column].Name, Code: CodeInvalidCell, Message: err.Error(),
			})
		}
		return nil
	})
	return rec, err
}

// cell puts a value into its column.
func (s *jsonSource) cell(rec *record, column int, value json.RawMessage) error {
	if value[0] != '[' {
		text, err := scalar(value)
		rec.cells[column] = text
		return err
	}
	if s.table.Columns[column].Field == "" {
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
func members(object json.RawMessage, f func(name string, value json.RawMessage) error) error {
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
		if err := f(name, value); err != nil {
			return err
		}
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
