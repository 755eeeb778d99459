package api_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// setupAccess starts an API that asks who is calling; the bundle is an owner of the default
// organisation. change edits both configurations before.
func setupAccess(t *testing.T, change func(*api.Config, *authn.Config)) *bundle {
	t.Helper()
	keys, err := apikey.ParseKeys(apikey.NewKey())
	require.NoError(t, err)
	b := setup(t, func(cfg *api.Config) {
		records, ok := cfg.Store.(authn.Records)
		require.True(t, ok)
		who := authn.Config{Records: records, Keys: keys, Logger: cfg.Logger}
		if change != nil {
			change(cfg, &who)
		}
		if cfg.Auth == nil {
			cfg.Auth = authn.New(who)
		}
	})
	b.keys = keys
	return b.as(b.key(models.DefaultOrganisationID, access.Owner, nil))
}

// as is the same API for whoever has a key or a token; nobody has none.
func (b *bundle) as(token string) *bundle {
	other := *b
	other.token = token
	return &other
}

// identify adds who the bundle is to a request.
func (b *bundle) identify(header http.Header) {
	if b.token != "" {
		header.Set("Authorization", "Bearer "+b.token)
	}
}

// key makes a key with a role, and of its permissions those that scopes names; nil is all.
func (b *bundle) key(org uuid.UUID, role access.Role, scopes []access.Permission) string {
	b.t.Helper()
	text, _ := b.keyOf(org, func(k *models.APIKey) { k.Role, k.Scopes = role, scopes })
	return text
}

// keyOf makes an owner's key; change edits it before.
func (b *bundle) keyOf(org uuid.UUID, change func(*models.APIKey)) (string, *models.APIKey) {
	b.t.Helper()
	id := models.NewID()
	text, hash, hashKey, err := b.keys.New(id)
	require.NoError(b.t, err)
	return text, testfactory.APIKey(b.t, b.store, func(k *models.APIKey) {
		k.ID, k.OrganisationID, k.Role, k.Hash, k.HashKeyID = id, org, access.Owner, hash, hashKey
		if change != nil {
			change(k)
		}
	})
}

// organisation makes one, and a key of an owner of it.
func (b *bundle) organisation() (*models.Organisation, *bundle) {
	b.t.Helper()
	o := testfactory.Organisation(b.t, b.store, nil)
	return o, b.as(b.key(o.ID, access.Owner, nil))
}

// awayAuthenticator cannot say any more who stands.
type awayAuthenticator struct {
	api.Authenticator

	away atomic.Bool
}

func (a *awayAuthenticator) Stands(ctx context.Context, p access.Principal) error {
	if a.away.Load() {
		return models.ErrUnavailable
	}
	return a.Authenticator.Stands(ctx, p)
}
