package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The names of the files in which a dev stack keeps keys.
const (
	secretsKeyFile = "secrets.key"
	authKeyFile    = "auth-key"
)

// SecretsKey returns the key under which a dev stack keeps the secrets of its projects: the
// one in its directory, which is made with the first call.
func SecretsKey(dir string, newKey func() (string, error)) (string, error) {
	return KeyFile(dir, secretsKeyFile, nil, newKey)
}

// AuthKey returns the key with which a dev stack hashes API keys, likewise.
func AuthKey(dir string, newKey func() (string, error)) (string, error) {
	return KeyFile(dir, authKeyFile, nil, newKey)
}

// KeyFile returns the key that is in a file of a directory, readable by its owner alone. One
// that is not there, or that good (nil for all are) does not know any more, is made and
// written. Of several processes at once, one makes it and the others find it.
func KeyFile(dir, name string, good func(key string) (bool, error), newKey func() (string, error)) (key string, err error) {
	path := filepath.Join(dir, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("the key in %s: %w", path, err)
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's account has to get through it
		return "", err
	}
	release, err := lockKeys(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	switch text, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	default:
		key := strings.TrimSpace(string(text))
		if good == nil {
			return key, nil
		}
		if ok, err := good(key); ok || err != nil {
			return key, err
		}
	}
	if key, err = newKey(); err != nil {
		return "", err
	}
	fresh := path + ".new"
	if err := writePrivate(fresh, []byte(key+"\n"), true); err != nil {
		return "", err
	}
	return key, os.Rename(fresh, path)
}

// lockKeys waits until no other process makes a key in the directory. The kernel releases
// the lock of a process that dies.
func lockKeys(dir string) (release func() error, err error) {
	file, err := os.OpenFile(filepath.Join(dir, "keys.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		// A program that is just being started holds a copy of the descriptor for a moment.
		return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
	}, nil
}
