package oidc_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/oidc"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	good := func() oidc.Config {
		return oidc.Config{Issuer: "https://id.example/realms/r", Audiences: []string{"api-" + uuid.NewString()}}
	}
	leeway := func(d time.Duration) func(*oidc.Config) { return func(c *oidc.Config) { c.Leeway = &d } }
	issuer := func(address string) func(*oidc.Config) { return func(c *oidc.Config) { c.Issuer = address } }
	algorithms := func(names ...string) func(*oidc.Config) { return func(c *oidc.Config) { c.Algorithms = names } }

	for _, c := range []struct {
		name   string
		change func(*oidc.Config)
		member string // that is named; empty when all is well
		reason string
	}{
		{"TheLeast", func(*oidc.Config) {}, "", ""},
		{"IssuerWithATrailingSlash", issuer("https://id.example/"), "", ""},
		{"IssuerOnThisMachine", issuer("http://localhost:8080"), "", ""},
		{"IssuerOnThisMachineByAddress", issuer("http://127.0.0.1:8080"), "", ""},
		{"IssuerOnThisMachineByAddressOfSix", issuer("http://[::1]:8080"), "", ""},
		{"NoLeeway", leeway(0), "", ""},
		{"MostLeeway", leeway(60 * time.Second), "", ""},
		{"AllAlgorithms", algorithms("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"), "", ""},

		{"IssuerMissing", issuer(""), "Issuer", "is required"},
		{"IssuerInTheClear", issuer("http://id.example"), "Issuer", "must be https"},
		{"IssuerThatBeginsLikeThisMachine", issuer("http://localhost.example"), "Issuer", "must be https"},
		{"IssuerAtAPrivateAddressInTheClear", issuer("http://10.0.0.1"), "Issuer", "must be https"},
		{"IssuerOfAnotherScheme", issuer("ftp://id.example"), "Issuer", "must be https"},
		{"IssuerThatIsAPath", issuer("/realms/r"), "Issuer", "absolute"},
		{"IssuerThatIsOpaque", issuer("https:id.example"), "Issuer", "absolute"},
		{"IssuerWithoutAHost", issuer("https://:443"), "Issuer", "absolute"},
		{"IssuerWithAUser", issuer("https://id.example@evil.example"), "Issuer", "no user"},
		{"IssuerWithAQuery", issuer("https://id.example?a=b"), "Issuer", "query"},
		{"IssuerWithAnEmptyQuery", issuer("https://id.example?"), "Issuer", "query"},
		{"IssuerWithAFragment", issuer("https://id.example#"), "Issuer", "fragment"},
		{"AudiencesMissing", func(c *oidc.Config) { c.Audiences = nil }, "Audiences", "at least one"},
		{"AudienceEmpty", func(c *oidc.Config) { c.Audiences = []string{"a", ""} }, "Audiences", "must not be empty"},
		{"PartyEmpty", func(c *oidc.Config) { c.AuthorizedParties = []string{""} }, "AuthorizedParties", "must not be empty"},
		{"AlgorithmNone", algorithms("ES256", "none"), "Algorithms", `is "none"`},
		{"AlgorithmWithASharedKey", algorithms("HS256"), "Algorithms", `is "HS256"`},
		{"AlgorithmInLowerCase", algorithms("es256"), "Algorithms", `is "es256"`},
		{"AlgorithmEmpty", algorithms(""), "Algorithms", `is ""`},
		{"LeewayBelowNothing", leeway(-1), "Leeway", "must be between 0s and 1m0s"},
		{"LeewayAboveTheMost", leeway(60*time.Second + 1), "Leeway", "must be between 0s and 1m0s"},
		{"RoleEmpty", func(c *oidc.Config) { c.RoleMap = map[string]string{"a": ""} }, "RoleMap", "must not be empty"},
		{"RoleOfNothing", func(c *oidc.Config) { c.RoleMap = map[string]string{"": "admin"} }, "RoleMap", "empty value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := good()
			c.change(&config)
			verifier, err := oidc.New(config)
			require.Equal(t, config.Validate(), err)
			if c.member == "" {
				require.NoError(t, err)
				require.NotNil(t, verifier)
				return
			}
			require.Nil(t, verifier)
			var found validation.Errors
			require.ErrorAs(t, err, &found)
			require.Len(t, found, 1)
			require.ErrorContains(t, found[c.member], c.reason)
		})
	}
}
