package cli

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// guardedAPI is a real one that asks who somebody is; its commands have an owner's key.
type guardedAPI struct {
	*realAPI

	keys *apikey.Keys
	key  string
}

func newGuardedAPI(t *testing.T) *guardedAPI {
	t.Helper()
	keys, err := apikey.ParseKeys(apikey.NewKey())
	require.NoError(t, err)
	g := &guardedAPI{keys: keys}
	g.realAPI = newRealAPIWith(t, func(c *api.Config, records authn.Records) {
		c.Auth, c.Keys, c.Issuer = authn.New(authn.Config{Records: records, Keys: keys}), keys, "https://issuer.example"
	})
	record := &models.APIKey{ID: models.NewID(), OrganisationID: models.DefaultOrganisationID, Name: "owner", Role: access.Owner, CreatedBy: "operator"}
	g.key, record.Hash, record.HashKeyID, err = keys.New(record.ID)
	require.NoError(t, err)
	require.NoError(t, g.store.CreateAPIKey(t.Context(), record))
	return g
}

// as runs a command line with a key.
func (g *guardedAPI) as(key string, args ...string) spoken {
	g.t.Helper()
	return commandLineOf(g.t, Streams{In: strings.NewReader("")}, append(args, "--api", g.url, "--api-key", key)...)
}

func (g *guardedAPI) owner(args ...string) spoken { g.t.Helper(); return g.as(g.key, args...) }

func TestWhoami(t *testing.T) {
	t.Parallel()
	g := newGuardedAPI(t)
	said := g.owner("whoami").ok()
	require.Regexp(t, `(?m)^kind +key$`, said.out)
	require.Regexp(t, `(?m)^organisation +Default \(default, `, said.out)
	require.Regexp(t, `(?m)^role +owner$`, said.out)
	require.Contains(t, said.out, "keys:write")
	require.Equal(t, "owner", one[wire.Me](g.owner("whoami", "--json")).Role)
	g.mino("whoami", "--dir", t.TempDir()).fails(ExitRefused, "(UNAUTHORIZED)", "MINO_API_KEY")
	g.as(g.key[:len(g.key)-1]+"_", "whoami").fails(ExitRefused, "(INVALID_TOKEN)")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	g := newGuardedAPI(t)

	made := g.owner("keys", "create", "ci", "--role", "member", "--scopes", "projects:read,keys:read", "--expires-in", "1h")
	made.fails(ExitRefused, "(VALIDATION_ERROR)", "scopes[1]")
	for _, unset := range []string{"", ","} {
		g.owner("keys", "create", "ci", "--scopes", unset).fails(ExitRefused, "(VALIDATION_ERROR)", "scopes")
	}
	made = g.owner("keys", "create", "ci", "--scopes", "projects:read,batches:read", "--expires-in", "1h").ok()
	key := strings.TrimSpace(made.out)
	_, _, err := apikey.Parse(key)
	require.NoError(t, err, "a key by itself is all that is on standard output")
	require.Contains(t, made.errs, "shown this once")
	require.NotContains(t, made.errs, key)
	g.as(key, "projects", "list").ok()
	g.as(key, "keys", "list").fails(ExitRefused, "(FORBIDDEN)", "keys:read")

	whole := one[wire.CreatedAPIKey](g.owner("keys", "create", "whole", "--role", "viewer", "--json"))
	require.Nil(t, whole.ExpiresAt)
	listed := g.owner("keys", "list").ok().out
	require.Regexp(t, whole.ID.String()+` +whole +viewer +active `, listed)
	require.Regexp(t, ` ci +member +batches:read,projects:read +active `, listed)

	next := strings.TrimSpace(g.owner("keys", "rotate", whole.ID.String(), "--grace", "0s").ok().out)
	g.as(next, "projects", "list").ok()
	id, _, err := apikey.Parse(next)
	require.NoError(t, err)
	revoked := g.owner("keys", "revoke", id.String()).ok().out
	require.Regexp(t, `(?m)^status +revoked$`, revoked)
	require.Regexp(t, `(?m)^replaces +`+whole.ID.String()+`$`, revoked)
	require.Eventually(t, func() bool {
		return client.Code(g.as(next, "projects", "list").err) == wire.CodeInvalidToken
	}, 5*time.Second, 20*time.Millisecond, "a key that is revoked is dead within five seconds")

	g.owner("keys", "rotate", id.String()).fails(ExitRefused, "(CONFLICT)")
	g.owner("keys", "rotate", id.String(), "--grace", "200h").fails(ExitRefused, "--grace")
	g.owner("keys", "create", "x", "--expires-in=-1h").fails(ExitRefused, "--expires-in")
	g.owner("keys", "revoke", uuid.NewString()).fails(ExitRefused, "(NOT_FOUND)")
}

func TestMembers(t *testing.T) {
	t.Parallel()
	g := newGuardedAPI(t)
	require.Regexp(t, `(?m)^email +ada@example.org$`, g.owner("members", "add", "ada@example.org", "--role", "owner").ok().out)
	subject := "auth0|" + uuid.NewString()
	grace := one[wire.Member](g.owner("members", "add", subject, "--json"))
	require.Equal(t, []string{subject, "member"}, []string{grace.Subject, grace.Role})
	g.owner("members", "add", "ADA@example.org").fails(ExitRefused, "member already")

	require.Equal(t, "admin", one[wire.Member](g.owner("members", "set-role", subject, "admin", "--json")).Role)
	listed := g.owner("members", "list").ok().out
	require.Regexp(t, grace.ID.String()+`.* admin\n`, listed)
	g.owner("members", "set-role", "Ada@Example.org", "viewer").fails(ExitRefused, "(LAST_OWNER)")
	g.owner("members", "remove", subject).fails(ExitOther, "--yes")
	g.owner("members", "remove", subject, "--yes").ok()
	require.NotContains(t, g.owner("members", "list").ok().out, subject)
	g.owner("members", "remove", subject, "--yes").fails(ExitRefused, "there is no member")
}

func TestAudit(t *testing.T) {
	t.Parallel()
	g := newGuardedAPI(t)
	key := one[wire.CreatedAPIKey](g.owner("keys", "create", "audited", "--json"))
	g.owner("keys", "revoke", key.ID.String()).ok()

	listed := g.owner("audit").ok().out
	require.Regexp(t, `key owner +revokeKey +key `+key.ID.String()+` +done +127\.0\.0\.1`, listed)
	require.Contains(t, listed, "createKey")
	only := many[wire.AuditEntry](g.owner("audit", "--operation", "createKey", "--target", key.ID.String(), "--json"))
	require.Len(t, only, 1)
	require.Contains(t, g.owner("audit", "--to", "2020-01-01T00:00:00Z").ok().errs, "There are none")

	path := filepath.Join(t.TempDir(), "audit.csv")
	g.owner("audit", "--export", path).ok()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(rows), 3)
	exported, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(exported), key.Key)
	lines := filepath.Join(t.TempDir(), "audit.jsonl")
	g.owner("audit", "--export", lines, "--type", "key").ok()
	text, err := os.ReadFile(lines)
	require.NoError(t, err)
	require.Len(t, strings.Split(strings.TrimSpace(string(text)), "\n"), 2)
	require.Contains(t, g.owner("audit", "--export", "-").ok().out, "revokeKey")
}
