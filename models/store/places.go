package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// JobPlaces says where jobs belong; those that are not there are left out.
func (s *Store) JobPlaces(ctx context.Context, org uuid.UUID, ids []uuid.UUID) (*models.JobPlaces, error) {
	ctx = tenant.With(ctx, org)
	var jobs []models.Job
	err := s.db.NewSelect().Model(&jobs).Column("id", "batch_id", "project_id").
		Where("j.organisation_id = ? AND j.id IN (?)", org, bun.List(ids)).Scan(ctx)
	if err != nil {
		return nil, mapped(err)
	}
	batches, projects := make(map[uuid.UUID]bool), make(map[uuid.UUID]bool)
	out := &models.JobPlaces{Batch: make(map[uuid.UUID]*models.Batch), Project: make(map[uuid.UUID]*models.Project)}
	for _, j := range jobs {
		batches[j.BatchID], projects[j.ProjectID] = true, true
	}
	if len(jobs) == 0 {
		return out, nil
	}
	var allBatches []models.Batch
	if err := byIDs(ctx, s.db.NewSelect().Model(&allBatches), org, batches); err != nil {
		return nil, err
	}
	var allProjects []models.Project
	if err := byIDs(ctx, s.db.NewSelect().Model(&allProjects), org, projects); err != nil {
		return nil, err
	}
	batch, project := make(map[uuid.UUID]*models.Batch), make(map[uuid.UUID]*models.Project)
	for i := range allBatches {
		batch[allBatches[i].ID] = &allBatches[i]
	}
	for i := range allProjects {
		project[allProjects[i].ID] = &allProjects[i]
	}
	for _, j := range jobs {
		if b, p := batch[j.BatchID], project[j.ProjectID]; b != nil && p != nil { // else deleted meanwhile
			out.Batch[j.ID], out.Project[j.ID] = b, p
		}
	}
	return out, nil
}

func byIDs(ctx context.Context, q *bun.SelectQuery, org uuid.UUID, ids map[uuid.UUID]bool) error {
	list := make([]uuid.UUID, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	return mapped(q.Where("?TableAlias.organisation_id = ? AND ?TableAlias.id IN (?)", org, bun.List(list)).Scan(ctx))
}

// JobsOfRows gives the ids of the jobs of some rows of a batch, by row.
func (s *Store) JobsOfRows(ctx context.Context, org, batchID uuid.UUID, rows []int) (map[int]uuid.UUID, error) {
	ctx = tenant.With(ctx, org)
	out := make(map[int]uuid.UUID, len(rows))
	if len(rows) == 0 {
		return out, nil
	}
	var jobs []models.Job
	err := s.db.NewSelect().Model(&jobs).Column("id", "row_number").
		Where("j.organisation_id = ? AND j.batch_id = ? AND j.row_number IN (?)", org, batchID, bun.List(rows)).Scan(ctx)
	for i := range jobs {
		out[jobs[i].RowNumber] = jobs[i].ID
	}
	return out, mapped(err)
}
