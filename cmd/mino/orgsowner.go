package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
)

type orgsAddOwnerCmd struct {
	onDatabase

	Organisation string `arg:"" help:"Id or slug."`
	Issuer       string `name:"oidc-issuer" env:"MINO_OIDC_ISSUER" required:"" placeholder:"URL" help:"Issuer of the tokens that they come with, as the API has it."`
	Subject      string `placeholder:"SUB" xor:"who" required:"" help:"Subject of their tokens."`
	Email        string `placeholder:"ADDRESS" xor:"who" required:"" help:"Address that their tokens say, verified; whoever comes with it first is meant."`
}

// Run adds.
func (c *orgsAddOwnerCmd) Run() error { return c.with(c.run) }

func (c *orgsAddOwnerCmd) run(ctx context.Context, records *store.Store, out io.Writer) error {
	o, err := find(ctx, records, c.Organisation)
	if err != nil {
		return err
	}
	who := &models.User{Issuer: c.Issuer}
	if c.Subject != "" {
		who.Subject = &c.Subject
	} else {
		if !strings.Contains(c.Email, "@") {
			return fmt.Errorf("--email: is not an address: %q", c.Email)
		}
		who.Email = &c.Email
	}
	ctx, note := operated(ctx, o.ID, "mino orgs add-owner")
	note.About("member", c.Subject+c.Email).Changes(nil, map[string]string{
		"issuer": c.Issuer, "subject": c.Subject, "email": c.Email, "role": string(access.Owner),
	})
	member := &models.Membership{OrganisationID: o.ID, Role: access.Owner, User: who}
	err = records.AddMember(ctx, member)
	if errors.Is(err, models.ErrMember) {
		member.Role, member.OrganisationID, member.UserID = access.Owner, o.ID, who.ID
		if err := records.ChangeMember(ctx, member); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "%s is a member of %s already, and an owner now (user %s)\n", c.Subject+c.Email, o.Slug, who.ID)
		return err
	}
	if err == nil {
		_, err = fmt.Fprintf(out, "%s is an owner of %s (user %s)\n", c.Subject+c.Email, o.Slug, who.ID)
	}
	return err
}

type orgsKeyCmd struct {
	onDatabase

	AuthKey config.AuthKey `embed:""`

	Organisation string              `arg:"" help:"Id or slug."`
	Name         string              `default:"made by the operator" placeholder:"NAME" help:"What the key is called in lists."`
	Role         access.Role         `default:"owner" enum:"viewer,member,admin,owner" placeholder:"ROLE" help:"Role that it has: viewer, member, admin or owner."`
	Scopes       []access.Permission `placeholder:"PERMISSION,..." help:"What is left of the role's permissions, such as jobs:read; all of them unless given."`
	ExpiresIn    time.Duration       `placeholder:"DURATION" help:"How long it is good, such as 720h; until it is revoked unless given."`
}

// Run makes a key.
func (c *orgsKeyCmd) Run() error { return c.with(c.run, &c.AuthKey) }

func (c *orgsKeyCmd) run(ctx context.Context, records *store.Store, out io.Writer) error {
	o, err := find(ctx, records, c.Organisation)
	if err != nil {
		return err
	}
	keys, err := apikey.ParseKeys(string(c.AuthKey.Keys))
	if err != nil {
		return err
	}
	key := &models.APIKey{OrganisationID: o.ID, Name: c.Name, Role: c.Role, Scopes: c.Scopes}
	if err := c.check(); err != nil {
		return err
	}
	if c.ExpiresIn > 0 {
		ends := time.Now().Add(c.ExpiresIn)
		key.ExpiresAt = &ends
	}
	text, err := makeKey(ctx, records, keys, key, "mino orgs key")
	if err == nil {
		_, err = fmt.Fprintln(out, text)
	}
	return err
}

func (c *orgsKeyCmd) check() error {
	var problems []error
	if n := len([]rune(c.Name)); n < 1 || n > maxName {
		problems = append(problems, fmt.Errorf("--name: must be 1 to %d characters", maxName))
	}
	if c.Scopes != nil && len(c.Scopes) == 0 {
		problems = append(problems, errors.New("--scopes: must leave something; leave it out for all of the role's permissions"))
	}
	for _, scope := range c.Scopes {
		if !scope.Valid() {
			problems = append(problems, fmt.Errorf("--scopes: there is no permission %q; there are %s", scope, joined(access.Permissions())))
		}
	}
	if c.ExpiresIn < 0 {
		problems = append(problems, errors.New("--expires-in: must not be in the past"))
	}
	return errors.Join(problems...)
}

func joined(all []access.Permission) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = string(one)
	}
	return strings.Join(names, ", ")
}

// makeKey makes a key as the operator, and gives its text, which nobody else has.
func makeKey(ctx context.Context, records *store.Store, keys *apikey.Keys, key *models.APIKey, command string) (text string, err error) {
	key.ID = models.NewID()
	if text, key.Hash, key.HashKeyID, err = keys.New(key.ID); err != nil {
		return "", err
	}
	ctx, note := operated(ctx, key.OrganisationID, command)
	key.CreatedBy = string(note.Principal.Kind) + " " + note.Principal.ID
	note.About("key", key.ID.String()).Changes(nil, map[string]any{
		"name": key.Name, "role": key.Role, "scopes": key.Scopes, "expires_at": key.ExpiresAt,
	})
	return text, records.CreateAPIKey(ctx, key)
}

// ownerKey tells whether the records know a text as a key that is good for all that an owner
// of an organisation may.
func ownerKey(ctx context.Context, records *store.Store, keys *apikey.Keys, organisation uuid.UUID, text string) (bool, error) {
	id, secret, err := apikey.Parse(text)
	if err != nil {
		return false, nil //nolint:nilerr // what is no key is not known
	}
	key, _, err := records.APIKeyByID(ctx, id)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	ended := key.RevokedAt != nil || key.ExpiresAt != nil && !key.ExpiresAt.After(time.Now())
	holder := access.Principal{Kind: access.KindKey, Role: key.Role, Scopes: key.Scopes}
	all := !slices.ContainsFunc(access.Permissions(), func(p access.Permission) bool { return !holder.May(p) })
	return !ended && all && key.OrganisationID == organisation && keys.Verify(secret, key), nil
}
