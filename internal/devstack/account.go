package devstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user that a server runs as when we are root. A nil account is our own
// user.
type account struct {
	name     string
	uid, gid uint32
}

func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own gives a file or directory to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("give %s to user %s: %w", path, a.name, err)
	}
	// Some shared file systems accept the change and ignore it.
	if owner, err := ownerOf(path); err != nil {
		return err
	} else if owner.uid != a.uid {
		return fmt.Errorf("give %s to user %s: the file system keeps it with user %d", path, a.name, owner.uid)
	}
	return nil
}

// try runs a program that does nothing, in a directory, as the account: the one test
// that counts whether it may execute the one and enter the other, since it takes in
// modes, access lists and mount options alike.
func (a *account) try(ctx context.Context, path, dir string) error {
	var output bytes.Buffer
	err := run(ctx, program{
		path: path, args: []string{"--version"}, env: []string{"LC_ALL=C"}, dir: dir, account: a,
		stdout: &output, stderr: &output, onParentDeath: syscall.SIGKILL,
	})
	if err != nil {
		return fmt.Errorf("%w %s", err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

func ownerOf(path string) (*account, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("the owner of %s cannot be read", path)
	}
	name := strconv.FormatUint(uint64(stat.Uid), 10)
	if found, err := user.LookupId(name); err == nil {
		name = found.Username
	}
	return &account{name: name, uid: stat.Uid, gid: stat.Gid}, nil
}

func lookupAccount(name string) (*account, error) {
	found, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	if uid == 0 {
		return nil, fmt.Errorf("user %s is root", name)
	}
	return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
}

// unprivileged picks the user to run PostgreSQL as, when we are root: the first of
// those that systems have for it which can run the program.
func unprivileged(ctx context.Context, postgres string) (*account, error) {
	var errs []error
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		found, err := lookupAccount(name)
		if err == nil {
			err = found.try(ctx, postgres, "/")
		}
		if err == nil {
			return found, nil
		}
		errs = append(errs, fmt.Errorf("user %s: %w", name, err))
	}
	return nil, fmt.Errorf("PostgreSQL does not run as root, and no other user can run %s: %w", postgres, errors.Join(errs...))
}
