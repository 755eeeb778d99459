package devstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"
)

// place is where PostgreSQL's files are and whose they are.
type place struct {
	root    string
	account *account // nil: our own
	moved   bool     // root is not the directory that the caller named
}

// data is the data directory proper. It comes into being complete, by a rename, so
// when it is there it is whole.
func (p place) data() string { return filepath.Join(p.root, "data") }

// draft is the data directory while it is being made.
func (p place) draft() string { return filepath.Join(p.root, "data.new") }

// placeSearch finds a place for the data.
type placeSearch struct {
	log      *zap.Logger
	dir      string
	spares   []string
	postgres string // the program to try with
	before   bool   // the directory knows of an earlier start
}

// run returns the place where the data is, or else the first one that the server's
// user can reach: the directory itself or, when something above it is closed to that
// user (as root's home usually is), one of the spare places.
func (s placeSearch) run(ctx context.Context) (place, error) {
	if os.Geteuid() != 0 {
		return place{root: s.dir}, nil
	}
	if there, found := s.existing(); found {
		s.tell(there)
		if err := usable(ctx, there, s.postgres); err != nil {
			return place{}, fmt.Errorf("user %s, who owns the data in %s, cannot reach it any more; move the data or remove it: %w",
				there.account.name, there.root, err)
		}
		return there, nil
	}
	owner, err := unprivileged(ctx, s.postgres)
	if err != nil {
		return place{}, err
	}
	var errs []error
	for _, there := range s.candidates() {
		there.account = owner
		err := prepared(ctx, there, s.postgres)
		if err == nil {
			s.tell(there)
			return there, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", there.root, err))
	}
	return place{}, fmt.Errorf("no place for PostgreSQL's data that user %s can reach: %w", owner.name, errors.Join(errs...))
}

func (s placeSearch) candidates() []place {
	all := []place{{root: s.dir}}
	for _, spare := range s.spares {
		all = append(all, place{root: filepath.Join(spare, hashOf(s.dir)), moved: true})
	}
	return all
}

// existing looks for data that is there already. In a spare place it counts only when
// the directory knows of it: if not, the directory was removed since.
func (s placeSearch) existing() (place, bool) {
	for _, there := range s.candidates() {
		owner, err := ownerOf(there.data())
		if err == nil && owner.uid != 0 && (s.before || !there.moved) {
			there.account = owner
			return there, true
		}
	}
	return place{}, false
}

func (s placeSearch) tell(p place) {
	s.log.Info("running as root: PostgreSQL runs as another user", zap.String("user", p.account.name))
	if p.moved {
		s.log.Warn("that user cannot reach the directory: the data is elsewhere",
			zap.String("directory", s.dir), zap.String("data", p.data()))
	}
}

// prepared makes a spare place and tells whether the place will do.
func prepared(ctx context.Context, p place, postgres string) error {
	if p.moved {
		if err := makePrivate(filepath.Dir(p.root)); err != nil {
			return err
		}
		if err := makePrivate(p.root); err != nil {
			return err
		}
	}
	return usable(ctx, p, postgres)
}

// sparePlaces are tried in this order. The first two survive a restart of the machine.
func sparePlaces() []string {
	return []string{"/var/lib/mino", "/var/tmp/mino", filepath.Join(os.TempDir(), "mino")}
}

// usable tells whether the account can own files in the place and work there. It tries
// with a directory, since that is what it is for.
func usable(ctx context.Context, p place, postgres string) (err error) {
	probe, err := os.MkdirTemp(p.root, "probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(probe)) }()
	if err := p.account.own(probe); err != nil {
		return err
	}
	return p.account.try(ctx, postgres, probe)
}

// makePrivate makes a directory that others may pass but not change. Spare places can
// lie where anybody may write, so one that somebody else prepared is refused.
func makePrivate(path string) error {
	err := os.Mkdir(path, 0o755) //nolint:gosec // others must pass through it to what is theirs
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, err := ownerOf(path)
	if err != nil {
		return err
	}
	if !info.IsDir() || int(owner.uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s exists and is not a directory of our own", path)
	}
	return nil
}

// hashOf names a directory in a spare place after the one that it stands for.
func hashOf(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:8])
}
