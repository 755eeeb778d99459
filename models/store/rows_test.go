package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models/tenant"
)

// forbidden requires that PostgreSQL refused a statement for who it is of: a row that breaks
// a policy, or a right that the role has not.
func forbidden(t *testing.T, err error, what string) {
	t.Helper()
	var refused *pgconn.PgError
	require.ErrorAs(t, err, &refused, what)
	require.Equal(t, "42501", refused.Code, "%s: %s", what, refused.Message)
}

// What is beneath the store: whatever a statement asks for, it gets what is of the
// organisation of its context.
func TestRowsAreOfTheOrganisationOfTheContext(t *testing.T) {
	t.Parallel()
	owner := testkit.Database(t)
	db := testkit.Scoped(t, owner)
	s := testkit.Store(t, owner)
	ours, theirs := newWorld(t, s), newWorld(t, s)
	tables := tablesOf(t, owner)
	nobody, us := t.Context(), tenant.With(t.Context(), ours.org.ID)

	for table, owned := range tables {
		of := ofTable(table, owned)
		all := countRows(nobody, t, owner, table, "true")
		mine := countRows(nobody, t, owner, table, of, ours.org.ID)
		require.Positive(t, mine, "%s: the world has no row of it", table)
		require.Equal(t, mine, countRows(nobody, t, owner, table, of, theirs.org.ID), table)
		require.GreaterOrEqual(t, all, 2*mine, table)

		require.Zero(t, countRows(nobody, t, db, table, "true"), "%s: without a context there are no rows", table)
		require.Zero(t, countRows(tenant.With(nobody, uuid.New()), t, db, table, "true"), "%s: of an organisation that there is not", table)
		require.Zero(t, countRows(tenant.With(us, theirs.org.ID), t, db, table, "true"), "%s: of two", table)
		require.Equal(t, mine, countRows(us, t, db, table, "true"), table)
		require.Equal(t, mine, countRows(us, t, db, table, of, ours.org.ID), table)
		require.Equal(t, all, countRows(tenant.AsSystem(us), t, db, table, "true"), table)
	}

	for table, owned := range tables {
		of := ofTable(table, owned)
		before := countRows(nobody, t, owner, table, of, theirs.org.ID)
		if owned {
			_, err := db.NewRaw(copyInto(t, owner, table), theirs.org.ID).Exec(us)
			forbidden(t, err, "insert into "+table)
			_, err = db.NewRaw(`UPDATE "`+table+`" SET organisation_id = ?`, theirs.org.ID).Exec(us)
			forbidden(t, err, "give away "+table)
			_, err = db.NewRaw(copyInto(t, owner, table), theirs.org.ID).Exec(nobody)
			require.NoError(t, err, "nobody has a row to copy from %s", table)
		}
		// Neither is an error: there is nothing there to delete.
		result, err := db.NewRaw(`DELETE FROM "`+table+`" WHERE `+of, theirs.org.ID).Exec(us)
		if err != nil {
			forbidden(t, err, "delete from "+table)
		} else {
			n, err := result.RowsAffected()
			require.NoError(t, err)
			require.Zero(t, n, table)
		}
		require.Equal(t, before, countRows(nobody, t, owner, table, of, theirs.org.ID), table)
	}
}

// copyInto is a statement that copies the rows that it sees of a table, to an organisation.
func copyInto(t *testing.T, db *bun.DB, table string) string {
	t.Helper()
	var columns []string
	err := db.NewRaw(`
		SELECT quote_ident(attname) FROM pg_attribute
		WHERE attrelid = ?::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = '' AND attname <> 'organisation_id'`,
		table).Scan(t.Context(), &columns)
	require.NoError(t, err)
	list := strings.Join(columns, ", ")
	return `INSERT INTO "` + table + `" (organisation_id, ` + list + `) SELECT ?::uuid, ` + list + ` FROM "` + table + `"`
}

func TestAuditLogIsAppendOnly(t *testing.T) {
	t.Parallel()
	owner := testkit.Database(t)
	db := testkit.Scoped(t, owner)
	w := newWorld(t, testkit.Store(t, owner))
	us := tenant.With(t.Context(), w.org.ID)
	before := countRows(t.Context(), t, owner, "audit_log", "true")
	require.Positive(t, before)
	for _, statement := range []string{
		`UPDATE audit_log SET operation = 'nothing'`,
		`UPDATE audit_log SET operation = 'nothing' WHERE false`,
		`DELETE FROM audit_log`,
		`TRUNCATE audit_log`,
		`TRUNCATE organisations CASCADE`,
	} {
		for who, run := range map[string]func() error{
			"the organisation": func() error { return exec(us, db, statement) },
			"the system":       func() error { return exec(tenant.AsSystem(us), db, statement) },
			"the owner":        func() error { return exec(t.Context(), owner, statement) },
		} {
			forbidden(t, run(), who+": "+statement)
		}
	}
	// What the roles may do otherwise is not theirs either.
	for _, statement := range []string{
		`ALTER TABLE audit_log DISABLE TRIGGER ALL`,
		`DROP TRIGGER audit_log_append_only ON audit_log`,
		`ALTER TABLE projects DISABLE ROW LEVEL SECURITY`,
	} {
		forbidden(t, exec(us, db, statement), statement)
		forbidden(t, exec(tenant.AsSystem(us), db, statement), statement)
	}
	require.Equal(t, before, countRows(t.Context(), t, owner, "audit_log", "operation <> 'nothing'"))
}

func exec(ctx context.Context, db *bun.DB, statement string) error {
	_, err := db.ExecContext(ctx, statement)
	return err
}
