package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

// opened are the secrets of a project as its jobs get them.
func (r *realAPI) opened(p wire.Project, names ...string) map[string]string {
	r.t.Helper()
	values, err := r.vault.Open(r.t.Context(), models.DefaultOrganisationID, p.ID, names)
	require.NoError(r.t, err)
	return values
}

func TestSecretsOfProjects(t *testing.T) {
	api := newRealAPI(t)
	p := api.project()
	t.Setenv("MINO_TEST_SECRET", "from the environment")
	t.Setenv("MINO_TEST_BLANK", "")
	input := func(text string, args ...string) spoken {
		args = append([]string{"projects", "set-secret", p.Name, "api_key", "--api", api.url}, args...)
		return commandLineOf(t, Streams{In: strings.NewReader(text)}, args...)
	}

	said := input("from standard input\r\n").ok()
	require.Contains(t, said.out, "secrets      api_key\n")
	require.NotContains(t, said.out+said.errs, "standard input")
	require.Equal(t, map[string]string{"api_key": "from standard input"}, api.opened(p, "api_key"))

	require.Equal(t, []string{"api_key"}, one[wire.Project](input("", "--from-env", "MINO_TEST_SECRET", "--json")).SecretNames)
	require.Equal(t, map[string]string{"api_key": "from the environment"}, api.opened(p, "api_key"))

	input("\n").fails(ExitOther, "nothing on standard input")
	input("x", "--from-env", "MINO_TEST_BLANK").fails(ExitOther, "MINO_TEST_BLANK is not set")
	input(strings.Repeat("x", wire.MaxSecretBytes+9)).fails(ExitRefused, "(VALIDATION_ERROR)", "secrets.api_key")
	api.mino("projects", "set-secret", p.Name, "api-key", "--from-env", "MINO_TEST_SECRET").fails(ExitRefused, "secrets.api-key")
	api.mino("projects", "set-secret", "no such", "api_key").fails(ExitRefused, "there is no project")
	api.mino("projects", "set-secret", p.Name, "api_key", "value").misused("value")

	require.Empty(t, one[wire.Project](api.mino("projects", "drop-secret", p.ID.String(), "api_key", "--json")).SecretNames)
	require.NotContains(t, api.mino("projects", "drop-secret", p.Name, "api_key").ok().out, "secrets")
}

func TestSecretsOfProjectFiles(t *testing.T) {
	t.Parallel()
	const yaml = "name: Shop\nsecrets:\n  api_key: {env: KEY}\n  token: {env: TOKEN}\ninputs: [sku]\npoliteness: {min_delay_ms: 500}\n"
	env := func(set map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { value, ok := set[name]; return value, ok }
	}
	project, err := parseProject("p.yaml", []byte(yaml), env(map[string]string{"KEY": "k", "TOKEN": "t"}))
	require.NoError(t, err)
	require.Equal(t, wire.ProjectRequest{
		Name: "Shop", Secrets: map[string]string{"api_key": "k", "token": "t"},
		Inputs: []string{"sku"}, Politeness: &wire.Politeness{MinDelayMS: 500},
	}, project)

	_, err = parseProject("p.yaml", []byte(yaml), env(map[string]string{"KEY": ""}))
	require.ErrorContains(t, err, "p.yaml: the secret api_key is to be in the environment variable KEY, which is not set")
	require.ErrorContains(t, err, "TOKEN")
	for content, want := range map[string]string{
		"name: a\nsecrets: {key: plain}\n":         "p.yaml cannot be understood",
		"name: a\nsecrets: {key: {value: x}}\n":    `unknown field "value"`,
		"name: a\nsecrets: {key: {}}\n":            "the secret key does not say where its value is",
		"name: a\npoliteness: {delay: 1}\n":        `unknown field "delay"`,
		"name: a\nsecrets:\n  key: {env: [KEY]}\n": "p.yaml cannot be understood",
	} {
		_, err := parseProject("p.yaml", []byte(content), env(map[string]string{"KEY": "k"}))
		require.ErrorContains(t, err, want, content)
	}
}

func TestDifferenceOfWhatExecutorsNeed(t *testing.T) {
	t.Parallel()
	polite := func(ms int64) *wire.Politeness { return &wire.Politeness{MinDelayMS: ms} }
	have := wire.Project{Inputs: []string{"a"}, Politeness: polite(1), SecretNames: []string{"key"}}
	_, changed := difference(have, wire.ProjectRequest{Inputs: []string{"a"}, Politeness: polite(1)})
	require.Empty(t, changed, "secrets that are not given stay")

	patch, changed := difference(have, wire.ProjectRequest{Secrets: map[string]string{"key": "v"}})
	require.Equal(t, []string{"inputs", "politeness", "secrets"}, changed)
	require.JSONEq(t, `{"inputs": null, "politeness": null, "secrets": {"key": "v"}}`, string(mustJSON(patch)))

	patch, _ = difference(have, wire.ProjectRequest{Inputs: []string{}, Politeness: polite(2)})
	require.JSONEq(t, `{"inputs": [], "politeness": {"min_delay_ms": 2}}`, string(mustJSON(patch)))
}
