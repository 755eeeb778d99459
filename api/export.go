package api

import (
	"context"
	"errors"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/export"
	"github.com/minohq/mino/models"
)

func (s *server) exportJobs(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	f := readJobFilter(q)
	f.BatchID = id
	x := readExport(c, q, "jobs")
	x.target, x.targetID = targetBatch, id.String()
	if err := q.err(); err != nil {
		return err
	}
	org := organisation(c.UserContext())
	return serveExport(s, c, x, export.Jobs, func(ctx context.Context, begin beginExport[models.JobParts], each func(*models.ExportedJob) error) error {
		return s.Store.ExportJobs(ctx, org, f, begin, each)
	})
}

func (s *server) exportSessions(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	f := readSessionFilter(q)
	f.ExecutionID = id
	x := readExport(c, q, "sessions")
	x.target, x.targetID = targetExecution, id.String()
	if err := q.err(); err != nil {
		return err
	}
	org := organisation(c.UserContext())
	return serveExport(s, c, x, export.Sessions, func(ctx context.Context, begin beginExport[models.SessionParts], each func(*models.ExportedSession) error) error {
		return s.Store.ExportSessions(ctx, org, f, begin, each)
	})
}

// beginExport is told what an export is about, and says which parts it needs.
type beginExport[P any] = func(*models.ExportHead) (P, error)

// serveExport answers with the records that read reads, under the columns that are chosen
// of what they are about.
func serveExport[R, P any](
	s *server, c *fiber.Ctx, x exportRequest,
	choose func(*models.ExportHead, []string) (*export.Table[R], P, error),
	read func(ctx context.Context, begin beginExport[P], each func(*R) error) error,
) error {
	return s.sendExport(c, x, func(ctx context.Context, out *exporter) error {
		var table *export.Table[R]
		begin := func(head *models.ExportHead) (parts P, err error) {
			if table, parts, err = choose(head, x.columns); err != nil {
				return parts, wrongColumns(err)
			}
			return parts, out.begin(head.Batch.Name, table.Names())
		}
		return read(ctx, begin, func(record *R) error { return writeRow(out, table, record) })
	})
}

// wrongColumns answers a choice of columns that cannot be made. It is known no sooner
// than the batch and its fields are.
func wrongColumns(err error) error {
	var columns *export.ColumnsError
	if !errors.As(err, &columns) {
		return err
	}
	var out []wire.FieldError
	for _, name := range columns.Unknown {
		out = append(out, wire.FieldError{
			Field: "columns", Code: wire.FieldUnknown, Message: "this export has no column " + strconv.Quote(name),
		})
	}
	for _, name := range columns.Twice {
		out = append(out, wire.FieldError{
			Field: "columns", Code: wire.FieldDuplicate, Message: "the column " + strconv.Quote(name) + " would be there twice",
		})
	}
	return invalidParams(out...)
}

// exportRequest is what a request says of the form of an export.
type exportRequest struct {
	kind    string // what the rows are
	format  export.Format
	options export.Options
	columns []string
	// negotiated is that the Accept header chose the format.
	negotiated bool
	// target and targetID are what the audit log calls that which is exported.
	target, targetID string
}

// readExport reads the parameters of an export of which columns can be chosen.
func readExport(c *fiber.Ctx, q *query, kind string) exportRequest {
	x := readExportForm(c, q, kind, export.Formats()...)
	x.columns = q.texts("columns")
	return x
}

// readExportForm reads the parameters that every export has.
func readExportForm(c *fiber.Ctx, q *query, kind string, offered ...export.Format) exportRequest {
	x := exportRequest{kind: kind, options: export.Options{Sheet: kind}}
	switch formats := oneOf(q, "format", offered); len(formats) {
	case 0:
		x.negotiated = true
		x.format = acceptedFormat(c, offered)
	case 1:
		x.format = formats[0]
	default:
		q.refuse("format", "must be one of %s", joined(formats))
	}
	x.options.BOM = q.flag("bom")
	if delimiter := q.delimiter(); delimiter != 0 {
		x.options.Delimiter = byte(delimiter) //nolint:gosec // one of four of ASCII
	}
	if x.format == export.CSV {
		return x
	}
	for _, name := range []string{"bom", "delimiter"} {
		if q.text(name) != "" {
			q.refuse(name, "is for the format csv")
		}
	}
	return x
}

// acceptedFormat is the format that the Accept header likes best; one that likes none
// gets a CSV.
func acceptedFormat(c *fiber.Ctx, offered []export.Format) export.Format {
	offers := make([]string, 0, len(offered))
	for _, f := range offered {
		offers = append(offers, f.MediaType())
	}
	best := c.Accepts(offers...)
	for _, f := range offered {
		if f.MediaType() == best {
			return f
		}
	}
	return export.CSV
}

// texts reads a parameter that may be given several times.
func (q *query) texts(name string) []string {
	q.known[name] = true
	for _, value := range q.values[name] {
		if !storable(value) {
			q.refuse(name, "must be UTF-8 without NUL")
			return nil
		}
	}
	return q.values[name]
}
