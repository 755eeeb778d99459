package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// CreateTry inserts a batch of one row and its execution, in one transaction, under a key
// if there is one, and fills what CreateBatch and CreateExecution fill. It returns
// models.ErrKeyUsed when a record was made under the key before, and a *models.QuotaError
// when the organisation may not have it.
func (s *Store) CreateTry(ctx context.Context, b *models.Batch, j *models.Job, e *models.Execution, once *models.Once) error {
	ctx = tenant.With(ctx, b.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := takeKey(ctx, inBun(tx), once); err != nil {
			return err
		}
		quota, err := takeQuota(ctx, tx, b.OrganisationID)
		if err != nil {
			return err
		}
		if err := quota.admit(e); err != nil {
			return err
		}
		b.Kind, b.RowCount = models.BatchTry, 1
		if _, err := tx.NewInsert().Model(b).Returning("version, created_at, updated_at").Exec(ctx); err != nil {
			return err
		}
		j.OrganisationID, j.ProjectID, j.BatchID, j.RowNumber = b.OrganisationID, b.ProjectID, b.ID, 1
		if _, err := tx.NewInsert().Model(j).Column(jobColumns...).Exec(ctx); err != nil {
			return err
		}
		e.Status = models.ExecutionPending
		if _, err := tx.NewInsert().Model(e).Returning("created_at, updated_at").Exec(ctx); err != nil {
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
