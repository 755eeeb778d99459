package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/template"
	"github.com/minohq/mino/internal/vault"
)

// referring stands in for the executor "browser", whose jobs nobody does here. Its one
// setting, "query", is a template in which secrets are allowed.
type referring struct{}

func (referring) Name() string { return "browser" }

func (referring) query(spec executors.Spec) string {
	var settings struct {
		Query string `json:"query"`
	}
	_ = json.Unmarshal(spec.Settings, &settings) // settings are an object, as the API sees to
	return settings.Query
}

func (r referring) Validate(spec executors.Spec) error {
	_, err := template.Check(r.query(spec), spec.Inputs, spec.Secrets, true)
	return validation.Errors{"settings": validation.Errors{"query": err}.Filter()}.Filter()
}

func (r referring) Needs(spec executors.Spec) executors.Needs {
	t, err := template.Parse(r.query(spec))
	if err != nil {
		return executors.Needs{}
	}
	return executors.Needs{Columns: t.Columns(), Secrets: t.Secrets()}
}

func (referring) Execute(context.Context, executors.Request) (executors.Outcome, error) {
	return executors.Outcome{}, errors.New("not here")
}

// newKeys makes keys for secrets, one of them.
func newKeys(t *testing.T) *vault.Keys {
	t.Helper()
	key, err := vault.NewKey()
	require.NoError(t, err)
	keys, err := vault.ParseKeys(key)
	require.NoError(t, err)
	return keys
}
