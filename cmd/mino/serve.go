package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/lifecycle"
	"github.com/minohq/mino/internal/logging"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/store"
)

// closeMargin is what shutdown takes beyond the longest wait of a single part.
const closeMargin = 15 * time.Second

// opened verifies the configuration, makes the logger and logs what is in effect.
func opened(log config.Log, parts ...config.Part) (*zap.Logger, error) {
	if err := config.Verify(append(parts, &log)...); err != nil {
		return nil, err
	}
	logger, err := logging.New(log.Level, log.Format)
	if err != nil {
		return nil, err
	}
	logger.Info("mino starts", append([]zap.Field{zap.String("version", version)}, config.Fields(parts...)...)...)
	return logger, nil
}

// apiCmd serves the REST API.
type apiCmd struct {
	Database config.Database `embed:""`
	Temporal config.Temporal `embed:""`
	API      config.API      `embed:""`
	authFlags
	Worker config.Worker `embed:""`

	Executors config.Executors `embed:""`

	Log config.Log `embed:""`
}

// Run serves until a signal comes.
func (c *apiCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	parts := append([]config.Part{&c.Database, &c.Temporal, &c.API}, c.parts(&c.API)...)
	logger, err := opened(c.Log, append(parts, &c.Worker, &c.Executors)...)
	if err != nil {
		return err
	}
	stack := lifecycle.NewStack(logger, c.API.StopTimeout+closeMargin)
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	b, err := openBackend(ctx, stack, c.Database, c.Temporal, c.Worker, c.Executors, logger)
	if err != nil {
		return errors.Join(err, stack.Close())
	}
	if _, err := b.startAPI(stack, c.API, c.authFlags, c.Worker, logger, failed); err != nil {
		return errors.Join(err, stack.Close())
	}
	return untilStopped(ctx, stack, logger)
}

// workerCmd runs workflows and jobs.
type workerCmd struct {
	Database config.Database `embed:""`
	Temporal config.Temporal `embed:""`
	Worker   config.Worker   `embed:""`

	Executors config.Executors `embed:""`

	Log config.Log `embed:""`
}

// Run works until a signal comes.
func (c *workerCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	logger, err := opened(c.Log, &c.Database, &c.Temporal, &c.Worker, &c.Executors)
	if err != nil {
		return err
	}
	stack := lifecycle.NewStack(logger, c.Worker.StopTimeout+closeMargin)
	b, err := openBackend(ctx, stack, c.Database, c.Temporal, c.Worker, c.Executors, logger)
	if err != nil {
		return errors.Join(err, stack.Close())
	}
	if err := b.startWorker(stack, c.Worker, c.Executors, logger); err != nil {
		return errors.Join(err, stack.Close())
	}
	return untilStopped(ctx, stack, logger)
}

// migrateCmd brings the database to the schema of this build.
type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is pending."`
	Down   migrateDownCmd   `cmd:"" help:"Take back the newest group of migrations, with the data in what it drops."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and when they were applied."`
}

type migrateUpCmd struct {
	Database config.Database `embed:""`
}

type migrateDownCmd struct {
	Database config.Database `embed:""`
	Yes      bool            `help:"Say that the data in the dropped tables may go." required:""`
}

type migrateStatusCmd struct {
	Database config.Database `embed:""`
}

// Run applies what is pending.
func (c *migrateUpCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	return withDatabase(c.Database, func(db *bun.DB) error {
		names, err := migrations.Up(ctx, db)
		return report("applied", names, err)
	})
}

// Run takes back the newest group.
func (c *migrateDownCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	return withDatabase(c.Database, func(db *bun.DB) error {
		names, err := migrations.Down(ctx, db)
		return report("took back", names, err)
	})
}

// Run lists the migrations.
func (c *migrateStatusCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	return withDatabase(c.Database, func(db *bun.DB) error {
		all, err := migrations.Status(ctx, db)
		if err != nil {
			return err
		}
		for _, m := range all {
			when := "pending"
			if !m.AppliedAt.IsZero() {
				when = m.AppliedAt.UTC().Format(time.RFC3339)
			}
			fmt.Printf("%-44s %s\n", m.Name, when)
		}
		return nil
	})
}

func withDatabase(c config.Database, f func(*bun.DB) error) error {
	if err := config.Verify(&c); err != nil {
		return err
	}
	db, err := store.OpenOwner(string(c.URL), c.MaxConnections)
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

func report(did string, names []string, err error) error {
	for _, name := range names {
		fmt.Println(did, name)
	}
	if err == nil && len(names) == 0 {
		fmt.Println("nothing to do")
	}
	return err
}

// healthCmd asks an API whether it is ready: for health checks of containers, which
// have no other tool.
type healthCmd struct {
	URL string `arg:"" optional:"" env:"MINO_API_URL" default:"http://127.0.0.1:8080" help:"Base URL of the API."`
}

// Run asks once.
func (c *healthCmd) Run() error {
	ctx, stop := lifecycle.Signals(context.Background())
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	probe, err := client.New(client.Config{BaseURL: c.URL})
	if err != nil {
		return err
	}
	return probe.WithoutRetries().Ready(ctx)
}
