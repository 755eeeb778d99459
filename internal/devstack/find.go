package devstack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// TemporalCLIVariable is the environment variable that names the Temporal CLI to use.
const TemporalCLIVariable = "MINO_TEMPORAL_CLI"

// ErrNotInstalled says that a program is missing. The error that wraps it says how to
// get it.
var ErrNotInstalled = errors.New("not installed")

// FindTemporal returns the path of the Temporal CLI, which holds the dev server: the
// one that MINO_TEMPORAL_CLI names, or else the first one in the given directories, or
// else the one in PATH. A directory goes before PATH because what `make` installs
// there is the version that MINO is tested with.
func FindTemporal(dirs ...string) (string, error) {
	if named := os.Getenv(TemporalCLIVariable); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%s names no program: %w", TemporalCLIVariable, err)
		}
		return filepath.Abs(path)
	}
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, "temporal")); err == nil {
			return filepath.Abs(path)
		}
	}
	if path, err := exec.LookPath("temporal"); err == nil {
		return filepath.Abs(path)
	}
	return "", fmt.Errorf("the Temporal CLI is %w\n"+
		"  get it:             go install github.com/temporalio/cli/cmd/temporal@v1.5.1\n"+
		"  or name it:         %s=/path/to/temporal\n"+
		"  or use a server:    TEMPORAL_ADDRESS=host:7233", ErrNotInstalled, TemporalCLIVariable)
}

// CheckoutBin returns the directory where `make` installs tools, .mino/bin in the
// checkout that the working directory is part of; "" outside of one. It is for tests,
// which run in the directories of their packages. A program must not look upwards for
// something to execute, since what is above may belong to somebody else.
func CheckoutBin() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".mino", "bin")
		}
		dir = filepath.Dir(dir)
	}
	return ""
}
