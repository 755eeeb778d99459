package api

import (
	"context"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/export"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/audit"
)

// maxFilterLength bounds the text of a filter of the audit log, in characters.
const maxFilterLength = 255

func (s *server) listAudit(c *fiber.Ctx) error {
	q := readQuery(c)
	f := readAuditFilter(q)
	l := newList(q, "audit")
	for _, one := range []struct{ name, value string }{
		{"actor_id", f.ActorID},
		{"operation", f.Operation},
		{"target_type", f.TargetType},
		{"target_id", f.TargetID},
		{"from", timeText(f.From)},
		{"to", timeText(f.To)},
	} {
		if one.value != "" {
			filter(l, one.name, one.value)
		}
	}
	after := l.after(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	entries, err := s.Store.ListAudit(ctx, org, f, models.Page{After: after, Limit: l.ask()})
	if err != nil {
		return err
	}
	return sendPage(c, l, entries, func(e *models.AuditEntry) []byte { return idPosition(e.ID) }, auditAnswer,
		func() (int64, error) { return s.Store.CountAudit(ctx, org, f) })
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

func readAuditFilter(q *query) models.AuditFilter {
	f := models.AuditFilter{
		ActorID: q.short("actor_id"), Operation: q.short("operation"),
		TargetType: q.short("target_type"), TargetID: q.short("target_id"),
		From: q.time("from"), To: q.time("to"),
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		q.refuse("from", "must be before to")
	}
	return f
}

// short reads a parameter that is no longer than what it is held against.
func (q *query) short(name string) string {
	text := q.text(name)
	if utf8.RuneCountInString(text) > maxFilterLength {
		q.refuse(name, "must have at most %d characters", maxFilterLength)
		return ""
	}
	return text
}

// exportAudit answers with the audit log as a file, in which the export itself is the last
// entry.
func (s *server) exportAudit(c *fiber.Ctx) error {
	q := readQuery(c)
	f := readAuditFilter(q)
	x := readExportForm(c, q, "log", export.CSV, export.JSONL)
	if err := q.err(); err != nil {
		return err
	}
	org := organisation(c.UserContext())
	x.target = targetAudit
	table := export.Audit()
	return s.sendExport(c, x, func(ctx context.Context, out *exporter) error {
		if err := out.begin("audit", table.Names()); err != nil {
			return err
		}
		return s.Store.ExportAudit(ctx, org, f, func(e *models.AuditEntry) error { return writeRow(out, table, e) })
	})
}

// noteExport writes down that an export begins. It comes before the first row, so that
// nothing leaves that nobody knows of.
func (s *server) noteExport(ctx context.Context, x *exporter) error {
	n := note(ctx)
	n.About(x.target, x.targetID).Changes(nil, map[string]any{"format": x.format})
	return s.Store.Audit(ctx, organisation(ctx), n, audit.Requested)
}

// noteExported writes down how an export that has begun ended, and with how many rows.
func (s *server) noteExported(ctx context.Context, log *zap.Logger, x *exporter, err error) {
	if x.writer == nil {
		return
	}
	outcome := audit.Done
	if err != nil {
		outcome = audit.Failed
	}
	note(ctx).Changes(nil, map[string]any{"format": x.format, "rows": x.rows})
	s.settle(ctx, log, outcome)
}

// settle writes down how that ended of which it was written down that it was asked for.
// The caller is told of what happened, whether that can be written down or not: then the
// first entry stays alone, and the log says why.
func (s *server) settle(ctx context.Context, log *zap.Logger, outcome audit.Outcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.RequestTimeout)
	defer cancel()
	if err := s.Store.Audit(ctx, organisation(ctx), note(ctx), outcome); err != nil {
		log.Error("the end of an operation could not be written down",
			zap.String("operation", note(ctx).Operation), zap.String("outcome", string(outcome)), zap.Error(err))
	}
}

func auditAnswer(e *models.AuditEntry) wire.AuditEntry {
	out := wire.AuditEntry{
		ID: e.ID, CreatedAt: e.CreatedAt.UTC(), ActorKind: string(e.ActorKind), ActorID: e.ActorID, ActorName: e.ActorName,
		Operation: e.Operation, TargetType: e.TargetType, TargetID: e.TargetID, Outcome: string(e.Outcome),
		Before: e.Before, After: e.After, RequestID: e.RequestID, UserAgent: e.UserAgent,
	}
	if e.IP != nil {
		out.IP = *e.IP
	}
	return out
}
