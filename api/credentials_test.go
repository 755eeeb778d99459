package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/oidc/oidctest"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
)

// setupIssuer starts an API that takes the tokens of an issuer too. Addresses may fail as
// often as they like.
func setupIssuer(t *testing.T, change func(*api.Config, *authn.Config)) (*bundle, *oidctest.Issuer) {
	t.Helper()
	issuer := oidctest.New(t)
	verifier, err := oidc.New(oidc.Config{
		Issuer: issuer.URL, Audiences: []string{issuer.Audience}, Leeway: new(time.Duration),
		OrganisationClaim: "org", RolesClaim: "roles",
	})
	require.NoError(t, err)
	return setupAccess(t, func(cfg *api.Config, who *authn.Config) {
		who.Tokens, who.Provision, who.FailuresPerMinute = verifier, true, -1
		if change != nil {
			change(cfg, who)
		}
	}), issuer
}

// home is the default organisation.
func (b *bundle) home() *models.Organisation {
	b.t.Helper()
	o, err := b.store.Organisation(b.t.Context(), models.DefaultOrganisationID)
	require.NoError(b.t, err)
	return o
}

// person makes a member of an organisation and a token of theirs.
func (b *bundle) person(issuer *oidctest.Issuer, o *models.Organisation, role access.Role, claims map[string]any) (string, *models.Membership) {
	b.t.Helper()
	m := testfactory.Member(b.t, b.store, o, role, func(m *models.Membership) { m.User.Issuer = issuer.URL })
	all := map[string]any{"sub": *m.User.Subject}
	maps.Copy(all, claims)
	return issuer.Token(b.t, all), m
}

// signed is a key of an id and a secret with the checksum that belongs to them.
func signed(id, secret string) string {
	text := "mino_" + id + "_" + secret + "_"
	return fmt.Sprintf("%s%08x", text, crc32.ChecksumIEEE([]byte(text)))
}

// authorized sends a request with a header Authorization as it is.
func (b *bundle) authorized(header string) *answer {
	b.t.Helper()
	req := b.as("").request(http.MethodGet, "/api/projects", "", nil)
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	return b.send(req)
}

