package store

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// CreateAPIKey inserts a key and fills its time.
func (s *Store) CreateAPIKey(ctx context.Context, k *models.APIKey) error {
	ctx = tenant.With(ctx, k.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error { return insertKey(ctx, tx, k) })
}

func insertKey(ctx context.Context, tx bun.Tx, k *models.APIKey) error {
	_, err := tx.NewInsert().Model(k).Returning("created_at").Exec(ctx)
	return err
}

// APIKey returns a key or models.ErrAPIKeyNotFound.
func (s *Store) APIKey(ctx context.Context, org, id uuid.UUID) (*models.APIKey, error) {
	ctx = tenant.With(ctx, org)
	return apiKey(ctx, s.db, org, id, false)
}

func apiKey(ctx context.Context, db bun.IDB, org, id uuid.UUID, lock bool) (*models.APIKey, error) {
	k := new(models.APIKey)
	q := db.NewSelect().Model(k).Where("k.organisation_id = ? AND k.id = ?", org, id)
	if lock {
		q = q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, found(err, models.ErrAPIKeyNotFound)
	}
	return k, nil
}

// ListAPIKeys lists keys, newest first, those that have ended too.
func (s *Store) ListAPIKeys(ctx context.Context, org uuid.UUID, page models.Page) ([]models.APIKey, error) {
	ctx = tenant.With(ctx, org)
	out := []models.APIKey{}
	err := newestFirst(s.db.NewSelect().Model(&out).Where("k.organisation_id = ?", org), page).Scan(ctx)
	return out, mapped(err)
}

// CountAPIKeys counts what ListAPIKeys lists over all pages.
func (s *Store) CountAPIKeys(ctx context.Context, org uuid.UUID) (int64, error) {
	ctx = tenant.With(ctx, org)
	n, err := s.db.NewSelect().Model((*models.APIKey)(nil)).Where("k.organisation_id = ?", org).Count(ctx)
	return n, mapped(err)
}

// RotateAPIKey puts next in the place of a key: it has the name, the role, the scopes and,
// unless it brings its own, the end of the old one, which is good until oldEnds, if it does
// not end before. An oldEnds that is not to come revokes the old key. It returns
// models.ErrKeyEnded when the old key has ended.
func (s *Store) RotateAPIKey(ctx context.Context, org, id uuid.UUID, next *models.APIKey, oldEnds time.Time) error {
	ctx = tenant.With(ctx, org)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		old, err := apiKey(ctx, tx, org, id, true)
		if err != nil {
			return err
		}
		ended, err := tx.NewSelect().Model(old).WherePK().
			Where("revoked_at IS NOT NULL OR expires_at <= now()").Exists(ctx)
		if err != nil {
			return err
		}
		if ended {
			return models.ErrKeyEnded
		}
		next.OrganisationID, next.Name, next.Role, next.Scopes, next.Replaces = org, old.Name, old.Role, old.Scopes, &old.ID
		if next.ExpiresAt == nil {
			next.ExpiresAt = old.ExpiresAt
		}
		_, err = tx.NewRaw(`
			UPDATE api_keys SET
				expires_at = CASE WHEN ?0 > now() THEN least(expires_at, ?0) ELSE expires_at END,
				revoked_at = CASE WHEN ?0 > now() THEN NULL ELSE now() END
			WHERE organisation_id = ?1 AND id = ?2`, oldEnds, org, id).Exec(ctx)
		if err != nil {
			return err
		}
		return insertKey(ctx, tx, next)
	})
}

// RevokeAPIKey ends a key, and returns it. One that was revoked before stays as it was.
func (s *Store) RevokeAPIKey(ctx context.Context, org, id uuid.UUID) (*models.APIKey, error) {
	ctx = tenant.With(ctx, org)
	var k *models.APIKey
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if k, err = apiKey(ctx, tx, org, id, true); err != nil {
			return err
		}
		if k.RevokedAt != nil {
			return errUnchanged
		}
		_, err = tx.NewUpdate().Model(k).Set("revoked_at = now()").
			Where("organisation_id = ? AND id = ?", org, id).Returning("revoked_at").Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// APIKeyByID returns a key, whatever its organisation and whether it is still good or not,
// and its organisation: for whoever shows the key and says no more. It returns
// models.ErrAPIKeyNotFound when there is none.
func (s *Store) APIKeyByID(ctx context.Context, id uuid.UUID) (*models.APIKey, *models.Organisation, error) {
	ctx = tenant.AsSystem(ctx)
	var row struct {
		models.APIKey `bun:",extend"`

		Organisation *models.Organisation `bun:"rel:belongs-to,join:organisation_id=id"`
	}
	if err := s.db.NewSelect().Model(&row).Relation("Organisation").Where("k.id = ?", id).Scan(ctx); err != nil {
		return nil, nil, found(err, models.ErrAPIKeyNotFound)
	}
	return &row.APIKey, row.Organisation, nil
}

// UseAPIKey notes that a key was used just now, and from where, once a minute at most: the
// time is right to a minute, and the address is that of the first use in it.
func (s *Store) UseAPIKey(ctx context.Context, id uuid.UUID, ip string) error {
	ctx = tenant.AsSystem(ctx)
	_, err := s.db.NewUpdate().Model((*models.APIKey)(nil)).
		Set("last_used_at = now(), last_used_ip = ?", addressOf(ip)).
		Where("id = ? AND (last_used_at IS NULL OR last_used_at <= now() - interval '1 minute')", id).Exec(ctx)
	return mapped(err)
}

// addressOf gives an address as PostgreSQL has it; nil when it is none.
func addressOf(ip string) *string {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	text := address.Unmap().WithZone("").String()
	return &text
}
