package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

const keysPath = "/api/keys"

func keyPath(k wire.APIKey) string { return keysPath + "/" + k.ID.String() }

// newKey makes a key through the API.
func (b *bundle) newKey(body string) wire.CreatedAPIKey {
	b.t.Helper()
	return read[wire.CreatedAPIKey](b.post(keysPath, body), http.StatusCreated)
}

func TestKeyIsMadeUsedAndRevoked(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	got := b.post(keysPath, fmt.Sprintf(
		`{"name": " nightly ", "role": "member", "scopes": ["projects:read", "batches:read"], "expires_at": %q}`, ends.Format(time.RFC3339Nano)))
	made := read[wire.CreatedAPIKey](got, http.StatusCreated)
	require.Equal(t, []string{"no-store", keyPath(made.APIKey)}, []string{got.header.Get("Cache-Control"), got.header.Get("Location")})
	require.Equal(t, []any{"nightly", "member", []string{"batches:read", "projects:read"}, "active", ends},
		[]any{made.Name, made.Role, made.Scopes, made.Status, *made.ExpiresAt})
	id, _, err := apikey.Parse(made.Key)
	require.NoError(t, err)
	require.Equal(t, made.ID, id)
	require.Equal(t, made.APIKey, read[wire.APIKey](b.get(keyPath(made.APIKey)), http.StatusOK))

	me := read[wire.Me](b.as(made.Key).get("/api/me"), http.StatusOK)
	require.Equal(t, []any{made.ID.String(), "nightly", "member", []string{"batches:read", "projects:read"}}, []any{me.ID, me.Name, me.Role, me.Permissions})
	mine := read[wire.Me](b.get("/api/me"), http.StatusOK)
	require.Equal(t, "key "+mine.ID, made.CreatedBy)

	revoked := read[wire.APIKey](b.post(keyPath(made.APIKey)+"/revoke", `{}`), http.StatusOK)
	require.Equal(t, "revoked", revoked.Status)
	require.NotNil(t, revoked.RevokedAt)
	require.Equal(t, revoked.RevokedAt, read[wire.APIKey](b.post(keyPath(made.APIKey)+"/revoke", ``), http.StatusOK).RevokedAt, "revoked twice")
	b.post(keyPath(made.APIKey)+"/rotate", `{}`).problem(http.StatusConflict, wire.CodeConflict)

	whole := b.newKey(`{"name": "all", "role": "owner"}`)
	require.Nil(t, whole.Scopes)
	require.Nil(t, whole.ExpiresAt)
	var plain map[string]any
	require.NoError(t, json.Unmarshal(b.get(keyPath(whole.APIKey)).body, &plain))
	require.NotContains(t, plain, "scopes")
	require.NotContains(t, plain, "key")
	for _, path := range []string{"", "/rotate", "/revoke"} {
		req := b.request(map[bool]string{true: http.MethodGet, false: http.MethodPost}[path == ""], keysPath+"/"+uuid.NewString()+path, "", nil)
		b.send(req).problem(http.StatusNotFound, wire.CodeNotFound)
	}
}