func TestWrongCredentialsAreAllToldTheSame(t *testing.T) {
	t.Parallel()
	b, issuer := setupIssuer(t, nil)
	rsa := issuer.Add(t, "RS256")
	good, _ := b.person(issuer, b.home(), access.Viewer, nil)
	b.as(good).get("/api/projects").is(http.StatusOK)
	subject := map[string]any{"sub": "user-" + uuid.NewString()}

	one, record := b.keyOf(models.DefaultOrganisationID, nil)
	other, _ := b.keyOf(models.DefaultOrganisationID, nil)
	b.as(one).get("/api/projects").is(http.StatusOK)
	parts, others := strings.Split(one, "_"), strings.Split(other, "_")
	revoked, gone := b.keyOf(models.DefaultOrganisationID, nil)
	_, err := b.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, gone.ID)
	require.NoError(t, err)
	past := time.Now().Add(-time.Minute)
	expired, _ := b.keyOf(models.DefaultOrganisationID, func(k *models.APIKey) { k.ExpiresAt = &past })
	lastWrong := one[:len(one)-1] + map[bool]string{true: "0", false: "1"}[one[len(one)-1] != '0']

	public, err := json.Marshal(rsa.Public())
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(issuer.Claims(subject))
	require.NoError(t, err)
	shared := encode([]byte(`{"alg":"HS256","typ":"JWT","kid":"`+rsa.ID+`"}`)) + "." + encode(claims)
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(shared))
	unsigned := encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(claims) + "."
	stranger := oidctest.NewKey(t, "ES256")
	posing := oidctest.NewKey(t, "ES256")
	posing.ID = issuer.Key().ID

	wrong := map[string]string{
		"NothingAfterTheScheme":  "Bearer ",
		"MalformedKey":           "Bearer mino_" + uuid.NewString(),
		"WrongChecksum":          "Bearer " + lastWrong,
		"AnothersSecret":         "Bearer " + signed(parts[1], others[2]),
		"AnothersID":             "Bearer " + signed(others[1], parts[2]),
		"UnknownKey":             "Bearer " + signed(strings.ReplaceAll(uuid.NewString(), "-", ""), parts[2]),
		"RevokedKey":             "Bearer " + revoked,
		"ExpiredKey":             "Bearer " + expired,
		"TheHashOfTheKey":        "Bearer " + signed(parts[1], encode(record.Hash)),
		"NoToken":                "Bearer eyJhbGciOiJub25lIn0",
		"AlgNone":                "Bearer " + unsigned,
		"HMACWithThePublicKey":   "Bearer " + shared + "." + encode(mac.Sum(nil)),
		"ExpiredToken":           "Bearer " + issuer.Token(t, map[string]any{"exp": time.Now().Add(-time.Second).Unix()}),
		"TokenOfTheFuture":       "Bearer " + issuer.Token(t, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"WrongAudience":          "Bearer " + issuer.Token(t, map[string]any{"aud": "another"}),
		"WrongIssuer":            "Bearer " + issuer.Token(t, map[string]any{"iss": "https://issuer.example"}),
		"UnknownKid":             "Bearer " + stranger.Sign(t, nil, issuer.Claims(subject)),
		"KnownKidAnotherKey":     "Bearer " + posing.Sign(t, nil, issuer.Claims(subject)),
		"AnotherClaimsSignature": "Bearer " + good[:strings.Index(good, ".")+1] + encode(claims) + good[strings.LastIndex(good, "."):],
	}
	var said string
	for name, header := range wrong {
		got := b.authorized(header)
		require.Equal(t, http.StatusUnauthorized, got.status, "%s: %s", name, got.body)
		p := got.problem(http.StatusUnauthorized, wire.CodeInvalidToken)
		require.Equal(t, `Bearer error="invalid_token"`, got.header.Get("WWW-Authenticate"), name)
		body := strings.ReplaceAll(string(got.body), p.RequestID, "")
		if said == "" {
			said = body
		}
		require.Equal(t, said, body, name)
	}

	missing := map[string]string{
		"NoHeader": "", "WrongScheme": "Basic " + encode([]byte("mino:"+one)), "NoScheme": one, "AnotherScheme": "Token " + one,
	}
	said = ""
	for name, header := range missing {
		got := b.authorized(header)
		p := got.problem(http.StatusUnauthorized, wire.CodeUnauthorized)
		require.Equal(t, "Bearer", got.header.Get("WWW-Authenticate"), name)
		body := strings.ReplaceAll(string(got.body), p.RequestID, "")
		if said == "" {
			said = body
		}
		require.Equal(t, said, body, name)
	}

	// None of it is in the log, where the reason is.
	for _, entry := range b.logs.All() {
		line := entry.Message + fmt.Sprint(entry.ContextMap())
		for _, secret := range []string{parts[2], others[2], good, shared} {
			require.NotContains(t, line, secret)
		}
	}
}

func TestUnknownKeysOfTokensAreAskedForOnce(t *testing.T) {
	t.Parallel()
	b, issuer := setupIssuer(t, nil)
	good, _ := b.person(issuer, b.home(), access.Viewer, nil)
	b.as(good).get("/api/projects").is(http.StatusOK)
	before := issuer.KeyReads()
	for range 50 {
		b.authorized("Bearer "+oidctest.NewKey(t, "ES256").Sign(t, nil, issuer.Claims(nil))).problem(http.StatusUnauthorized, wire.CodeInvalidToken)
	}
	require.LessOrEqual(t, issuer.KeyReads(), before+1)
	b.as(good).get("/api/projects").is(http.StatusOK)
}

func TestWhoGuessesIsHeldUp(t *testing.T) {
	t.Parallel()
	const allowed = 10
	b := setupAccess(t, func(_ *api.Config, who *authn.Config) { who.FailuresPerMinute = allowed })
	b.get("/api/projects").is(http.StatusOK)
	secret := strings.Split(b.token, "_")[2]
	refused, held := 0, 0
	for range 5 * allowed {
		got := b.as(signed(strings.ReplaceAll(uuid.NewString(), "-", ""), secret)).get("/api/projects")
		if got.status == http.StatusUnauthorized {
			refused++
			continue
		}
		held++
		got.problem(http.StatusTooManyRequests, wire.CodeRateLimited)
		require.NotEmpty(t, got.header.Get("Retry-After"))
		require.Empty(t, got.header.Get("WWW-Authenticate"))
	}
	require.GreaterOrEqual(t, refused, allowed)
	require.Positive(t, held)
	b.get("/api/projects").is(http.StatusOK) // a neighbour whose key is good
}

