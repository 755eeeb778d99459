package store

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// What is deleted goes in one transaction, with all that belongs to it, from the leaves up;
// no foreign key cascades by itself. The record at the top is locked first, whole: who is
// about to add to it waits at the foreign key and finds it gone, and what was added before
// is seen by the statements after the lock.

// DeleteJobs deletes rows with the attempts at them, and says of each whether it could:
// models.ErrJobNotFound, or models.ErrJobBusy while an execution has it that has not
// ended. holds, when there is any, says whether a version may be deleted, else
// models.ErrVersionMismatch; each is told of every row that is deleted, before that is
// committed. What the executions came to that ran them stays as it was.
func (s *Store) DeleteJobs(
	ctx context.Context, org uuid.UUID, ids []uuid.UUID, holds func(version int64) bool, each ...func(*models.Job),
) (map[uuid.UUID]error, error) {
	ctx = tenant.With(ctx, org)
	var refused map[uuid.UUID]error
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		refused = make(map[uuid.UUID]error)
		jobs, err := lockJobs(ctx, tx, org, ids)
		if err != nil {
			return err
		}
		executions, err := executionsOf(ctx, tx, org, jobs)
		if err != nil {
			return err
		}
		var doomed []*models.Job
		for _, id := range ids {
			job := jobs[id]
			if why := undeletable(job, executions[executionOf(job)], holds); why != nil {
				refused[id] = why
			} else {
				doomed = append(doomed, job)
				for _, tell := range each {
					tell(job)
				}
			}
		}
		if len(doomed) == 0 {
			return errUnchanged
		}
		return deleteJobs(ctx, tx, doomed)
	})
	return refused, err
}

// undeletable says why a job cannot be deleted; e is the execution that has or had it.
func undeletable(job *models.Job, e *models.Execution, holds func(version int64) bool) error {
	switch {
	case job == nil:
		return models.ErrJobNotFound
	case holds != nil && !holds(job.Version):
		return models.ErrVersionMismatch
	case e != nil && !e.Status.Terminal():
		return models.ErrJobBusy
	}
	return nil
}

// deleteJobs deletes jobs, which are locked, and has their batches say how many rows are
// left.
func deleteJobs(ctx context.Context, tx bun.Tx, jobs []*models.Job) error {
	rows := make(map[uuid.UUID]int) // by batch
	ids := make([]uuid.UUID, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID
		rows[job.BatchID]++
	}
	if err := deleteWhere(ctx, tx, "job_id", ids, (*models.Session)(nil)); err != nil {
		return err
	}
	if err := deleteWhere(ctx, tx, "id", ids, (*models.Job)(nil)); err != nil {
		return err
	}
	for _, batch := range slices.SortedFunc(maps.Keys(rows), byID) {
		_, err := tx.NewUpdate().Model((*models.Batch)(nil)).
			Set("row_count = row_count - ?, updated_at = now()", rows[batch]).Where("id = ?", batch).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteBatch deletes a batch with its rows. With cascade its executions go too, with
// their sessions and events; without, models.ErrInUse is returned when it has any. It
// returns models.ErrBatchBusy when one has not ended, and models.ErrVersionMismatch when
// holds says so of the version.
func (s *Store) DeleteBatch(ctx context.Context, org, id uuid.UUID, cascade bool, holds func(version int64) bool) error {
	ctx = tenant.With(ctx, org)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		b := new(models.Batch)
		err := tx.NewSelect().Model(b).Column("b.id", "b.version").
			Where("b.organisation_id = ? AND b.id = ?", org, id).For("UPDATE").Scan(ctx)
		switch {
		case err != nil:
			return found(err, models.ErrBatchNotFound)
		case holds != nil && !holds(b.Version):
			return models.ErrVersionMismatch
		}
		return deleteBatches(ctx, tx, []uuid.UUID{id}, cascade)
	})
}

// DeleteProject deletes a project. With cascade its batches go too, as by DeleteBatch;
// without, models.ErrInUse is returned when it has any but those of tries, which belong to
// nobody else.
func (s *Store) DeleteProject(ctx context.Context, org, id uuid.UUID, cascade bool, holds func(version int64) bool) error {
	ctx = tenant.With(ctx, org)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		p := new(models.Project)
		err := tx.NewSelect().Model(p).Column("p.id", "p.version").
			Where("p.organisation_id = ? AND p.id = ?", org, id).For("UPDATE").Scan(ctx)
		switch {
		case err != nil:
			return found(err, models.ErrProjectNotFound)
		case holds != nil && !holds(p.Version):
			return models.ErrVersionMismatch
		}
		var batches []models.Batch
		err = tx.NewSelect().Model(&batches).Column("b.id", "b.kind").
			Where("b.organisation_id = ? AND b.project_id = ?", org, id).OrderExpr("b.id").For("UPDATE").Scan(ctx)
		if err != nil {
			return err
		}
		ids := make([]uuid.UUID, len(batches))
		for i, b := range batches {
			if b.Kind != models.BatchTry && !cascade {
				return models.ErrInUse
			}
			ids[i] = b.ID
		}
		if len(ids) > 0 {
			if err := deleteBatches(ctx, tx, ids, true); err != nil {
				return err
			}
		}
		return deleteWhere(ctx, tx, "id", []uuid.UUID{id}, (*models.Project)(nil))
	})
}

// deleteBatches deletes batches, which are locked.
func deleteBatches(ctx context.Context, tx bun.Tx, ids []uuid.UUID, cascade bool) error {
	var executions []models.Execution
	err := tx.NewSelect().Model(&executions).Column("e.id", "e.status").Where("e.batch_id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return err
	}
	gone := make([]uuid.UUID, len(executions))
	for i := range executions {
		if !executions[i].Status.Terminal() {
			return models.ErrBatchBusy
		}
		gone[i] = executions[i].ID
	}
	if len(gone) > 0 {
		if !cascade {
			return models.ErrInUse
		}
		if err := deleteWhere(ctx, tx, "execution_id", gone, (*models.ExecutionEvent)(nil), (*models.Session)(nil)); err != nil {
			return err
		}
	}
	if err := deleteWhere(ctx, tx, "batch_id", ids, (*models.Job)(nil), (*models.Execution)(nil)); err != nil {
		return err
	}
	return deleteWhere(ctx, tx, "id", ids, (*models.Batch)(nil))
}

// deleteWhere deletes the records of each kind whose column is one of ids.
func deleteWhere(ctx context.Context, tx bun.Tx, column string, ids []uuid.UUID, kinds ...any) error {
	for _, kind := range kinds {
		if _, err := tx.NewDelete().Model(kind).Where("? IN (?)", bun.Ident(column), bun.List(ids)).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// RenameBatch gives a batch another name and counts its version up; the version is the one
// that was read, else models.ErrVersionMismatch is returned.
func (s *Store) RenameBatch(ctx context.Context, b *models.Batch) error {
	ctx = tenant.With(ctx, b.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewUpdate().Model(b).Column("name").
			Set("version = version + 1").Set("updated_at = now()").
			Where("organisation_id = ? AND id = ? AND version = ?", b.OrganisationID, b.ID, b.Version).
			Returning("version, updated_at").Exec(ctx)
		return affected(result, err, models.ErrVersionMismatch)
	})
}
