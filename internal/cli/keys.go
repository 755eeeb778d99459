package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// KeysCmd is `mino keys`.
type KeysCmd struct {
	List   KeysListCmd   `cmd:"" help:"List the API keys of the organisation, newest first."`
	Create KeysCreateCmd `cmd:"" help:"Make an API key, and print it once."`
	Rotate KeysRotateCmd `cmd:"" help:"Put a new key in the place of one, and print it once."`
	Revoke KeysRevokeCmd `cmd:"" help:"End a key, at once and for good."`
}

// KeysListCmd is `mino keys list`.
type KeysListCmd struct {
	Listing
}

// Run lists.
func (c *KeysListCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		return list(streams, c.Listing, api.Keys(ctx), []column[wire.APIKey]{
			{title: "id", cell: func(k wire.APIKey) string { return k.ID.String() }},
			{title: "name", most: nameWidth, cell: func(k wire.APIKey) string { return k.Name }},
			{title: "role", cell: func(k wire.APIKey) string { return k.Role }},
			{title: "scopes", most: nameWidth, cell: func(k wire.APIKey) string { return strings.Join(k.Scopes, ",") }},
			{title: "status", cell: func(k wire.APIKey) string { return k.Status }},
			{title: "created", cell: func(k wire.APIKey) string { return when(k.CreatedAt) }},
			{title: "expires", cell: func(k wire.APIKey) string { return whenever(k.ExpiresAt) }},
			{title: "last used", cell: func(k wire.APIKey) string { return whenever(k.LastUsedAt) }},
		})
	})
}

// shownOnce is what --help says of commands that print a key.
const shownOnce = `The key is printed on standard output, this once: MINO keeps no more than a hash of it.

  mino keys create ci --role member --scopes batches:write,executions:run > ci.key

` + askExitHelp

// KeysCreateCmd is `mino keys create`.
type KeysCreateCmd struct {
	Remote

	Name      string        `arg:"" help:"What the key is called in lists, such as what it is for."`
	Role      string        `default:"member" placeholder:"ROLE" complete:"viewer,member,admin,owner" help:"Role that it has, at most your own: viewer, member (the default), admin or owner."`
	Scopes    []string      `placeholder:"PERMISSION,..." help:"What is left of the role's permissions, such as jobs:read,executions:read; all of them unless given."`
	ExpiresIn time.Duration `placeholder:"DURATION" help:"How long it is good, such as 720h; until it is revoked unless given."`
}

// Help is what --help says beneath the flags.
func (*KeysCreateCmd) Help() string { return shownOnce }

// Run creates.
func (c *KeysCreateCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		ends, err := until(c.ExpiresIn)
		if err != nil {
			return err
		}
		req := wire.APIKeyRequest{Name: c.Name, Role: c.Role, ExpiresAt: ends}
		if c.Scopes != nil { // an empty list, of a variable that is not set perhaps, is not all of them
			req.Scopes = &c.Scopes
		}
		key, err := api.CreateKey(ctx, req)
		if err != nil {
			return asked(err, "make the key")
		}
		return c.printKey(streams, key)
	})
}

// until is when something ends that is good for a while; nil when no while was given.
func until(d time.Duration) (*time.Time, error) {
	switch {
	case d < 0:
		return nil, &ExitError{Code: ExitRefused, Err: errors.New("--expires-in: must not be in the past")}
	case d == 0:
		return nil, nil //nolint:nilnil // it does not end
	}
	ends := time.Now().Add(d).UTC()
	return &ends, nil
}

// printKey prints the text of a key, by itself so that it can be piped; what is said of it
// goes to standard error.
func (r *Remote) printKey(streams Streams, key wire.CreatedAPIKey) error {
	if r.JSON {
		return printJSON(streams, key)
	}
	ends := "until it is revoked"
	if key.ExpiresAt != nil {
		ends = "until " + when(*key.ExpiresAt)
	}
	say(streams, "The key %s (%s, %s) is good %s. It is shown this once:", plain(key.Name), key.ID, key.Role, ends)
	_, err := fmt.Fprintln(streams.Out, key.Key)
	return err
}

// KeysRotateCmd is `mino keys rotate`.
type KeysRotateCmd struct {
	Remote

	Key       uuid.UUID     `arg:"" help:"Id of the key."`
	Grace     time.Duration `default:"24h" placeholder:"DURATION" help:"How long the old key goes on, 0s to 168h (24h unless given)."`
	ExpiresIn time.Duration `placeholder:"DURATION" help:"How long the new key is good; as long as the old one was to be unless given."`
}

// Help is what --help says beneath the flags.
func (*KeysRotateCmd) Help() string { return shownOnce }

// Run rotates.
func (c *KeysRotateCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		ends, err := until(c.ExpiresIn)
		if err != nil {
			return err
		}
		if c.Grace < 0 || c.Grace > wire.MaxGraceSeconds*time.Second || c.Grace%time.Second != 0 {
			return &ExitError{Code: ExitRefused, Err: fmt.Errorf("--grace: must be whole seconds between 0s and %s, is %s", wire.MaxGraceSeconds*time.Second, c.Grace)}
		}
		grace := int(c.Grace / time.Second)
		key, err := api.RotateKey(ctx, c.Key, wire.RotateRequest{GraceSeconds: &grace, ExpiresAt: ends})
		if err != nil {
			return asked(err, "rotate the key")
		}
		return c.printKey(streams, key)
	})
}

// KeysRevokeCmd is `mino keys revoke`.
type KeysRevokeCmd struct {
	Remote

	Key uuid.UUID `arg:"" help:"Id of the key."`
}

// Run revokes.
func (c *KeysRevokeCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		key, err := api.RevokeKey(ctx, c.Key)
		if err != nil {
			return asked(err, "revoke the key")
		}
		return c.print(streams, key, func() []string { return renderKey(key) })
	})
}

func renderKey(k wire.APIKey) []string {
	replaces := ""
	if k.Replaces != nil {
		replaces = k.Replaces.String()
	}
	return record(
		[2]string{"id", k.ID.String()},
		[2]string{"name", k.Name},
		[2]string{"role", k.Role},
		[2]string{"scopes", strings.Join(k.Scopes, ", ")},
		[2]string{"status", k.Status},
		[2]string{"made by", k.CreatedBy},
		[2]string{"replaces", replaces},
		[2]string{"created", when(k.CreatedAt)},
		[2]string{"expires", whenever(k.ExpiresAt)},
		[2]string{"last used", strings.TrimSpace(whenever(k.LastUsedAt) + " " + k.LastUsedIP)},
		[2]string{"revoked", whenever(k.RevokedAt)},
	)
}
