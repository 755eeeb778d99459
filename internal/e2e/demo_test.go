package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/testkit/rig"
)

// demoStack gives the environment and the arguments of a demo on servers, ports and
// data of its own.
func demoStack(t *testing.T) (env, args []string, dir string) {
	t.Helper()
	temporal, err := devstack.FindTemporal(devstack.CheckoutBin())
	require.NoError(t, err)
	parent, err := os.MkdirTemp("", "mino-demo-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(parent)) })
	dir = filepath.Join(parent, ".mino")
	return []string{"MINO_TEMPORAL_CLI=" + temporal, "DATABASE_URL=", "TEMPORAL_ADDRESS=", "MINO_AUTH=required"},
		[]string{"demo", "--listen", "127.0.0.1:0", "--dir", dir}, dir
}

var (
	apiLine       = regexp.MustCompile(`The API\s+(http://\S+)`)
	executionLine = regexp.MustCompile(`Execution ([0-9a-f-]{36})`)
)

// keyIn is the key that a stack has left in its directory.
func keyIn(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "api-key")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Regexp(t, `^mino_\S+\n$`, string(text))
	return strings.TrimSpace(string(text))
}

func TestDemo(t *testing.T) {
	t.Parallel()

	t.Run("ShowsWhatBecameOfEveryPageAndEnds", func(t *testing.T) {
		t.Parallel()
		env, args, dir := demoStack(t)
		demo := rig.Start(t, append(env, "MINO_DEMO_ONCE=1"), args...)
		<-demo.Done
		require.Zero(t, demo.ProcessState.ExitCode())
		for _, part := range []string{
			"All 62 pages were read as expected.", "accuracy", "95% interval", "verdicts", "failures", "In Temporal",
		} {
			require.Contains(t, demo.Out.String(), part)
		}
		key := keyIn(t, dir)
		require.NotContains(t, demo.Out.String(), key, "it is in its file, and nowhere else")
	})

	t.Run("GoesOnAfterItWasKilledInTheMiddle", func(t *testing.T) {
		t.Parallel()
		env, args, dir := demoStack(t)
		first := rig.Start(t, env, args...)
		eventually(t, "the first run is in the middle", func() bool { return strings.Contains(first.Out.String(), "running · ") })
		first.Kill(t)
		killed := uuid.MustParse(executionLine.FindStringSubmatch(first.Out.String())[1])

		key := keyIn(t, dir)

		second := rig.Start(t, env, args...)
		eventually(t, "the second run is over", func() bool { return apiLine.MatchString(second.Out.String()) })
		url := apiLine.FindStringSubmatch(second.Out.String())[1]
		require.Equal(t, key, keyIn(t, dir), "a key is good for all starts")
		nobody, err := client.New(client.Config{BaseURL: url, MaxRetries: -1})
		require.NoError(t, err)
		_, err = nobody.Stats(t.Context(), killed)
		require.Equal(t, wire.CodeUnauthorized, client.Code(err), "%v", err)
		api, err := client.New(client.Config{BaseURL: url, Key: key})
		require.NoError(t, err)
		var stats wire.Stats
		require.Eventually(t, func() bool {
			stats, err = api.Stats(t.Context(), killed)
			return err == nil && stats.Status == "completed"
		}, 90*time.Second, 100*time.Millisecond, "the run that was interrupted is completed")
		require.Equal(t, 62, stats.Completed+stats.Failed, "every job has one terminal state: %+v", stats)
		require.Zero(t, stats.Cancelled)
		require.Zero(t, second.Interrupt(t), "leaving the demo is no error")
	})
}
