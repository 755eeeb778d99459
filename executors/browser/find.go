package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// names are those under which Chromium is installed.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"}

// program is a Chromium that can be run.
type program struct {
	path string
	// account is whom it runs as; nil means our own user.
	account *syscall.Credential
}

// versionTimeout is for a program that says its version; some stubs never do.
const versionTimeout = 20 * time.Second

// findProgram looks for Chromium and for an account that it can run under.
func findProgram(path string) (program, error) {
	if path == "" {
		for _, name := range names {
			if found, err := exec.LookPath(name); err == nil {
				path = found
				break
			}
		}
	}
	if path == "" {
		return program{}, fmt.Errorf("none of %s is installed", strings.Join(names, ", "))
	}
	found := program{path: path, account: unprivileged()}
	if err := found.try(); err != nil {
		return program{}, fmt.Errorf("%s does not run: %w", path, err)
	}
	return found, nil
}

// try has the program say its version: some distributions install a stub that cannot.
func (p program) try() error {
	ctx, cancel := context.WithTimeout(context.Background(), versionTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, "--version")
	cmd.Dir, cmd.Env = "/", environment(os.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account}
	cmd.WaitDelay = time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w %s", err, firstLine(output.String()))
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 200)]
}

// unprivileged is the account for Chromium when we are root: nil when we are not, or when
// the system has no such account.
func unprivileged() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil
	}
	uid, uidErr := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(nobody.Gid, 10, 32)
	if errors.Join(uidErr, gidErr) != nil || uid == 0 {
		return nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// environment is all that Chromium gets: neither the secrets of our own, nor variables
// that would change how it behaves, such as those of proxies.
func environment(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=" + home, "TMPDIR=" + home,
		"XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home,
		// There is no message bus for it; without this it looks for one again and again.
		"DBUS_SESSION_BUS_ADDRESS=disabled:", "DBUS_SYSTEM_BUS_ADDRESS=disabled:",
	}
}
