package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/store"
)

// DatabaseURLVariable names a PostgreSQL to use instead of an own one.
const DatabaseURLVariable = "MINO_TEST_DATABASE_URL"

const (
	// maxServerConnections is far above what the tests of one binary can need at once.
	maxServerConnections = 400
	// maxConnections is what the pool of one test may open.
	maxConnections = 20
)

// Database returns a database of the test's own, at this build's schema. It is dropped
// when the test ends, with whoever is still connected. The pool is its owner's, for looks
// past row-level security; Store is what is tested.
func Database(tb testing.TB) *bun.DB {
	tb.Helper()
	return OpenDatabase(tb, DatabaseURL(tb))
}

// DatabaseURL is Database for a process to connect to. OpenDatabase opens the same
// database in the test.
func DatabaseURL(tb testing.TB) string {
	tb.Helper()
	server := postgresOf(tb)
	template, err := server.template()
	require.NoError(tb, err)
	return server.create(tb, "TEMPLATE "+template)
}

// EmptyDatabase returns a database of the test's own without any table.
func EmptyDatabase(tb testing.TB) *bun.DB {
	tb.Helper()
	return OpenDatabase(tb, EmptyDatabaseURL(tb))
}

// EmptyDatabaseURL is EmptyDatabase for a process to connect to.
func EmptyDatabaseURL(tb testing.TB) string {
	tb.Helper()
	return postgresOf(tb).create(tb, "")
}

// OpenDatabase opens a pool on a database and closes it when the test ends.
func OpenDatabase(tb testing.TB, address string) *bun.DB {
	tb.Helper()
	db, err := store.OpenOwner(address, maxConnections)
	require.NoError(tb, err)
	addresses.Store(db, address)
	tb.Cleanup(func() { addresses.Delete(db); require.NoError(tb, db.Close()) })
	return db
}

// addresses says of which database a pool of OpenDatabase is.
var addresses sync.Map

// Scoped opens another pool on the database of one, as MINO itself opens it: its statements
// see what is of the organisation of their context.
func Scoped(tb testing.TB, db *bun.DB) *bun.DB {
	tb.Helper()
	found, _ := addresses.Load(db)
	address, ok := found.(string)
	require.True(tb, ok, "a pool that OpenDatabase has opened, and that is not closed")
	scoped, err := store.Open(address, maxConnections)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, scoped.Close()) })
	return scoped
}

// Store is the records in a database, under row-level security.
func Store(tb testing.TB, db *bun.DB) *store.Store {
	tb.Helper()
	return store.New(Scoped(tb, db))
}

// postgres is the server that the databases are on.
type postgres struct {
	url      *url.URL
	admin    *bun.DB
	prefix   string // of the names of this binary's databases
	count    atomic.Int64
	template func() (string, error) // migrated when first asked for
}

var thePostgres = sync.OnceValues(startPostgres)

func postgresOf(tb testing.TB) *postgres {
	tb.Helper()
	server, err := thePostgres()
	require.NoError(tb, err)
	return server
}

func startPostgres() (*postgres, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	address := os.Getenv(DatabaseURLVariable)
	if address == "" {
		started, err := ownPostgres(ctx)
		if err != nil {
			return nil, err
		}
		address = started.URLOf("postgres")
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%s is no URL: %w", DatabaseURLVariable, err)
	}
	admin, err := store.OpenOwner(address, maxConnections)
	if err != nil {
		return nil, err
	}
	server := &postgres{url: parsed, admin: admin, prefix: "mino_test_" + strings.ToLower(rand.Text()[:10])}
	server.template = sync.OnceValues(server.makeTemplate)
	running.add(func(context.Context) error { return admin.Close() })
	return server, nil
}

func ownPostgres(ctx context.Context) (*devstack.Postgres, error) {
	dir, err := subdirectory("postgres")
	if err != nil {
		return nil, err
	}
	started, err := devstack.StartPostgres(ctx, devstack.PostgresConfig{
		Dir: dir,
		Settings: map[string]string{
			// What a killed server loses this way is nothing, a killed machine all.
			"fsync":            "off",
			"full_page_writes": "off",
			"wal_level":        "minimal",
			"max_wal_senders":  "0",
			// Statistics change when a test says ANALYZE, not at some moment.
			"autovacuum":      "off",
			"max_connections": strconv.Itoa(maxServerConnections),
		},
	})
	if err != nil {
		return nil, err
	}
	running.add(started.Remove)
	return started, nil
}

// makeTemplate makes the database that the others are copies of: copying takes a
// fraction of the time of migrating.
func (p *postgres) makeTemplate() (_ string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	name := p.prefix + "_template"
	if err := p.execute(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	running.add(func(ctx context.Context) error { return p.drop(ctx, name) })
	db, err := store.OpenOwner(p.urlOf(name), maxConnections)
	if err != nil {
		return "", err
	}
	// A template that somebody is connected to cannot be copied.
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := migrations.Up(ctx, db); err != nil {
		return "", fmt.Errorf("migrate the template database: %w", err)
	}
	return name, nil
}

// create makes a database for one test and returns its address.
func (p *postgres) create(tb testing.TB, how string) string {
	tb.Helper()
	name := fmt.Sprintf("%s_%d", p.prefix, p.count.Add(1))
	require.NoError(tb, p.execute(tb.Context(), "CREATE DATABASE "+name+" "+how))
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		require.NoError(tb, p.drop(ctx, name))
	})
	return p.urlOf(name)
}

func (p *postgres) drop(ctx context.Context, name string) error {
	return p.execute(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// execute runs a statement made of names chosen here.
func (p *postgres) execute(ctx context.Context, statement string) error {
	if _, err := p.admin.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (p *postgres) urlOf(database string) string {
	address := *p.url
	address.Path = "/" + database
	return address.String()
}
