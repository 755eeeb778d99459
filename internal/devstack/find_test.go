package devstack

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakePostgres makes a directory with programs that only know their version.
func fakePostgres(t *testing.T, version string) string {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"postgres", "initdb"} {
		script := fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %s'\n", name, version)
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700))
	}
	return bin
}

func TestFindPostgres(t *testing.T) {
	t.Parallel()

	t.Run("SaysHowToGetIt", func(t *testing.T) {
		t.Parallel()
		_, err := pickPostgres(t.Context(), []string{t.TempDir()}, 0)
		require.ErrorIs(t, err, ErrNotInstalled)
		for _, help := range []string{"apt-get install postgresql", "brew install postgresql@16", "DATABASE_URL"} {
			require.ErrorContains(t, err, help)
		}
	})

	t.Run("PassesOverWhatIsTooOld", func(t *testing.T) {
		t.Parallel()
		old, recent := fakePostgres(t, "9.6.24"), fakePostgres(t, "17.2 (Debian 17.2-1)")
		found, err := pickPostgres(t.Context(), []string{old, recent}, 0)
		require.NoError(t, err)
		require.Equal(t, 17, found.major)
		_, err = pickPostgres(t.Context(), []string{old}, 0)
		require.ErrorContains(t, err, "found version 9 in "+old)
	})

	t.Run("TakesTheVersionThatTheDataNeeds", func(t *testing.T) {
		t.Parallel()
		dirs := []string{fakePostgres(t, "17.2"), fakePostgres(t, "15.1")}
		found, err := pickPostgres(t.Context(), dirs, 15)
		require.NoError(t, err)
		require.Equal(t, 15, found.major)
		_, err = pickPostgres(t.Context(), dirs, 16)
		require.ErrorIs(t, err, ErrNotInstalled)
		require.ErrorContains(t, err, "PostgreSQL 16, which the existing data needs")
	})

	t.Run("FindsTheOneOfThisMachine", func(t *testing.T) {
		t.Parallel()
		found, err := findPostgres(t.Context(), 0)
		require.NoError(t, err)
		require.GreaterOrEqual(t, found.major, oldestPostgres)
	})
}

// These change the environment, so they cannot be parallel.
func TestFindTemporal(t *testing.T) {
	executable := func(t *testing.T) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "temporal")
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700))
		return path
	}

	t.Run("SaysHowToGetIt", func(t *testing.T) {
		t.Setenv(TemporalCLIVariable, "")
		t.Setenv("PATH", t.TempDir())
		_, err := FindTemporal(t.TempDir())
		require.ErrorIs(t, err, ErrNotInstalled)
		for _, help := range []string{"go install github.com/temporalio/cli/cmd/temporal@v1.5.1", TemporalCLIVariable, "TEMPORAL_ADDRESS"} {
			require.ErrorContains(t, err, help)
		}
	})

	t.Run("PrefersTheNamedThenTheInstalledThenPath", func(t *testing.T) {
		named, installed, inPath := executable(t), executable(t), executable(t)
		t.Setenv("PATH", filepath.Dir(inPath))
		t.Setenv(TemporalCLIVariable, named)
		found, err := FindTemporal(filepath.Dir(installed))
		require.NoError(t, err)
		require.Equal(t, named, found)

		t.Setenv(TemporalCLIVariable, "")
		found, err = FindTemporal(t.TempDir(), filepath.Dir(installed))
		require.NoError(t, err)
		require.Equal(t, installed, found)

		found, err = FindTemporal()
		require.NoError(t, err)
		require.Equal(t, inPath, found)
	})

	t.Run("NamedAndMissingIsAnError", func(t *testing.T) {
		t.Setenv(TemporalCLIVariable, filepath.Join(t.TempDir(), "missing"))
		_, err := FindTemporal()
		require.ErrorContains(t, err, TemporalCLIVariable)
		require.NotErrorIs(t, err, ErrNotInstalled)
	})
}
