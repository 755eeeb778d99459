package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// Secrets returns those of the named secrets of a project that are there.
func (s *Store) Secrets(ctx context.Context, org, projectID uuid.UUID, names []string) ([]models.Secret, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Secret{}
	err := s.db.NewSelect().Model(&out).
		Where("ps.organisation_id = ? AND ps.project_id = ? AND ps.name IN (?)", org, projectID, bun.List(names)).
		OrderExpr("ps.name").Scan(ctx)
	return out, mapped(err)
}

// editSecrets changes the secrets of a project whose row is written in the same
// transaction, which keeps their names.
func editSecrets(ctx context.Context, tx bun.Tx, p *models.Project, edit models.SecretEdit) error {
	if len(edit.Drop) > 0 {
		_, err := tx.NewDelete().Model((*models.Secret)(nil)).
			Where("organisation_id = ? AND project_id = ? AND name IN (?)", p.OrganisationID, p.ID, bun.List(edit.Drop)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	if len(edit.Put) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&edit.Put).
		On("CONFLICT (project_id, name) DO UPDATE").
		Set("key_id = EXCLUDED.key_id, sealed = EXCLUDED.sealed, updated_at = now()").Exec(ctx)
	return err
}

// SecretsNotOf lists secrets of every organisation that another key than this one has
// sealed, for a change of keys.
func (s *Store) SecretsNotOf(ctx context.Context, keyID string, limit int) ([]models.Secret, error) {
	ctx = tenant.AsSystem(ctx)
	out := []models.Secret{}
	err := s.db.NewSelect().Model(&out).Where("ps.key_id <> ?", keyID).
		OrderExpr("ps.project_id, ps.name").Limit(int64(limit)).Scan(ctx)
	return out, mapped(err)
}

// Reseal puts a secret that was sealed anew in the place of what it was; it does nothing
// when that was changed meanwhile.
func (s *Store) Reseal(ctx context.Context, old, sealed models.Secret) error {
	ctx = tenant.AsSystem(ctx)
	_, err := s.db.NewUpdate().Model((*models.Secret)(nil)).
		Set("key_id = ?, sealed = ?", sealed.KeyID, sealed.Sealed).
		Where("organisation_id = ? AND project_id = ? AND name = ? AND sealed = ?", old.OrganisationID, old.ProjectID, old.Name, old.Sealed).
		Exec(ctx)
	return mapped(err)
}
