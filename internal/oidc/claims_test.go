package oidc_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/oidc"
)

// TestClaimsRefused has a token for each thing that may be wrong in one that the issuer has
// signed.
func TestClaimsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *oidc.Config) { c.AuthorizedParties = nil })
	url, audience, other := b.issuer.URL, b.issuer.Audience, uuid.NewString()
	const (
		issuer, unread = "its issuer is", "its claims can't be read"
		forAudience    = "it is for the audience"
		noDate         = "is no date"
	)

	for _, c := range []struct {
		name, reason string
		claims       map[string]any
	}{
		{"IssuerMissing", issuer, map[string]any{"iss": nil}},
		{"IssuerEmpty", issuer, map[string]any{"iss": ""}},
		{"IssuerOfAnother", issuer, map[string]any{"iss": "https://" + other + ".example"}},
		{"IssuerWithATrailingSlash", issuer, map[string]any{"iss": url + "/"}},
		{"IssuerWithAPath", issuer, map[string]any{"iss": url + "/realms/" + other}},
		{"IssuerInUpperCase", issuer, map[string]any{"iss": strings.ToUpper(url)}},
		{"IssuerThatIsAList", unread, map[string]any{"iss": []string{url}}},
		{"IssuerUnderAnotherSpelling", issuer, map[string]any{"iss": nil, "ISS": url}},

		{"AudienceMissing", forAudience, map[string]any{"aud": nil}},
		{"AudienceEmpty", forAudience, map[string]any{"aud": ""}},
		{"AudienceOfNone", forAudience, map[string]any{"aud": []string{}}},
		{"AudienceOfAnother", forAudience, map[string]any{"aud": other}},
		{"AudiencesOfOthers", forAudience, map[string]any{"aud": []string{other, audience + "x"}, "azp": other}},
		{"AudienceThatBeginsAlike", forAudience, map[string]any{"aud": audience + "-admin"}},
		{"AudienceInUpperCase", forAudience, map[string]any{"aud": strings.ToUpper(audience)}},
		{"AudienceThatIsANumber", unread, map[string]any{"aud": 1}},
		{"AudienceWithANumber", unread, map[string]any{"aud": []any{audience, 1}}},
		{"AudienceThatIsAnObject", unread, map[string]any{"aud": map[string]any{audience: true}}},
		{"AudiencesWithoutAParty", "does not say which party", map[string]any{"aud": []string{audience, other}}},
		{"PartyThatIsAList", "party is not a name", map[string]any{"azp": []string{other}}},
		{"PartyThatIsEmpty", "party is not a name", map[string]any{"azp": ""}},

		{"SubjectMissing", "it has no subject", map[string]any{"sub": nil}},
		{"SubjectEmpty", "it has no subject", map[string]any{"sub": ""}},
		{"SubjectThatIsANumber", unread, map[string]any{"sub": 7}},
		{"SubjectOf256Bytes", "its subject is too long", map[string]any{"sub": strings.Repeat("s", 256)}},
		{"SubjectWithALineBreak", "control characters", map[string]any{"sub": "a\nb"}},
		{"SubjectWithNUL", "control characters", map[string]any{"sub": "a\x00"}},
		{"SubjectThatIsNoText", "control characters", map[string]any{"sub": "a\xff"}},

		{"ExpiryMissing", "does not say when it expires", map[string]any{"exp": nil}},
		{"ExpiryThatIsText", unread, map[string]any{"exp": "4102444800"}},
		{"ExpiryOfYear10000", noDate, map[string]any{"exp": 253402300800}},
		{"ExpiryThatOverflows", noDate, map[string]any{"exp": 1e30}},
		{"ExpiryBeforeTheEpoch", noDate, map[string]any{"exp": -1}},
		{"NotBeforeThatOverflows", noDate, map[string]any{"nbf": 1e30}},
		{"NotBeforeThatIsText", unread, map[string]any{"nbf": "0"}},
		{"IssuedAtThatOverflows", noDate, map[string]any{"iat": 1e19}},
		{"IssuedAtThatIsAList", unread, map[string]any{"iat": []int{1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b.refuses(t, b.issuer.Token(t, c.claims), c.reason)
		})
	}

	for _, c := range []struct{ name, payload, reason string }{
		{"IssuerTwice", `{"iss":"https://a.example","iss":"` + url + `","sub":"s","aud":"` + audience + `","exp":4102444800}`, unread},
		{"SubjectTwice", `{"iss":"` + url + `","sub":"s","sub":"s","aud":"` + audience + `","exp":4102444800}`, unread},
		{"OrganisationTwice", `{"iss":"` + url + `","sub":"s","aud":"` + audience + `","exp":4102444800,"org":"a","org":"b"}`, unread},
		{"ClaimTwiceInAnObject", `{"iss":"` + url + `","sub":"s","aud":"` + audience + `","exp":4102444800,"o":{"id":"a","id":"b"}}`, unread},
		{"ExpiryNull", `{"iss":"` + url + `","sub":"s","aud":"` + audience + `","exp":null}`, "does not say when it expires"},
		{"ExpiryOutOfRange", `{"iss":"` + url + `","sub":"s","aud":"` + audience + `","exp":1e999}`, unread},
		{"PayloadEmpty", ``, unread},
		{"PayloadThatIsNull", `null`, issuer},
		{"PayloadThatIsAList", `[]`, unread},
		{"PayloadThatIsText", `"` + url + `"`, unread},
		{"PayloadThatIsCut", `{"iss":"` + url + `"`, unread},
		{"PayloadWithMoreAfterIt", `{"iss":"` + url + `"}{}`, unread},
		{"PayloadThatIsDeep", strings.Repeat("[", 5000), unread},
		{"PayloadThatIsAToken", b.issuer.Token(t, nil), unread},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			header := `{"alg":"ES256","kid":"` + b.issuer.Key().ID + `"}`
			b.refuses(t, b.issuer.Key().SignRaw(t, header, c.payload), c.reason)
		})
	}
}

