package vault_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models"
)

func TestReseal(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	old, next := newKey(t), newKey(t)
	p := testfactory.Project(t, s, nil)
	before := vault.New(newKeys(t, old), s)
	var edit models.SecretEdit
	for _, name := range []string{"a", "b", "c"} {
		sealed, err := before.Seal(p.OrganisationID, p.ID, name, "value of "+name)
		require.NoError(t, err)
		edit.Put = append(edit.Put, sealed)
	}
	require.NoError(t, s.UpdateProject(t.Context(), p, edit))

	_, err := vault.New(newKeys(t, next), s).Reseal(t.Context(), s, 2)
	require.Error(t, err, "the old key is needed to open them")
	n, err := vault.New(newKeys(t, next, old), s).Reseal(t.Context(), s, 2)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	values, err := vault.New(newKeys(t, next), s).Open(t.Context(), p.OrganisationID, p.ID, p.SecretNames)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "value of a", "b": "value of b", "c": "value of c"}, values)
	n, err = vault.New(newKeys(t, next), s).Reseal(t.Context(), s, 2)
	require.NoError(t, err)
	require.Zero(t, n)
}