func TestRevokedKeyIsDeadInEveryProcess(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	other := b.another(func(cfg *api.Config) { cfg.Auth = authn.New(authn.Config{Records: b.store, Keys: b.keys}) })
	text, record := b.keyOf(models.DefaultOrganisationID, nil)
	for _, process := range []*bundle{b, other} {
		process.as(text).get("/api/projects").is(http.StatusOK)
	}
	_, err := b.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, record.ID)
	require.NoError(t, err)
	revoked := time.Now()
	for _, process := range []*bundle{b, other} {
		require.Eventually(t, func() bool { return process.as(text).get("/api/projects").status == http.StatusUnauthorized }, waitTime, tick)
		t.Logf("it took %v", time.Since(revoked))
	}
}

func TestWhoCannotBeAskedIsNotRefused(t *testing.T) {
	t.Parallel()
	t.Run("TheDatabaseIsAway", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil)
		nobody, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, nobody.Close())
		pool, err := store.Open("postgres://mino@"+nobody.Addr().String()+"/mino", 1)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, pool.Close()) })
		apart := b.another(func(cfg *api.Config) {
			cfg.Auth = authn.New(authn.Config{Records: store.New(pool), Keys: b.keys})
		})
		got := apart.get("/api/projects")
		got.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		require.NotEmpty(t, got.header.Get("Retry-After"))
		require.Empty(t, got.header.Get("WWW-Authenticate"))
	})
	t.Run("TheIssuerIsAway", func(t *testing.T) {
		t.Parallel()
		b, issuer := setupIssuer(t, nil)
		issuer.SetDown(true)
		token, _ := b.person(issuer, b.home(), access.Viewer, nil)
		got := b.as(token).get("/api/projects")
		got.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		require.Empty(t, got.header.Get("WWW-Authenticate"))
		b.get("/api/projects").is(http.StatusOK) // keys are not the issuer's
	})
}

func TestPersonsOrganisation(t *testing.T) {
	t.Parallel()
	b, issuer := setupIssuer(t, nil)
	o, owner := b.organisation()
	project := owner.project()
	token, m := b.person(issuer, b.home(), access.Viewer, nil)
	path := "/api/projects/" + project.ID.String()
	in := func(organisation string) *answer {
		req := b.as(token).request(http.MethodGet, path, "", nil)
		if organisation != "" {
			req.Header.Set("Mino-Organisation", organisation)
		}
		return b.send(req)
	}
	in("").problem(http.StatusNotFound, wire.CodeProjectNotFound)
	refused := at(t, in(o.Slug).problem(http.StatusForbidden, wire.CodeOrganisationRequired), "Mino-Organisation")
	require.Equal(t, "is to be one of "+b.home().Slug, refused.Message)
	own := owner.request(http.MethodGet, path, "", nil)
	own.Header.Set("Mino-Organisation", b.home().Slug) // a key has no choice
	require.Empty(t, owner.send(own).problem(http.StatusForbidden, wire.CodeOrganisationRequired).Errors)

	other := issuer.Token(t, nil) // who is known to the issuer alone
	require.Empty(t, b.as(other).get("/api/projects").problem(http.StatusForbidden, wire.CodeOrganisationRequired).Errors)

	require.NoError(t, b.store.AddMember(t.Context(), &models.Membership{OrganisationID: o.ID, Role: access.Member, User: m.User}))
	require.Eventually(t, func() bool { return in(o.Slug).status == http.StatusOK }, waitTime, tick)
	in(o.ID.String()).is(http.StatusOK)
	refused = at(t, in("").problem(http.StatusForbidden, wire.CodeOrganisationRequired), "Mino-Organisation")
	require.Contains(t, refused.Message, o.Slug)
	require.Contains(t, refused.Message, b.home().Slug)
	in(b.home().Slug).problem(http.StatusNotFound, wire.CodeProjectNotFound)
}

func TestTheLogSaysWhoAsked(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	o, us := b.organisation()
	text, record := b.keyOf(o.ID, nil)
	answered := us.as(text).get("/api/projects").is(http.StatusOK)
	logged := b.logs.FilterMessage("request").FilterField(zap.String("request_id", answered.header.Get("X-Request-Id"))).All()
	require.Len(t, logged, 1)
	require.Equal(t, "key "+record.ID.String(), logged[0].ContextMap()["principal"])
	require.Equal(t, o.ID.String(), logged[0].ContextMap()["organisation_id"])

	refused := b.as("").get("/api/projects").is(http.StatusUnauthorized)
	logged = b.logs.FilterMessage("request").FilterField(zap.String("request_id", refused.header.Get("X-Request-Id"))).All()
	require.Len(t, logged, 1)
	require.NotContains(t, logged[0].ContextMap(), "principal")
	require.NotContains(t, logged[0].ContextMap(), "organisation_id")
}
