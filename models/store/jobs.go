package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// Job returns a job or models.ErrJobNotFound.
func (s *Store) Job(ctx context.Context, org, id uuid.UUID) (*models.Job, error) {
	ctx = tenant.With(ctx, org)
	return job(ctx, s.db, org, id)
}

func job(ctx context.Context, db bun.IDB, org, id uuid.UUID) (*models.Job, error) {
	j := new(models.Job)
	err := db.NewSelect().Model(j).Where("j.organisation_id = ? AND j.id = ?", org, id).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrJobNotFound)
	}
	return j, nil
}

// QueuedJobs lists jobs that an execution has still to do, in row order.
func (s *Store) QueuedJobs(ctx context.Context, org, executionID uuid.UUID, page models.QueuePage) ([]models.Job, error) {
	ctx = tenant.With(ctx, org)
	var out []models.Job
	open := []models.JobStatus{models.JobQueued}
	if page.Running {
		open = append(open, models.JobRunning)
	}
	q := s.db.NewSelect().Model(&out).Column("id", "row_number", "site_url", "status", "attempt").
		Where("j.organisation_id = ? AND j.execution_id = ?", org, executionID).
		Where("j.status IN (?) AND j.row_number > ?", bun.List(open), page.AfterRow)
	if page.UntilRow > 0 {
		q = q.Where("j.row_number <= ?", page.UntilRow)
	}
	err := q.OrderExpr("j.row_number").Limit(int64(page.Limit)).Scan(ctx)
	return out, mapped(err)
}

// Session returns a session or models.ErrNotFound.
func (s *Store) Session(ctx context.Context, org, id uuid.UUID) (*models.Session, error) {
	ctx = tenant.With(ctx, org)
	out := new(models.Session)
	err := s.db.NewSelect().Model(out).Where("s.organisation_id = ? AND s.id = ?", org, id).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrNotFound)
	}
	return out, nil
}

// JobSessions lists every attempt at a job over all executions, newest first. Ids do
// not give that order: they are made by the clocks of workers, which may differ.
func (s *Store) JobSessions(ctx context.Context, org, jobID uuid.UUID) ([]models.Session, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Session{}
	err := s.db.NewSelect().Model(&out).
		Where("s.organisation_id = ? AND s.job_id = ?", org, jobID).
		OrderExpr("min(s.started_at) OVER (PARTITION BY s.execution_id) DESC, s.execution_id, s.attempt DESC").Scan(ctx)
	return out, mapped(err)
}
