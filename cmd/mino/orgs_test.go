package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// operator runs `mino orgs` on a database of its own.
type operator struct {
	t     *testing.T
	store *store.Store
	key   string
	keys  *apikey.Keys
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	o := &operator{t: t, store: testkit.Store(t, testkit.Database(t)), key: apikey.NewKey()}
	var err error
	o.keys, err = apikey.ParseKeys(o.key)
	require.NoError(t, err)
	return o
}

// orgs runs a command line and gives what it printed.
func (o *operator) orgs(args ...string) (string, error) {
	o.t.Helper()
	var line orgsCmd
	parser, err := kong.New(&line, kong.Name("orgs"))
	require.NoError(o.t, err)
	parsed, err := parser.Parse(args)
	if err != nil {
		return "", err
	}
	line.Key.AuthKey.Keys = config.Secret(o.key)
	runs := map[string]func(context.Context, *store.Store, io.Writer) error{
		"list": line.List.run, "create": line.Create.run, "rename": line.Rename.run,
		"limits": line.Limits.run, "add-owner": line.AddOwner.run, "key": line.Key.run,
	}
	var out bytes.Buffer
	err = runs[parsed.Selected().Name](o.t.Context(), o.store, &out)
	return out.String(), err
}

func (o *operator) ok(args ...string) string {
	o.t.Helper()
	out, err := o.orgs(args...)
	require.NoError(o.t, err)
	return out
}

func (o *operator) fails(words string, args ...string) {
	o.t.Helper()
	out, err := o.orgs(args...)
	require.ErrorContains(o.t, err, words)
	require.Empty(o.t, out)
}

func (o *operator) organisation(ref string) *models.Organisation {
	o.t.Helper()
	found, err := o.store.OrganisationBySlug(o.t.Context(), ref)
	require.NoError(o.t, err)
	return found
}

// written are the audit entries of an organisation, newest first.
func (o *operator) written(org uuid.UUID) []models.AuditEntry {
	o.t.Helper()
	entries, err := o.store.ListAudit(o.t.Context(), org, models.AuditFilter{}, models.Page{Limit: 100})
	require.NoError(o.t, err)
	return entries
}

func newSlug() string { return "org-" + uuid.NewString() }