// TestTimes holds exp, nbf and iat to a clock that stands, each at the last second that is
// good and at the first that is not.
func TestTimes(t *testing.T) {
	t.Parallel()
	const none = time.Duration(-1)
	for _, c := range []struct {
		name       string
		configured time.Duration // none: it is left to the default
		leeway     int64         // in seconds
	}{
		{"NoLeeway", 0, 0},
		{"DefaultLeeway", none, 30},
		{"MostLeeway", oidc.MaxLeeway, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(config *oidc.Config) {
				if c.configured != none {
					config.Leeway = &c.configured
				}
			})
			now := b.clock.now().Unix()
			claims := func(more map[string]any) string {
				standard := map[string]any{"iat": now - 3600, "exp": now + 3600}
				maps.Copy(standard, more)
				return b.issuer.Token(t, standard)
			}
			got := b.accepts(t, claims(map[string]any{"exp": now - c.leeway + 1}))
			require.Equal(t, now-c.leeway+1, got.Expiry.Unix(), "without the leeway")
			b.refuses(t, claims(map[string]any{"exp": now - c.leeway}), "it expired at")
			b.refuses(t, claims(map[string]any{"exp": 0}), "it expired at 1970-01-01T00:00:00Z")
			b.accepts(t, claims(map[string]any{"nbf": now + c.leeway}))
			b.refuses(t, claims(map[string]any{"nbf": now + c.leeway + 1}), "it is not valid before")
			b.accepts(t, claims(map[string]any{"iat": now + c.leeway}))
			b.refuses(t, claims(map[string]any{"iat": now + c.leeway + 1}), "it was issued later than now")
			b.accepts(t, claims(map[string]any{"iat": nil}))
			b.accepts(t, claims(map[string]any{"exp": float64(now) + 1.5}))
			b.accepts(t, claims(map[string]any{"exp": 253402300799}))

			token := claims(map[string]any{"exp": now + 10})
			b.accepts(t, token)
			b.clock.forward(time.Duration(10+c.leeway)*time.Second - 1)
			b.accepts(t, token)
			b.clock.forward(1)
			b.refuses(t, token, "it expired at")
		})
	}
}

