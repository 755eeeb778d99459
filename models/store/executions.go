package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

func filterExecutions(q *bun.SelectQuery, org uuid.UUID, f models.ExecutionFilter) *bun.SelectQuery {
	q = q.Where("e.organisation_id = ?", org)
	if f.ProjectID != uuid.Nil {
		q = q.Where("e.project_id = ?", f.ProjectID)
	}
	if f.BatchID != uuid.Nil {
		q = q.Where("e.batch_id = ?", f.BatchID)
	}
	if len(f.Status) > 0 {
		q = q.Where("e.status IN (?)", bun.List(f.Status))
	}
	switch {
	case f.Type != "":
		q = q.Where("e.type = ?", f.Type)
	case f.BatchID == uuid.Nil:
		q = q.Where("e.type <> ?", models.ExecutionTry)
	}
	return q
}

// CreateExecution inserts a pending execution and gives it its jobs, in one
// transaction: all jobs of the batch, or for a test a sample of SampleSize. The
// sample depends on the row numbers and SampleSeed alone, so that two tests of one
// upload can be held against each other. It fills TotalJobs and the times.
//
// It returns models.ErrExists when it was written before under its id,
// models.ErrBatchBusy when the batch has an execution that has not ended,
// models.ErrNoJobs when there is nothing to run, models.ErrClaimed when its WorkflowID runs
// another execution, and a *models.QuotaError when the organisation may not have it.
func (s *Store) CreateExecution(ctx context.Context, e *models.Execution) error {
	return s.CreateExecutionOnce(ctx, e, nil)
}

// CreateExecutionOnce is CreateExecution under a key, if there is one. It returns
// models.ErrKeyUsed when a record was made under it before.
func (s *Store) CreateExecutionOnce(ctx context.Context, e *models.Execution, once *models.Once) error {
	ctx = tenant.With(ctx, e.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := takeKey(ctx, inBun(tx), once); err != nil {
			return err
		}
		quota, err := takeQuota(ctx, tx, e.OrganisationID)
		if err != nil {
			return err
		}
		e.Status = models.ExecutionPending
		// The id is looked at before any other constraint: an execution that was written
		// before is also what keeps its batch busy.
		inserted, err := tx.NewInsert().Model(e).On("CONFLICT (id) DO NOTHING").
			Returning("created_at, updated_at").Exec(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return models.ErrExists
		}
		if err := affected(inserted, err, models.ErrExists); err != nil {
			return err
		}
		if err := quota.admit(e); err != nil {
			return err
		}
		if err := queueJobs(ctx, tx, e); err != nil {
			return err
		}
		quota.gave(e)
		if err := quota.settle(ctx, tx); err != nil {
			return err
		}
		return keepKey(ctx, inBun(tx), once)
	})
}

// queueJobs gives an execution its jobs and fills TotalJobs.
func queueJobs(ctx context.Context, tx bun.Tx, e *models.Execution) error {
	q := tx.NewUpdate().Model((*models.Job)(nil)).
		Set("status = ?", models.JobQueued).
		Set("execution_id = ?", e.ID).
		Set("steps = 0, cost_micros = 0, cost_currency = NULL").
		Set("attempt = 0, matched = 0, compared = 0, gt_evaluated = false").
		Set("result = NULL, verdict = NULL, comparison = NULL, accuracy = NULL").
		Set("error_class = NULL, error_code = NULL, error_message = NULL").
		Set("next_attempt_at = NULL, started_at = NULL, finished_at = NULL").
		Set("updated_at = now()").
		Where("organisation_id = ? AND batch_id = ?", e.OrganisationID, e.BatchID).
		// With one active execution a batch every job is queued and free, or ended.
		Where("status IN (?)", bun.List(models.JobQueued.Sources()))
	switch {
	case e.Selection != nil && e.Selection.Filter != nil:
		f := *e.Selection.Filter
		f.BatchID = e.BatchID
		q = q.Where("id IN (?)", filterJobs(tx.NewSelect().Model((*models.Job)(nil)).Column("j.id"), e.OrganisationID, f))
	case e.Selection != nil:
		q = q.Where("id IN (?)", bun.List(e.Selection.IDs))
	case e.Type == models.ExecutionTest:
		q = q.Where("id IN (?)", tx.NewSelect().Model((*models.Job)(nil)).Column("j.id").
			Where("j.organisation_id = ? AND j.batch_id = ?", e.OrganisationID, e.BatchID).
			OrderExpr("md5(j.row_number::text || ':' || ?::text)", e.SampleSeed).
			Limit(int64(e.SampleSize)))
	}
	result, err := q.Exec(ctx)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return models.ErrNoJobs
	}
	e.TotalJobs = int(n)
	_, err = tx.NewUpdate().Model(e).Column("total_jobs").Where("id = ?", e.ID).Exec(ctx)
	return err
}

