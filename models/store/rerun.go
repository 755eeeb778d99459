package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// Rerun makes executions, of a batch each, that run again what their Selection says, in
// one transaction under a key, if there is one. It writes into refused, at its place, why
// one was not made, models.ErrBatchBusy or models.ErrNoJobs, before the answer to keep is
// asked for; the others are made all the same. When the organisation may not have all of
// the others, none is made, and it returns a *models.QuotaError.
func (s *Store) Rerun(ctx context.Context, executions []*models.Execution, refused []error, once *models.Once) error {
	org := uuid.Nil
	switch {
	case len(executions) > 0:
		org = executions[0].OrganisationID
	case once != nil:
		org = once.OrganisationID
	default:
		return nil
	}
	ctx = tenant.With(ctx, org)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := takeKey(ctx, inBun(tx), once); err != nil {
			return err
		}
		quota, err := takeQuota(ctx, tx, org)
		if err != nil {
			return err
		}
		clear(refused)
		made := 0
		for i, e := range executions {
			err := rerun(ctx, tx, quota, e)
			switch {
			case errors.Is(err, models.ErrBatchBusy), errors.Is(err, models.ErrNoJobs):
				refused[i] = err
			case err != nil:
				return err
			default:
				made++
			}
		}
		if made == 0 {
			return errUnchanged // nothing to keep a key for
		}
		if err := quota.settle(ctx, tx); err != nil {
			return err
		}
		return keepKey(ctx, inBun(tx), once)
	})
}

func rerun(ctx context.Context, tx bun.Tx, quota *quota, e *models.Execution) error {
	// A batch has one active execution: who comes second waits here, and finds it.
	e.Status = models.ExecutionPending
	inserted, err := tx.NewInsert().Model(e).
		On("CONFLICT (batch_id) WHERE status IN ('pending', 'running', 'paused', 'stopping') DO NOTHING").
		Returning("created_at, updated_at").Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return models.ErrBatchBusy
	}
	if err := affected(inserted, err, models.ErrBatchBusy); err != nil {
		return err
	}
	if err := quota.admit(e); err != nil {
		return err
	}
	err = queueJobs(ctx, tx, e)
	if err == nil {
		quota.gave(e)
	}
	if errors.Is(err, models.ErrNoJobs) {
		quota.release(e)
		if _, err := tx.NewDelete().Model(e).Where("id = ?", e.ID).Exec(ctx); err != nil {
			return err
		}
	}
	return err
}
