package api_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models"
)

// referringProject is a project of the executor referring{} with more members.
func referringProject(query, members string) string {
	return fmt.Sprintf(`{"name": %q, "instruction": "Find the price.", "executor": "browser",
		"fields": [{"name": "price", "type": "money"}], "settings": {"query": %q}%s}`, "Referring "+uuid.NewString(), query, members)
}

// opened are the secrets of a project as jobs get them.
func (b *bundle) opened(p wire.Project, names ...string) map[string]string {
	b.t.Helper()
	sealer, ok := b.config.Secrets.(*vault.Vault)
	require.True(b.t, ok)
	values, err := sealer.Open(context.Background(), models.DefaultOrganisationID, p.ID, names)
	require.NoError(b.t, err)
	return values
}

func TestProjectKeepsSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := read[wire.Project](b.post("/api/projects", referringProject("key={{secret.api_key}}",
		`, "secrets": {"token": "t-0", "api_key": "k-0"}`)), http.StatusCreated)
	require.Equal(t, []string{"api_key", "token"}, p.SecretNames)
	require.Equal(t, map[string]string{"api_key": "k-0", "token": "t-0"}, b.opened(p, "api_key", "token"))
	path := "/api/projects/" + p.ID.String()
	require.Equal(t, p, read[wire.Project](b.get(path), http.StatusOK))

	// Those that are not named stay, whatever else is edited.
	p = read[wire.Project](b.patch(path, `{"secrets": {"token": null, "other": "o-1", "api_key": "k-1"}}`), http.StatusOK)
	require.Equal(t, []string{"api_key", "other"}, p.SecretNames)
	require.EqualValues(t, 2, p.Version)
	p = read[wire.Project](b.patch(path, `{"instruction": "Find it.", "secrets": {"never": null}}`), http.StatusOK)
	require.Equal(t, []string{"api_key", "other"}, p.SecretNames)
	require.Equal(t, map[string]string{"api_key": "k-1", "other": "o-1"}, b.opened(p, "api_key", "other"))
	require.Equal(t, 2, b.count((*models.Secret)(nil)))

	refused := b.patch(path, `{"secrets": {"api_key": null}}`).problem(http.StatusBadRequest, wire.CodeValidation)
	require.Contains(t, at(t, refused, "settings.query").Message, "api_key", "the settings need it")
	require.Equal(t, p, read[wire.Project](b.get(path), http.StatusOK))

	b.send(b.request(http.MethodDelete, path, "", nil)).is(http.StatusNoContent)
	require.Zero(t, b.count((*models.Secret)(nil)))
}

func TestSecretsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	many := func(n int) string {
		secrets := make([]string, n)
		for i := range secrets {
			secrets[i] = fmt.Sprintf(`"s%d": "v"`, i)
		}
		return "{" + strings.Join(secrets, ",") + "}"
	}
	for name, test := range map[string]struct{ secrets, field string }{
		"WithABadName":        {`{"api-key": "v"}`, "secrets.api-key"},
		"WithoutAValue":       {`{"api_key": ""}`, "secrets.api_key"},
		"WithALongValue":      {`{"api_key": "` + strings.Repeat("ü", wire.MaxSecretBytes/2+1) + `"}`, "secrets.api_key"},
		"WithANumber":         {`{"api_key": 5}`, "secrets.api_key"},
		"WithNULInTheValue":   {`{"api_key": "a\u0000b"}`, "secrets.api_key"},
		"WithTheSameOneTwice": {`{"api_key": "a", "api_key": "b"}`, "secrets.api_key"},
		"WithTooMany":         {many(wire.MaxSecrets + 1), "secrets"},
		"WithAList":           {`["api_key"]`, "secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, a := range []*answer{
				b.post("/api/projects", referringProject("", `, "secrets": `+test.secrets)),
				b.patch("/api/projects/"+p.ID.String(), `{"secrets": `+test.secrets+`}`),
			} {
				require.Equal(t, []string{test.field}, fieldsOf(a.problem(http.StatusBadRequest, wire.CodeValidation)))
			}
		})
	}
	t.Run("AsNullInANewProject", func(t *testing.T) {
		t.Parallel()
		p := b.post("/api/projects", referringProject("", `, "secrets": {"api_key": null}`)).problem(http.StatusBadRequest, wire.CodeValidation)
		at(t, p, "secrets.api_key")
	})
	t.Run("ThatAreReferredToAndNotThere", func(t *testing.T) {
		t.Parallel()
		p := b.post("/api/projects", referringProject("{{secret.api_key}}", "")).problem(http.StatusBadRequest, wire.CodeValidation)
		require.Contains(t, at(t, p, "settings.query").Message, "api_key")
	})
	t.Run("AsManyAsThereMayBe", func(t *testing.T) {
		t.Parallel()
		p := read[wire.Project](b.post("/api/projects", referringProject("", `, "secrets": `+many(wire.MaxSecrets))), http.StatusCreated)
		require.Len(t, p.SecretNames, wire.MaxSecrets)
		longest := strings.Repeat("v", wire.MaxSecretBytes)
		read[wire.Project](b.patch("/api/projects/"+p.ID.String(), `{"secrets": {"s0": "`+longest+`"}}`), http.StatusOK)
		require.Equal(t, longest, b.opened(p, "s0")["s0"])
	})
}

