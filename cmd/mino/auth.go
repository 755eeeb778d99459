package main

import (
	"context"

	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/cli"
	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
)

// authFlags say how an API knows who asks it.
type authFlags struct {
	Auth    config.Auth    `embed:""`
	AuthKey config.AuthKey `embed:""`
	OIDC    config.OIDC    `embed:""`
}

// parts are the parts of the configuration, for an API.
func (f *authFlags) parts(serves *config.API) []config.Part {
	f.Auth.Serves, f.AuthKey.NotNeeded = serves, f.Auth.Off()
	return []config.Part{&f.Auth, &f.AuthKey, &f.OIDC}
}

// give gives an API what it makes keys of, and what says whose requests are: nothing when
// nobody is asked.
func (f *authFlags) give(to *api.Config, records *store.Store, logger *zap.Logger) error {
	to.Issuer = f.OIDC.Issuer
	keys, err := apikey.ParseKeys(string(f.AuthKey.Keys))
	if err != nil {
		return err
	}
	if keys.KeyID() != "" {
		to.Keys = keys
	}
	if f.Auth.Off() {
		logger.Warn("the API asks nobody who they are (--auth=off): who reaches it owns the default organisation")
		return nil
	}
	settings := authn.Config{
		Records: records, Keys: keys, Provision: f.OIDC.Provision, Logger: logger,
		OrganisationsFromTokens: f.OIDC.OrganisationClaim != "", RolesFromTokens: f.OIDC.RolesClaim != "",
	}
	if f.OIDC.On() {
		if settings.Tokens, err = oidc.New(f.OIDC.Verifier()); err != nil {
			return err
		}
	}
	to.Auth = authn.New(settings)
	return nil
}

// devKeyName is what the key of a dev stack is called in lists.
const devKeyName = "dev stack"

// devKey gives an owner's key of the default organisation that is kept in the directory of a
// dev stack: the one of the last start, unless the database does not know it (any more).
func devKey(ctx context.Context, dir string, records *store.Store, hashKeys config.Secret) (string, error) {
	keys, err := apikey.ParseKeys(string(hashKeys))
	if err != nil {
		return "", err
	}
	return devstack.KeyFile(dir, cli.KeyFile,
		func(text string) (bool, error) {
			return ownerKey(ctx, records, keys, models.DefaultOrganisationID, text)
		},
		func() (string, error) {
			return makeKey(ctx, records, keys, &models.APIKey{
				OrganisationID: models.DefaultOrganisationID, Name: devKeyName, Role: access.Owner,
			}, "mino dev")
		})
}
