package vault_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
)

// records is rows in memory: what is tested here is the sealing.
type records []models.Secret

func (r records) Secrets(_ context.Context, org, projectID uuid.UUID, names []string) ([]models.Secret, error) {
	return slices.DeleteFunc(slices.Clone(r), func(s models.Secret) bool {
		return s.OrganisationID != org || s.ProjectID != projectID || !slices.Contains(names, s.Name)
	}), nil
}

func newKeys(t *testing.T, texts ...string) *vault.Keys {
	t.Helper()
	keys, err := vault.ParseKeys(strings.Join(texts, ", "))
	require.NoError(t, err)
	return keys
}

func newKey(t *testing.T) string {
	t.Helper()
	key, err := vault.NewKey()
	require.NoError(t, err)
	return key
}

func TestVault(t *testing.T) {
	t.Parallel()
	org, project := models.NewID(), models.NewID()
	key := newKey(t)

	t.Run("Opens what it has sealed", func(t *testing.T) {
		t.Parallel()
		v := vault.New(newKeys(t, key), nil)
		sealed, err := v.Seal(org, project, "api_key", "s3cret-value")
		require.NoError(t, err)
		require.False(t, bytes.Contains(sealed.Sealed, []byte("s3cret")))
		again, err := v.Seal(org, project, "api_key", "s3cret-value")
		require.NoError(t, err)
		require.NotEqual(t, sealed.Sealed, again.Sealed, "equal secrets do not look equal")
		values, err := vault.New(newKeys(t, key), records{sealed}).Open(t.Context(), org, project, []string{"api_key"})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"api_key": "s3cret-value"}, values)
	})

	t.Run("An older key still opens", func(t *testing.T) {
		t.Parallel()
		sealed, err := vault.New(newKeys(t, key), nil).Seal(org, project, "a", "value")
		require.NoError(t, err)
		next := newKey(t)
		v := vault.New(newKeys(t, next, key), nil)
		value, err := v.Unseal(sealed)
		require.NoError(t, err)
		require.Equal(t, "value", value)
		anew, err := v.Seal(org, project, "a", value)
		require.NoError(t, err)
		require.Equal(t, v.KeyID(), anew.KeyID)
		require.NotEqual(t, sealed.KeyID, anew.KeyID)
		_, err = vault.New(newKeys(t, next), nil).Unseal(sealed)
		require.Equal(t, vault.CodeSealed, failure.Classify(err).Code)
		require.NotContains(t, err.Error(), "value")
	})

	for name, move := range map[string]func(*models.Secret){
		"another organisation": func(s *models.Secret) { s.OrganisationID = models.NewID() },
		"another project":      func(s *models.Secret) { s.ProjectID = models.NewID() },
		"another name":         func(s *models.Secret) { s.Name = "b" },
		"a changed byte":       func(s *models.Secret) { s.Sealed[len(s.Sealed)-1] ^= 1 },
		"a missing end":        func(s *models.Secret) { s.Sealed = s.Sealed[:5] },
	} {
		t.Run("Does not open under "+name, func(t *testing.T) {
			t.Parallel()
			v := vault.New(newKeys(t, key), nil)
			sealed, err := v.Seal(org, project, "a", "value")
			require.NoError(t, err)
			move(&sealed)
			_, err = v.Unseal(sealed)
			require.Equal(t, vault.CodeSealed, failure.Classify(err).Code)
		})
	}

	t.Run("Gives what there is of what is asked for", func(t *testing.T) {
		t.Parallel()
		v := vault.New(newKeys(t, key), nil)
		sealed, err := v.Seal(org, project, "a", "value")
		require.NoError(t, err)
		values, err := vault.New(newKeys(t, key), records{sealed}).Open(t.Context(), org, project, []string{"a", "b"})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"a": "value"}, values)
	})

	t.Run("Without a key nothing is sealed", func(t *testing.T) {
		t.Parallel()
		_, err := vault.New(newKeys(t), nil).Seal(org, project, "a", "value")
		require.ErrorIs(t, err, vault.ErrNoKey)
	})

	t.Run("A mark tells values apart and needs the key", func(t *testing.T) {
		t.Parallel()
		mark := func(keys, value string) string {
			mark, err := vault.New(newKeys(t, keys), nil).Mark(value)
			require.NoError(t, err)
			require.NotContains(t, mark, value)
			return mark
		}
		first := mark(key, "hunter2")
		require.Equal(t, first, mark(key, "hunter2"))
		require.NotEqual(t, first, mark(key, "hunter3"))
		require.NotEqual(t, first, mark(newKey(t), "hunter2"))
		_, err := vault.New(newKeys(t), nil).Mark("hunter2")
		require.ErrorIs(t, err, vault.ErrNoKey)
	})

	t.Run("Refuses what is no key, without showing it", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"short", "c2hvcnQ=", key + ",x"} {
			_, err := vault.ParseKeys(text)
			require.Error(t, err)
			require.NotContains(t, err.Error(), text)
		}
	})
}
