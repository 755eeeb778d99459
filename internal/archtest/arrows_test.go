package archtest

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/minohq/mino/"

// plant is a violation: an import in a directory, and the rule that refuses it.
type plant struct {
	rule, dir, imports string
}

// plants violates every rule, each in the ways that would do harm.
var plants = []plant{
	{"contract-is-a-leaf", "workflows/contract", "go.temporal.io/sdk/workflow"},
	{"contract-is-a-leaf", "workflows/contract", module + "models"},
	{"workflows-are-deterministic", "workflows", "github.com/uptrace/bun"},
	{"workflows-are-deterministic", "workflows", "github.com/gofiber/fiber/v2"},
	{"workflows-are-deterministic", "workflows", "net/http"},
	{"workflows-are-deterministic", "workflows", "database/sql"},
	{"workflows-are-deterministic", "workflows", "math/rand/v2"},
	{"workflows-are-deterministic", "workflows", "sync"},
	{"workflows-are-deterministic", "workflows", "go.uber.org/zap"},
	{"workflows-are-deterministic", "workflows", "go.temporal.io/sdk/client"},
	{"workflows-are-deterministic", "workflows", module + "models"},
	{"workflows-are-deterministic", "workflows", module + "activities"},
	{"child-is-for-other-modules", "workflows/child", module + "workflows"},
	{"child-is-for-other-modules", "workflows/child", module + "models"},
	{"child-is-for-other-modules", "internal/childtest", "go.temporal.io/sdk/client"},
	{"activities-speak-to-interfaces", "activities", "github.com/uptrace/bun"},
	{"activities-speak-to-interfaces", "activities", "github.com/gofiber/fiber/v2"},
	{"activities-speak-to-interfaces", "activities", module + "executors/fetch"},
	{"api-speaks-to-interfaces", "api", "go.temporal.io/sdk/client"},
	{"api-speaks-to-interfaces", "api", "github.com/uptrace/bun"},
	{"api-speaks-to-interfaces", "api", module + "activities"},
	{"api-speaks-to-interfaces", "api", module + "models/store"},
	{"api-speaks-to-interfaces", "api", module + "internal/orchestrator"},
	{"wire-is-plain", "api/wire", "github.com/gofiber/fiber/v2"},
	{"wire-is-plain", "api/wire", module + "models"},
	{"clients-know-the-wire-only", "internal/client", module + "models/store"},
	{"clients-know-the-wire-only", "internal/cli", "go.temporal.io/sdk/client"},
	{"executors-know-the-job-only", "executors", "github.com/uptrace/bun"},
	{"executors-know-the-job-only", "executors", "database/sql"},
	{"executors-know-the-job-only", "executors", module + "models"},
	{"executors-know-the-job-only", "executors", module + "models/store"},
	{"executors-know-the-job-only", "executors/fetch", "go.temporal.io/sdk/activity"},
	{"scoring-is-pure", "scoring", module + "models"},
	{"scoring-is-pure", "scoring", "net/http"},
	{"scoring-is-pure", "internal/parse", module + "executors"},
	{"models-are-below-everything", "models", module + "models/store"},
	{"models-are-below-everything", "models", module + "api/wire"},
	{"models-are-below-everything", "models", module + "workflows/contract"},
	{"models-are-below-everything", "models", "go.temporal.io/sdk/temporal"},
	{"exports-write-and-no-more", "internal/export", "net/http"},
	{"exports-write-and-no-more", "internal/export", module + "models/store"},
	{"exports-write-and-no-more", "internal/export", module + "api/wire"},
	{"limits-know-names-only", "internal/ratelimit", module + "models"},
	{"limits-know-names-only", "internal/ratelimit", "net/http"},
	{"limits-know-names-only", "internal/ratelimit", "github.com/gofiber/fiber/v2"},
	{"tokens-are-checked-apart", "internal/oidc", module + "models"},
	{"tokens-are-checked-apart", "internal/oidc", module + "internal/config"},
	{"tokens-are-checked-apart", "internal/oidc", "github.com/gofiber/fiber/v2"},
	{"tokens-are-checked-apart", "internal/oidc", "github.com/uptrace/bun"},
	{"tokens-are-checked-apart", "internal/oidc", "go.temporal.io/sdk/client"},
	{"issuers-for-tests-stand-alone", "internal/oidc/oidctest", module + "internal/oidc"},
	{"issuers-for-tests-stand-alone", "internal/oidc/oidctest", "github.com/go-jose/go-jose/v4"},
	{"lists-of-keys-stand-alone", "internal/keylist", module + "models"},
	{"keys-are-text-and-hashes", "internal/apikey", module + "models/store"},
	{"keys-are-text-and-hashes", "internal/apikey", "net/http"},
	{"credentials-are-checked-without-http", "internal/authn", "net/http"},
	{"credentials-are-checked-without-http", "internal/authn", "github.com/gofiber/fiber/v2"},
	{"credentials-are-checked-without-http", "internal/authn", module + "models/store"},
	{"values-are-leaves", "models/field", "github.com/uptrace/bun"},
	{"values-are-leaves", "models/failure", module + "models"},
	{"store-serves-nobody-in-particular", "models/store", "github.com/gofiber/fiber/v2"},
	{"store-serves-nobody-in-particular", "models/store", "go.temporal.io/sdk/temporal"},
	{"store-serves-nobody-in-particular", "models/store", module + "workflows/contract"},
	{"mains-construct-clients", "activities", "go.temporal.io/sdk/client"},
	{"mains-construct-clients", "internal/ingest", "go.temporal.io/sdk/worker"},
	{"fiber-stays-in-the-api", "worker", "github.com/gofiber/fiber/v2"},
	{"one-way-of-doing-it", "internal/config", "log"},
	{"one-way-of-doing-it", "cmd/mino", "log/slog"},
	{"one-way-of-doing-it", "scoring", "github.com/stretchr/testify/assert"},
}

