package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// loadState reads what the last start left in a JSON file. A file that is not there
// leaves state as it is and returns false.
func loadState(path string, state any) (bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the state of the last start: %w", err)
	}
	if err := json.Unmarshal(text, state); err != nil {
		return false, fmt.Errorf("read the state of the last start in %s: %w", path, err)
	}
	return true, nil
}

// saveState replaces the file as a whole, so that a crash of this process leaves the old
// state or the new one; with sync, a crash of the machine too. It may hold a password:
// only its owner may read it.
func saveState(path string, state any, sync bool) error {
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	fresh := path + ".new"
	if err := writePrivate(fresh, append(text, '\n'), sync); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

func writePrivate(path string, text []byte, sync bool) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(text); err != nil || !sync {
		return err
	}
	return file.Sync()
}
