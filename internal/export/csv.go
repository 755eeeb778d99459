package export

import (
	"bytes"
	"io"
)

// csvWriter writes RFC 4180: lines end with CRLF, a cell is quoted when it must be, and
// its own line breaks stay what they are, which encoding/csv changes.
type csvWriter struct {
	w         io.Writer
	delimiter byte
	special   string // what has a cell be quoted
	bom       bool
	line      []byte
	cell      []byte
	defused   []byte
}

func newCSVWriter(w io.Writer, options Options) *csvWriter {
	c := &csvWriter{w: w, delimiter: options.Delimiter, bom: options.BOM}
	if c.delimiter == 0 {
		c.delimiter = ','
	}
	c.special = "\"\r\n" + string(rune(c.delimiter))
	return c
}

func (c *csvWriter) Header(names []string) error {
	c.line = c.line[:0]
	if c.bom {
		c.line = append(c.line, "\uFEFF"...)
	}
	for i, name := range names {
		c.defused = AppendDefused(c.defused[:0], []byte(name))
		c.append(i, len(names), c.defused)
	}
	return c.end()
}

func (c *csvWriter) Row(cells []Cell) error {
	c.line = c.line[:0]
	for i := range cells {
		var err error
		if c.cell, err = cells[i].AppendText(c.cell[:0]); err != nil {
			return err
		}
		if cells[i].Number() || !dangerous(c.cell) {
			c.append(i, len(cells), c.cell)
			continue
		}
		c.defused = AppendDefused(c.defused[:0], c.cell)
		c.append(i, len(cells), c.defused)
	}
	return c.end()
}

// append adds a cell to the line.
func (c *csvWriter) append(i, of int, s []byte) {
	if i > 0 {
		c.line = append(c.line, c.delimiter)
	}
	switch {
	case len(s) == 0 && of == 1:
		c.line = append(c.line, `""`...) // or else the line would be blank, which is no row
	case len(s) == 0:
	case s[0] != ' ' && s[len(s)-1] != ' ' && !bytes.ContainsAny(s, c.special):
		c.line = append(c.line, s...)
	default:
		c.line = append(c.line, '"')
		for _, b := range s {
			if b == '"' {
				c.line = append(c.line, '"')
			}
			c.line = append(c.line, b)
		}
		c.line = append(c.line, '"')
	}
}

func (c *csvWriter) end() error {
	c.line = append(c.line, '\r', '\n')
	_, err := c.w.Write(c.line)
	return err
}

func (c *csvWriter) Finish() error { return nil }

func (c *csvWriter) Close() error { return nil }
