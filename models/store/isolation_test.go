package store_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// Nothing of the store gives an organisation what is another's, or changes it: not with
// row-level security beneath, and not without. A method that is not in one of the two tables
// of intrusions_test.go fails the test.
func TestNoMethodReachesAnotherOrganisation(t *testing.T) {
	t.Parallel()
	methods := reflect.TypeFor[*store.Store]()
	for method := range methods.Methods() {
		name := method.Name
		_, asked := intrusions[name]
		_, system := ofTheSystem[name]
		require.NotEqual(t, asked, system, "%s is in both tables, or in neither", name)
	}
	require.Equal(t, methods.NumMethod(), len(intrusions)+len(ofTheSystem), "a table has a method that there is not")

	for name, prepare := range map[string]func(t *testing.T, owner *bun.DB){
		"UnderRowLevelSecurity": func(*testing.T, *bun.DB) {},
		"ByTheStoreAlone": func(t *testing.T, owner *bun.DB) {
			t.Helper()
			for table := range tablesOf(t, owner) {
				_, err := owner.ExecContext(t.Context(), `ALTER TABLE "`+table+`" DISABLE ROW LEVEL SECURITY`)
				require.NoError(t, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner := testkit.Database(t)
			prepare(t, owner)
			s := testkit.Store(t, owner)
			tables := tablesOf(t, owner)
			theirs := newWorld(t, s)
			for method, ask := range intrusions {
				t.Run(method, func(t *testing.T) {
					own := newWorld(t, s) // which others have not changed
					before := rowsOf(t, owner, tables, theirs)
					answer, err := ask(&intruder{Store: s, ctx: t.Context(), org: own.org.ID, own: own, theirs: theirs})
					require.Equal(t, before, rowsOf(t, owner, tables, theirs), "it changed what is another's")
					encoded, jsonErr := json.Marshal(answer)
					require.NoError(t, jsonErr)
					for what, secret := range map[string]string{
						"the mark": theirs.mark, "the organisation": theirs.org.ID.String(), "the project": theirs.project.ID.String(),
						"the batch": theirs.batch.ID.String(), "a user": theirs.owner.UserID.String(),
					} {
						require.NotContains(t, string(encoded), secret, "it tells %s of another", what)
					}
					if err != nil {
						require.True(t, turnedAway(err), err)
					}
				})
			}
		})
	}
}

// turnedAway tells the errors that say that something is not there, or not to be had.
func turnedAway(err error) bool {
	for _, sentinel := range []error{models.ErrNotFound, models.ErrConflict, models.ErrVersionMismatch, models.ErrStaleAttempt, models.ErrNoJobs} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return strings.Contains(err.Error(), "duplicate key") // an id that is taken, by whomever
}

// rowsOf gives everything that is of an organisation.
func rowsOf(t *testing.T, owner *bun.DB, tables map[string]bool, w *world) map[string]string {
	t.Helper()
	out := make(map[string]string, len(tables))
	for table, owned := range tables {
		var rows string
		err := owner.NewRaw(`SELECT COALESCE(string_agg(r::text, E'\n' ORDER BY r::text), '') FROM "`+table+`" AS r WHERE `+ofTable(table, owned), w.org.ID).
			Scan(t.Context(), &rows)
		require.NoError(t, err)
		require.NotEmpty(t, rows, table)
		out[table] = rows
	}
	return out
}
