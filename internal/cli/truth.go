package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// TruthCmd is `mino truth`.
type TruthCmd struct {
	Set TruthSetCmd `cmd:"" help:"Set the right values of rows of a batch from a CSV."`
}

// TruthSetCmd is `mino truth set`.
type TruthSetCmd struct {
	Remote

	Batch      uuid.UUID `arg:"" help:"Id of the batch."`
	File       string    `arg:"" complete:"@files" help:"CSV with a column row or job_id; - reads it from standard input."`
	ClearEmpty bool      `help:"Have an empty cell remove the right value of its field; without it such a field keeps the value that it has."`
}

// Help is what --help says beneath the flags.
func (*TruthSetCmd) Help() string {
	return `The CSV is UTF-8 with commas. Its column row (the number of a row, from 1) or job_id says
which row is meant; with both it is job_id. Every other column is a field of the project.
When there are columns whose names begin with gt_, as in an upload or an export, those
are the fields and all others are ignored.

A cell is the right value of the field, several accepted ones apart by "|" ("\|" is the
character itself). Results that are there are scored anew. Either all rows are set or
none is.

` + askExitHelp
}

// Run sets them.
func (c *TruthSetCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		sheet, err := c.read(streams)
		if err != nil {
			return err
		}
		batch, err := api.Batch(ctx, c.Batch)
		if err != nil {
			return asked(err, "find the batch")
		}
		project, err := api.Project(ctx, batch.ProjectID)
		if err != nil {
			return asked(err, "find the batch's project")
		}
		rows, err := sheet.rows(project, c.ClearEmpty)
		if err != nil {
			return &ExitError{Code: ExitRefused, Err: err}
		}
		if len(rows) == 0 {
			return &ExitError{Code: ExitRefused, Err: errors.New("the CSV sets no value: every cell is empty")}
		}
		out, err := api.SetGroundTruth(ctx, c.Batch, rows)
		if err != nil {
			return asked(sheet.located(err), "set the right values")
		}
		return c.print(streams, out, func() []string {
			return record(
				[2]string{"updated", grouped(out.Updated)},
				[2]string{"unchanged", grouped(out.Unchanged)},
				[2]string{"scored anew", grouped(out.Rescored)},
			)
		})
	})
}

func (c *TruthSetCmd) read(streams Streams) (*truthSheet, error) {
	if c.File == "-" {
		return readTruth(streams.In)
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, asked(err, "read the right values")
	}
	defer func() { _ = file.Close() }()
	return readTruth(file)
}

// rows makes a request of the sheet. What is wrong with it is named by lines, all of it
// up to a limit.
func (s *truthSheet) rows(project wire.Project, clearEmpty bool) ([]wire.RowTruth, error) {
	if err := s.choose(project); err != nil {
		return nil, err
	}
	var rows []wire.RowTruth
	var wrong []string
	for i, cells := range s.cells {
		row, err := s.row(cells, clearEmpty)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("  line %d: %v", s.lines[i], err))
		case len(row.GroundTruth) > 0:
			rows = append(rows, row)
			s.sent = append(s.sent, s.lines[i])
		}
	}
	if len(wrong) == 0 {
		return rows, nil
	}
	if more := len(wrong) - maxWrongLines; more > 0 {
		wrong = append(wrong[:maxWrongLines], fmt.Sprintf("  … and %d more", more))
	}
	return nil, fmt.Errorf("the CSV cannot be taken:\n%s", strings.Join(wrong, "\n"))
}

func (s *truthSheet) row(cells []string, clearEmpty bool) (wire.RowTruth, error) {
	row := wire.RowTruth{GroundTruth: map[string][]string{}}
	text := strings.TrimSpace(cells[s.key])
	if s.byID {
		id, err := uuid.Parse(text)
		if err != nil {
			return row, fmt.Errorf("job_id: %q is no id", text)
		}
		row.JobID = &id
	} else {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return row, fmt.Errorf("row: must be a whole number from 1, is %q", text)
		}
		row.Row = &n
	}
	for _, column := range s.fields {
		if values := acceptedValues(cells[column.at], column.field); len(values) > 0 || clearEmpty {
			row.GroundTruth[column.field.Name] = values
		}
	}
	return row, nil
}

// located has the errors of the API name lines of the file: it knows the places of rows
// in the request.
func (s *truthSheet) located(err error) error {
	var refusal *client.Error
	if !errors.As(err, &refusal) {
		return err
	}
	for i := range refusal.Problem.Errors {
		at := &refusal.Problem.Errors[i]
		rest, ok := strings.CutPrefix(at.Field, "rows[")
		number, path, closed := strings.Cut(rest, "]")
		n, convErr := strconv.Atoi(number)
		if ok && closed && convErr == nil && n < len(s.sent) {
			at.Field = strings.TrimSuffix(fmt.Sprintf("line %d, %s", s.sent[n], strings.TrimPrefix(path, ".")), ", ")
		}
	}
	return err
}
