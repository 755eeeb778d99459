package store

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
)

func filterBatches(q *bun.SelectQuery, org uuid.UUID, f models.BatchFilter) *bun.SelectQuery {
	q = q.Where("b.organisation_id = ? AND b.kind = ?", org, models.BatchUpload)
	if f.ProjectID != uuid.Nil {
		q = q.Where("b.project_id = ?", f.ProjectID)
	}
	return q
}

// jobColumns are the columns that an upload fills; the rest have defaults.
var jobColumns = []string{
	"id", "organisation_id", "project_id", "batch_id", "row_number", "site_url", "input", "ground_truth",
}

// CreateBatch inserts a batch and its jobs in one transaction, the jobs by COPY as
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
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return mapped(err)
	}
	defer conn.Close() //nolint:errcheck // gives the connection back; nothing is lost with it
	var rowErr error
	err = conn.Raw(func(driverConn any) error {
		std, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the database driver is %T, not pgx", driverConn)
		}
		rowErr, err = copyBatch(ctx, std.Conn(), b, jobs, once)
		return err
	})
	if rowErr != nil {
		return rowErr
	}
	return mapped(err)
}

// errRowRefused stops a COPY whose source failed; the source's own error is kept
// beside it.
var errRowRefused = errors.New("a row was refused")

func copyBatch(
	ctx context.Context, conn *pgx.Conn, b *models.Batch, jobs iter.Seq2[*models.Job, error], once *models.Once,
) (rowErr, err error) {
	next, stop := iter.Pull2(jobs)
	defer stop()
	source := pgx.CopyFromFunc(func() ([]any, error) {
		job, jobErr, ok := next()
		if !ok {
			return nil, nil //nolint:nilnil // pgx's word for the end of the rows
		}
		if jobErr != nil {
			rowErr = jobErr
			return nil, errRowRefused
		}
		var truth any // NULL rather than a JSON null
		if job.GroundTruth != nil {
			truth = job.GroundTruth
		}
		return []any{job.ID, b.OrganisationID, b.ProjectID, b.ID, job.RowNumber, job.SiteURL, job.Input, truth}, nil
	})
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		row := func(ctx context.Context, statement string, parameters ...any) interface{ Scan(into ...any) error } {
			return tx.QueryRow(ctx, statement, parameters...)
		}
		if err := takeKey(ctx, row, once); err != nil {
			return err
		}
		err := tx.QueryRow(ctx,
			`INSERT INTO batches (id, organisation_id, project_id, name, columns, row_count)
			 VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (id) DO NOTHING RETURNING version, created_at, updated_at`,
			b.ID, b.OrganisationID, b.ProjectID, b.Name, b.Columns).Scan(&b.Version, &b.CreatedAt, &b.UpdatedAt)
		if errors.Is(err, pgx.ErrNoRows) {
			return models.ErrExists
		}
		if err != nil {
			return err
		}
		n, err := tx.CopyFrom(ctx, pgx.Identifier{"jobs"}, jobColumns, source)
		if err != nil {
			return err
		}
		b.RowCount = int(n)
		if _, err = tx.Exec(ctx, `UPDATE batches SET row_count = $2 WHERE id = $1`, b.ID, n); err != nil {
			return err
		}
		return keepKey(ctx, row, once)
	})
	return rowErr, err
}

// Batch returns a batch or models.ErrBatchNotFound.
func (s *Store) Batch(ctx context.Context, org, id uuid.UUID) (*models.Batch, error) {
	b := new(models.Batch)
	err := s.db.NewSelect().Model(b).Where("b.organisation_id = ? AND b.id = ?", org, id).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrBatchNotFound)
	}
	return b, nil
}

// ListBatches lists batches, newest first.
func (s *Store) ListBatches(ctx context.Context, org uuid.UUID, f models.BatchFilter, page models.Page) ([]models.Batch, error) {
	out := []models.Batch{}
	err := newestFirst(filterBatches(s.db.NewSelect().Model(&out), org, f), page).Scan(ctx)
	return out, mapped(err)
}

// CountBatches counts what ListBatches lists over all pages.
func (s *Store) CountBatches(ctx context.Context, org uuid.UUID, f models.BatchFilter) (int64, error) {
	n, err := filterBatches(s.db.NewSelect().Model((*models.Batch)(nil)), org, f).Count(ctx)
	return n, mapped(err)
}
