package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// Organisation returns an organisation or models.ErrOrganisationNotFound.
func (s *Store) Organisation(ctx context.Context, org uuid.UUID) (*models.Organisation, error) {
	ctx = tenant.With(ctx, org)
	o := new(models.Organisation)
	if err := s.db.NewSelect().Model(o).Where("o.id = ?", org).Scan(ctx); err != nil {
		return nil, found(err, models.ErrOrganisationNotFound)
	}
	return o, nil
}

// RenameOrganisation writes the name of an organisation back, which is all of it that is
// its own to edit, and counts its version up. It returns models.ErrVersionMismatch when it
// was edited since it was read.
func (s *Store) RenameOrganisation(ctx context.Context, o *models.Organisation) error {
	return s.editOrganisation(tenant.With(ctx, o.ID), o, "name")
}

// UpdateOrganisation writes all of an organisation back, as RenameOrganisation does its
// name. It returns models.ErrSlugTaken or models.ErrExternalIDTaken when another has that.
func (s *Store) UpdateOrganisation(ctx context.Context, o *models.Organisation) error {
	return s.editOrganisation(tenant.AsSystem(ctx), o, "name", "slug", "external_id",
		"requests_per_minute", "max_running_executions", "max_concurrent_jobs", "max_jobs_per_day", "task_queues")
}

// editOrganisation needs a context that is scoped.
func (s *Store) editOrganisation(ctx context.Context, o *models.Organisation, columns ...string) error {
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewUpdate().Model(o).Column(columns...).
			Set("version = version + 1").Set("updated_at = now()").
			Where("id = ? AND version = ?", o.ID, o.Version).
			Returning("version, updated_at").Exec(ctx)
		return affected(result, err, models.ErrVersionMismatch)
	})
	if !errors.Is(err, models.ErrVersionMismatch) {
		return err
	}
	if _, getErr := s.Organisation(ctx, o.ID); getErr != nil {
		return getErr
	}
	return err
}

// Organisations lists all organisations, in the order of their slugs.
func (s *Store) Organisations(ctx context.Context) ([]models.Organisation, error) {
	ctx = tenant.AsSystem(ctx)
	out := []models.Organisation{}
	err := s.db.NewSelect().Model(&out).OrderExpr("o.slug").Scan(ctx)
	return out, mapped(err)
}

// OrganisationBySlug returns the organisation of a slug or of an id, whosever it is, or
// models.ErrOrganisationNotFound. A slug comes before an id.
func (s *Store) OrganisationBySlug(ctx context.Context, slugOrID string) (*models.Organisation, error) {
	ctx = tenant.AsSystem(ctx)
	o := new(models.Organisation)
	err := s.db.NewSelect().Model(o).Where("o.slug = ? OR o.id::text = lower(?)", slugOrID, slugOrID).
		OrderExpr("o.slug = ? DESC", slugOrID).Limit(1).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrOrganisationNotFound)
	}
	return o, nil
}

// CreateOrganisation inserts an organisation and fills its version and times. It returns
// models.ErrSlugTaken or models.ErrExternalIDTaken when another has that.
func (s *Store) CreateOrganisation(ctx context.Context, o *models.Organisation) error {
	ctx = tenant.AsSystem(ctx)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(o).Returning("version, created_at, updated_at").Exec(ctx)
		return err
	})
}
