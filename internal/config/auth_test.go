package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/vault"
)

func newKey(t *testing.T) string {
	t.Helper()
	key, err := vault.NewKey()
	require.NoError(t, err)
	return key
}

func TestAuth(t *testing.T) {
	t.Parallel()

	t.Run("IsNotLeftOutBeyondLoopback", func(t *testing.T) {
		t.Parallel()
		for listen, refused := range map[string]bool{
			"127.0.0.1:8080": false, "[::1]:0": false, "localhost:8080": false, ":8080": true, "0.0.0.0:8080": true, "mino.example:80": true,
		} {
			auth := config.Auth{Mode: config.AuthOff, Serves: &config.API{Listen: listen}}
			if err := config.Verify(&auth); refused {
				require.ErrorContains(t, err, "--auth (MINO_AUTH): must be required when the API listens beyond this machine (--listen is "+listen+")")
			} else {
				require.NoError(t, err, listen)
			}
			auth.Mode = config.AuthRequired
			require.NoError(t, config.Verify(&auth), listen)
		}
		require.NoError(t, config.Verify(&config.Auth{Mode: config.AuthOff}), "a command that serves nothing")
	})

	t.Run("NeedsAKeyWhereItIsUsed", func(t *testing.T) {
		t.Parallel()
		var key config.AuthKey
		require.ErrorContains(t, config.Verify(&key), "--auth-key (MINO_AUTH_KEY): is required")
		key.NotNeeded = true
		require.NoError(t, config.Verify(&key))
		key.Keys = "short"
		require.ErrorContains(t, config.Verify(&key), "--auth-key (MINO_AUTH_KEY): key 1 must be 32 bytes", "what is given is checked all the same")
		key.Keys = config.Secret(newKey(t) + "," + newKey(t))
		require.NoError(t, config.Verify(&key))
	})
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	parsed := func(t *testing.T, args ...string) *config.OIDC {
		t.Helper()
		var line struct {
			OIDC config.OIDC `embed:""`
		}
		parse(t, &line, args...)
		return &line.OIDC
	}

	t.Run("IsOffWithoutAnIssuer", func(t *testing.T) {
		t.Parallel()
		off := parsed(t)
		require.False(t, off.On())
		require.True(t, off.Provision)
		require.NoError(t, config.Verify(off))
		for _, arg := range []string{"--oidc-audience=mino", "--oidc-organisation-claim=org_id", "--oidc-roles-claim=org_role"} {
			require.ErrorContains(t, config.Verify(parsed(t, arg)), "needs --oidc-issuer as well", arg)
		}
	})

	t.Run("IsHandedOnAsItWasGiven", func(t *testing.T) {
		t.Parallel()
		on := parsed(t, "--oidc-issuer=https://issuer.example", "--oidc-audience=mino,other", "--oidc-leeway=5s",
			"--oidc-organisation-claim=o.id", "--oidc-roles-claim=o.rol", "--oidc-role-map=org:admin=admin,org:basic=viewer", "--no-oidc-provision")
		require.NoError(t, config.Verify(on))
		require.False(t, on.Provision)
		verifier := on.Verifier()
		require.Equal(t, []string{"mino", "other"}, verifier.Audiences)
		require.Equal(t, []string{"RS256", "ES256", "EdDSA", "PS256"}, verifier.Algorithms)
		require.Equal(t, 5*time.Second, *verifier.Leeway)
		require.Equal(t, map[string]string{"org:admin": "admin", "org:basic": "viewer"}, verifier.RoleMap)
		require.Equal(t, "o.id", verifier.OrganisationClaim)
	})

	t.Run("NamesWhatIsWrong", func(t *testing.T) {
		t.Parallel()
		const issuer, audience = "--oidc-issuer=https://issuer.example", "--oidc-audience=mino"
		for want, args := range map[string][]string{
			"--oidc-audience (MINO_OIDC_AUDIENCE): needs at least one":                                        {issuer},
			"--oidc-leeway (MINO_OIDC_LEEWAY): must be between 0s and 1m0s":                                   {issuer, audience, "--oidc-leeway=2m"},
			"--oidc-algorithms (MINO_OIDC_ALGORITHMS): ":                                                      {issuer, audience, "--oidc-algorithms=HS256"},
			"--oidc-roles-claim (MINO_OIDC_ROLES_CLAIM): needs --oidc-organisation-claim as well":             {issuer, audience, "--oidc-roles-claim=r"},
			"--oidc-role-map (MINO_OIDC_ROLE_MAP): needs --oidc-roles-claim as well":                          {issuer, audience, "--oidc-role-map=a=admin"},
			`--oidc-role-map (MINO_OIDC_ROLE_MAP): must be roles, of viewer, member, admin, owner, but "king`: {issuer, audience, "--oidc-organisation-claim=o", "--oidc-roles-claim=r", "--oidc-role-map=a=king"},
		} {
			require.ErrorContains(t, config.Verify(parsed(t, args...)), want)
		}
	})
}
