package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
)

// clockVariable shifts the clock of a process that was started with StartShifted, in
// seconds.
const clockVariable = "MINO_TEST_CLOCK_SHIFT"

// StartShifted is Start for a process whose clock is wrong by that much. Its program
// is the same but for time.Now; building it compiles the standard library anew, which
// takes minutes the first time.
func StartShifted(tb testing.TB, shift time.Duration, env []string, args ...string) *Process {
	tb.Helper()
	path, err := shiftedBinary()
	require.NoError(tb, err)
	return start(tb, path, append(env, fmt.Sprintf("%s=%d", clockVariable, int(shift.Seconds()))), args...)
}

var shiftedBinary = sync.OnceValues(func() (string, error) {
	overlay, err := clockOverlay()
	if err != nil {
		return "", err
	}
	return build("mino-shifted", "-overlay", overlay)
})

// shiftedClock is what package time gets: the wall clock moves, the monotonic one,
// which timers and durations go by, does not.
const shiftedClock = `package time

import "syscall"

var clockShift = func() int64 {
	text, _ := syscall.Getenv("` + clockVariable + `")
	seconds, _ := atoi(text)
	return int64(seconds)
}()
`

// clockOverlay writes a copy of package time's Now that is shifted, and the file that
// has the go command build with it.
func clockOverlay() (string, error) {
	dir, err := testkit.Dir()
	if err != nil {
		return "", err
	}
	root, err := exec.CommandContext(context.Background(), "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("find the standard library: %w", err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return "", fmt.Errorf("read package time: %w", err)
	}
	const reading = "sec, nsec, mono := runtimeNow()\n\tif mono == 0 {"
	patched := strings.Replace(string(text), reading,
		strings.Replace(reading, "\n", "\n\tsec += clockShift\n", 1), 1)
	if patched == string(text) {
		return "", fmt.Errorf("time.Now of %s does not read the clock as expected", source)
	}
	files := map[string]string{"time.go": patched, "shift.go": shiftedClock}
	replace := map[string]string{}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the shifted clock: %w", err)
		}
		replace[filepath.Join(source, name)] = path
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("write the shifted clock: %w", err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, encoded, 0o600); err != nil {
		return "", fmt.Errorf("write the shifted clock: %w", err)
	}
	return overlay, nil
}
