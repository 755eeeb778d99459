// Package testkit gives tests the real parts: a database of their own on a real
// PostgreSQL, a real Temporal, and a logger that writes to the test.
//
// # Servers
//
// A test binary has servers of its own, which it starts when a test first asks for
// them: both together are up in about two seconds, so sharing them between packages is
// not worth the trouble. They keep their files in a temporary directory. Main stops
// them and removes it:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
//
// Without Main, or when the binary is killed, the servers end with it all the same (see
// package devstack); what stays is the directory, which a later run removes.
//
// With MINO_TEST_DATABASE_URL or MINO_TEST_TEMPORAL_ADDRESS set, those servers are used
// instead. The database URL needs a user who may create databases.
//
// # Failures
//
// A missing program fails the tests that need it, with an error that says how to get
// it. Nothing is skipped.
package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTime bounds the start of a server, which shares the machine with other tests.
const startTime = 2 * time.Minute

// stopTime bounds the stop of everything when the tests are over.
const stopTime = 30 * time.Second

// Main runs the tests, stops the servers, removes their files and exits.
func Main(m *testing.M) {
	os.Exit(Run(m)) //nolint:forbidigo // it stands in for the main of a test binary
}

// Run is Main for a binary that has something to do before it exits.
func Run(m *testing.M) (code int) {
	code = m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	err := running.stop(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testkit:", err)
		code = max(code, 1)
	}
	return code
}

// running is what this test binary has to put away when its tests are over.
var running cleanups

// cleanups are called in reverse order, the way things are built on one another.
type cleanups struct {
	mu    sync.Mutex
	calls []func(context.Context) error
}

func (c *cleanups) add(call func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call)
}

func (c *cleanups) stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for len(c.calls) > 0 {
		last := len(c.calls) - 1
		errs = append(errs, c.calls[last](ctx))
		c.calls = c.calls[:last]
	}
	return errors.Join(errs...)
}

const (
	dirPattern = "mino-test-*"
	// sweepAge keeps a directory safe that another test binary has made and not locked
	// yet.
	sweepAge = time.Minute
)

// Dir is a directory that the tests of this binary share; Main removes it.
func Dir() (string, error) { return tempDir() }

// tempDir makes, once, the directory for everything that this test binary starts.
var tempDir = sync.OnceValues(func() (string, error) {
	sweep()
	dir, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		return "", err
	}
	// PostgreSQL's user has to pass through when we are root.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // nothing secret in it
		return "", err
	}
	lock, err := lockedFile(dir)
	if err != nil {
		return "", err
	}
	running.add(func(context.Context) error { return errors.Join(os.RemoveAll(dir), lock.Close()) })
	return dir, nil
})

// sweep removes the directories of test binaries that were killed. It is a courtesy:
// what it cannot remove is left to somebody else.
func sweep() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < sweepAge {
			continue
		}
		if lock, err := lockedFile(dir); err == nil {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}

// lockedFile locks a directory until the file is closed, at the latest by the end of
// the process.
func lockedFile(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// subdirectory is where one of the servers keeps its files.
func subdirectory(name string) (string, error) {
	dir, err := tempDir()
	if err != nil {
		return "", fmt.Errorf("make a directory for the tests: %w", err)
	}
	return filepath.Join(dir, name), nil
}

// SecretsKey is a key for the secrets of projects in tests.
const SecretsKey = "bWluby10ZXN0cy1hbmQtbm90aGluZy1lbHNlLTMyYiE=" //nolint:gosec // of tests, which keep nothing
