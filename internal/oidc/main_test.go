package oidc_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/oidc/oidctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is one that stands until it is moved. It begins with a whole second, as dates of
// tokens are.
type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanoseconds.Store(time.Now().Truncate(time.Second).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) forward(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// bundle is an issuer, and a verifier of its tokens whose clock stands.
type bundle struct {
	issuer   *oidctest.Issuer
	verifier *oidc.Verifier
	clock    *clock
}

// setup makes a bundle; change edits the configuration before.
func setup(t *testing.T, change func(*oidc.Config)) *bundle {
	t.Helper()
	b := &bundle{issuer: oidctest.New(t)}
	b.configure(t, change)
	return b
}

// configure gives the bundle another verifier, which knows no keys yet.
func (b *bundle) configure(t *testing.T, change func(*oidc.Config)) {
	t.Helper()
	b.clock = newClock()
	config := oidc.Config{
		Issuer: b.issuer.URL, Audiences: []string{b.issuer.Audience},
		OrganisationClaim: "org", RolesClaim: "roles", Now: b.clock.now,
	}
	if change != nil {
		change(&config)
	}
	verifier, err := oidc.New(config)
	require.NoError(t, err)
	b.verifier = verifier
}

// token makes one that holds for two hours, so that a test may move the clock.
func (b *bundle) token(t *testing.T) string {
	t.Helper()
	return b.issuer.Token(t, map[string]any{"exp": b.clock.now().Add(2 * time.Hour).Unix()})
}

func (b *bundle) accepts(t *testing.T, token string) oidc.Claims {
	t.Helper()
	claims, err := b.verifier.Verify(t.Context(), token)
	require.NoError(t, err)
	return claims
}

// refuses wants a reason that holds a text, so that a token is refused for what is wrong
// with it.
func (b *bundle) refuses(t *testing.T, token, reason string) {
	t.Helper()
	claims, err := b.verifier.Verify(t.Context(), token)
	require.ErrorIs(t, err, oidc.ErrInvalid)
	require.NotErrorIs(t, err, oidc.ErrUnavailable)
	require.ErrorContains(t, err, reason)
	require.Zero(t, claims)
}

// unavailable wants it said that nobody knows, for a reason that holds a text.
func (b *bundle) unavailable(t *testing.T, token, reason string) {
	t.Helper()
	claims, err := b.verifier.Verify(t.Context(), token)
	require.ErrorIs(t, err, oidc.ErrUnavailable)
	require.NotErrorIs(t, err, oidc.ErrInvalid)
	require.ErrorContains(t, err, reason)
	require.Zero(t, claims)
}