func TestWithoutAKeySecretsAreRefused(t *testing.T) {
	t.Parallel()
	none, err := vault.ParseKeys("")
	require.NoError(t, err)
	for name, sealer := range map[string]api.Sealer{"NoSealer": nil, "NoKey": vault.New(none, nil)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(cfg *api.Config) { cfg.Secrets = sealer })
			body := referringProject("", `, "secrets": {"api_key": "v"}`)
			keyed := b.request(http.MethodPost, "/api/projects", "application/json", strings.NewReader(body))
			keyed.Header.Set("Idempotency-Key", "k")
			path := "/api/projects/" + b.project().ID.String()
			for _, a := range []*answer{b.post("/api/projects", body), b.send(keyed), b.patch(path, `{"secrets": {"api_key": "v"}}`)} {
				p := a.problem(http.StatusBadRequest, wire.CodeValidation)
				require.Contains(t, at(t, p, "secrets").Message, "MINO_SECRETS_KEY")
			}
			read[wire.Project](b.patch(path, `{"secrets": {"api_key": null}}`), http.StatusOK)
		})
	}
}

// everything is all that PostgreSQL holds, as text.
func (b *bundle) everything() string {
	b.t.Helper()
	var tables []string
	require.NoError(b.t, b.db.NewRaw(`SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`).
		Scan(context.Background(), &tables))
	require.Contains(b.t, tables, "idempotency_keys")
	var all strings.Builder
	for _, table := range tables {
		var rows []string
		require.NoError(b.t, b.db.NewRaw(`SELECT row_to_json(t)::text FROM "`+table+`" AS t`).Scan(context.Background(), &rows))
		all.WriteString(table + strings.Join(rows, "\n"))
	}
	return all.String()
}

func TestSecretsAreNowhereToBeRead(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	canary := "canary-" + uuid.NewString()
	var answers strings.Builder
	keep := func(a *answer) *answer {
		answers.WriteString(fmt.Sprint(a.header) + string(a.body))
		return a
	}
	keyed := func(body string) *answer {
		req := b.request(http.MethodPost, "/api/projects", "application/json", strings.NewReader(body))
		req.Header.Set("Idempotency-Key", "the-key")
		return keep(b.send(req))
	}
	body := referringProject("", `, "secrets": {"api_key": "`+canary+`"}`)
	p := read[wire.Project](keyed(body), http.StatusCreated)
	path := "/api/projects/" + p.ID.String()
	require.Equal(t, p, read[wire.Project](keyed(body), http.StatusCreated), "the same request is answered again")
	keyed(strings.Replace(body, canary, canary+"x", 1)).problem(http.StatusUnprocessableEntity, wire.CodeIdempotencyMismatch)
	keep(b.get(path)).is(http.StatusOK)
	keep(b.get("/api/projects")).is(http.StatusOK)
	keep(b.patch(path, `{"secrets": {"api_key": "`+canary+`", "other": "`+canary+`"}}`)).is(http.StatusOK)
	for _, broken := range []string{
		`{"secrets": {"api_key": "` + canary + `", "bad-name": "` + canary + `"}}`,
		`{"secrets": {"api_key": ["` + canary + `"]}}`, `{"secrets": "` + canary + `"}`, `{"secrets": {"api_key": "` + canary,
		`{"secrets": {"api_key": "` + canary + `\u0000"}}`, `{"secrets": {"api_key": "` + canary + `"}, "name": 5}`,
	} {
		keep(b.patch(path, broken)).is(http.StatusBadRequest)
	}
	require.NotContains(t, answers.String(), canary)
	require.NotContains(t, b.everything(), canary)
	require.Contains(t, b.everything(), "the-key")
	for _, entry := range b.logs.All() {
		require.NotContains(t, entry.Message+fmt.Sprint(entry.ContextMap()), canary)
	}
}

