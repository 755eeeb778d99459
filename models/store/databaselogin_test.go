package store_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models/store"
)

func TestDatabaseLogins(t *testing.T) {
	t.Parallel()
	address := testkit.DatabaseURL(t)
	owner := testkit.OpenDatabase(t, address)

	// made gives the address of a login that was made with some options.
	made := func(t *testing.T, options string, grants ...string) (name, at string) {
		t.Helper()
		name = "login_" + strings.ReplaceAll(uuid.NewString(), "-", "")
		_, err := owner.ExecContext(t.Context(), "CREATE ROLE "+name+" LOGIN PASSWORD 'secret' "+options)
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := owner.Exec("DROP ROLE " + name)
			require.NoError(t, err)
		})
		for _, role := range grants {
			_, err := owner.ExecContext(t.Context(), "GRANT "+role+" TO "+name)
			require.NoError(t, err)
		}
		u, err := url.Parse(address)
		require.NoError(t, err)
		u.User = url.UserPassword(name, "secret")
		return name, u.String()
	}
	look := func(t *testing.T, address string) (store.DatabaseLogin, error) {
		t.Helper()
		db, err := store.Open(address, 2)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		return store.DatabaseLoginOf(t.Context(), db)
	}

	t.Run("OfTheLeastRights", func(t *testing.T) {
		t.Parallel()
		name, at := made(t, "NOINHERIT", "mino_app", "mino_system")
		login, err := look(t, at)
		require.NoError(t, err)
		require.Equal(t, store.DatabaseLogin{Name: name}, login)
	})
	t.Run("ThatIsHeldByNoRowLevelSecurity", func(t *testing.T) {
		t.Parallel()
		login, err := look(t, address)
		require.NoError(t, err)
		require.True(t, login.PastRows, "a superuser")
		_, at := made(t, "BYPASSRLS", "mino_app", "mino_system")
		login, err = look(t, at)
		require.NoError(t, err)
		require.True(t, login.PastRows)
	})
	t.Run("ThatMayTakeOneRoleOrNone", func(t *testing.T) {
		t.Parallel()
		for _, grants := range [][]string{nil, {"mino_app"}, {"mino_system"}} {
			_, at := made(t, "", grants...)
			_, err := look(t, at)
			require.ErrorIs(t, err, store.ErrNotInRoles, "%v", grants)
			require.ErrorContains(t, err, "GRANT mino_app, mino_system TO")
		}
	})
}
