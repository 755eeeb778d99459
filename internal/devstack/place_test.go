package devstack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root hands PostgreSQL to another user")
	}
}

// closedDir makes a directory below one that only root may enter, and spare places.
func closedDir(t *testing.T) (dir string, spares func(*PostgresConfig)) {
	t.Helper()
	needRoot(t)
	open := openDir(t)
	home := filepath.Join(open, "home")
	require.NoError(t, os.Mkdir(home, 0o700))
	return filepath.Join(home, "checkout", ".mino", "postgres"),
		func(c *PostgresConfig) {
			c.spares = []string{filepath.Join(home, "closed too"), filepath.Join(open, "spare")}
		}
}

func TestPlace(t *testing.T) {
	t.Parallel()

	t.Run("RootRunsPostgresAsAnotherUser", func(t *testing.T) {
		t.Parallel()
		needRoot(t)
		dir := openDir(t)
		pg := startPostgres(t, dir)
		require.Equal(t, filepath.Join(dir, "data"), pg.DataDir())
		owner, err := ownerOf(pg.DataDir())
		require.NoError(t, err)
		require.NotZero(t, owner.uid)
	})

	t.Run("DataGoesWhereTheUserCanReachIt", func(t *testing.T) {
		t.Parallel()
		dir, spares := closedDir(t)
		first := startPostgres(t, dir, spares)
		require.NotContains(t, first.DataDir(), dir)
		execute(t, first, "CREATE TABLE kept ()")
		require.NoError(t, first.Stop(t.Context()))

		second := startPostgres(t, dir, spares)
		require.Equal(t, first.URL(), second.URL())
		execute(t, second, "SELECT FROM kept")
	})

	t.Run("DataStaysWhereItIsWhenTheDirectoryOpens", func(t *testing.T) {
		t.Parallel()
		dir, spares := closedDir(t)
		first := startPostgres(t, dir, spares)
		execute(t, first, "CREATE TABLE kept ()")
		require.NoError(t, first.Stop(t.Context()))
		home := filepath.Dir(filepath.Dir(filepath.Dir(dir)))
		require.NoError(t, os.Chmod(home, 0o755))
		execute(t, startPostgres(t, dir, spares), "SELECT FROM kept")
	})

	t.Run("RemovingTheDirectoryStartsAnew", func(t *testing.T) {
		t.Parallel()
		dir, spares := closedDir(t)
		first := startPostgres(t, dir, spares)
		execute(t, first, "CREATE TABLE lost ()")
		require.NoError(t, first.Stop(t.Context()))
		require.NoError(t, os.RemoveAll(dir))

		second := startPostgres(t, dir, spares)
		require.NotEqual(t, first.URL(), second.URL())
		_, err := connect(t, second).Exec(t.Context(), "SELECT FROM lost")
		require.ErrorContains(t, err, "42P01") // undefined_table
	})

	t.Run("RemoveTakesTheDataAlong", func(t *testing.T) {
		t.Parallel()
		dir, spares := closedDir(t)
		pg := startPostgres(t, dir, spares)
		require.NoError(t, pg.Remove(t.Context()))
		require.NoDirExists(t, pg.DataDir())
		require.NoDirExists(t, dir)
	})

	t.Run("DataThatBecameUnreachableIsNotForgotten", func(t *testing.T) {
		t.Parallel()
		needRoot(t)
		dir := openDir(t)
		first := startPostgres(t, dir)
		require.NoError(t, first.Stop(t.Context()))
		require.NoError(t, os.Chmod(dir, 0o700))
		_, err := StartPostgres(startContext(t), PostgresConfig{Dir: dir})
		require.ErrorContains(t, err, "cannot reach it any more")
	})

	t.Run("SparePlacePreparedBySomebodyElseIsRefused", func(t *testing.T) {
		t.Parallel()
		needRoot(t)
		dir := openDir(t)
		other, err := lookupAccount("nobody")
		require.NoError(t, err)

		theirs := filepath.Join(dir, "theirs")
		require.NoError(t, os.Mkdir(theirs, 0o755))
		require.NoError(t, other.own(theirs))
		require.ErrorContains(t, makePrivate(theirs), "not a directory of our own")

		link := filepath.Join(dir, "link")
		require.NoError(t, os.Symlink(os.TempDir(), link))
		require.ErrorContains(t, makePrivate(link), "not a directory of our own")

		ours := filepath.Join(dir, "ours")
		require.NoError(t, makePrivate(ours))
		require.NoError(t, makePrivate(ours))
		require.NoError(t, os.Chmod(ours, 0o777))
		require.ErrorContains(t, makePrivate(ours), "not a directory of our own")
	})

	t.Run("SymbolicLinkIsTheSameDirectory", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		link := filepath.Join(filepath.Dir(dir), "link")
		require.NoError(t, os.Symlink(dir, link))
		pg := startPostgres(t, link)
		require.Equal(t, filepath.Join(dir, "data"), pg.DataDir())
	})
}
