package archtest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVulncheckWithoutADatabase has the vulnerability check of `make lint` ask a server
// that has no database. It never comes to the tool.
func TestVulncheckWithoutADatabase(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "not through here", http.StatusForbidden)
	}))
	t.Cleanup(refusing.Close)

	for name, database := range map[string]string{
		"NobodyListens":    gone.URL,
		"AProxyRefuses":    refusing.URL,
		"ThereIsNoFile":    "file://" + t.TempDir(),
		"TheSchemeIsOther": "ftp://localhost",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, err := vulncheck(t, "GOVULNDB="+database)
			require.NoError(t, err, said)
			require.Contains(t, said, "SKIPPED: its database is not reachable")
			require.Equal(t, 1, strings.Count(said, "\n"), said)

			said, err = vulncheck(t, "GOVULNDB="+database, "MINO_REQUIRE_GOVULNCHECK=1")
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, said)
			require.Contains(t, said, "FAILED")
			require.NotContains(t, said, "SKIPPED")
		})
	}
}

func vulncheck(t *testing.T, environment ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(root(t), ".ci", "vulncheck"), "no tool", "no/package", "v0.0.0")
	cmd.Env = append(append(os.Environ(), "MINO_REQUIRE_GOVULNCHECK="), environment...)
	said, err := cmd.CombinedOutput()
	return string(said), err
}
