package authn

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// ticketLife is how long a ticket may wait to be used.
const ticketLife = 30 * time.Second

// Stands returns an error when a principal, from Authenticate or Redeem, is not any longer
// what it was: ErrInvalid, or models.ErrUnavailable when that can't be known.
func (a *Authenticator) Stands(ctx context.Context, p access.Principal) error {
	_, err := a.limitsOf(ctx, p)
	return err
}

// limitsOf gives the limits of a principal that still stands.
func (a *Authenticator) limitsOf(ctx context.Context, p access.Principal) (models.Limits, error) {
	id, err := uuid.Parse(p.ID)
	switch {
	case err != nil:
		return models.Limits{}, invalid("nobody has asked who that is")
	case !p.Until.IsZero() && !a.now().Before(p.Until):
		return models.Limits{}, invalid("the credentials have expired")
	}
	switch p.Kind {
	case access.KindKey:
		return a.limitsOfKey(ctx, id, p)
	case access.KindUser:
		return a.limitsOfUser(ctx, id, p)
	case access.KindAnonymous, access.KindOperator:
	}
	return models.Limits{}, invalid("nobody has asked who that is")
}

func (a *Authenticator) limitsOfKey(ctx context.Context, id uuid.UUID, p access.Principal) (models.Limits, error) {
	key, err := a.findKey(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return models.Limits{}, invalid(err)
	}
	if err != nil {
		return models.Limits{}, err
	}
	if reason := key.ended(a.now()); reason != "" {
		return models.Limits{}, invalid(reason)
	}
	if key.OrganisationID != p.Organisation || !key.Role.Includes(p.Role) {
		return models.Limits{}, invalid("the key is not what it was")
	}
	return key.organisation.Limits, nil
}

func (a *Authenticator) limitsOfUser(ctx context.Context, id uuid.UUID, p access.Principal) (models.Limits, error) {
	memberships, err := a.findMemberships(ctx, id)
	if err != nil {
		return models.Limits{}, err
	}
	i := slices.IndexFunc(memberships, func(m models.Membership) bool { return m.OrganisationID == p.Organisation })
	if i < 0 || !memberships[i].Role.Includes(p.Role) {
		return models.Limits{}, invalid("the person has not the role any more that they had")
	}
	return memberships[i].Organisation.Limits, nil
}

// Ticket makes a ticket, which opens one stream as a principal within 30 seconds: for
// browsers, which can't send a header with it. An address is logged in many places, so what
// is in it must be worth nothing soon.
func (a *Authenticator) Ticket(ctx context.Context, p access.Principal) (ticket string, expires time.Time, err error) {
	if ticket, err = a.config.Keys.NewTicket(); err != nil {
		return "", time.Time{}, err
	}
	expires = a.now().Add(ticketLife)
	err = a.config.Records.CreateTicket(ctx, &models.StreamTicket{
		Hash: digestOf(ticket), OrganisationID: p.Organisation, Principal: p, ExpiresAt: expires,
	})
	if err != nil {
		return "", time.Time{}, err
	}
	if a.forgot.due(a.now()) {
		if err := a.config.Records.ForgetTickets(ctx); err != nil {
			a.config.Logger.Warn("tickets whose time is over are not deleted", zap.Error(err))
		}
	}
	return ticket, expires, nil
}

// Redeem takes a ticket and says whose it is, if that is still who it was. One that nobody
// here has made is refused without asking.
func (a *Authenticator) Redeem(ctx context.Context, ticket string) (Identity, error) {
	if !a.config.Keys.IsTicket(ticket) {
		return Identity{}, invalid("it is no ticket")
	}
	t, err := a.config.Records.TakeTicket(ctx, digestOf(ticket))
	switch {
	case errors.Is(err, models.ErrNotFound):
		return Identity{}, invalid("the ticket was used, or its time is over")
	case err != nil:
		return Identity{}, err
	case !a.now().Before(t.ExpiresAt):
		return Identity{}, invalid("the time of the ticket is over")
	}
	limits, err := a.limitsOf(ctx, t.Principal)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Principal: t.Principal, Limits: limits, Until: t.Principal.Until}, nil
}

func digestOf(ticket string) []byte {
	digest := sha256.Sum256([]byte(ticket))
	return digest[:]
}
