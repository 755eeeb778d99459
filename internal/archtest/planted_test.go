package archtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// linterVariable names golangci-lint for the test below.
const linterVariable = "MINO_GOLANGCI_LINT"

// TestLinterRefusesPlantedImports plants every violation in a copy of the module and
// has golangci-lint itself, under .golangci.yml, refuse each one by its rule.
func TestLinterRefusesPlantedImports(t *testing.T) {
	t.Parallel()
	linter := os.Getenv(linterVariable)
	if linter == "" {
		t.Skipf("%s is not set: `make lint` runs this with the pinned golangci-lint; the same rules without it are in TestArrows", linterVariable)
	}
	linter, err := filepath.Abs(linter)
	require.NoError(t, err)

	copied := copyModule(t)
	dirs := make([]string, len(plants))
	for i, p := range plants {
		// A package of its own imports what the package beside it may not, without
		// making a cycle.
		dirs[i] = fmt.Sprintf("%s/planted%d", p.dir, i)
		source := fmt.Sprintf("package planted%d\n\nimport _ %q\n", i, p.imports)
		require.NoError(t, os.MkdirAll(filepath.Join(copied, dirs[i]), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(copied, dirs[i], "planted.go"), []byte(source), 0o600))
	}

	found := lint(t, linter, copied, dirs)
	for i, p := range plants {
		want := fmt.Sprintf("import '%s' is not allowed from list '%s'", p.imports, p.rule)
		require.Contains(t, strings.Join(found[dirs[i]+"/planted.go"], "\n"), want)
	}
}

// lint runs depguard alone over the directories and gives what it says by file.
func lint(t *testing.T, linter, dir string, packages []string) map[string][]string {
	t.Helper()
	args := []string{
		"run", "--enable-only", "depguard", "--output.json.path", "stdout", "--show-stats=false", "--allow-parallel-runners",
	}
	for _, p := range packages {
		args = append(args, "./"+p)
	}
	cmd := exec.CommandContext(t.Context(), linter, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "golangci-lint finds nothing wrong with the planted imports")
	require.Equal(t, 1, exit.ExitCode(), "golangci-lint could not run: %s", stderr.String())

	var report struct {
		Issues []struct {
			FromLinter string
			Text       string
			Pos        struct{ Filename string }
		}
	}
	require.NoError(t, json.Unmarshal(out, &report), "stdout: %s\nstderr: %s", out, stderr.String())
	found := make(map[string][]string, len(report.Issues))
	for _, issue := range report.Issues {
		require.Equal(t, "depguard", issue.FromLinter, issue.Text)
		found[filepath.ToSlash(issue.Pos.Filename)] = append(found[filepath.ToSlash(issue.Pos.Filename)], issue.Text)
	}
	return found
}

// copyModule copies what the go command and the linter read of the module.
func copyModule(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(root(t))
	require.NoError(t, err)
	for _, entry := range entries {
		name := entry.Name()
		from := filepath.Join(root(t), name)
		switch {
		case entry.IsDir() && !strings.HasPrefix(name, "."):
			require.NoError(t, os.CopyFS(filepath.Join(to, name), os.DirFS(from)))
		case name == "go.mod" || name == "go.sum" || name == ".golangci.yml":
			text, err := os.ReadFile(from)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(to, name), text, 0o600))
		}
	}
	return to
}
