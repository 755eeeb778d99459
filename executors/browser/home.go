package browser

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	homePrefix = "mino-browser-"
	lockName   = "lock"
	// graceOfUnlocked is how long a directory without its lock may be one that is just
	// being made.
	graceOfUnlocked = time.Hour
)

// home is the directory in which the browsers of one executor have theirs. It is locked
// as long as its process lives, by which others know that it is in use.
type home struct {
	dir  string
	lock *os.File
	next int
	mu   sync.Mutex
}

// openHome makes a home in a directory, and removes those that dead processes have left
// there.
func openHome(in string) (*home, error) {
	sweep(in)
	dir, err := os.MkdirTemp(in, homePrefix)
	if err != nil {
		return nil, fmt.Errorf("make a directory for browsers: %w", err)
	}
	h := &home{dir: dir}
	// Browsers may run under another account: they may pass through it, and no more.
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // see above
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// Locked before it has its name, so that nobody ever finds it unlocked.
	unnamed := filepath.Join(dir, ".lock")
	if h.lock, err = os.OpenFile(unnamed, os.O_CREATE|os.O_RDWR, 0o600); err == nil {
		err = syscall.Flock(int(h.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(unnamed, filepath.Join(dir, lockName))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the directory for browsers: %w", err), os.RemoveAll(dir))
	}
	return h, nil
}

// profile makes a directory for one browser, which it may write to.
func (h *home) profile(account *syscall.Credential) (string, error) {
	h.mu.Lock()
	h.next++
	dir := filepath.Join(h.dir, strconv.Itoa(h.next))
	h.mu.Unlock()
	err := os.Mkdir(dir, 0o700)
	if err == nil && account != nil {
		err = os.Chown(dir, int(account.Uid), int(account.Gid))
	}
	if err != nil {
		return "", fmt.Errorf("make a directory for a browser: %w", err)
	}
	return dir, nil
}

// close removes the directory and all that is in it.
func (h *home) close() error {
	return errors.Join(removeAll(h.dir), h.lock.Close())
}

// removals is how often a directory is tried whose browser may be about to die.
const (
	removals        = 100
	removalInterval = 20 * time.Millisecond
)

// removeAll removes a directory in which processes that have been killed may still be
// writing.
func removeAll(dir string) error {
	ticker := time.NewTicker(removalInterval) // nobody tells when the last of them is gone
	defer ticker.Stop()
	var err error
	for range removals {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		<-ticker.C
	}
	return err
}

// sweep removes the homes of dead processes. What it may not remove is another user's.
func sweep(in string) {
	found, err := filepath.Glob(filepath.Join(in, homePrefix+"*"))
	if err != nil {
		return // of a bad pattern, which this is not
	}
	for _, dir := range found {
		if abandoned(dir) {
			_ = os.RemoveAll(dir) // see above
		}
	}
}

func abandoned(dir string) bool {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if err != nil {
		info, statErr := os.Lstat(dir)
		return os.IsNotExist(err) && statErr == nil && info.IsDir() && time.Since(info.ModTime()) > graceOfUnlocked
	}
	defer func() { _ = lock.Close() }() // gives the lock back, too
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