// TestParties is about azp.
func TestParties(t *testing.T) {
	t.Parallel()
	ours, other := uuid.NewString(), uuid.NewString()

	t.Run("AnyWillDoWhenNoneIsConfigured", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.accepts(t, b.issuer.Token(t, map[string]any{"azp": other}))
		b.accepts(t, b.issuer.Token(t, map[string]any{"aud": []string{other, b.issuer.Audience}, "azp": other}))
	})

	t.Run("OneOfThoseConfiguredIsWanted", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *oidc.Config) { c.AuthorizedParties = []string{uuid.NewString(), ours} })
		b.accepts(t, b.issuer.Token(t, map[string]any{"azp": ours}))
		b.refuses(t, b.issuer.Token(t, map[string]any{"azp": other}), "its authorized party is")
		b.refuses(t, b.issuer.Token(t, nil), "its authorized party is")
	})

	t.Run("OneOfSeveralAudiencesIsWanted", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *oidc.Config) { c.Audiences = append(c.Audiences, other) })
		b.accepts(t, b.issuer.Token(t, nil))
		b.accepts(t, b.issuer.Token(t, map[string]any{"aud": other}))
		b.accepts(t, b.issuer.Token(t, map[string]any{"aud": []string{other}}))
		b.refuses(t, b.issuer.Token(t, map[string]any{"aud": ours}), "it is for the audience")
	})
}

