package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/tenant"
)

// exportEndedError marks the error of a caller, which is returned as it is: it says
// nothing of PostgreSQL.
type exportEndedError struct{ error }

func (e exportEndedError) Unwrap() error { return e.error }

// ExportJobs reads the jobs of a batch in row order, all from one snapshot, however many
// there are and whatever is written meanwhile: begin is told what they are about and says
// which parts it needs, then each is called with one job after another. An error of either
// ends the export and is returned as it is. filter names the batch; without one like it
// in the organisation it is models.ErrBatchNotFound.
//
// Rows come from PostgreSQL as fast as they are taken, and no more of them are kept than
// the connection holds. An export has a connection of its own for all its time. One that
// is given up, by an error or by its context, ends the query at once; its connection is
// closed, since the rows that are under way cannot be called back.
func (s *Store) ExportJobs( //nolint:dupl // the types differ
	ctx context.Context, org uuid.UUID, filter models.JobFilter,
	begin func(*models.ExportHead) (models.JobParts, error), each func(*models.ExportedJob) error,
) error {
	return s.snapshot(ctx, org, func(ctx context.Context, tx pgx.Tx) error {
		head, err := s.batchHead(ctx, tx, org, filter.BatchID)
		if err != nil {
			return err
		}
		parts, err := begin(head)
		if err != nil {
			return exportEndedError{err}
		}
		var row jobRow
		return eachRow(ctx, tx, s.exportedJobs(org, filter, parts), row.targets(), func() error { return each(row.job()) })
	})
}

// ExportSessions is ExportJobs for the sessions of an execution, in the order of rows and
// of attempts; there may be none like it: models.ErrExecutionNotFound.
func (s *Store) ExportSessions( //nolint:dupl // the types differ
	ctx context.Context, org uuid.UUID, filter models.SessionFilter,
	begin func(*models.ExportHead) (models.SessionParts, error), each func(*models.ExportedSession) error,
) error {
	return s.snapshot(ctx, org, func(ctx context.Context, tx pgx.Tx) error {
		head, err := s.executionHead(ctx, tx, org, filter.ExecutionID)
		if err != nil {
			return err
		}
		parts, err := begin(head)
		if err != nil {
			return exportEndedError{err}
		}
		var row sessionRow
		return eachRow(ctx, tx, s.exportedSessions(org, filter, parts), row.targets(), func() error { return each(row.session()) })
	})
}

