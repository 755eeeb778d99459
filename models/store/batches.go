package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

func filterBatches(q *bun.SelectQuery, org uuid.UUID, f models.BatchFilter) *bun.SelectQuery {
	q = q.Where("b.organisation_id = ? AND b.kind = ?", org, models.BatchUpload)
	if f.ProjectID != uuid.Nil {
		q = q.Where("b.project_id = ?", f.ProjectID)
	}
	return q
}

// CreateBatch inserts a batch and its jobs in one transaction, the jobs in pieces as
// the sequence yields them, and fills RowCount and CreatedAt. The first error of
// the sequence rolls everything back and is returned as it is. For every job the
// caller fills ID, RowNumber, SiteURL, Input and GroundTruth. It returns
// models.ErrExists when the batch was written before under its id.
func (s *Store) CreateBatch(ctx context.Context, b *models.Batch, jobs iter.Seq2[*models.Job, error]) error {
	return s.CreateBatchOnce(ctx, b, jobs, nil)
}

// CreateBatchOnce is CreateBatch under a key, if there is one. It returns
// models.ErrKeyUsed when a record was made under it before.
func (s *Store) CreateBatchOnce(ctx context.Context, b *models.Batch, jobs iter.Seq2[*models.Job, error], once *models.Once) error {
	ctx = tenant.With(ctx, b.OrganisationID)
	var rowErr error // returned as it is
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := takeKey(ctx, inBun(tx), once); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx,
			`INSERT INTO batches (id, organisation_id, project_id, name, columns, row_count)
			 VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO NOTHING RETURNING version, created_at, updated_at`,
			b.ID, b.OrganisationID, b.ProjectID, b.Name, b.Columns).Scan(&b.Version, &b.CreatedAt, &b.UpdatedAt)
		if errors.Is(err, sql.ErrNoRows) {
			return models.ErrExists
		}
		if err != nil {
			return err
		}
		piece := newJobPiece(b)
		for job, err := range jobs {
			if err != nil {
				rowErr = err
				return err
			}
			if err := piece.add(ctx, tx, job); err != nil {
				return err
			}
		}
		if err := piece.write(ctx, tx); err != nil {
			return err
		}
		b.RowCount = piece.written
		if _, err := tx.ExecContext(ctx, `UPDATE batches SET row_count = ? WHERE id = ?`, b.RowCount, b.ID); err != nil {
			return err
		}
		return keepKey(ctx, inBun(tx), once)
	})
	if rowErr != nil {
		return rowErr
	}
	return err
}

// Batch returns a batch or models.ErrBatchNotFound.
func (s *Store) Batch(ctx context.Context, org, id uuid.UUID) (*models.Batch, error) {
	ctx = tenant.With(ctx, org)
	b := new(models.Batch)
	err := s.db.NewSelect().Model(b).Where("b.organisation_id = ? AND b.id = ?", org, id).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrBatchNotFound)
	}
	return b, nil
}

// ListBatches lists batches, newest first.
func (s *Store) ListBatches(ctx context.Context, org uuid.UUID, f models.BatchFilter, page models.Page) ([]models.Batch, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Batch{}
	err := newestFirst(filterBatches(s.db.NewSelect().Model(&out), org, f), page).Scan(ctx)
	return out, mapped(err)
}

// CountBatches counts what ListBatches lists over all pages.
func (s *Store) CountBatches(ctx context.Context, org uuid.UUID, f models.BatchFilter) (int64, error) {
	ctx = tenant.With(ctx, org)
	n, err := filterBatches(s.db.NewSelect().Model((*models.Batch)(nil)), org, f).Count(ctx)
	return n, mapped(err)
}