// TestClaims is about what is handed on.
func TestClaims(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		claims map[string]any
		config func(*oidc.Config)
		want   oidc.Claims
	}{
		{name: "NothingThatIsNotThere"},
		{
			name: "AllThatIsThere",
			claims: map[string]any{
				"name": "Ada", "email": "ada@example.com", "email_verified": true, "org": "o1", "roles": []string{"admin", "viewer"},
			},
			want: oidc.Claims{Name: "Ada", Email: "ada@example.com", Organisation: "o1", Roles: []string{"admin", "viewer"}},
		},
		{name: "NoEmailThatIsNotVerified", claims: map[string]any{"email": "a@example.com", "email_verified": false}},
		{name: "NoEmailOfWhichNothingIsSaid", claims: map[string]any{"email": "a@example.com"}},
		{name: "NoEmailVerifiedByANumber", claims: map[string]any{"email": "a@example.com", "email_verified": 1}},
		{name: "NoEmailVerifiedByAList", claims: map[string]any{"email": "a@example.com", "email_verified": []any{true}}},
		{name: "NoEmailVerifiedInOtherCases", claims: map[string]any{"email": "a@example.com", "email_verified": "True", "Email_Verified": true}},
		{
			name:   "EmailVerifiedAsText",
			claims: map[string]any{"email": "a@example.com", "email_verified": "true"}, want: oidc.Claims{Email: "a@example.com"},
		},
		{
			name:   "EmailVerifiedByAnotherClaim",
			claims: map[string]any{"email": "a@example.com", "email_verified": true, "x": map[string]any{"ok": false}},
			config: func(c *oidc.Config) { c.EmailVerifiedClaim = "x.ok" },
		},
		{name: "NoneOfSeveralEmails", claims: map[string]any{"email": []string{"a@example.com", "b@example.com"}, "email_verified": true}},
		{name: "OrganisationInAListOfOne", claims: map[string]any{"org": []string{"o1"}}, want: oidc.Claims{Organisation: "o1"}},
		{name: "NoneOfSeveralOrganisations", claims: map[string]any{"org": []string{"o1", "o2"}}},
		{name: "NoneOfSeveralOrganisationsOfWhichOneIsTooLong", claims: map[string]any{"org": []string{"o1", strings.Repeat("o", 256)}}},
		{name: "NoneOfSeveralOrganisationsOfWhichOneIsNoText", claims: map[string]any{"org": []any{"o1", 2}}},
		{name: "NoOrganisationThatIsNoText", claims: map[string]any{"org": map[string]any{"id": "o1"}}},
		{name: "NothingThatIsTooLong", claims: map[string]any{"name": strings.Repeat("n", 256), "org": strings.Repeat("o", 256), "roles": strings.Repeat("r", 256)}},
		{name: "NothingWithControlCharacters", claims: map[string]any{"name": "a\x1b[31m", "org": "o\x00", "roles": []string{"r\n"}}},
		{name: "NothingThatIsNoText", claims: map[string]any{"name": "a\xff", "org": "\xff", "roles": []string{"\xff"}}},
		{name: "OfTheLongestLength", claims: map[string]any{"name": strings.Repeat("n", 255)}, want: oidc.Claims{Name: strings.Repeat("n", 255)}},
		{
			name: "RolesOnceAndInTheirOrder", claims: map[string]any{"roles": []any{"b", "a", 1, nil, "", "b", []string{"c"}, "a"}},
			want: oidc.Claims{Roles: []string{"b", "a"}},
		},
		{name: "RoleThatIsOneText", claims: map[string]any{"roles": "admin viewer"}, want: oidc.Claims{Roles: []string{"admin viewer"}}},
		{
			name: "RolesThatTheMapKnows", claims: map[string]any{"roles": []string{"idp-admin", "admin", "idp-root", "idp-viewer"}},
			config: func(c *oidc.Config) {
				c.RoleMap = map[string]string{"idp-admin": "admin", "idp-root": "admin", "idp-viewer": "viewer"}
			},
			want: oidc.Claims{Roles: []string{"admin", "viewer"}},
		},
		{
			name:   "NestedPaths",
			claims: map[string]any{"o": map[string]any{"id": "o1"}, "realm_access": map[string]any{"roles": []string{"admin"}}},
			config: func(c *oidc.Config) { c.OrganisationClaim, c.RolesClaim = "o.id", "realm_access.roles" },
			want:   oidc.Claims{Organisation: "o1", Roles: []string{"admin"}},
		},
		{
			name: "LongestNameFirst",
			claims: map[string]any{
				"https://x.example/a": map[string]any{"b": "o1"}, "https://x": map[string]any{"example/a": map[string]any{"b": "o2"}},
				"r.s": []string{"whole"}, "r": map[string]any{"s": []string{"nested"}},
			},
			config: func(c *oidc.Config) { c.OrganisationClaim, c.RolesClaim = "https://x.example/a.b", "r.s" },
			want:   oidc.Claims{Organisation: "o1", Roles: []string{"whole"}},
		},
		{
			name: "PathsThatEndNowhere", claims: map[string]any{"o": "text", "r": []any{map[string]any{"s": "admin"}}},
			config: func(c *oidc.Config) { c.OrganisationClaim, c.RolesClaim = "o.id.x", "r.s" },
		},
		{
			name: "NothingWhoseClaimIsNotConfigured", claims: map[string]any{"org": "o1", "roles": "admin", "": "x"},
			config: func(c *oidc.Config) { c.OrganisationClaim, c.RolesClaim = "", "" },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.config)
			claims := b.issuer.Claims(c.claims)
			got := b.accepts(t, b.issuer.Token(t, claims))
			c.want.Issuer, c.want.Subject = b.issuer.URL, claims["sub"].(string)
			require.Equal(t, claims["exp"], got.Expiry.Unix())
			got.Expiry = time.Time{}
			require.Equal(t, c.want, got)
		})
	}

	t.Run("OfASubjectOf255Bytes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		subject := strings.Repeat("s", 255)
		require.Equal(t, subject, b.accepts(t, b.issuer.Token(t, map[string]any{"sub": subject})).Subject)
	})
}
