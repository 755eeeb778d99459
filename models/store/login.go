package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
	"github.com/minohq/mino/models/tenant"
)

// seenEvery is how exact the time is at which a user was last seen.
const seenEvery = time.Minute

// Login takes note of what a good token says of a person, and gives the person with what it
// is in every organisation. Most of the time there is nothing new in it, and nothing is
// written.
//
// Who was invited by the address that the token says is the person from then on. Where the
// token says a role in an organisation, that is what the person is there: the issuer is
// asked, not the organisation's owners, even when that leaves it without one. What changes
// by it is written down, as done by the person. An organisation that is not known is not
// made.
//
// It returns models.ErrUserNotFound when the person is not known and is not to be made
// known.
func (s *Store) Login(ctx context.Context, l models.Login) (*models.User, []models.Membership, error) {
	ctx = tenant.AsSystem(ctx)
	l.Name = kept(l.Name)
	org, err := meant(ctx, s.db, l)
	if err != nil {
		return nil, nil, mapped(err)
	}
	u, news, err := seen(ctx, s.db, l)
	if err != nil {
		return nil, nil, mapped(err)
	}
	var members []models.Membership
	if !news {
		members, err = membershipsOf(ctx, s.db, u.ID)
		if err != nil || has(members, org, l.Role) {
			return u, members, err
		}
	}
	err = s.inTx(audit.With(ctx, nil), func(ctx context.Context, tx bun.Tx) (err error) {
		if u, err = arrive(ctx, tx, l); err != nil {
			return err
		}
		if err := takeRole(ctx, tx, u, org, l.Role); err != nil {
			return err
		}
		members, err = membershipsOf(ctx, tx, u.ID)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return u, members, nil
}

// seen reads who a login is of; nil when it is not known. news says that there is something
// to write of it.
func seen(ctx context.Context, db bun.IDB, l models.Login) (u *models.User, news bool, err error) {
	var row struct {
		models.User `bun:",extend"`

		Recent  bool
		Invited bool
	}
	err = db.NewSelect().Model(&row).Column("u.*").
		ColumnExpr("COALESCE(u.last_seen_at > now() - make_interval(secs => ?), false) AS recent", seenEvery.Seconds()).
		ColumnExpr(`EXISTS (SELECT FROM users AS i
			WHERE i.issuer = u.issuer AND i.subject IS NULL AND lower(i.email) = lower(?)) AS invited`, l.Email).
		Where("u.issuer = ? AND u.subject = ?", l.Issuer, l.Subject).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, true, nil
	}
	email := ""
	if row.Email != nil {
		email = *row.Email
	}
	news = !row.Recent || row.Invited || row.Name != l.Name || l.Email != "" && email != l.Email
	return &row.User, news, err
}

// meant finds the organisation that a login says a role in: that of the external id, or
// else that of the slug, which has no other name to an issuer. uuid.Nil is none.
func meant(ctx context.Context, db bun.IDB, l models.Login) (org uuid.UUID, err error) {
	if l.Organisation == "" || !l.Role.Valid() {
		return uuid.Nil, nil
	}
	err = db.NewSelect().Model((*models.Organisation)(nil)).Column("o.id").
		Where("o.external_id = ? OR o.external_id IS NULL AND o.slug = ?", l.Organisation, l.Organisation).
		OrderExpr("o.external_id IS NULL").Limit(1).Scan(ctx, &org)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return org, err
}

// has tells whether somebody is of a role in an organisation, if there is one.
func has(members []models.Membership, org uuid.UUID, role access.Role) bool {
	return org == uuid.Nil || slices.ContainsFunc(members, func(m models.Membership) bool {
		return m.OrganisationID == org && m.Role == role
	})
}

// arrive writes who has come, or takes over who was invited.
func arrive(ctx context.Context, tx bun.Tx, l models.Login) (*models.User, error) {
	// The invitation first: who waited for it finds who took it.
	invited, err := lockedUser(ctx, tx, "issuer = ? AND subject IS NULL AND lower(email) = lower(?)", l.Issuer, l.Email)
	if err != nil {
		return nil, err
	}
	known, err := lockedUser(ctx, tx, "issuer = ? AND subject = ?", l.Issuer, l.Subject)
	if err != nil {
		return nil, err
	}
	u := known
	switch {
	case known != nil && invited != nil:
		if err := takeOver(ctx, tx, known.ID, invited.ID); err != nil {
			return nil, err
		}
	case invited != nil:
		u = invited
	case known == nil && l.Provision:
		u = &models.User{ID: models.NewID()}
	case known == nil:
		return nil, models.ErrUserNotFound
	}
	u.Issuer, u.Subject, u.Name = l.Issuer, &l.Subject, l.Name
	if l.Email != "" {
		u.Email = &l.Email
	}
	q := tx.NewInsert().Model(u).Value("last_seen_at", "now()")
	if known != nil || invited != nil {
		q = q.On("CONFLICT (id) DO UPDATE")
	} else {
		q = q.On("CONFLICT (issuer, subject) DO UPDATE") // who has come twice at once
	}
	_, err = q.Set("subject = excluded.subject, email = excluded.email, name = excluded.name, last_seen_at = now()").
		Returning("*").Exec(ctx)
	return u, err
}

// lockedUser gives the user of a condition, locked; nil when there is none.
func lockedUser(ctx context.Context, tx bun.Tx, condition string, values ...any) (*models.User, error) {
	u := new(models.User)
	err := tx.NewSelect().Model(u).Where(condition, values...).For("UPDATE").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nobody is no error
	}
	return u, err
}

// takeOver gives what somebody was invited to to whom it was meant for.
func takeOver(ctx context.Context, tx bun.Tx, id, invited uuid.UUID) error {
	_, err := tx.NewRaw(`
		INSERT INTO memberships (organisation_id, user_id, role, created_at)
		SELECT organisation_id, ?, role, created_at FROM memberships WHERE user_id = ?
		ON CONFLICT DO NOTHING`, id, invited).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewDelete().Model((*models.User)(nil)).Where("id = ?", invited).Exec(ctx)
	return err
}

// takeRole makes a person what a token says it is in an organisation, if there is one.
func takeRole(ctx context.Context, tx bun.Tx, u *models.User, org uuid.UUID, role access.Role) error {
	if org == uuid.Nil {
		return nil
	}
	var before *access.Role
	err := tx.NewRaw(`SELECT role FROM memberships WHERE organisation_id = ? AND user_id = ? FOR UPDATE`, org, u.ID).Scan(ctx, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	err = tx.NewRaw(`
		INSERT INTO memberships AS m (organisation_id, user_id, role) VALUES (?, ?, ?)
		ON CONFLICT (organisation_id, user_id) DO UPDATE SET role = excluded.role, updated_at = now()
		WHERE m.role <> excluded.role
		RETURNING true`, org, u.ID, role).Scan(ctx, new(bool))
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it was that already
	}
	if err != nil {
		return err
	}
	return writeEntry(ctx, tx, org, loginNote(org, u, before, role), audit.Done)
}

func loginNote(org uuid.UUID, u *models.User, before *access.Role, after access.Role) *audit.Note {
	note := &audit.Note{
		Principal: access.Principal{Kind: access.KindUser, ID: u.ID.String(), Name: u.Name, Organisation: org, Role: after},
		Operation: "login", TargetType: "member", TargetID: u.ID.String(),
		After: map[string]access.Role{"role": after},
	}
	if before != nil {
		note.Before = map[string]access.Role{"role": *before}
	}
	return note
}
