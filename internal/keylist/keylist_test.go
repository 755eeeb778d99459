package keylist_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/keylist"
)

func TestParse(t *testing.T) {
	t.Parallel()
	one := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("1", keylist.Size)))
	two := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("2", keylist.Size)))

	keys, err := keylist.Parse(" "+two+" ,, "+one+"\n", "test")
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.Equal(t, strings.Repeat("2", keylist.Size), string(keys[0].Secret), "the newest first")
	require.NotEqual(t, keys[0].ID, keys[1].ID)
	again, err := keylist.Parse(one, "test")
	require.NoError(t, err)
	require.Equal(t, keys[1:], again)
	other, err := keylist.Parse(one, "another test")
	require.NoError(t, err)
	require.NotEqual(t, again[0].ID, other[0].ID)

	none, err := keylist.Parse(" , ", "test")
	require.NoError(t, err)
	require.Empty(t, none)
	for _, wrong := range []string{"swordfish", "c3dvcmRmaXNo", one + "AA"} {
		_, err := keylist.Parse(two+","+wrong, "test")
		require.ErrorContains(t, err, "key 2 must be 32 bytes")
		require.NotContains(t, err.Error(), wrong)
	}
}
