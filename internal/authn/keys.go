package authn

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// unknownFor is how long an id that no key has is not asked for again. Nobody has a key
// before its record is there.
const unknownFor = 30 * time.Second

// knownKey is what the records say of a key.
type knownKey struct {
	*models.APIKey
	organisation *models.Organisation
	// used is shared with what was known of the key before.
	used *minutely
}

// ended says why a key is not good any more; empty when it is. What has ended has ended for
// ever.
func (k *knownKey) ended(now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return "the key was revoked"
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		return "the key has expired"
	}
	return ""
}

func (k *knownKey) identity() Identity {
	p := access.Principal{
		Kind: access.KindKey, ID: k.ID.String(), Name: k.Name,
		Organisation: k.OrganisationID, Role: k.Role, Scopes: k.Scopes,
	}
	if k.ExpiresAt != nil {
		p.Until = *k.ExpiresAt
	}
	return Identity{Principal: p, Limits: k.organisation.Limits, Until: p.Until}
}

// byKey says whose an API key is. The address is held up when nothing is known of the key
// here. When something is, the secret is checked first: a hash does not change, so a wrong
// secret is no reason to ask.
func (a *Authenticator) byKey(ctx context.Context, sent Credentials, text string) (Identity, error) {
	id, secret, err := apikey.Parse(text)
	if err != nil {
		return Identity{}, a.refuse(sent, err)
	}
	known, ok := a.keys.last(id)
	if ok {
		if err := a.check(sent, secret, known); err != nil {
			return Identity{}, err
		}
	} else if err := a.held(sent); err != nil {
		return Identity{}, err
	}
	key, err := a.findKey(ctx, id)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return Identity{}, a.refuse(sent, err)
	case err != nil:
		return Identity{}, err
	case key != known:
		if err := a.check(sent, secret, key); err != nil {
			return Identity{}, err
		}
	}
	if sent.Organisation != "" && !named(key.organisation, sent.Organisation) {
		return Identity{}, noOrganisation("the key is of another organisation than the one that was named")
	}
	a.use(ctx, key, sent.IP)
	return key.identity(), nil
}

// check holds a secret against what is known of its key.
func (a *Authenticator) check(sent Credentials, secret string, key *knownKey) error {
	if !a.config.Keys.Verify(secret, key.APIKey) {
		return a.refuse(sent, "the secret is not that of the key "+key.ID.String())
	}
	if reason := key.ended(a.now()); reason != "" {
		return a.refuse(sent, reason+": "+key.ID.String())
	}
	return nil
}

func (a *Authenticator) findKey(ctx context.Context, id uuid.UUID) (*knownKey, error) {
	return a.keys.get(ctx, id, func(ctx context.Context) (*knownKey, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		key, organisation, err := a.config.Records.APIKeyByID(ctx, id)
		if err != nil {
			return nil, unanswered(err)
		}
		found := &knownKey{APIKey: key, organisation: organisation, used: new(minutely)}
		if before, ok := a.keys.last(id); ok {
			found.used = before.used
		}
		return found, nil
	})
}

// use notes that a key is used. Nobody is refused because that could not be written.
func (a *Authenticator) use(ctx context.Context, key *knownKey, ip string) {
	if !key.used.due(a.now()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := a.config.Records.UseAPIKey(ctx, key.ID, ip); err != nil {
		a.config.Logger.Warn("the use of an API key was not noted", zap.Stringer("api_key_id", key.ID), zap.Error(err))
	}
}

// named tells whether a text is the id or the slug of an organisation.
func named(o *models.Organisation, text string) bool {
	return text == o.Slug || strings.EqualFold(text, o.ID.String())
}