func TestOrganisations(t *testing.T) {
	t.Parallel()

	t.Run("AreMadeWithLimitsAndNoTaskQueues", func(t *testing.T) {
		t.Parallel()
		o, slug := newOperator(t), newSlug()
		require.Contains(t, o.ok("create", slug, "--name", "Acme", "--external-id", "org_1", "--max-jobs-per-day", "5000"), slug)
		made := o.organisation(slug)
		require.Equal(t, "Acme", made.Name)
		require.Equal(t, "org_1", *made.ExternalID)
		require.EqualValues(t, 5000, *made.MaxJobsPerDay)
		require.NotNil(t, made.TaskQueues)
		require.Empty(t, made.TaskQueues)
		require.Nil(t, o.organisation("default").TaskQueues, "which may name any, as before")

		var listed []shownOrganisation
		for line := range strings.Lines(o.ok("list", "--json")) {
			var one shownOrganisation
			require.NoError(t, json.Unmarshal([]byte(line), &one))
			listed = append(listed, one)
		}
		require.Len(t, listed, 2)
		require.Equal(t, []string{"default", slug}, []string{listed[0].Slug, listed[1].Slug})
		require.Regexp(t, made.ID.String()+` +`+slug+` +Acme +org_1 +– +– +– +5000 +none\n`, o.ok("list"))

		entries := o.written(made.ID)
		require.Len(t, entries, 1)
		require.Equal(t, access.KindOperator, entries[0].ActorKind)
		require.NotEmpty(t, entries[0].ActorID)
		require.Equal(t, "mino orgs create", entries[0].Operation)
		require.Contains(t, string(entries[0].After), slug)
	})

	t.Run("AreRenamedAndLimited", func(t *testing.T) {
		t.Parallel()
		o, slug, next := newOperator(t), newSlug(), newSlug()
		o.ok("create", slug, "--external-id", "org_1")
		o.ok("rename", slug, "--slug", next, "--name", "Next", "--external-id", "")
		made := o.organisation(next)
		require.Equal(t, "Next", made.Name)
		require.Nil(t, made.ExternalID)

		o.ok("limits", next, "--requests-per-minute", "60", "--max-running-executions", "2", "--max-concurrent-jobs", "20", "--task-queues", "a, b")
		o.ok("limits", made.ID.String(), "--max-running-executions", "none")
		limited := o.organisation(next)
		require.Equal(t, 60, *limited.RequestsPerMinute)
		require.Nil(t, limited.MaxRunningExecutions)
		require.Equal(t, 20, *limited.MaxConcurrentJobs)
		require.Equal(t, []string{"a", "b"}, limited.TaskQueues)
		o.ok("limits", next, "--task-queues", "any")
		require.Nil(t, o.organisation(next).TaskQueues)
		o.ok("limits", next, "--task-queues", "none")
		require.NotNil(t, o.organisation(next).TaskQueues)
		require.Contains(t, o.ok("limits", next), "none", "without a change they are shown")

		entries := o.written(made.ID)
		require.Len(t, entries, 6)
		require.Equal(t, "mino orgs limits", entries[0].Operation)
		require.Contains(t, string(entries[0].Before), `"task_queues": null`)
		require.Contains(t, string(entries[0].After), `"task_queues": []`)
	})

	t.Run("AreRefusedByTheNameOfTheFlag", func(t *testing.T) {
		t.Parallel()
		o, slug := newOperator(t), newSlug()
		o.ok("create", slug, "--external-id", "org_1")
		o.fails("--slug: another organisation is called", "create", slug)
		o.fails("--external-id: another organisation has", "create", newSlug(), "--external-id", "org_1")
		o.fails("--slug: must be", "create", "Acme Ltd")
		o.fails("--name: must be", "create", newSlug(), "--name", " ")
		o.fails("give --slug, --name or --external-id", "rename", slug)
		o.fails("--slug: another", "rename", slug, "--slug", "default")
		o.fails("there is no organisation", "rename", newSlug(), "--name", "x")
		o.fails("must be 1 to", "limits", slug, "--max-jobs-per-day", "0")
		o.fails("must be names", "limits", slug, "--task-queues", "a,,b")
		require.Len(t, o.written(o.organisation(slug).ID), 1, "what was refused is no entry")
	})
}

func TestFirstOwners(t *testing.T) {
	t.Parallel()

	t.Run("ComeWithTokens", func(t *testing.T) {
		t.Parallel()
		o, subject := newOperator(t), uuid.NewString()
		const issuer = "--oidc-issuer=https://issuer.example"
		require.Contains(t, o.ok("add-owner", "default", issuer, "--subject", subject), subject+" is an owner of default")
		require.Contains(t, o.ok("add-owner", "default", issuer, "--email", "ada@example.org"), "ada@example.org is an owner")
		members, err := o.store.ListMembers(t.Context(), models.DefaultOrganisationID, models.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, members, 2)
		for _, m := range members {
			require.Equal(t, access.Owner, m.Role)
			require.Equal(t, "https://issuer.example", m.User.Issuer)
		}
		require.Equal(t, "ada@example.org", *members[0].User.Email)
		require.Nil(t, members[0].User.Subject)
		require.Equal(t, subject, *members[1].User.Subject)

		members[1].Role = access.Viewer
		require.NoError(t, o.store.ChangeMember(t.Context(), &members[1]))
		require.Contains(t, o.ok("add-owner", "default", issuer, "--subject", subject), "an owner now")
		again, err := o.store.Member(t.Context(), models.DefaultOrganisationID, members[1].UserID)
		require.NoError(t, err)
		require.Equal(t, access.Owner, again.Role)
		require.Equal(t, "mino orgs add-owner", o.written(models.DefaultOrganisationID)[0].Operation)

		o.fails("--email: is not an address", "add-owner", "default", issuer, "--email", "ada")
		o.fails("--subject", "add-owner", "default", issuer)
		o.fails("--oidc-issuer", "add-owner", "default", "--subject", subject)
	})

	t.Run("ComeWithKeys", func(t *testing.T) {
		t.Parallel()
		o := newOperator(t)
		text := strings.TrimSpace(o.ok("key", "default"))
		good, err := ownerKey(t.Context(), o.store, o.keys, models.DefaultOrganisationID, text)
		require.NoError(t, err)
		require.True(t, good)
		id, secret, err := apikey.Parse(text)
		require.NoError(t, err)
		key, err := o.store.APIKey(t.Context(), models.DefaultOrganisationID, id)
		require.NoError(t, err)
		require.Regexp(t, "^operator .+", key.CreatedBy)
		entry := o.written(models.DefaultOrganisationID)[0]
		require.Equal(t, "mino orgs key", entry.Operation)
		require.Equal(t, id.String(), entry.TargetID)
		require.NotContains(t, string(entry.After)+string(entry.Before), secret)

		o.fails("--scopes: must leave something", "key", "default", "--scopes", "")
		o.fails("--scopes: there is no permission", "key", "default", "--scopes", "everything:do")
		o.fails("--expires-in", "key", "default", "--expires-in=-1h")
		o.fails("--role", "key", "default", "--role=king")
		o.fails("there is no organisation", "key", newSlug())
	})
}