func TestKeyIsRotated(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	old := b.newKey(`{"name": "nightly", "role": "member", "scopes": ["projects:read"]}`)

	before := time.Now()
	next := read[wire.CreatedAPIKey](b.post(keyPath(old.APIKey)+"/rotate", `{"grace_seconds": 600}`), http.StatusCreated)
	require.Equal(t, []any{old.Name, old.Role, old.Scopes, &old.ID, "active"}, []any{next.Name, next.Role, next.Scopes, next.Replaces, next.Status})
	require.Nil(t, next.ExpiresAt)
	require.NotEqual(t, old.Key, next.Key)
	ending := read[wire.APIKey](b.get(keyPath(old.APIKey)), http.StatusOK)
	require.Equal(t, "active", ending.Status)
	require.WithinRange(t, *ending.ExpiresAt, before.Add(10*time.Minute), time.Now().Add(10*time.Minute))
	for _, text := range []string{old.Key, next.Key} {
		b.as(text).get("/api/projects").is(http.StatusOK)
	}

	// Without grace the old one ends there and then.
	last := read[wire.CreatedAPIKey](b.post(keyPath(next.APIKey)+"/rotate", `{"grace_seconds": 0}`), http.StatusCreated)
	require.Equal(t, "revoked", read[wire.APIKey](b.get(keyPath(next.APIKey)), http.StatusOK).Status)
	b.as(last.Key).get("/api/projects").is(http.StatusOK)

	// A day of grace when nothing is said; and an end of its own.
	ends := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Microsecond)
	before = time.Now()
	own := read[wire.CreatedAPIKey](b.post(keyPath(last.APIKey)+"/rotate", fmt.Sprintf(`{"expires_at": %q}`, ends.Format(time.RFC3339Nano))), http.StatusCreated)
	require.Equal(t, ends, *own.ExpiresAt)
	ending = read[wire.APIKey](b.get(keyPath(last.APIKey)), http.StatusOK)
	require.WithinRange(t, *ending.ExpiresAt, before.Add(24*time.Hour), time.Now().Add(24*time.Hour))

	for body, field := range map[string]string{
		`{"grace_seconds": -1}`: "grace_seconds", `{"grace_seconds": 604801}`: "grace_seconds", `{"grace_seconds": 1.5}`: "grace_seconds",
		`{"expires_at": "2020-01-01T00:00:00Z"}`: "expires_at", `{"role": "owner"}`: "role", `{"scopes": []}`: "scopes",
	} {
		at(t, b.post(keyPath(own.APIKey)+"/rotate", body).problem(http.StatusBadRequest, wire.CodeValidation), field)
	}
}

func TestWhatIsWrongWithAKeyIsNamed(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	n := b.count((*models.APIKey)(nil))
	for body, field := range map[string]string{
		`{"role": "viewer"}`:              "name",
		`{"name": " ", "role": "viewer"}`: "name",
		`{"name": "` + strings.Repeat("x", wire.MaxNameLength+1) + `", "role": "viewer"}`: "name",
		`{"name": "x"}`:                                                                              "role",
		`{"name": "x", "role": "god"}`:                                                               "role",
		`{"name": "x", "role": "viewer", "scopes": []}`:                                              "scopes",
		`{"name": "x", "role": "viewer", "scopes": null}`:                                            "scopes",
		`{"name": "x", "role": "viewer", "scopes": ["jobs:read", "jobs:eat"]}`:                       "scopes[1]",
		`{"name": "x", "role": "viewer", "scopes": ["jobs:read", "jobs:read"]}`:                      "scopes[1]",
		`{"name": "x", "role": "viewer", "scopes": ["jobs:write"]}`:                                  "scopes[0]",
		`{"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}`:                      "expires_at",
		`{"name": "x", "role": "viewer", "expires_at": "9999-01-01T00:00:00Z"}`:                      "expires_at",
		`{"name": "x", "role": "viewer", "expires_at": "tomorrow"}`:                                  "expires_at",
		`{"name": "x", "role": "viewer", "organisation_id": "019a0000-0000-7000-8000-000000000001"}`: "organisation_id",
		`{"name": "x", "role": "viewer", "id": "019a0000-0000-7000-8000-000000000001"}`:              "id",
	} {
		at(t, b.post(keysPath, body).problem(http.StatusBadRequest, wire.CodeValidation), field)
	}
	all := b.post(keysPath, `{"role": "god", "scopes": ["x"], "expires_at": "2020-01-01T00:00:00Z"}`).problem(http.StatusBadRequest, wire.CodeValidation)
	require.ElementsMatch(t, []string{"name", "role", "scopes[0]", "expires_at"}, fieldsOf(all), "all of it at once")

	// Nothing is kept of the text, so it could not be given again.
	old := b.newKey(`{"name": "x", "role": "viewer"}`)
	for _, path := range []string{keysPath, keyPath(old.APIKey) + "/rotate"} {
		req := b.request(http.MethodPost, path, "application/json", strings.NewReader(`{"name": "x", "role": "viewer"}`))
		req.Header.Set("Idempotency-Key", "again")
		at(t, b.send(req).problem(http.StatusBadRequest, wire.CodeInvalidParams), "Idempotency-Key")
	}
	require.Equal(t, n+1, b.count((*models.APIKey)(nil)))

	t.Run("WithoutAHashKeyThereAreNone", func(t *testing.T) {
		t.Parallel()
		for _, maker := range []api.KeyMaker{nil, &apikey.Keys{}} {
			b := setupAccess(t, func(cfg *api.Config, _ *authn.Config) { cfg.Keys = maker })
			refused := b.post(keysPath, `{"name": "x", "role": "viewer"}`)
			require.Contains(t, refused.problem(http.StatusConflict, wire.CodeConflict).Detail, "MINO_AUTH_KEY")
		}
	})
}

