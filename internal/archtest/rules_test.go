package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// rule is one depguard list of .golangci.yml.
type rule struct {
	Mode  string   `yaml:"list-mode"`
	Files []string `yaml:"files"`
	Allow []string `yaml:"allow"`
	Deny  []struct {
		Pkg  string `yaml:"pkg"`
		Desc string `yaml:"desc"`
	} `yaml:"deny"`
}

// root is the directory of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "go.mod"))
	return dir
}

func loadRules(t *testing.T) map[string]rule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), ".golangci.yml"))
	require.NoError(t, err)
	var config struct {
		Linters struct {
			Disable  []string `yaml:"disable"`
			Settings struct {
				Depguard struct {
					Rules map[string]rule `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	require.NoError(t, yaml.Unmarshal(text, &config))
	require.NotContains(t, config.Linters.Disable, "depguard")
	rules := config.Linters.Settings.Depguard.Rules
	require.NotEmpty(t, rules, "no import rules found in .golangci.yml")
	return rules
}

// covers tells whether the rule is about a file, given by its path in the module.
func (r rule) covers(t *testing.T, file string) bool {
	t.Helper()
	in, out := false, false
	for _, pattern := range r.Files {
		pattern, negated := strings.CutPrefix(pattern, "!")
		matched := matches(t, pattern, file)
		if negated {
			out = out || matched
		} else {
			in = in || matched
		}
	}
	return in && !out
}

// matches knows the patterns that .golangci.yml uses, and no others: a new one has to
// be taught here first.
func matches(t *testing.T, pattern, file string) bool {
	t.Helper()
	switch pattern {
	case "$all":
		return true
	case "$test":
		return strings.HasSuffix(file, "_test.go")
	}
	dir, ok := strings.CutPrefix(pattern, "${base-path}/")
	require.True(t, ok, "unknown pattern of files: %s", pattern)
	dir, ok = strings.CutSuffix(dir, "**")
	require.True(t, ok, "unknown pattern of files: %s", pattern)
	return strings.HasPrefix(file, dir)
}

// refuses tells whether the rule forbids an import, and why.
func (r rule) refuses(t *testing.T, path string) (refused bool, reason string) {
	t.Helper()
	denied, reason := 0, "it is not among what is allowed"
	for _, d := range r.Deny {
		require.NotEmpty(t, d.Desc, "the ban of %s has no reason", d.Pkg)
		if n := matchLength(d.Pkg, path); n > denied {
			denied, reason = n, d.Desc
		}
	}
	allowed := 0
	for _, a := range r.Allow {
		allowed = max(allowed, matchLength(a, path))
	}
	switch r.Mode {
	case "":
		require.Empty(t, r.Allow, "a list with both needs a list-mode")
		return denied > 0, reason
	case "strict":
		return allowed == 0 || denied >= allowed, reason
	case "lax":
		return denied > 0 && denied >= allowed, reason
	}
	require.Fail(t, "unknown list-mode", r.Mode)
	return true, reason
}

// matchLength is how many characters of an import an entry of a list matches; 0 when
// it does not match.
func matchLength(entry, path string) int {
	switch {
	case entry == "$gostd":
		if isStandard(path) {
			return len(path)
		}
	case strings.HasSuffix(entry, "$"):
		if path == strings.TrimSuffix(entry, "$") {
			return len(path)
		}
	case strings.HasPrefix(path, entry):
		// A bare word is a package of the standard library, not the beginning of a
		// host name.
		if strings.Contains(entry, ".") || isStandard(path) {
			return len(entry)
		}
	}
	return 0
}

func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// goFiles lists the Go files of the module by their paths in it.
func goFiles(t *testing.T) []string {
	t.Helper()
	top := root(t)
	var files []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != top && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			relative, err := filepath.Rel(top, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(relative))
		}
		return nil
	})
	require.NoError(t, err)
	return files
}

// importsOf reads the imports of a file.
func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	require.NoError(t, err)
	imports := make([]string, 0, len(file.Imports))
	for _, spec := range file.Imports {
		text, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		imports = append(imports, text)
	}
	return imports
}

func sortedNames(rules map[string]rule) []string {
	names := make([]string, 0, len(rules))
	for name := range rules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