// Execution returns an execution or models.ErrExecutionNotFound.
func (s *Store) Execution(ctx context.Context, org, id uuid.UUID) (*models.Execution, error) {
	ctx = tenant.With(ctx, org)
	return execution(ctx, s.db, org, id, false)
}

// ExecutionByID returns an execution whatever its organisation: for a workflow, which
// knows no more than the id that it was started with.
func (s *Store) ExecutionByID(ctx context.Context, id uuid.UUID) (*models.Execution, error) {
	ctx = tenant.AsSystem(ctx)
	e := new(models.Execution)
	if err := s.db.NewSelect().Model(e).Where("e.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, models.ErrExecutionNotFound)
	}
	return e, nil
}

func execution(ctx context.Context, db bun.IDB, org, id uuid.UUID, lock bool) (*models.Execution, error) {
	e := new(models.Execution)
	q := db.NewSelect().Model(e).Where("e.organisation_id = ? AND e.id = ?", org, id)
	if lock {
		// Not FOR UPDATE: sessions are inserted meanwhile, and their foreign key only
		// needs the row's key.
		q = q.For("NO KEY UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, found(err, models.ErrExecutionNotFound)
	}
	return e, nil
}

// ListExecutions lists executions, newest first.
func (s *Store) ListExecutions(ctx context.Context, org uuid.UUID, f models.ExecutionFilter, page models.Page) ([]models.Execution, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Execution{}
	err := newestFirst(filterExecutions(s.db.NewSelect().Model(&out), org, f), page).Scan(ctx)
	return out, mapped(err)
}

// CountExecutions counts what ListExecutions lists over all pages.
func (s *Store) CountExecutions(ctx context.Context, org uuid.UUID, f models.ExecutionFilter) (int64, error) {
	ctx = tenant.With(ctx, org)
	n, err := filterExecutions(s.db.NewSelect().Model((*models.Execution)(nil)), org, f).Count(ctx)
	return n, mapped(err)
}

// UnstartedExecutions lists executions, of every organisation, that have been pending
// for longer than age by PostgreSQL's clock, oldest first: the process that wrote them
// may have died before it started their workflow.
func (s *Store) UnstartedExecutions(ctx context.Context, age time.Duration, limit int) ([]models.Execution, error) {
	ctx = tenant.AsSystem(ctx)
	var out []models.Execution
	err := s.db.NewSelect().Model(&out).
		Where("e.status = ?", models.ExecutionPending).
		Where("e.created_at < now() - make_interval(secs => ?)", age.Seconds()).
		OrderExpr("e.created_at").Limit(int64(limit)).Scan(ctx)
	return out, mapped(err)
}

// ActiveExecutions lists executions of every organisation that are running, paused or
// stopping, in the order of their ids, after the given one.
func (s *Store) ActiveExecutions(ctx context.Context, after uuid.UUID, limit int) ([]models.Execution, error) {
	ctx = tenant.AsSystem(ctx)
	var out []models.Execution
	active := []models.ExecutionStatus{models.ExecutionRunning, models.ExecutionPaused, models.ExecutionStopping}
	err := s.db.NewSelect().Model(&out).
		Where("e.status IN (?) AND e.id > ?", bun.List(active), after).
		OrderExpr("e.id").Limit(int64(limit)).Scan(ctx)
	return out, mapped(err)
}
