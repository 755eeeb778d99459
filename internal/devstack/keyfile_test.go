package devstack_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/devstack"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	fresh := func() (string, error) { return uuid.NewString(), nil }

	t.Run("IsMadeOnceAndFoundAgain", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "deep", ".mino")
		secrets, err := devstack.SecretsKey(dir, fresh)
		require.NoError(t, err)
		auth, err := devstack.AuthKey(dir, fresh)
		require.NoError(t, err)
		require.NotEqual(t, secrets, auth)
		again, err := devstack.AuthKey(dir, func() (string, error) { return "", errors.New("there is one") })
		require.NoError(t, err)
		require.Equal(t, auth, again)
		for _, name := range []string{"secrets.key", "auth-key"} {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
		}
	})

	t.Run("IsMadeAnewWhenItIsNotGoodAnyMore", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		known := map[string]bool{}
		good := func(key string) (bool, error) { return known[key], nil }
		first, err := devstack.KeyFile(dir, "key", good, fresh)
		require.NoError(t, err)
		known[first] = true
		second, err := devstack.KeyFile(dir, "key", good, fresh)
		require.NoError(t, err)
		require.Equal(t, first, second)
		known = map[string]bool{}
		third, err := devstack.KeyFile(dir, "key", good, fresh)
		require.NoError(t, err)
		require.NotEqual(t, first, third)
		text, err := os.ReadFile(filepath.Join(dir, "key"))
		require.NoError(t, err)
		require.Equal(t, third+"\n", string(text))
	})

	t.Run("StaysWhenNobodyCanTell", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		first, err := devstack.KeyFile(dir, "key", nil, fresh)
		require.NoError(t, err)
		away := errors.New("the database is away")
		_, err = devstack.KeyFile(dir, "key", func(string) (bool, error) { return false, away }, fresh)
		require.ErrorIs(t, err, away)
		require.ErrorContains(t, err, filepath.Join(dir, "key"))
		again, err := devstack.KeyFile(dir, "key", nil, fresh)
		require.NoError(t, err)
		require.Equal(t, first, again)
	})

	t.Run("IsOneForAllWhoAskAtOnce", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		keys := make([]string, 20)
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() { keys[i], _ = devstack.KeyFile(dir, "key", nil, fresh) })
		}
		all.Wait()
		for _, key := range keys {
			require.Equal(t, keys[0], key)
			require.NotEmpty(t, key)
		}
	})
}
