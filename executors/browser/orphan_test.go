package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// parentVariable makes this test binary act as a process that opens the page it names,
// says which browser it has, and then does nothing more.
const parentVariable = "MINO_BROWSER_TEST_PARENT"

// family is what the parent prints.
type family struct {
	Group int
	Home  string
}

func actAsParent() {
	e := New(Config{AllowedPrefixes: []netip.Prefix{netip.MustParsePrefix(siteHost + "/32")}, Browsers: 1})
	_, err := e.Execute(context.Background(), request(os.Getenv(parentVariable), ""))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(family{Group: e.pool.idle[0].group, Home: e.pool.home.dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {} // until killed
}

func TestKilledProcessLeavesNoBrowserBehind(t *testing.T) {
	t.Parallel()
	needChromium(t)
	needProc(t)
	few <- struct{}{}
	defer func() { <-few }()
	// Part of the browser is busy for ever, and must die all the same.
	server := pages(t, map[string]string{"/": lamp + `<script>new Worker(URL.createObjectURL(new Blob(['while(true){}'])))</script>`})
	exe, err := os.Executable()
	require.NoError(t, err)
	parent := exec.CommandContext(t.Context(), exe)
	parent.Env = append(os.Environ(), parentVariable+"="+server.URL)
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	t.Cleanup(func() { _ = parent.Process.Kill(); _ = parent.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var of family
	require.NoError(t, json.Unmarshal(line, &of))
	require.Greater(t, len(groupMembers(of.Group)), 3, "a browser has helpers")
	require.DirExists(t, of.Home)

	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait() // of the kill
	require.Eventually(t, func() bool { return len(groupMembers(of.Group)) == 0 }, time.Minute, 20*time.Millisecond)

	// The next start clears up.
	h, err := openHome(os.TempDir())
	require.NoError(t, err)
	require.NoDirExists(t, of.Home)
	require.NoError(t, h.close())
	require.NoDirExists(t, h.dir)
}

func TestSweepLeavesWhatIsInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	living, err := openHome(dir)
	require.NoError(t, err)
	beingMade := filepath.Join(dir, homePrefix+"new")
	require.NoError(t, os.Mkdir(beingMade, 0o700))
	dead := filepath.Join(dir, homePrefix+"dead")
	require.NoError(t, os.Mkdir(dead, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dead, lockName), nil, 0o600))
	old := filepath.Join(dir, homePrefix+"old")
	require.NoError(t, os.Mkdir(old, 0o700))
	require.NoError(t, os.Chtimes(old, time.Now(), time.Now().Add(-2*graceOfUnlocked)))
	other := filepath.Join(dir, "other")
	require.NoError(t, os.Mkdir(other, 0o700))

	sweep(dir)
	require.DirExists(t, living.dir)
	require.DirExists(t, beingMade)
	require.DirExists(t, other)
	require.NoDirExists(t, dead)
	require.NoDirExists(t, old)

	require.NoError(t, living.close())
	require.NoDirExists(t, living.dir)
}
