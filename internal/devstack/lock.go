package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrInUse says that another process, which is alive, runs a server in this directory.
var ErrInUse = errors.New("the directory is in use")

// dirLock is held by the process that started the server. The kernel releases it when
// that process ends, so that whatever still runs on the directory under a fresh lock
// is an orphan and may be stopped.
type dirLock struct{ file *os.File }

func lockDir(dir string) (*dirLock, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 32)
		n, _ := file.ReadAt(holder, 0) // for the message only
		err = errors.Join(lockError(dir, strings.TrimSpace(string(holder[:n])), err), file.Close())
		return nil, err
	}
	lock := &dirLock{file: file}
	if err := lock.sign(); err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return lock, nil
}

func lockError(dir, holder string, err error) error {
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w: process %s runs a server in %s; stop it first", ErrInUse, holder, dir)
	}
	return fmt.Errorf("lock %s: %w", dir, err)
}

// sign writes our process id for the message that a second starter shows.
func (l *dirLock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	if _, err := l.file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	return nil
}

// release gives the directory free. The file stays: removing it would let two
// processes each lock a file of that name.
//
// Closing it would not do alone: a program that another goroutine is starting holds a
// copy of the descriptor from its fork to its exec, and with it the lock.
func (l *dirLock) release() error {
	var err error
	if unlock := syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN); unlock != nil {
		err = fmt.Errorf("unlock %s: %w", l.file.Name(), unlock)
	}
	return errors.Join(err, l.file.Close())
}
