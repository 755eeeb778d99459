package migrations_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/store"
)

// ownedBy is the condition of the policy of every table whose rows say whose they are.
const ownedBy = `(organisation_id = ( SELECT mino_organisation() AS mino_organisation))`

// conditions are those of the tables that have none such.
var conditions = map[string]string{
	"organisations": `(id = ( SELECT mino_organisation() AS mino_organisation))`,
	"users": `(EXISTS ( SELECT FROM memberships m ` +
		`WHERE ((m.user_id = users.id) AND (m.organisation_id = ( SELECT mino_organisation() AS mino_organisation)))))`,
}

// unprotected says what is wrong with the protection of the tables of a database: every
// table but those of the migrations themselves has exactly the policies that are meant.
func unprotected(t *testing.T, db *bun.DB) (wrong []string) {
	t.Helper()
	var tables []struct {
		Name             string
		Enabled, Forced  bool
		HasOrganisation  bool
		Policies, Meant  int
		TenantConditions []string `bun:",array"`
	}
	err := db.NewRaw(`
		SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
			EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'organisation_id') AS has_organisation,
			(SELECT count(*) FROM pg_policies AS p WHERE p.schemaname = 'public' AND p.tablename = c.relname) AS policies,
			(SELECT count(*) FROM pg_policies AS p WHERE p.schemaname = 'public' AND p.tablename = c.relname
				AND p.permissive = 'PERMISSIVE' AND p.cmd = 'ALL' AND (
					p.policyname = 'tenant' AND p.roles = '{mino_app}' AND p.qual = p.with_check
					OR p.policyname = 'system' AND p.roles = '{mino_system}' AND p.qual = 'true' AND p.with_check = 'true')) AS meant,
			ARRAY(SELECT regexp_replace(p.qual, '\s+', ' ', 'g') FROM pg_policies AS p
				WHERE p.schemaname = 'public' AND p.tablename = c.relname AND p.policyname = 'tenant') AS tenant_conditions
		FROM pg_class AS c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f') AND c.relname NOT LIKE 'bun\_%'`).
		Scan(t.Context(), &tables)
	require.NoError(t, err)
	require.Greater(t, len(tables), 15)
	for _, table := range tables {
		condition := ownedBy
		if !table.HasOrganisation {
			condition = conditions[table.Name]
		}
		if !table.Enabled || !table.Forced || table.Policies != 2 || table.Meant != 2 ||
			len(table.TenantConditions) != 1 || table.TenantConditions[0] != condition {
			wrong = append(wrong, fmt.Sprintf("%+v", table))
		}
	}
	return wrong
}

func TestEveryTableIsUnderRowLevelSecurity(t *testing.T) {
	t.Parallel()

	t.Run("AsTheMigrationsLeaveIt", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, unprotected(t, testkit.Database(t)))
	})

	t.Run("OrTheTestSaysSo", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]string{
			"a new table":             `CREATE TABLE new_things (id uuid PRIMARY KEY, organisation_id uuid NOT NULL)`,
			"a table of nobody's":     `CREATE TABLE new_things (id uuid PRIMARY KEY)`,
			"it is off":               `ALTER TABLE jobs DISABLE ROW LEVEL SECURITY`,
			"it is not for the owner": `ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY`,
			"a policy is missing":     `DROP POLICY tenant ON jobs`,
			"a policy too many":       `CREATE POLICY more ON jobs TO mino_app USING (true)`,
			"a policy is wider":       `ALTER POLICY tenant ON jobs USING (true) WITH CHECK (true)`,
			"a policy of other rows":  `ALTER POLICY tenant ON jobs WITH CHECK (true)`,
			"a policy of everybody's": `ALTER POLICY system ON jobs TO PUBLIC`,
		} {
			db := testkit.Database(t)
			_, err := db.ExecContext(t.Context(), change)
			require.NoError(t, err, name)
			require.Len(t, unprotected(t, db), 1, name)
		}
	})

	t.Run("AndNothingLeadsAround", func(t *testing.T) {
		t.Parallel()
		db := testkit.Database(t)
		var ways []string
		require.NoError(t, db.NewRaw(`
			SELECT 'the view ' || relname FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
			UNION ALL
			SELECT 'the function ' || proname || ' with the rights of its owner' FROM pg_proc
			WHERE pronamespace = 'public'::regnamespace AND prosecdef`).Scan(t.Context(), &ways))
		require.Empty(t, ways)
	})
}

func TestRolesHaveNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	var roles []struct {
		Name                                                         string
		Super, Bypass, Login, CreateRole, CreateDB, Replication, Own bool
		Member                                                       bool
	}
	require.NoError(t, db.NewRaw(`
		SELECT rolname AS name, rolsuper AS super, rolbypassrls AS bypass, rolcanlogin AS login, rolcreaterole AS create_role,
			rolcreatedb AS create_db, rolreplication AS replication,
			EXISTS (SELECT FROM pg_shdepend AS d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'o') AS own,
			EXISTS (SELECT FROM pg_auth_members AS m WHERE m.member = r.oid) AS member
		FROM pg_roles AS r WHERE rolname LIKE 'mino\_app' OR rolname LIKE 'mino\_system' ORDER BY rolname`).Scan(t.Context(), &roles))
	require.Len(t, roles, 2)
	for _, role := range roles {
		name := role.Name
		role.Name = ""
		require.Zero(t, role, name)
	}

	var grants []string
	require.NoError(t, db.NewRaw(`
		SELECT r.role || ' may ' || p.privilege || ' ' || c.relname
		FROM unnest(ARRAY['mino_app', 'mino_system', 'public']) AS r (role),
			unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege),
			pg_class AS c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
		  AND has_table_privilege(r.role, c.oid, p.privilege)
		  AND NOT (r.role <> 'public' AND p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
		      AND c.relname NOT IN ('organisations', 'users', 'audit_log') AND c.relname NOT LIKE 'bun\_%')
		ORDER BY 1`).Scan(t.Context(), &grants))
	require.Equal(t, []string{
		"mino_app may INSERT audit_log",
		"mino_app may SELECT audit_log",
		"mino_app may SELECT bun_migrations",
		"mino_app may SELECT organisations",
		"mino_app may SELECT users",
		"mino_system may DELETE organisations",
		"mino_system may DELETE users",
		"mino_system may INSERT audit_log",
		"mino_system may INSERT organisations",
		"mino_system may INSERT users",
		"mino_system may SELECT audit_log",
		"mino_system may SELECT bun_migrations",
		"mino_system may SELECT organisations",
		"mino_system may SELECT users",
		"mino_system may UPDATE organisations",
		"mino_system may UPDATE users",
	}, grants, "but the rows of all other tables, which both read and write")

	var columns []string
	require.NoError(t, db.NewRaw(`
		SELECT attname FROM pg_attribute
		WHERE attrelid = 'organisations'::regclass AND attnum > 0 AND has_column_privilege('mino_app', attrelid, attnum, 'UPDATE')
		ORDER BY attname`).Scan(t.Context(), &columns))
	require.Equal(t, []string{"name", "updated_at", "version"}, columns, "limits are the operator's to set")
}

// login creates a login on the server of an address, and a database that it owns, and gives
// the address of that.
func login(t *testing.T, server string, rights string) string {
	t.Helper()
	admin := testkit.OpenDatabase(t, server)
	name := "mino_test_" + strings.ToLower(rand.Text())
	run := func(format string, names ...any) {
		_, err := admin.ExecContext(context.WithoutCancel(t.Context()), fmt.Sprintf(format, names...))
		require.NoError(t, err)
	}
	run(`CREATE ROLE %s LOGIN PASSWORD '%s' NOSUPERUSER NOBYPASSRLS %s`, name, name, rights)
	t.Cleanup(func() { run(`DROP ROLE %s`, name) })
	run(`CREATE DATABASE %s OWNER %s`, name, name)
	t.Cleanup(func() { run(`DROP DATABASE %s WITH (FORCE)`, name) })
	address, err := url.Parse(server)
	require.NoError(t, err)
	address.User, address.Path = url.UserPassword(name, name), "/"+name
	return address.String()
}

// ranWithoutASuperuser runs the migrations with a login's rights, and requires that MINO can
// use what they leave, with the same ones.
func ranWithoutASuperuser(t *testing.T, address string) {
	t.Helper()
	owner := testkit.OpenDatabase(t, address)
	up, err := migrations.Up(t.Context(), owner)
	require.NoError(t, err)
	scoped := testkit.Scoped(t, owner)
	require.NoError(t, migrations.Check(t.Context(), scoped))
	require.Empty(t, unprotected(t, owner))
	all, err := store.New(scoped).Organisations(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	one, err := store.New(scoped).Organisation(t.Context(), all[0].ID)
	require.NoError(t, err)
	require.NoError(t, store.New(scoped).RenameOrganisation(t.Context(), one))

	down, err := migrations.Down(t.Context(), owner)
	require.NoError(t, err)
	require.Len(t, down, len(up))
	_, err = migrations.Up(t.Context(), owner)
	require.NoError(t, err)
}

func TestMigrationsNeedNoSuperuser(t *testing.T) {
	t.Parallel()

	t.Run("WhenTheRolesAreGrantedBefore", func(t *testing.T) {
		t.Parallel()
		testkit.Database(t) // the roles are the server's, and there from here on
		ranWithoutASuperuser(t, login(t, testkit.EmptyDatabaseURL(t), "NOCREATEROLE IN ROLE mino_app, mino_system"))
	})

	t.Run("WhenTheyMayCreateTheRoles", func(t *testing.T) {
		t.Parallel()
		dir, err := testkit.Dir()
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		server, err := devstack.StartPostgres(ctx, devstack.PostgresConfig{
			Dir: filepath.Join(dir, "bare"), Settings: map[string]string{"fsync": "off"},
		})
		if errors.Is(err, devstack.ErrNotInstalled) && os.Getenv(testkit.DatabaseURLVariable) != "" {
			t.Skip("there is no PostgreSQL to start, which has no roles of MINO yet")
		}
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, server.Remove(context.WithoutCancel(t.Context()))) })
		ranWithoutASuperuser(t, login(t, server.URLOf("postgres"), "CREATEROLE"))
	})
}
