package authn

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// tokenDigest stands for a token, which is not kept.
type tokenDigest [sha256.Size]byte

// person is whom a token is of, and what they are in each organisation.
type person struct {
	claims      oidc.Claims
	user        *models.User
	memberships []models.Membership
}

// byToken says whose a token is. The address is held up when the token was not good here
// before.
func (a *Authenticator) byToken(ctx context.Context, sent Credentials, text string) (Identity, error) {
	digest := tokenDigest(sha256.Sum256([]byte(text)))
	known, ok := a.tokens.last(digest)
	if ok && !a.now().Before(known.claims.Expiry) {
		a.tokens.forget(digest) // whether it may be off by a little is not decided here
		ok = false
	}
	if !ok {
		if err := a.held(sent); err != nil {
			return Identity{}, err
		}
	}
	text = strings.Clone(text) // which servers write over when nobody waits any more
	p, err := a.tokens.get(ctx, digest, func(ctx context.Context) (*person, error) { return a.login(ctx, text) })
	switch {
	case errors.Is(err, oidc.ErrInvalid):
		return Identity{}, a.refuse(sent, err)
	case errors.Is(err, models.ErrUserNotFound):
		// Which is asked for each time, and so counts too.
		if err := a.refuse(sent, err); errors.Is(err, ErrTooMany) {
			return Identity{}, err
		}
		return Identity{}, noOrganisation("the person was not invited")
	case err != nil:
		return Identity{}, err
	}
	m, err := a.membership(p, sent.Organisation)
	if err != nil {
		return Identity{}, err
	}
	return p.identity(m), nil
}

// login asks the issuer whom a token is of, and the records what they are.
func (a *Authenticator) login(ctx context.Context, text string) (*person, error) {
	claims, err := a.config.Tokens.Verify(ctx, text)
	if err != nil {
		return nil, unanswered(err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	user, memberships, err := a.config.Records.Login(ctx, models.Login{
		Issuer: claims.Issuer, Subject: claims.Subject, Email: claims.Email, Name: claims.Name,
		Organisation: claims.Organisation, Role: highest(claims.Roles), Provision: a.config.Provision,
	})
	if err != nil {
		return nil, unanswered(err)
	}
	return &person{claims: claims, user: user, memberships: memberships}, nil
}

// highest is the most that a token says of a person; empty when none of it is a role.
func highest(names []string) access.Role {
	for _, role := range slices.Backward(access.Roles()) {
		if slices.Contains(names, string(role)) {
			return role
		}
	}
	return ""
}

// membership is the one that a request is meant for.
func (a *Authenticator) membership(p *person, name string) (models.Membership, error) {
	meant := slices.Clone(p.memberships)
	of := p.claims.Organisation
	if of == "" && a.config.OrganisationsFromTokens {
		// An issuer says in no other way that a person is a member of nothing any more: what
		// the records hold of them is what an earlier token said.
		return models.Membership{}, noOrganisation("the token names no organisation")
	}
	if of != "" {
		if a.config.RolesFromTokens && highest(p.claims.Roles) == "" {
			return models.Membership{}, noOrganisation("the token gives no role in the organisation that it names")
		}
		meant = slices.DeleteFunc(meant, func(m models.Membership) bool { return !claimed(m.Organisation, of) })
	}
	choices := slices.Clone(meant)
	if name != "" {
		meant = slices.DeleteFunc(meant, func(m models.Membership) bool { return !named(m.Organisation, name) })
	}
	switch {
	case len(meant) == 1:
		return meant[0], nil
	case len(meant) > 1:
		return models.Membership{}, noOrganisation("the person is a member of several, and has named none", choices...)
	case len(p.memberships) == 0:
		return models.Membership{}, noOrganisation("the person is a member of none")
	}
	return models.Membership{}, noOrganisation("the person is not a member of the one that was named", choices...)
}

// claimed tells whether an issuer's name for an organisation is of this one, as the records
// decide it in Login.
func claimed(o *models.Organisation, name string) bool {
	if o.ExternalID != nil {
		return name == *o.ExternalID
	}
	return name == o.Slug
}

func (p *person) identity(m models.Membership) Identity {
	who := access.Principal{
		Kind: access.KindUser, ID: p.user.ID.String(), Name: p.user.Name,
		Organisation: m.OrganisationID, Role: m.Role, Until: p.claims.Expiry,
	}
	if who.Name == "" && p.user.Email != nil {
		who.Name = *p.user.Email
	}
	return Identity{Principal: who, Limits: m.Organisation.Limits, Until: who.Until}
}

// findMemberships asks for what a person is now.
func (a *Authenticator) findMemberships(ctx context.Context, id uuid.UUID) ([]models.Membership, error) {
	return a.people.get(ctx, id, func(ctx context.Context) ([]models.Membership, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		memberships, err := a.config.Records.MembershipsOf(ctx, id)
		return memberships, unanswered(err)
	})
}