func TestArrows(t *testing.T) {
	t.Parallel()
	rules := loadRules(t)

	t.Run("HoldInEveryFile", func(t *testing.T) {
		t.Parallel()
		files := goFiles(t)
		require.NotEmpty(t, files)
		for _, file := range files {
			for _, imported := range importsOf(t, filepath.Join(root(t), file)) {
				for name, r := range rules {
					if !r.covers(t, file) {
						continue
					}
					refused, reason := r.refuses(t, imported)
					require.False(t, refused, "%s imports %s, which rule %s refuses: %s", file, imported, name, reason)
				}
			}
		}
	})

	t.Run("EachRuleRefusesWhatIsPlantedAgainstIt", func(t *testing.T) {
		t.Parallel()
		for _, p := range plants {
			r, ok := rules[p.rule]
			require.True(t, ok, "there is no rule %s", p.rule)
			require.True(t, r.covers(t, p.dir+"/planted.go"), "rule %s does not cover %s", p.rule, p.dir)
			refused, _ := r.refuses(t, p.imports)
			require.True(t, refused, "rule %s lets %s import %s", p.rule, p.dir, p.imports)
		}
	})

	t.Run("NoRuleIsWithoutAPlant", func(t *testing.T) {
		t.Parallel()
		planted := make(map[string]bool, len(plants))
		for _, p := range plants {
			planted[p.rule] = true
		}
		for _, name := range sortedNames(rules) {
			require.True(t, planted[name], "nothing shows that rule %s bites", name)
		}
	})

	t.Run("NoRuleNamesADirectoryWithoutGoFiles", func(t *testing.T) {
		t.Parallel()
		files := goFiles(t)
		for name, r := range rules {
			for _, pattern := range r.Files {
				pattern = strings.TrimPrefix(pattern, "!")
				some := slices.ContainsFunc(files, func(file string) bool { return matches(t, pattern, file) })
				require.True(t, some, "rule %s names %s, where there is nothing", name, pattern)
			}
		}
	})
}
