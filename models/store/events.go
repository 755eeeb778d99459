package store

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// insertEvent writes an event, without a number, in the transaction that causes it.
func insertEvent(ctx context.Context, tx bun.Tx, event *models.ExecutionEvent, data map[string]any) (err error) {
	if event.Data, err = json.Marshal(data); err != nil {
		return err
	}
	_, err = tx.NewInsert().Model(event).ExcludeColumn("id").Exec(ctx)
	return err
}

// SequenceEvents numbers the events of an execution that have no number yet, in the
// order in which they were written, and returns how many there were. The numbers have
// no gaps and never change, whoever else writes or numbers meanwhile: the lock on the
// execution lets one number at a time, and an event that commits later gets a later
// number.
func (s *Store) SequenceEvents(ctx context.Context, executionID uuid.UUID) (int, error) {
	ctx = tenant.AsSystem(ctx)
	n := 0
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		// The lock comes first, and by itself: what is numbered next is what a statement
		// sees that began when nobody else was numbering.
		var id uuid.UUID
		err = tx.NewSelect().Model((*models.Execution)(nil)).Column("id").
			Where("e.id = ?", executionID).For("NO KEY UPDATE").Scan(ctx, &id)
		if err != nil {
			return found(err, models.ErrExecutionNotFound)
		}
		n, err = sequence(ctx, tx, executionID)
		return err
	})
	return n, err
}

// sequence numbers what is visible and unnumbered, and announces it once, when the
// transaction commits: PostgreSQL lets one transaction that announces commit at a time, so
// that a notice for each event would hold up whoever writes. The caller holds the lock of
// the execution.
func sequence(ctx context.Context, tx bun.Tx, executionID uuid.UUID) (int, error) {
	var n int
	err := tx.NewRaw(`
		WITH pending AS (
			SELECT id, row_number() OVER (ORDER BY id) AS place
			FROM execution_events WHERE execution_id = ?0 AND seq IS NULL
		), numbered AS (
			UPDATE execution_events AS ev SET seq = e.last_event_seq + pending.place
			FROM pending, executions AS e
			WHERE ev.id = pending.id AND e.id = ?0
			RETURNING ev.id
		), counted AS (
			SELECT count(*) AS n FROM numbered
		), moved AS (
			UPDATE executions AS e SET last_event_seq = e.last_event_seq + counted.n
			FROM counted WHERE e.id = ?0 AND counted.n > 0
		)
		SELECT n FROM counted`, executionID).Scan(ctx, &n)
	if err != nil || n == 0 {
		return n, err
	}
	_, err = tx.ExecContext(ctx, "SELECT pg_notify(?, ?)", models.EventsChannel, executionID.String())
	return n, err
}

// ListEvents lists the numbered events of an execution after a number, in their order.
func (s *Store) ListEvents(ctx context.Context, org, executionID uuid.UUID, afterSeq int64, limit int) ([]models.ExecutionEvent, error) {
	ctx = tenant.With(ctx, org)
	out := []models.ExecutionEvent{}
	err := s.db.NewSelect().Model(&out).
		Where("ev.organisation_id = ? AND ev.execution_id = ?", org, executionID).
		Where("ev.seq > ?", afterSeq).
		OrderExpr("ev.seq").Limit(int64(limit)).Scan(ctx)
	return out, mapped(err)
}
