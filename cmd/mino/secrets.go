package main

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/lifecycle"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models/store"
)

// resealPage is how many secrets are read at once.
const resealPage = 100

// secretsCmd is about the secrets of all projects.
type secretsCmd struct {
	Reseal resealCmd `cmd:"" help:"Seal every secret anew with the first of the keys, so that the others can go."`
	NewKey newKeyCmd `cmd:"" help:"Print a new key for MINO_SECRETS_KEY."`
}

type resealCmd struct {
	Database  config.Database  `embed:""`
	Executors config.Executors `embed:""`
}

// Run goes on until no other key has sealed anything. It may be run again, and beside
// processes that work: those need the new key first.
func (c *resealCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	if err := config.Verify(&c.Database, &c.Executors); err != nil {
		return err
	}
	keys, err := vault.ParseKeys(string(c.Executors.SecretsKey))
	if err != nil {
		return err
	}
	db, err := openMigrated(ctx, c.Database, zap.NewNop())
	if err != nil {
		return err
	}
	records := store.New(db)
	n, err := vault.New(keys, records).Reseal(ctx, records, resealPage)
	fmt.Printf("sealed %d secrets anew\n", n)
	return errors.Join(err, db.Close())
}

type newKeyCmd struct{}

// Run prints a key.
func (newKeyCmd) Run() error {
	key, err := vault.NewKey()
	if err == nil {
		_, err = fmt.Println(key)
	}
	return err
}
