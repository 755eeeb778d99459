package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/oidc/oidctest"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
)

// TestTokensOfAnIssuer has people come to a process of the API with what an issuer gave
// them: one whom the operator has made an owner, and others whose tokens say who they are.
func TestTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	issuer := oidctest.New(t)
	env := []string{
		"DATABASE_URL=" + testkit.DatabaseURL(t), "TEMPORAL_ADDRESS=" + testkit.Temporal(t).Address(), "MINO_TASK_QUEUE=" + testkit.TaskQueue(t),
		"MINO_LISTEN=127.0.0.1:0", "MINO_AUTH=required", "MINO_AUTH_KEY=" + apikey.NewKey(),
		"MINO_OIDC_ISSUER=" + issuer.URL, "MINO_OIDC_AUDIENCE=" + issuer.Audience,
	}
	operator := func(args ...string) {
		ran := rig.Start(t, env, append([]string{"orgs"}, args...)...)
		<-ran.Done
		require.Zero(t, ran.ProcessState.ExitCode(), ran.Out)
	}
	operator("add-owner", "default", "--subject", "ada")
	operator("create", "acme", "--external-id", "org_2x")
	members := rig.Start(t, env, "api")
	claims := rig.Start(t, append(env, "MINO_OIDC_ORGANISATION_CLAIM=o.id", "MINO_OIDC_ROLES_CLAIM=o.rol", "MINO_OIDC_ROLE_MAP=boss=owner,staff=viewer"), "api")
	me := func(p *rig.Process, said map[string]any) (wire.Me, string) {
		c, err := client.New(client.Config{BaseURL: p.URL(t), Key: issuer.Token(t, said), MaxRetries: -1})
		require.NoError(t, err)
		who, err := c.Me(t.Context())
		return who, client.Code(err)
	}

	who, code := me(members, map[string]any{"sub": "ada", "name": "Ada"})
	require.Empty(t, code)
	require.Equal(t, "owner", who.Role)
	require.Equal(t, "default", who.Organisation.Slug)
	_, code = me(members, map[string]any{"sub": "bob"})
	require.Equal(t, wire.CodeOrganisationRequired, code, "somebody whom nobody has taken in")
	_, code = me(members, map[string]any{"sub": "ada", "aud": "another"})
	require.Equal(t, wire.CodeInvalidToken, code)
	_, code = me(members, map[string]any{"sub": "ada", "exp": 1})
	require.Equal(t, wire.CodeInvalidToken, code)

	who, code = me(claims, map[string]any{"sub": "bob", "o": map[string]any{"id": "org_2x", "rol": "staff"}})
	require.Empty(t, code)
	require.Equal(t, "viewer", who.Role)
	require.Equal(t, "acme", who.Organisation.Slug)
	who, code = me(claims, map[string]any{"sub": "bob", "o": map[string]any{"id": "org_2x", "rol": "boss"}})
	require.Empty(t, code)
	require.Equal(t, "owner", who.Role, "the issuer is the authority on roles")
	_, code = me(claims, map[string]any{"sub": "bob", "o": map[string]any{"id": "org_3y", "rol": "boss"}})
	require.Equal(t, wire.CodeOrganisationRequired, code, "an organisation that is not known is not made")

	// Keys of the issuer come and go while it runs.
	issuer.Rotate(t)
	_, code = me(members, map[string]any{"sub": "ada"})
	require.Empty(t, code)
}
