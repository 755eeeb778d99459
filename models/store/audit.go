package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/audit"
	"github.com/minohq/mino/models/tenant"
)

// maxKept is how many bytes are kept of what a client says of itself.
const maxKept = 500

// errNobodys: a note has to be of an organisation, or nobody could read it.
var errNobodys = errors.New("what is to be written down is of no organisation")

// writeNote writes a note as an entry of what is done in a transaction. It is the
// organisation's that the transaction is of; in one of the system, that of whoever does it.
// No note is nothing to write.
func writeNote(ctx context.Context, tx bun.Tx, note *audit.Note) error {
	if note == nil {
		return nil
	}
	org := note.Principal.Organisation
	if scope := tenant.From(ctx); scope.Kind != tenant.System {
		org = scope.ID
	}
	return writeEntry(ctx, tx, org, note, audit.Done)
}

func writeEntry(ctx context.Context, db bun.IDB, org uuid.UUID, note *audit.Note, outcome audit.Outcome) error {
	if org == uuid.Nil {
		return errNobodys
	}
	before, err := encoded(note.Before)
	if err != nil {
		return fmt.Errorf("write down what was before: %w", err)
	}
	after, err := encoded(note.After)
	if err != nil {
		return fmt.Errorf("write down what is after: %w", err)
	}
	_, err = db.NewInsert().Model(&models.AuditEntry{
		ID: models.NewID(), OrganisationID: org, Outcome: outcome,
		ActorKind: note.Principal.Kind, ActorID: note.Principal.ID, ActorName: kept(note.Principal.Name),
		Operation: note.Operation, TargetType: note.TargetType, TargetID: kept(note.TargetID),
		Before: before, After: after,
		RequestID: kept(note.RequestID), IP: addressOf(note.IP), UserAgent: kept(note.UserAgent),
	}).Exec(ctx)
	return err
}

func encoded(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

// kept makes text of somebody else's fit for PostgreSQL, which refuses some bytes: nobody
// gets out of being written down by what they call themselves.
func kept(text string) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "�")
	if len(text) > maxKept {
		text = strings.ToValidUTF8(text[:maxKept], "")
	}
	return text
}

// Audit writes an entry by itself: of what happens outside of PostgreSQL.
func (s *Store) Audit(ctx context.Context, org uuid.UUID, note *audit.Note, outcome audit.Outcome) error {
	ctx = tenant.With(ctx, org)
	return mapped(writeEntry(ctx, s.db, org, note, outcome))
}

func filterAudit(q *bun.SelectQuery, org uuid.UUID, f models.AuditFilter) *bun.SelectQuery {
	q = q.Where("a.organisation_id = ?", org)
	for _, equal := range []struct{ column, value string }{
		{"actor_id", f.ActorID}, {"operation", f.Operation}, {"target_type", f.TargetType}, {"target_id", f.TargetID},
	} {
		if equal.value != "" {
			q = q.Where("a.? = ?", bun.Ident(equal.column), equal.value)
		}
	}
	if !f.From.IsZero() {
		q = q.Where("a.created_at >= ?", f.From)
	}
	if !f.To.IsZero() {
		q = q.Where("a.created_at < ?", f.To)
	}
	return q
}

// ListAudit lists entries, newest first.
func (s *Store) ListAudit(ctx context.Context, org uuid.UUID, f models.AuditFilter, page models.Page) ([]models.AuditEntry, error) {
	ctx = tenant.With(ctx, org)
	out := []models.AuditEntry{}
	err := newestFirst(filterAudit(s.db.NewSelect().Model(&out), org, f), page).Scan(ctx)
	return out, mapped(err)
}

// CountAudit counts what ListAudit lists over all pages.
func (s *Store) CountAudit(ctx context.Context, org uuid.UUID, f models.AuditFilter) (int64, error) {
	ctx = tenant.With(ctx, org)
	n, err := filterAudit(s.db.NewSelect().Model((*models.AuditEntry)(nil)), org, f).Count(ctx)
	return n, mapped(err)
}

// ExportAudit reads entries, oldest first, all from one snapshot, however many there are,
// and calls each with one after another; it is given the same entry each time. An error of
// each ends the export and is returned as it is. See ExportJobs for what an export takes.
func (s *Store) ExportAudit(ctx context.Context, org uuid.UUID, f models.AuditFilter, each func(*models.AuditEntry) error) error {
	return s.snapshot(ctx, org, func(ctx context.Context, tx pgx.Tx) error {
		var e models.AuditEntry
		var before, after []byte
		q := filterAudit(s.db.NewSelect().Model((*models.AuditEntry)(nil)), org, f).
			ColumnExpr("a.id, a.organisation_id, a.created_at, a.actor_kind, a.actor_id, a.actor_name, a.operation").
			ColumnExpr("a.target_type, a.target_id, a.outcome, a.before, a.after, a.request_id, host(a.ip), a.user_agent").
			OrderExpr("a.id")
		targets := []any{
			&e.ID, &e.OrganisationID, &e.CreatedAt, &e.ActorKind, &e.ActorID, &e.ActorName, &e.Operation,
			&e.TargetType, &e.TargetID, &e.Outcome, &before, &after, &e.RequestID, &e.IP, &e.UserAgent,
		}
		return eachRow(ctx, tx, q, targets, func() error {
			e.Before, e.After = before, after
			return each(&e)
		})
	})
}
