package export

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

const (
	// MaxCellLength is the most that a cell of a workbook holds, in UTF-16 units; a longer
	// text is cut and ends with CutMark.
	MaxCellLength = excelize.TotalCellChars
	// CutMark ends a text that was cut.
	CutMark = "… [cut]"
)

// xlsxWriter writes a workbook whose rows are in a temporary directory until Finish,
// which zips them. A sheet that is full is followed by another one.
type xlsxWriter struct {
	dir     string
	file    *excelize.File
	sheet   string
	sheets  int
	stream  *excelize.StreamWriter
	names   []string
	row     int // rows of the present sheet, with its header
	maxRows int
	values  []any
	text    []byte
}

func newXLSXWriter(w io.Writer, options Options) (*xlsxWriter, error) {
	// A directory of its own: excelize goes on in memory when it cannot make a file.
	dir, err := os.MkdirTemp(options.TempDir, "mino-export-")
	if err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	file := excelize.NewFile(excelize.Options{TmpDir: dir})
	// It would put the archive together in memory, and write it then.
	file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	return &xlsxWriter{dir: dir, file: file, sheet: options.Sheet, maxRows: excelize.TotalRows}, nil
}

func (x *xlsxWriter) Header(names []string) error {
	x.names = names
	return x.begin()
}

// begin begins a sheet, whose header stays in sight.
func (x *xlsxWriter) begin() error {
	x.sheets++
	name := x.sheet
	if x.sheets > 1 {
		name += " " + strconv.Itoa(x.sheets)
		if _, err := x.file.NewSheet(name); err != nil {
			return err
		}
	} else if err := x.file.SetSheetName(x.file.GetSheetName(0), name); err != nil {
		return err
	}
	var err error
	if x.stream, err = x.file.NewStreamWriter(name); err != nil {
		return err
	}
	err = x.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	if err != nil {
		return err
	}
	x.values = x.values[:0]
	for _, name := range x.names {
		x.values = append(x.values, cut(string(cleaned([]byte(name), 0))))
	}
	x.row = 1
	return x.stream.SetRow("A1", x.values)
}

func (x *xlsxWriter) Row(cells []Cell) error {
	if x.row == x.maxRows {
		if err := x.stream.Flush(); err != nil {
			return err
		}
		if err := x.begin(); err != nil {
			return err
		}
	}
	x.values = x.values[:0]
	for i := range cells {
		v, err := x.value(cells[i])
		if err != nil {
			return err
		}
		x.values = append(x.values, v)
	}
	x.row++
	return x.stream.SetRow("A"+strconv.Itoa(x.row), x.values)
}

// value gives a cell its type in a workbook: a number that a workbook holds as it is
// written, true or false, or a text.
func (x *xlsxWriter) value(c Cell) (any, error) {
	var err error
	if x.text, err = c.AppendText(x.text[:0]); err != nil || len(x.text) == 0 {
		return nil, err
	}
	s := string(x.text)
	if c.Bool() {
		return s == "true", nil
	}
	if c.Number() {
		if f, err := strconv.ParseFloat(s, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == s {
			return f, nil
		}
	}
	return cut(s), nil
}

// cut keeps a text within what a cell holds.
func cut(s string) string {
	if len(s) <= MaxCellLength { // no text has more units than bytes
		return s
	}
	room := MaxCellLength - utf8.RuneCountInString(CutMark)
	units, fits := 0, 0
	for i, r := range s {
		if units <= room {
			fits = i
		}
		units++
		if r > 0xFFFF {
			units++
		}
	}
	if units <= MaxCellLength {
		return s
	}
	return s[:fits] + CutMark
}

func (x *xlsxWriter) Finish() error {
	if err := x.stream.Flush(); err != nil {
		return err
	}
	return x.file.Write(io.Discard) // its bytes go to the archive
}

func (x *xlsxWriter) Close() error {
	return errors.Join(x.file.Close(), os.RemoveAll(x.dir))
}
