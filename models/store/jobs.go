package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
)

func filterJobs(q *bun.SelectQuery, org uuid.UUID, f models.JobFilter) *bun.SelectQuery {
	q = q.Where("j.organisation_id = ?", org)
	if f.BatchID != uuid.Nil {
		q = q.Where("j.batch_id = ?", f.BatchID)
	}
	if f.ExecutionID != uuid.Nil {
		q = q.Where("j.execution_id = ?", f.ExecutionID)
	}
	if len(f.Status) > 0 {
		q = q.Where("j.status IN (?)", bun.List(f.Status))
	}
	if len(f.Verdict) > 0 {
		q = q.Where("j.verdict IN (?)", bun.List(f.Verdict))
	}
	if len(f.ErrorClass) > 0 {
		q = q.Where("j.error_class IN (?)", bun.List(f.ErrorClass))
	}
	return q
}

// ListJobs lists the jobs of one batch in row order; the filter names the batch.
func (s *Store) ListJobs(ctx context.Context, org uuid.UUID, f models.JobFilter, page models.JobPage) ([]models.Job, error) {
	out := []models.Job{}
	q := filterJobs(s.db.NewSelect().Model(&out), org, f)
	if page.AfterRow > 0 {
		q = q.Where("j.row_number > ?", page.AfterRow)
	}
	err := q.OrderExpr("j.row_number").Limit(int64(page.Limit)).Scan(ctx)
	return out, mapped(err)
}

// CountJobs counts what ListJobs lists over all pages.
func (s *Store) CountJobs(ctx context.Context, org uuid.UUID, f models.JobFilter) (int64, error) {
	n, err := filterJobs(s.db.NewSelect().Model((*models.Job)(nil)), org, f).Count(ctx)
	return n, mapped(err)
}

// Job returns a job or models.ErrJobNotFound.
func (s *Store) Job(ctx context.Context, org, id uuid.UUID) (*models.Job, error) {
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

// JobSessions lists every attempt at a job over all executions, newest first.
func (s *Store) JobSessions(ctx context.Context, org, jobID uuid.UUID) ([]models.Session, error) {
	out := []models.Session{}
	err := s.db.NewSelect().Model(&out).
		Where("s.organisation_id = ? AND s.job_id = ?", org, jobID).
		OrderExpr("s.id DESC").Scan(ctx)
	return out, mapped(err)
}
