package standin_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/standin"
)

// unreachable are the codes of npm that say that there is no registry to be had here. A
// package that is not what the lock file says is another matter.
var unreachable = regexp.MustCompile(`\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED)\b`)

// leastNode is what the SDK's dependencies need.
const leastNode = 20

// TestVendorsSDK has the vendor's own client speak to the stand-in, and so holds the
// stand-in to what clients of the API expect.
func TestVendorsSDK(t *testing.T) {
	t.Parallel()
	node := installSDK(t)
	server, err := standin.Serve(t.Context(), "127.0.0.1:0", standin.Config{Seed: 1, Speed: 200})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	server.Script("https://twice.example.com/", standin.Behaviour{Create: []standin.Fault{{Kind: standin.Gateway}}})

	check := exec.CommandContext(t.Context(), node.program, "check.mjs", server.URL(), standin.DefaultAPIKey)
	check.Dir = node.dir
	said, err := check.CombinedOutput()
	require.NoError(t, err, "%s", said)
	for _, name := range []string{
		"run", "runThatFails", "queueAndGet", "outcomes", "list", "stream", "streamThatFails", "refusals", "repeatedCreate",
	} {
		require.Contains(t, string(said), "passed "+name+"\n")
	}
	twice := server.RunsOf("https://twice.example.com/")
	require.Len(t, twice, 2, "the SDK repeats a create that it has no answer of")
	require.Equal(t, 2, server.Created()[twice[0].URL+"\x00"+twice[0].Goal])
}

type nodeProject struct{ program, dir string }

// installSDK installs the SDK at the versions of the lock file, with npm's own cache.
func installSDK(t *testing.T) nodeProject {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node on the path to run the SDK with")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("there is no npm on the path to install the SDK with")
	}
	version, err := exec.CommandContext(t.Context(), node, "--version").Output()
	require.NoError(t, err)
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(version)), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < leastNode {
		t.Skipf("node is %s; the SDK needs %d", strings.TrimSpace(string(version)), leastNode)
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "sdk"))))
	install := exec.CommandContext(t.Context(), npm, "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0")
	install.Dir = dir
	said, err := install.CombinedOutput()
	if code := unreachable.FindString(string(said)); err != nil && code != "" {
		t.Skipf("npm cannot reach a registry to install the SDK from: %s", code)
	}
	require.NoError(t, err, "%s", said)
	return nodeProject{program: node, dir: dir}
}
