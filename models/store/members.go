package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/tenant"
)

// MembershipsOf lists what a user is, in every organisation and with it, in the order of
// the organisations' slugs.
func (s *Store) MembershipsOf(ctx context.Context, userID uuid.UUID) ([]models.Membership, error) {
	ctx = tenant.AsSystem(ctx)
	return membershipsOf(ctx, s.db, userID)
}

func membershipsOf(ctx context.Context, db bun.IDB, userID uuid.UUID) ([]models.Membership, error) {
	out := []models.Membership{}
	err := db.NewSelect().Model(&out).Relation("Organisation").
		Where("m.user_id = ?", userID).OrderExpr("organisation.slug").Scan(ctx)
	return out, mapped(err)
}

// ListMembers lists the members of an organisation with who they are, newest first.
func (s *Store) ListMembers(ctx context.Context, org uuid.UUID, page models.Page) ([]models.Membership, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Membership{}
	q := s.db.NewSelect().Model(&out).Relation("User").Where("m.organisation_id = ?", org)
	if page.After != uuid.Nil {
		q = q.Where("m.user_id < ?", page.After)
	}
	err := q.OrderExpr("m.user_id DESC").Limit(int64(page.Limit)).Scan(ctx)
	return out, mapped(err)
}

// CountMembers counts what ListMembers lists over all pages.
func (s *Store) CountMembers(ctx context.Context, org uuid.UUID) (int64, error) {
	ctx = tenant.With(ctx, org)
	n, err := s.db.NewSelect().Model((*models.Membership)(nil)).Where("m.organisation_id = ?", org).Count(ctx)
	return n, mapped(err)
}

// Member returns a member with who it is, or models.ErrMemberNotFound.
func (s *Store) Member(ctx context.Context, org, userID uuid.UUID) (*models.Membership, error) {
	ctx = tenant.With(ctx, org)
	m := new(models.Membership)
	err := s.db.NewSelect().Model(m).Relation("User").
		Where("m.organisation_id = ? AND m.user_id = ?", org, userID).Scan(ctx)
	if err != nil {
		return nil, found(err, models.ErrMemberNotFound)
	}
	return m, nil
}

// AddMember makes somebody a member and fills the membership. Its User says who: by Issuer
// and Subject, or by Issuer and Email, and is made when nobody is known like that; whoever
// was made by an address alone is the first to come with that address, see Login. It
// returns models.ErrMember when the user is a member already.
func (s *Store) AddMember(ctx context.Context, m *models.Membership) error {
	// Who is not a member yet is nobody that an organisation can see.
	ctx = tenant.AsSystem(ctx)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := findOrMake(ctx, tx, m.User); err != nil {
			return err
		}
		m.UserID = m.User.ID
		_, err := tx.NewInsert().Model(m).Returning("created_at, updated_at").Exec(ctx)
		return err
	})
}

// findOrMake fills u with whoever it is. Two that make the same at once make one: the
// second waits at the constraint.
func findOrMake(ctx context.Context, tx bun.Tx, u *models.User) error {
	who := func() error {
		q := tx.NewSelect().Model(u).Where("u.issuer = ?", u.Issuer)
		if u.Subject != nil {
			q = q.Where("u.subject = ?", *u.Subject)
		} else {
			// An address may have been somebody's before: it is whoever came with it last.
			q = q.Where("lower(u.email) = lower(?)", u.Email).OrderExpr("u.last_seen_at DESC NULLS LAST, u.id").Limit(1)
		}
		return q.Scan(ctx)
	}
	err := who()
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	u.ID = models.NewID()
	made, err := tx.NewInsert().Model(u).On("CONFLICT DO NOTHING").Returning("created_at").Exec(ctx)
	if err = affected(made, err, sql.ErrNoRows); errors.Is(err, sql.ErrNoRows) {
		return who()
	}
	return err
}

// ChangeMember gives a member another role, and fills the rest of the membership. It returns
// models.ErrMemberNotFound, or models.ErrLastOwner when nobody else is an owner.
func (s *Store) ChangeMember(ctx context.Context, m *models.Membership) error {
	ctx = tenant.With(ctx, m.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if m.Role != access.Owner {
			if err := anotherOwner(ctx, tx, m.OrganisationID, m.UserID); err != nil {
				return err
			}
		}
		result, err := tx.NewUpdate().Model(m).Column("role").Set("updated_at = now()").
			Where("organisation_id = ? AND user_id = ?", m.OrganisationID, m.UserID).
			Returning("created_at, updated_at").Exec(ctx)
		return affected(result, err, models.ErrMemberNotFound)
	})
}

// RemoveMember ends a membership. It returns models.ErrMemberNotFound, or
// models.ErrLastOwner when nobody else is an owner.
func (s *Store) RemoveMember(ctx context.Context, org, userID uuid.UUID) error {
	ctx = tenant.With(ctx, org)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := anotherOwner(ctx, tx, org, userID); err != nil {
			return err
		}
		result, err := tx.NewDelete().Model((*models.Membership)(nil)).
			Where("organisation_id = ? AND user_id = ?", org, userID).Exec(ctx)
		return affected(result, err, models.ErrMemberNotFound)
	})
}

// anotherOwner returns models.ErrLastOwner when a user is the only owner. It locks the
// owners: of two that would leave at once, the second finds itself alone.
func anotherOwner(ctx context.Context, tx bun.Tx, org, userID uuid.UUID) error {
	var owners []uuid.UUID
	err := tx.NewSelect().Model((*models.Membership)(nil)).Column("m.user_id").
		Where("m.organisation_id = ? AND m.role = ?", org, access.Owner).
		OrderExpr("m.user_id").For("UPDATE").Scan(ctx, &owners)
	if err == nil && len(owners) == 1 && owners[0] == userID {
		return models.ErrLastOwner
	}
	return err
}
