package devstack

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldestPostgres is the oldest major version that MINO's SQL is meant for.
const oldestPostgres = 14

// installation is a directory with PostgreSQL's programs.
type installation struct {
	bin   string
	major int
}

func (i installation) postgres() string { return filepath.Join(i.bin, "postgres") }
func (i installation) initdb() string   { return filepath.Join(i.bin, "initdb") }

// findPostgres returns the installation to use: the first one that can read the data
// that is there, which only the same major version can, or else the first one that is
// new enough. A major of 0 says that there is no data yet.
func findPostgres(ctx context.Context, major int) (installation, error) {
	return pickPostgres(ctx, postgresDirs(ctx), major)
}

func pickPostgres(ctx context.Context, dirs []string, major int) (installation, error) {
	var seen []string
	for _, bin := range dirs {
		found, err := installationIn(ctx, bin)
		if err != nil {
			continue // most of the places do not exist; all of them failing is said below
		}
		if found.major == major || major == 0 && found.major >= oldestPostgres {
			return found, nil
		}
		seen = append(seen, fmt.Sprintf("version %d in %s", found.major, bin))
	}
	if err := context.Cause(ctx); err != nil {
		return installation{}, err
	}
	wanted, note := fmt.Sprintf("PostgreSQL %d or newer", oldestPostgres), ""
	if major != 0 {
		wanted = fmt.Sprintf("PostgreSQL %d, which the existing data needs,", major)
	}
	if len(seen) > 0 {
		note = "; found " + strings.Join(seen, ", ")
	}
	return installation{}, fmt.Errorf("%s is %w%s\n"+
		"  Debian, Ubuntu:     apt-get install postgresql\n"+
		"  macOS:              brew install postgresql@16\n"+
		"  or use a server:    DATABASE_URL=postgres://user:password@host:5432/database", wanted, ErrNotInstalled, note)
}

// postgresDirs lists where PostgreSQL's programs can be, the likeliest first.
func postgresDirs(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	if out, err := outputOf(ctx, "pg_config", "--bindir"); err == nil {
		dirs = append(dirs, strings.TrimSpace(out))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", // Debian and Ubuntu
		"/usr/pgsql-*/bin",          // PostgreSQL's own packages for Red Hat
		"/usr/libexec/postgresql*",  // Alpine
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin", // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue // cannot be: the patterns are constant and well formed
		}
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(numberIn(b), numberIn(a)) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

// numberIn returns the first number in a path, which in the places above is the major
// version; 0 without one.
func numberIn(path string) int {
	n, err := strconv.Atoi(number.FindString(path))
	if err != nil {
		return 0
	}
	return n
}

// installationIn looks at one directory. Links are resolved, since PostgreSQL finds its
// other files from where its programs really are.
func installationIn(ctx context.Context, bin string) (installation, error) {
	path, err := exec.LookPath(filepath.Join(bin, "initdb"))
	if err != nil {
		return installation{}, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return installation{}, err
	}
	found := installation{bin: filepath.Dir(path)}
	version, err := outputOf(ctx, found.postgres(), "--version")
	if err != nil {
		return installation{}, err
	}
	found.major = numberIn(version)
	return found, nil
}

func outputOf(ctx context.Context, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).Output()
	return string(bytes.TrimSpace(out)), err
}