// snapshot runs f in a transaction that sees one state of the database. It is pgx's own
// connection: database/sql makes values of every column that nobody wants.
func (s *Store) snapshot(ctx context.Context, org uuid.UUID, f func(context.Context, pgx.Tx) error) error {
	ctx = tenant.With(ctx, org)
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return mapped(err)
	}
	defer conn.Close() //nolint:errcheck // gives the connection back; nothing is lost with it
	err = conn.Raw(func(driverConn any) error {
		scopable, ok := driverConn.(*scopedConn)
		if !ok {
			return fmt.Errorf("the database driver is %T, not the store's own", driverConn)
		}
		options := scoped(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		return pgx.BeginTxFunc(ctx, scopable.Conn.Conn(), options, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
	var ended exportEndedError
	if errors.As(err, &ended) {
		return ended.error
	}
	return mapped(err)
}

// eachRow runs a query and reads its rows into targets, one after another. When each
// gives up, the query is cancelled: to close its rows alone would be to read all of them.
func eachRow(ctx context.Context, tx pgx.Tx, q *bun.SelectQuery, targets []any, each func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := tx.Query(ctx, q.String(), pgx.QueryExecModeDescribeExec)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := each(); err != nil {
			cancel()
			return exportEndedError{err}
		}
	}
	return rows.Err()
}

// batchHead reads a batch and the fields that its results can have.
func (s *Store) batchHead(ctx context.Context, tx pgx.Tx, org, id uuid.UUID) (*models.ExportHead, error) {
	head := &models.ExportHead{Batch: &models.Batch{ID: id, OrganisationID: org}}
	var wanted []field.Field
	b := head.Batch
	err := tx.QueryRow(ctx, `
		SELECT b.project_id, b.name, b.columns, b.row_count, b.created_at, p.fields
		FROM batches b JOIN projects p ON p.id = b.project_id AND p.organisation_id = b.organisation_id
		WHERE b.organisation_id = $1 AND b.id = $2`, org, id).
		Scan(&b.ProjectID, &b.Name, &b.Columns, &b.RowCount, &b.CreatedAt, &wanted)
	if err != nil {
		return nil, absent(err, models.ErrBatchNotFound)
	}
	// Jobs hold the results of whichever execution they were last in, and the project may
	// have been edited since.
	var earlier []field.Field
	err = tx.QueryRow(ctx, `
		SELECT coalesce(jsonb_agg(f ORDER BY id DESC, place), '[]')
		FROM executions, jsonb_array_elements(snapshot -> 'fields') WITH ORDINALITY AS fields (f, place)
		WHERE organisation_id = $1 AND batch_id = $2`, org, id).Scan(&earlier)
	if err != nil {
		return nil, err
	}
	head.Fields = eachOnce(append(wanted, earlier...))
	return head, nil
}

func (s *Store) executionHead(ctx context.Context, tx pgx.Tx, org, id uuid.UUID) (*models.ExportHead, error) {
	head := &models.ExportHead{Batch: &models.Batch{OrganisationID: org}}
	var snapshot models.Snapshot
	b := head.Batch
	err := tx.QueryRow(ctx, `
		SELECT b.id, b.project_id, b.name, b.columns, b.row_count, b.created_at, e.snapshot
		FROM executions e JOIN batches b ON b.id = e.batch_id AND b.organisation_id = e.organisation_id
		WHERE e.organisation_id = $1 AND e.id = $2`, org, id).
		Scan(&b.ID, &b.ProjectID, &b.Name, &b.Columns, &b.RowCount, &b.CreatedAt, &snapshot)
	if err != nil {
		return nil, absent(err, models.ErrExecutionNotFound)
	}
	head.Fields = eachOnce(snapshot.Fields)
	return head, nil
}

// eachOnce keeps the first of every name.
func eachOnce(fields []field.Field) []field.Field {
	seen := make(map[string]bool, len(fields))
	out := fields[:0:0]
	for _, f := range fields {
		if !seen[f.Name] {
			seen[f.Name] = true
			out = append(out, f)
		}
	}
	return out
}

// absent is found for pgx's own connection.
func absent(err, sentinel error) error {
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, sql.ErrNoRows) {
		return sentinel
	}
	return err
}

// part is a column that may not be needed.
func part(needed bool, column string) string {
	if needed {
		return column
	}
	return "NULL::jsonb"
}

// jobCost adds up what the attempts at a job cost in its execution; amounts of several
// currencies have no sum.
const jobCost = `LEFT JOIN LATERAL (
	SELECT sum(s.cost_micros)::bigint AS micros, min(coalesce(s.cost_currency, '')) AS currency
	FROM sessions s WHERE s.job_id = j.id AND s.execution_id = j.execution_id AND s.cost_micros > 0
	HAVING min(coalesce(s.cost_currency, '')) = max(coalesce(s.cost_currency, ''))) c ON true`

func (s *Store) exportedJobs(org uuid.UUID, f models.JobFilter, parts models.JobParts) *bun.SelectQuery {
	q := filterJobs(s.db.NewSelect().Model((*models.Job)(nil)), org, f).
		ColumnExpr("j.id, j.row_number, j.site_url, j.status, j.execution_id, j.attempt").
		ColumnExpr(part(parts.Input, "j.input")).ColumnExpr(part(parts.GroundTruth, "j.ground_truth")).
		ColumnExpr(part(parts.Result, "j.result")).ColumnExpr(part(parts.Comparison, "j.comparison")).
		ColumnExpr("coalesce(j.verdict, ''), j.accuracy").
		ColumnExpr("coalesce(j.error_class, ''), coalesce(j.error_code, ''), coalesce(j.error_message, '')").
		ColumnExpr("j.started_at, j.finished_at, j.next_attempt_at, j.created_at, j.updated_at, j.steps").
		OrderExpr("j.row_number")
	if parts.Cost {
		return q.ColumnExpr("c.micros, coalesce(c.currency, '')").Join(jobCost)
	}
	return q.ColumnExpr("NULL::bigint, ''")
}

func (s *Store) exportedSessions(org uuid.UUID, f models.SessionFilter, parts models.SessionParts) *bun.SelectQuery {
	return filterSessions(s.db.NewSelect().Model((*models.Session)(nil)), org, f).
		ColumnExpr("s.id, s.job_id, s.execution_id, j.row_number, j.site_url, s.attempt, s.status, s.worker").
		ColumnExpr("coalesce(s.remote_run_id, '')").
		ColumnExpr(part(parts.Result, "s.result")).ColumnExpr(part(parts.Raw, "s.raw")).
		ColumnExpr(part(parts.Usage, "s.usage")).ColumnExpr(part(parts.Evidence, "s.evidence")).
		ColumnExpr("coalesce(s.verdict, ''), coalesce(s.verdict_note, '')").
		ColumnExpr("coalesce(s.error_class, ''), coalesce(s.error_code, ''), coalesce(s.error_message, '')").
		ColumnExpr("s.retry_at, s.started_at, s.finished_at, s.steps").
		ColumnExpr("nullif(s.cost_micros, 0), coalesce(s.cost_currency, '')").
		Join("JOIN jobs AS j ON j.id = s.job_id").
		OrderExpr("j.row_number, s.attempt")
}

func filterSessions(q *bun.SelectQuery, org uuid.UUID, f models.SessionFilter) *bun.SelectQuery {
	q = q.Where("s.organisation_id = ?", org).Where("s.execution_id = ?", f.ExecutionID)
	if len(f.Status) > 0 {
		q = q.Where("s.status IN (?)", bun.List(f.Status))
	}
	return q
}

// ListSessions lists the sessions of an execution, newest first.
func (s *Store) ListSessions(ctx context.Context, org uuid.UUID, f models.SessionFilter, page models.Page) ([]models.Session, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Session{}
	err := newestFirst(filterSessions(s.db.NewSelect().Model(&out), org, f), page).Scan(ctx)
	return out, mapped(err)
}

// CountSessions counts what ListSessions lists over all pages.
func (s *Store) CountSessions(ctx context.Context, org uuid.UUID, f models.SessionFilter) (int64, error) {
	ctx = tenant.With(ctx, org)
	n, err := filterSessions(s.db.NewSelect().Model((*models.Session)(nil)), org, f).Count(ctx)
	return n, mapped(err)
}
