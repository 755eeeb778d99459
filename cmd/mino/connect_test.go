package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/store"
)

// arranged is a database as docker-compose.yml arranges it: an owner, who is no superuser,
// and a login that owns nothing.
type arranged struct {
	t          *testing.T
	super      *bun.DB
	url        string
	owner, app string
}

func arrange(t *testing.T) *arranged {
	t.Helper()
	tag := strings.ReplaceAll(uuid.NewString(), "-", "")
	a := &arranged{t: t, url: testkit.EmptyDatabaseURL(t), owner: "owner_" + tag, app: "app_" + tag}
	a.super = testkit.OpenDatabase(t, a.url)
	address, err := url.Parse(a.url)
	require.NoError(t, err)
	a.run(
		"CREATE ROLE "+a.owner+" LOGIN PASSWORD 'secret' IN ROLE mino_app, mino_system",
		"CREATE ROLE "+a.app+" LOGIN NOINHERIT PASSWORD 'secret'",
		"ALTER DATABASE "+strings.TrimPrefix(address.Path, "/")+" OWNER TO "+a.owner,
	)
	t.Cleanup(func() {
		for _, statement := range []string{
			"REASSIGN OWNED BY " + a.owner + " TO CURRENT_USER", "DROP OWNED BY " + a.owner, "DROP OWNED BY " + a.app,
			"DROP ROLE " + a.owner, "DROP ROLE " + a.app,
		} {
			_, err := a.super.Exec(statement)
			require.NoError(t, err)
		}
	})
	return a
}

func (a *arranged) run(statements ...string) {
	a.t.Helper()
	for _, statement := range statements {
		_, err := a.super.ExecContext(a.t.Context(), statement)
		require.NoError(a.t, err, statement)
	}
}

func (a *arranged) as(login string) config.Database {
	a.t.Helper()
	address, err := url.Parse(a.url)
	require.NoError(a.t, err)
	address.User = url.UserPassword(login, "secret")
	return config.Database{URL: config.DatabaseURL(address.String()), MaxConnections: 4}
}

// open opens the database as a process does, and gives what it warned of.
func (a *arranged) open(c config.Database) (*bun.DB, []string, error) {
	a.t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	db, err := openMigrated(a.t.Context(), c, zap.New(core))
	if err == nil {
		a.t.Cleanup(func() { require.NoError(a.t, db.Close()) })
	}
	var warned []string
	for _, line := range logs.All() {
		warned = append(warned, line.Message)
	}
	return db, warned, err
}

func TestLeastRights(t *testing.T) {
	t.Parallel()
	testkit.DatabaseURL(t) // which has the roles made
	a := arrange(t)

	_, _, err := a.open(a.as(a.app))
	require.ErrorIs(t, err, store.ErrNotInRoles)
	require.ErrorContains(t, err, "GRANT mino_app, mino_system TO")
	a.run("GRANT mino_app, mino_system TO " + a.app)
	_, _, err = a.open(a.as(a.app))
	require.ErrorIs(t, err, migrations.ErrPending)

	require.NoError(t, withDatabase(a.as(a.owner), func(db *bun.DB) error {
		_, err := migrations.Up(t.Context(), db)
		return err
	}))
	db, warned, err := a.open(a.as(a.app))
	require.NoError(t, err)
	require.Empty(t, warned)
	records := store.New(db)
	project := testfactory.Project(t, records, nil)
	testfactory.Execution(t, records, project, testfactory.Batch(t, records, project, 3, nil), nil)
	organisation := testfactory.Organisation(t, records, nil)
	_, err = records.Project(t.Context(), organisation.ID, project.ID)
	require.Error(t, err)

	// The login by itself, without the roles that MINO takes, has no right to a row.
	plain, err := store.OpenOwner(string(a.as(a.app).URL), 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, plain.Close()) })
	_, err = plain.ExecContext(t.Context(), "SELECT FROM projects")
	require.ErrorContains(t, err, "permission denied")

	_, warned, err = a.open(config.Database{URL: config.DatabaseURL(a.url), MaxConnections: 4})
	require.NoError(t, err)
	require.Len(t, warned, 1, "a superuser is held by no row-level security")
	_, warned, err = a.open(config.Database{URL: config.DatabaseURL(a.url), MaxConnections: 4, StartsOwn: true})
	require.NoError(t, err)
	require.Empty(t, warned, "which is known of the dev stack")
}