func TestProjectHasInputsAndPoliteness(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := read[wire.Project](b.post("/api/projects", referringProject("{{sku}}",
		`, "inputs": [" sku ", "Colour"], "politeness": {"max_concurrent_per_host": 2, "min_delay_ms": 500, "respect_robots_txt": true}`)), http.StatusCreated)
	require.Equal(t, []string{"sku", "Colour"}, p.Inputs)
	require.Equal(t, &wire.Politeness{MaxConcurrentPerHost: 2, MinDelayMS: 500, RespectRobotsTxt: true}, p.Politeness)
	path := "/api/projects/" + p.ID.String()
	require.Equal(t, p, read[wire.Project](b.get(path), http.StatusOK))

	got := read[wire.Project](b.patch(path, `{"politeness": {"min_delay_ms": 1}}`), http.StatusOK)
	require.Equal(t, &wire.Politeness{MinDelayMS: 1}, got.Politeness, "a member is replaced whole")
	require.Equal(t, p.Inputs, got.Inputs)
	got = read[wire.Project](b.patch(path, `{"politeness": null, "inputs": null}`), http.StatusOK)
	require.Nil(t, got.Politeness)
	require.Nil(t, got.Inputs)
	require.Equal(t, got, read[wire.Project](b.get(path), http.StatusOK))
	got = read[wire.Project](b.patch(path, `{"settings": {}, "inputs": []}`), http.StatusOK)
	require.Equal(t, []string{}, got.Inputs, "none is not any")
	require.Equal(t, got, read[wire.Project](b.get(path), http.StatusOK))

	refused := b.patch(path, `{"settings": {"query": "{{sku}}"}}`).problem(http.StatusBadRequest, wire.CodeValidation)
	require.Contains(t, at(t, refused, "settings.query").Message, "sku")
	for body, field := range map[string]string{
		`{"inputs": ["a", " "]}`:                                "inputs[1]",
		`{"inputs": ["a", "A"]}`:                                "inputs[1]",
		`{"inputs": ["` + strings.Repeat("ü", 201) + `"]}`:      "inputs[0]",
		`{"inputs": [5]}`:                                       "inputs[0]",
		`{"inputs": "a"}`:                                       "inputs",
		`{"inputs": [` + strings.Repeat(`"a",`, 1000) + `"a"]}`: "inputs",
		`{"politeness": {"max_concurrent_per_host": 51}}`:       "politeness.max_concurrent_per_host",
		`{"politeness": {"min_delay_ms": -1}}`:                  "politeness.min_delay_ms",
		`{"politeness": {"delay": 1}}`:                          "politeness.delay",
		`{"politeness": {"respect_robots_txt": "yes"}}`:         "politeness.respect_robots_txt",
	} {
		p := b.patch(path, body).problem(http.StatusBadRequest, wire.CodeValidation)
		require.Equal(t, []string{field}, fieldsOf(p), body)
	}
}

func TestNullIsForWhatCanBeTakenAway(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.patch("/api/projects/"+b.project().ID.String(), `{"name": null, "inputs": null, "defaults": null}`).
		problem(http.StatusBadRequest, wire.CodeValidation)
	require.Equal(t, map[string]bool{"name": true, "defaults": true}, maps.Collect(func(yield func(string, bool) bool) {
		for _, field := range fieldsOf(p) {
			if !yield(field, true) {
				return
			}
		}
	}))
}
