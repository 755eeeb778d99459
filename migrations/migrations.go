// Package migrations brings a database to the schema that this build expects.
//
// The SQL files beside this one are embedded and applied by bun/migrate in the
// order of their names, each in one transaction, and marked applied when it has
// committed; each can be run again, for a process that dies between the two. An
// advisory lock, which PostgreSQL releases when its holder dies, lets any number of
// processes call Up at once: one migrates, the others wait and find nothing to do.
// Landed migrations are never edited; down files exist for development and are proved
// by a test.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

//go:embed *.sql
var files embed.FS

// lockKey is the advisory lock under which migrations run; the number only has to
// be MINO's own within a database.
const lockKey = 0x6d696e6f // "mino"

// Applied is one migration and when it was applied; AppliedAt is zero when it is
// still to come.
type Applied struct {
	Name      string
	AppliedAt time.Time
}

// Up applies every migration that is still to come and returns their names.
func Up(ctx context.Context, db *bun.DB) ([]string, error) {
	var names []string
	err := locked(ctx, db, func(m *migrate.Migrator) error {
		group, err := m.Migrate(ctx)
		if group != nil {
			names = namesOf(group.Migrations)
		}
		return err
	})
	return names, err
}

// Down takes back the newest group of migrations, those that one Up applied, and
// returns their names. It destroys the data in what it drops.
func Down(ctx context.Context, db *bun.DB) ([]string, error) {
	var names []string
	err := locked(ctx, db, func(m *migrate.Migrator) error {
		group, err := m.Rollback(ctx)
		if group != nil {
			names = namesOf(group.Migrations)
		}
		return err
	})
	return names, err
}

// Status lists every migration of this build, oldest first. It changes nothing but
// the bookkeeping tables, which it creates when they are missing.
func Status(ctx context.Context, db *bun.DB) ([]Applied, error) {
	var out []Applied
	err := locked(ctx, db, func(m *migrate.Migrator) error {
		all, err := m.MigrationsWithStatus(ctx)
		if err != nil {
			return err
		}
		for _, one := range all {
			out = append(out, Applied{Name: one.String(), AppliedAt: one.MigratedAt})
		}
		return nil
	})
	return out, err
}

// ErrPending says that the database is behind this build.
var ErrPending = errors.New("migrations are pending: run `mino migrate up`")

// Check returns ErrPending when a migration of this build has not been applied. It
// only reads, so that a process without the right to create tables can call it.
func Check(ctx context.Context, db *bun.DB) error {
	all, err := discovered()
	if err != nil {
		return err
	}
	var there bool
	// A table that may not be read is of a schema from before there were roles.
	const readable = "SELECT coalesce(has_table_privilege(to_regclass('bun_migrations')::oid, 'SELECT'), false)"
	if err := db.NewRaw(readable).Scan(ctx, &there); err != nil {
		return fmt.Errorf("look for the migrations table: %w", err)
	}
	if !there {
		return ErrPending
	}
	var names []string
	if err := db.NewRaw("SELECT name FROM bun_migrations").Scan(ctx, &names); err != nil {
		return fmt.Errorf("read the applied migrations: %w", err)
	}
	applied := make(map[string]bool, len(names))
	for _, n := range names {
		applied[n] = true
	}
	for _, m := range all.Sorted() {
		if !applied[m.Name] {
			return fmt.Errorf("%w (next is %s)", ErrPending, m.String())
		}
	}
	return nil
}

func discovered() (*migrate.Migrations, error) {
	all := migrate.NewMigrations()
	if err := all.Discover(files); err != nil {
		return nil, fmt.Errorf("read the embedded migrations: %w", err)
	}
	return all, nil
}

// locked runs f while this process, alone, may migrate. The lock is held by a
// connection of its own, since bun/migrate works on others of the pool.
func locked(ctx context.Context, db *bun.DB, f func(*migrate.Migrator) error) (err error) {
	all, err := discovered()
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to migrate: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", lockKey); err != nil {
		return fmt.Errorf("take the migration lock: %w", err)
	}
	defer func() {
		// The context may be done; the lock must go all the same before the
		// connection returns to the pool.
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", lockKey)
		err = errors.Join(err, unlockErr)
	}()
	m := migrate.NewMigrator(db, all, migrate.WithMarkAppliedOnSuccess(true))
	if err := m.Init(ctx); err != nil {
		return fmt.Errorf("prepare the migrations table: %w", err)
	}
	return f(m)
}

func namesOf(all migrate.MigrationSlice) []string {
	names := make([]string, 0, len(all))
	for _, m := range all {
		names = append(names, m.String())
	}
	return names
}
