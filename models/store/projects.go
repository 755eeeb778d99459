package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

func filterProjects(q *bun.SelectQuery, org uuid.UUID, f models.ProjectFilter) *bun.SelectQuery {
	q = q.Where("p.organisation_id = ?", org)
	if f.Name != "" {
		q = q.Where("lower(p.name) = lower(?)", f.Name)
	}
	return q
}

// CreateProject inserts a project and fills its times. It returns
// models.ErrNameTaken when the organisation has a project of that name.
func (s *Store) CreateProject(ctx context.Context, p *models.Project) error {
	return s.CreateProjectOnce(ctx, p, models.SecretEdit{}, nil)
}

// CreateProjectOnce is CreateProject with secrets, under a key, if there is one. It
// returns models.ErrKeyUsed when a record was made under it before.
func (s *Store) CreateProjectOnce(ctx context.Context, p *models.Project, secrets models.SecretEdit, once *models.Once) error {
	ctx = tenant.With(ctx, p.OrganisationID)
	p.Version, p.SecretNames = 1, secrets.Names(nil)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := takeKey(ctx, inBun(tx), once); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(p).Returning("created_at, updated_at").Exec(ctx); err != nil {
			return err
		}
		if err := editSecrets(ctx, tx, p, secrets); err != nil {
			return err
		}
		return keepKey(ctx, inBun(tx), once)
	})
}

// Project returns a project or models.ErrProjectNotFound.
func (s *Store) Project(ctx context.Context, org, id uuid.UUID) (*models.Project, error) {
	ctx = tenant.With(ctx, org)
	p := new(models.Project)
	err := s.db.NewSelect().Model(p).Where("p.organisation_id = ? AND p.id = ?", org, id).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrProjectNotFound)
	}
	return p, nil
}

// UpdateProject writes an edited project back, with what is edited of its secrets, and
// counts its version up. It returns models.ErrVersionMismatch when the project was edited
// since p was read.
func (s *Store) UpdateProject(ctx context.Context, p *models.Project, secrets models.SecretEdit) error {
	ctx = tenant.With(ctx, p.OrganisationID)
	before := p.SecretNames
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		p.SecretNames = secrets.Names(before)
		result, err := tx.NewUpdate().Model(p).
			Column("name", "instruction", "fields", "executor", "settings", "defaults", "inputs", "politeness", "secret_names").
			Set("version = version + 1").Set("updated_at = now()").
			Where("organisation_id = ? AND id = ? AND version = ?", p.OrganisationID, p.ID, p.Version).
			Returning("version, updated_at").
			Exec(ctx)
		if err := affected(result, err, models.ErrVersionMismatch); err != nil {
			return err
		}
		return editSecrets(ctx, tx, p, secrets)
	})
	if !errors.Is(err, models.ErrVersionMismatch) {
		return err
	}
	if _, getErr := s.Project(ctx, p.OrganisationID, p.ID); getErr != nil {
		return getErr
	}
	return err
}

// ListProjects lists projects, newest first.
func (s *Store) ListProjects(ctx context.Context, org uuid.UUID, f models.ProjectFilter, page models.Page) ([]models.Project, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Project{}
	err := newestFirst(filterProjects(s.db.NewSelect().Model(&out), org, f), page).Scan(ctx)
	return out, mapped(err)
}

// CountProjects counts what ListProjects lists over all pages.
func (s *Store) CountProjects(ctx context.Context, org uuid.UUID, f models.ProjectFilter) (int64, error) {
	ctx = tenant.With(ctx, org)
	n, err := filterProjects(s.db.NewSelect().Model((*models.Project)(nil)), org, f).Count(ctx)
	return n, mapped(err)
}
