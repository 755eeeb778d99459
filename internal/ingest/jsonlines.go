package ingest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// JSONLines reads JSON objects, one a line, as JSON takes them. Blank lines are skipped
// and not counted. It reads r from its beginning to its end for the columns, and from
// its beginning again as the rows are asked for.
func JSONLines(r io.ReadSeeker, opt Options) (*Table, error) {
	var lines *lineReader
	rewind := func() error {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return err
		}
		text, err := decoded(r, opt.Charset)
		lines = &lineReader{r: bufio.NewReaderSize(text, sniffBytes), text: text}
		return err
	}
	err := rewind()
	var problem Problem
	if errors.As(err, &problem) {
		return unreadable(FormatJSONLines, opt, problem).checked()
	}
	if err != nil {
		return nil, err
	}
	charset := lines.text.charset
	s := &jsonSource{
		columns: make(map[string]int), check: validJSON,
		object: func() (object, error) { return lines.next() },
	}
	t, err := s.table(opt, rewind)
	if t == nil {
		return nil, err
	}
	if s.rows == 0 {
		t, err = unreadable(FormatJSONLines, opt, emptyFile).checked()
	}
	t.Format, t.Charset, t.whole = FormatJSONLines, charset, fileColumn
	return t, err
}

// lineReader reads the lines of a text that have anything on them.
type lineReader struct {
	r    *bufio.Reader
	text text
	line int
	buf  []byte
}

// next gives the next line, which is good until the one after it is asked for. A line
// that is too long is passed over, never kept.
func (l *lineReader) next() (object, error) {
	for {
		l.line++
		tooLong, err := l.fill()
		switch {
		case broken(err):
			return object{}, l.encodingProblem("the text is not UTF-8; taken are " + acceptedEncodings)
		case err != nil:
			return object{}, err
		case tooLong:
			return object{line: l.line, tooLong: true}, nil
		}
		line := bytes.TrimSpace(l.buf)
		if len(line) == 0 {
			continue
		}
		if l.text.replaces && bytes.ContainsRune(line, utf8.RuneError) {
			return object{}, l.encodingProblem("has a character in it that its encoding does not have")
		}
		return object{json: line, line: l.line}, nil
	}
}

func (l *lineReader) encodingProblem(message string) error {
	return Problem{Line: l.line, Code: CodeInvalidEncoding, Message: message}
}

// fill reads one line into the buffer. It returns io.EOF when there is none.
func (l *lineReader) fill() (tooLong bool, err error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if tooLong = tooLong || len(l.buf)+len(bytes.TrimRight(part, "\r\n")) > MaxRowBytes; !tooLong {
			l.buf = append(l.buf, part...)
		}
		switch {
		case err == nil:
			return tooLong, nil
		case errors.Is(err, io.EOF) && (tooLong || len(l.buf) > 0):
			return tooLong, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return tooLong, err
		}
	}
}

// validJSON says where a line ceases to be one JSON value.
func validJSON(line []byte) error {
	var whole json.RawMessage
	err := json.Unmarshal(line, &whole)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("character %d: %w", syntax.Offset, err)
	}
	return err
}
