package api

import (
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
)

const defaultPreviewRows = 10

// previewBatch says what an upload would come to. What is wrong with the upload is part
// of the answer; only a request that could not be understood is refused.
func (s *server) previewBatch(c *fiber.Ctx) error {
	q := readQuery(c)
	rows := q.previewRows()
	return s.withUpload(c, q, func(ctx context.Context, up *upload) error {
		project, err := s.Store.Project(ctx, organisation(ctx), up.projectID)
		if err != nil {
			return err
		}
		table, err := up.table(s.ingestOptions(up, project))
		if table == nil {
			return err
		}
		p, err := table.Preview(ctx, rows)
		if err != nil {
			return err
		}
		return c.JSON(previewAnswer(table, p))
	})
}

func (q *query) previewRows() int {
	text := q.text("rows")
	if text == "" {
		return defaultPreviewRows
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > wire.MaxPreviewRows {
		q.refuse("rows", "must be a whole number between 1 and %d", wire.MaxPreviewRows)
	}
	return n
}

func previewAnswer(table *ingest.Table, p *ingest.Preview) wire.Preview {
	out := wire.Preview{
		CanBeCreated: p.CanBeCreated(),
		Format:       string(table.Format),
		Charset:      table.Charset,
		Columns:      make([]wire.PreviewColumn, len(p.Columns)),
		RowCount:     p.RowCount,
		Complete:     p.Complete,
		Rows:         make([]wire.PreviewRow, len(p.Rows)),
		Duplicates:   *duplicatesAnswer(table.Duplicates()),
		Problems:     notes(p.Problems),
		ProblemCount: p.ProblemCount,
		Warnings:     notes(p.Warnings),
		WarningCount: p.WarningCount,
	}
	if table.Delimiter != 0 {
		out.Delimiter = string(table.Delimiter)
	}
	for i, column := range p.Columns {
		out.Columns[i] = wire.PreviewColumn{
			Column:  wire.Column{Name: column.Name, Role: string(column.Role), Field: column.Field},
			CouldBe: column.CouldBe,
		}
	}
	for i, row := range p.Rows {
		out.Rows[i] = wire.PreviewRow{Row: row.Number, SiteURL: row.SiteURL, Input: row.Input, GroundTruth: row.GroundTruth}
	}
	return out
}

func notes(problems []ingest.Problem) []wire.UploadNote {
	out := make([]wire.UploadNote, len(problems))
	for i, p := range problems {
		out[i] = wire.UploadNote{Field: p.Place(), Row: p.Row, Line: p.Line, Code: p.Code, Message: p.Message}
		if p.Row > 0 {
			out[i].Column = p.Column
		}
	}
	return out
}

func duplicatesAnswer(d ingest.Duplicates) *wire.Duplicates {
	out := &wire.Duplicates{Action: string(d.Rule), Count: d.Count, Skipped: d.Skipped(), Rows: make([]wire.DuplicateRow, len(d.Rows))}
	for i, row := range d.Rows {
		out.Rows[i] = wire.DuplicateRow(row)
	}
	return out
}
