// Package store reads and writes the records of MINO in PostgreSQL through Bun.
//
// PostgreSQL is the authority here, not the caller: every write states what it
// expects (legal source statuses, the attempt number, the version) in its WHERE
// clause and checks the rows affected, so that a write that comes twice or too
// late changes nothing. Every query of a tenant's record is scoped by organisation.
//
// Failure: this is the one place that reads driver errors; it turns them into the
// sentinel errors of package models and keeps the cause. models.ErrUnavailable
// means that PostgreSQL could not be reached, so that the write may or may not have
// happened: every operation may be repeated then.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/audit"
)

// Store is the records. It is safe for concurrent use.
type Store struct {
	db          *bun.DB
	begins      *group[beginKey, *Attempt, bool]
	completions *group[completeKey, completion, bool]
}

// New makes a store over a database whose migrations are applied.
func New(db *bun.DB) *Store {
	s := &Store{db: db}
	s.begins, s.completions = newGroup(s.beginTogether), newGroup(s.completeTogether)
	return s
}

// Ping reports whether PostgreSQL answers.
func (s *Store) Ping(ctx context.Context) error { return mapped(s.db.PingContext(ctx)) }

// newestFirst gives one page of a list.
func newestFirst(q *bun.SelectQuery, p models.Page) *bun.SelectQuery {
	if p.After != uuid.Nil {
		q = q.Where("?TableAlias.id < ?", p.After)
	}
	return q.OrderExpr("?TableAlias.id DESC").Limit(int64(p.Limit))
}

// errUnchanged ends a transaction that has found nothing to write: it is rolled back, and
// is no error.
var errUnchanged = errors.New("there is nothing to write")

// inTx runs f in a transaction and maps the error of either. What the context says of who
// does it is written down with it, see writeNote.
func (s *Store) inTx(ctx context.Context, f func(ctx context.Context, tx bun.Tx) error) error {
	err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		return writeNote(ctx, tx, audit.From(ctx))
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return mapped(err)
}

// constraintErrors says what the violation of a constraint means to a caller.
var constraintErrors = map[string]error{
	"projects_organisation_id_name_key": models.ErrNameTaken,
	"organisations_slug_key":            models.ErrSlugTaken,
	"organisations_external_id_key":     models.ErrExternalIDTaken,
	"memberships_pkey":                  models.ErrMember,
	"memberships_organisation_id_fkey":  models.ErrOrganisationNotFound,
	"executions_active_batch_key":       models.ErrBatchBusy,
	"executions_workflow_id_key":        models.ErrClaimed,
	"batches_project_fkey":              models.ErrProjectNotFound,
	"executions_project_fkey":           models.ErrProjectNotFound,
	"executions_batch_fkey":             models.ErrBatchNotFound,
	"jobs_batch_fkey":                   models.ErrBatchNotFound,
}

// mapped turns a driver's error into a sentinel of package models, keeping the cause.
func mapped(err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if sentinel, ok := constraintErrors[pg.ConstraintName]; ok {
			return fmt.Errorf("%w: %w", sentinel, err)
		}
		if unavailableState(pg.Code) {
			return fmt.Errorf("%w: %w", models.ErrUnavailable, err)
		}
		return err
	}
	var connect *pgconn.ConnectError
	connecting := errors.As(err, &connect)
	// A connection that was not made in time is PostgreSQL's doing; other deadlines are
	// the caller's own.
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !connecting {
		return err
	}
	var network net.Error
	if connecting || errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err) {
		return fmt.Errorf("%w: %w", models.ErrUnavailable, err)
	}
	return err
}

// unavailableState tells the SQLSTATEs after which the same operation can succeed
// later: connection exceptions (class 08), a standby that was the primary (25006), a
// transaction that PostgreSQL ended for its length (25P03, 25P04), serialization
// failures and deadlocks (class 40), too many connections or out of memory and disk
// (class 53), a lock that was not to be had (55P03), statements that were cancelled
// and a server that starts, stops or crashes (class 57), and its disks (class 58).
func unavailableState(code string) bool {
	switch code {
	case "25006", "25P03", "25P04", "55P03":
		return true
	}
	for _, class := range []string{"08", "40", "53", "57", "58"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// found turns "no rows" into the sentinel of what was sought.
func found(err, sentinel error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return sentinel
	}
	return mapped(err)
}

// affected requires that a write changed exactly one row; otherwise the row was not
// in the state that the write expects, and it gives the error otherwise.
func affected(result sql.Result, err, otherwise error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n != 1 {
		return otherwise
	}
	return nil
}