func TestNobodyMakesAKeyThatMayMoreThanTheyDo(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	org := models.DefaultOrganisationID
	admin := b.as(b.key(org, access.Admin, nil))
	narrow := b.as(b.key(org, access.Owner, []access.Permission{access.WriteKeys, access.ReadJobs}))
	owners := b.newKey(`{"name": "owner", "role": "owner"}`)
	members := b.newKey(`{"name": "member", "role": "member"}`)

	for _, one := range []struct {
		a     *answer
		field string
	}{
		{admin.post(keysPath, `{"name": "x", "role": "owner"}`), "role"},
		{admin.post(keysPath, `{"name": "x", "role": "owner", "scopes": ["jobs:read"]}`), "role"},
		{admin.post(keyPath(owners.APIKey)+"/rotate", `{}`), "id"},
		{narrow.post(keysPath, `{"name": "x", "role": "viewer"}`), "scopes"},
		{narrow.post(keysPath, `{"name": "x", "role": "viewer", "scopes": ["projects:read"]}`), "scopes"},
		{narrow.post(keyPath(members.APIKey)+"/rotate", `{}`), "id"},
	} {
		at(t, one.a.problem(http.StatusForbidden, wire.CodeForbidden), one.field)
	}
	admin.newKey(`{"name": "x", "role": "admin"}`)
	narrow.newKey(`{"name": "x", "role": "owner", "scopes": ["jobs:read"]}`)
	// A key that is known to others is to be ended by whoever hears of it first.
	read[wire.APIKey](admin.post(keyPath(owners.APIKey)+"/revoke", `{}`), http.StatusOK)
}

func TestKeysComeInPages(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	want := make([]uuid.UUID, 5)
	for i := range want {
		want[len(want)-1-i] = b.newKey(`{"name": "x", "role": "viewer"}`).ID
	}
	first := read[wire.Page[wire.APIKey]](b.get(keysPath+"?limit=4&include_total=true"), http.StatusOK)
	require.EqualValues(t, len(want)+1, *first.Pagination.Total, "with the caller's")
	second := read[wire.Page[wire.APIKey]](b.get(keysPath+"?limit=4&cursor="+first.Pagination.NextCursor), http.StatusOK)
	require.False(t, second.Pagination.HasMore)
	var got []uuid.UUID
	for _, k := range append(first.Data, second.Data...) {
		got = append(got, k.ID)
	}
	require.Equal(t, want, got[:len(want)])
	at(t, b.get(membersPath+"?cursor="+first.Pagination.NextCursor).problem(http.StatusBadRequest, wire.CodeInvalidParams), "cursor")
}

// The text of a key is in the answer to its creation and nowhere else.
func TestTextOfAKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	b := setupKeeper(t)
	made := b.newKey(`{"name": "nightly", "role": "admin"}`)
	next := read[wire.CreatedAPIKey](b.post(keyPath(made.APIKey)+"/rotate", `{"grace_seconds": 60}`), http.StatusCreated)
	b.as(next.Key).get("/api/projects").is(http.StatusOK)
	b.as(next.Key[:len(next.Key)-1] + "!").get("/api/projects").is(http.StatusUnauthorized)
	b.as(next.Key).post(keysPath, `{"name": "`+next.Key+`"}`).is(http.StatusBadRequest)
	read[wire.APIKey](b.as(next.Key).post(keyPath(made.APIKey)+"/revoke", `{}`), http.StatusOK)

	places := map[string]string{"the records": b.dump()}
	for _, path := range []string{
		keysPath, keyPath(made.APIKey), keyPath(next.APIKey), "/api/audit?limit=100", "/api/audit/export?format=jsonl", "/api/audit/export",
	} {
		places[path] = string(b.get(path).is(http.StatusOK).body)
	}
	for _, entry := range b.logs.All() {
		places["the log"] += fmt.Sprintln(entry.Message, entry.ContextMap())
	}
	for _, text := range []string{made.Key, next.Key} {
		_, secret, err := apikey.Parse(text)
		require.NoError(t, err)
		for name, place := range places {
			require.Contains(t, place, made.ID.String(), "%s has something of the key, or the search proves nothing", name)
			require.NotContains(t, place, secret, name)
		}
	}
}