// TestOwnerKey holds which keys the dev stack goes on with.
func TestOwnerKey(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	good := func(text string) bool {
		ok, err := ownerKey(t.Context(), o.store, o.keys, models.DefaultOrganisationID, text)
		require.NoError(t, err)
		return ok
	}
	require.True(t, good(strings.TrimSpace(o.ok("key", "default", "--expires-in=1h"))))
	require.False(t, good(""), "an empty file")
	require.False(t, good(strings.TrimSpace(o.ok("key", "default", "--role=admin"))))
	require.False(t, good(strings.TrimSpace(o.ok("key", "default", "--scopes=jobs:read"))))
	slug := newSlug()
	o.ok("create", slug)
	require.False(t, good(strings.TrimSpace(o.ok("key", slug))), "of another organisation")

	text := strings.TrimSpace(o.ok("key", "default"))
	id, _, err := apikey.Parse(text)
	require.NoError(t, err)
	other, err := apikey.ParseKeys(apikey.NewKey())
	require.NoError(t, err)
	ok, err := ownerKey(t.Context(), o.store, other, models.DefaultOrganisationID, text)
	require.NoError(t, err)
	require.False(t, ok, "under another hash key")
	require.True(t, good(text))
	_, err = o.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, id)
	require.NoError(t, err)
	require.False(t, good(text))

	ended := &models.APIKey{OrganisationID: models.DefaultOrganisationID, Name: "ended", Role: access.Owner}
	at := time.Now().Add(-time.Minute)
	ended.ExpiresAt = &at
	text, err = makeKey(t.Context(), o.store, o.keys, ended, "mino dev")
	require.NoError(t, err)
	require.False(t, good(text))

	empty := newOperator(t)
	text, err = makeKey(t.Context(), o.store, o.keys, &models.APIKey{OrganisationID: models.DefaultOrganisationID, Name: "k", Role: access.Owner}, "mino dev")
	require.NoError(t, err)
	ok, err = ownerKey(t.Context(), empty.store, o.keys, models.DefaultOrganisationID, text)
	require.NoError(t, err)
	require.False(t, ok, "of another database")
}

// TestDevKey holds that a dev stack has one key, however many start at once, and another one
// when the database does not know it any more.
func TestDevKey(t *testing.T) {
	t.Parallel()
	o, dir := newOperator(t), t.TempDir()
	keys := make([]string, 5)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() { keys[i], _ = devKey(t.Context(), dir, o.store, config.Secret(o.key)) })
	}
	all.Wait()
	for _, key := range keys {
		require.NotEmpty(t, key)
		require.Equal(t, keys[0], key)
	}
	n, err := o.store.CountAPIKeys(t.Context(), models.DefaultOrganisationID)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.Equal(t, "mino dev", o.written(models.DefaultOrganisationID)[0].Operation)

	other := newOperator(t)
	next, err := devKey(t.Context(), dir, other.store, config.Secret(o.key))
	require.NoError(t, err)
	require.NotEqual(t, keys[0], next, "the data directory was removed, and not the key")
	again, err := devKey(t.Context(), dir, other.store, config.Secret(o.key))
	require.NoError(t, err)
	require.Equal(t, next, again)
}
