package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SecretsKey returns the key under which a dev stack keeps the secrets of its projects: the
// one in its directory, which is made with the first call.
func SecretsKey(dir string, newKey func() (string, error)) (string, error) {
	path := filepath.Join(dir, "secrets.key")
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the key of the secrets: %w", err)
	}
	key, err := newKey()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's account has to get through it
		return "", fmt.Errorf("write the key of the secrets: %w", err)
	}
	fresh := path + ".new"
	if err := writePrivate(fresh, []byte(key+"\n"), true); err != nil {
		return "", fmt.Errorf("write the key of the secrets: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", fmt.Errorf("write the key of the secrets: %w", err)
	}
	return key, nil
}
