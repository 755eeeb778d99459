package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

// TestKeyOfTheDevStack holds that it is found, and goes to this machine only.
func TestKeyOfTheDevStack(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), "mino_"+uuid.NewString()
	require.NoError(t, os.WriteFile(filepath.Join(dir, KeyFile), []byte(key+"\n"), 0o600))
	for address, want := range map[string]string{
		"http://127.0.0.1:8080": key, "http://localhost:1": key, "http://[::1]:8080/under": key,
		"http://10.0.0.1:8080": "", "https://mino.example": "", "http://localhost.example": "", "http://127.0.0.1.example": "", "": "", "::": "",
	} {
		found, err := (&Connection{API: address, Dir: dir}).ownKey()
		require.NoError(t, err)
		require.Equal(t, want, found, address)
	}
	found, err := (&Connection{API: "http://localhost", Dir: filepath.Join(dir, "nothing")}).ownKey()
	require.NoError(t, err)
	require.Empty(t, found)
	_, err = (&Connection{API: "http://localhost", Dir: filepath.Join(dir, KeyFile)}).ownKey()
	require.ErrorContains(t, err, "read the key of the dev stack")
}

func TestWhichKeyIsSent(t *testing.T) {
	t.Parallel()
	api := newFakeAPI(t)
	sent := make(chan http.Header, 1)
	api.refuse["GET /api/projects"] = func(w http.ResponseWriter, r *http.Request) {
		sent <- r.Header.Clone()
		reply(w, http.StatusOK, wire.Page[wire.Project]{})
	}
	dir, own, given := t.TempDir(), "mino_"+uuid.NewString(), "mino_"+uuid.NewString()
	require.NoError(t, os.WriteFile(filepath.Join(dir, KeyFile), []byte(own), 0o600))
	list := func(args ...string) http.Header {
		commandLineOf(t, Streams{In: strings.NewReader("")}, append([]string{"projects", "list", "--api", api.URL}, args...)...).ok()
		return <-sent
	}
	require.Equal(t, []string{"Bearer " + own}, list("--dir", dir)["Authorization"])
	header := list("--dir", dir, "--api-key", given, "--organisation", "acme")
	require.Equal(t, []string{"Bearer " + given}, header["Authorization"])
	require.Equal(t, []string{"acme"}, header["Mino-Organisation"])
	require.NotContains(t, list("--dir", t.TempDir()), "Authorization")
}

func TestRefusalsOfWhoAsks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		code   string
		exit   int
		words  []string
	}{
		{http.StatusUnauthorized, "UNAUTHORIZED", ExitRefused, []string{"(UNAUTHORIZED)", "MINO_API_KEY", ".mino/api-key"}},
		{http.StatusForbidden, "FORBIDDEN", ExitRefused, []string{"(FORBIDDEN)"}},
		{http.StatusTooManyRequests, "QUOTA_EXCEEDED", ExitRefused, []string{"(QUOTA_EXCEEDED)"}},
	} {
		api := newFakeAPI(t)
		api.refuse["GET /api/projects"] = problem(test.status, test.code, "No.")
		commandLineOf(t, Streams{In: strings.NewReader("")}, "projects", "list", "--api", api.URL, "--dir", t.TempDir()).fails(test.exit, test.words...)
	}
}
