package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
)

const (
	// truthPrefix is what columns of right values have in uploads and exports.
	truthPrefix = "gt_"
	// maxTruthFile bounds a CSV of right values; the API takes 16 MiB of JSON.
	maxTruthFile = 32 << 20
	// maxWrongLines bounds the lines that are named when they are wrong.
	maxWrongLines = 20
)

// truthSheet is a CSV of right values.
type truthSheet struct {
	header []string
	cells  [][]string
	lines  []int // of the file, by row
	sent   []int // the same of the rows that were sent

	key    int // the column that says which row is meant
	byID   bool
	fields []truthColumn
}

// truthColumn is a column of right values of a field.
type truthColumn struct {
	at    int
	field field.Field
}

// readTruth reads a CSV as far as it can be read without its project.
func readTruth(in io.Reader) (*truthSheet, error) {
	limited := &io.LimitedReader{R: in, N: maxTruthFile + 1}
	reader := csv.NewReader(limited)
	sheet := &truthSheet{}
	for {
		cells, err := reader.Read()
		switch {
		case limited.N <= 0:
			return nil, fmt.Errorf("the CSV is larger than %d MiB", maxTruthFile>>20)
		case errors.Is(err, io.EOF) && sheet.header == nil:
			return nil, errors.New("the CSV is empty")
		case errors.Is(err, io.EOF):
			return sheet, nil
		case err != nil:
			return nil, fmt.Errorf("read the CSV: %w", err)
		case sheet.header == nil:
			cells[0] = strings.TrimPrefix(cells[0], "\ufeff")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			sheet.header = cells
		default:
			line, _ := reader.FieldPos(0)
			sheet.cells, sheet.lines = append(sheet.cells, cells), append(sheet.lines, line)
		}
	}
}

// choose says what each column is.
func (s *truthSheet) choose(project wire.Project) error {
	s.key = -1
	prefix := ""
	seen := map[string]bool{}
	for i, name := range s.header {
		if seen[name] {
			return fmt.Errorf("the CSV has the column %q twice", name)
		}
		seen[name] = true
		switch {
		case name == "job_id":
			s.key, s.byID = i, true
		case name == "row" && !s.byID:
			s.key = i
		case strings.HasPrefix(name, truthPrefix):
			prefix = truthPrefix
		}
	}
	if s.key < 0 {
		return errors.New("the CSV has no column row or job_id (it must be UTF-8 with commas)")
	}
	var unknown []string
	for i, name := range s.header {
		of, isField := strings.CutPrefix(name, prefix)
		if !isField || name == "row" || name == "job_id" {
			continue
		}
		f, ok := fieldNamed(project, of)
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		s.fields = append(s.fields, truthColumn{i, f})
	}
	switch {
	case len(unknown) > 0:
		return fmt.Errorf("no fields of the project: %s; there are: %s", strings.Join(unknown, ", "), fieldNames(project))
	case len(s.fields) == 0:
		return fmt.Errorf("the CSV has no column of a field; there are: %s", fieldNames(project))
	}
	return nil
}
