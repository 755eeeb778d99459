package authn_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const issuer = "https://issuer.example"

// clock is one that stands until it is moved. It begins with the time of PostgreSQL, which
// knows microseconds.
type clock struct {
	start   time.Time
	forward atomic.Int64
}

func (c *clock) now() time.Time          { return c.start.Add(time.Duration(c.forward.Load())) }
func (c *clock) advance(d time.Duration) { c.forward.Add(int64(d)) }

// records are those of the store. They count the questions and fail when they are told to.
type records struct {
	*store.Store

	keys, logins, uses, memberships, tickets atomic.Int64

	failure atomic.Pointer[error]
	// hold, when it is not nil, has the questions for keys wait until it is closed.
	hold chan struct{}
}

func (r *records) fail(err error) {
	if err == nil {
		r.failure.Store(nil)
		return
	}
	r.failure.Store(&err)
}

func (r *records) failed() error {
	if err := r.failure.Load(); err != nil {
		return *err
	}
	return nil
}

func (r *records) APIKeyByID(ctx context.Context, id uuid.UUID) (*models.APIKey, *models.Organisation, error) {
	r.keys.Add(1)
	if r.hold != nil {
		<-r.hold
	}
	if err := r.failed(); err != nil {
		return nil, nil, err
	}
	return r.Store.APIKeyByID(ctx, id)
}

func (r *records) UseAPIKey(ctx context.Context, id uuid.UUID, ip string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.uses.Add(1)
	if err := r.failed(); err != nil {
		return err
	}
	return r.Store.UseAPIKey(ctx, id, ip)
}

func (r *records) Login(ctx context.Context, l models.Login) (*models.User, []models.Membership, error) {
	r.logins.Add(1)
	if err := r.failed(); err != nil {
		return nil, nil, err
	}
	return r.Store.Login(ctx, l)
}

func (r *records) MembershipsOf(ctx context.Context, userID uuid.UUID) ([]models.Membership, error) {
	r.memberships.Add(1)
	if err := r.failed(); err != nil {
		return nil, err
	}
	return r.Store.MembershipsOf(ctx, userID)
}

func (r *records) TakeTicket(ctx context.Context, hash []byte) (*models.StreamTicket, error) {
	r.tickets.Add(1)
	if err := r.failed(); err != nil {
		return nil, err
	}
	return r.Store.TakeTicket(ctx, hash)
}

// tokens says of texts whom they are of, and counts how often it was asked.
type tokens struct {
	asked atomic.Int64

	mu     sync.Mutex
	claims map[string]oidc.Claims
	err    error
}

func (v *tokens) Verify(_ context.Context, raw string) (oidc.Claims, error) {
	v.asked.Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return oidc.Claims{}, v.err
	}
	claims, ok := v.claims[strings.Clone(raw)]
	if !ok {
		return oidc.Claims{}, errors.Join(oidc.ErrInvalid, errors.New("its signature is wrong"))
	}
	return claims, nil
}

func (v *tokens) set(raw string, claims oidc.Claims) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.claims[raw] = claims
}

func (v *tokens) fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
}

// world is a database of its own, a clock, an issuer, and as many processes as are made.
type world struct {
	*clock

	store  *store.Store
	keys   *apikey.Keys
	tokens *tokens
}

func newWorld(t testing.TB) *world {
	t.Helper()
	keys, err := apikey.ParseKeys(apikey.NewKey())
	require.NoError(t, err)
	return &world{
		clock: &clock{start: time.Now().Truncate(time.Microsecond)}, keys: keys, tokens: &tokens{claims: map[string]oidc.Claims{}},
		store: testkit.Store(t, testkit.Database(t)),
	}
}

// process makes an Authenticator and the records that it asks, as another process has them.
func (w *world) process(t testing.TB, change func(*authn.Config)) (*authn.Authenticator, *records) {
	t.Helper()
	r := &records{Store: w.store}
	config := authn.Config{
		Records: r, Keys: w.keys, Tokens: w.tokens, Provision: true, Now: w.now, Logger: testkit.Logger(t),
	}
	if change != nil {
		change(&config)
	}
	return authn.New(config), r
}

// key makes an API key of the default organisation; change edits its record before.
func (w *world) key(t testing.TB, change func(*models.APIKey)) (string, *models.APIKey) {
	t.Helper()
	var text string
	record := testfactory.APIKey(t, w.store, func(k *models.APIKey) {
		var err error
		text, k.Hash, k.HashKeyID, err = w.keys.New(k.ID)
		require.NoError(t, err)
		if change != nil {
			change(k)
		}
	})
	return text, record
}

// login makes a token of somebody new; change edits what it says.
func (w *world) login(change func(*oidc.Claims)) string {
	text := "eyJ." + apikey.Random()
	claims := oidc.Claims{Issuer: issuer, Subject: apikey.Random(), Name: "Ada", Expiry: w.now().Add(time.Hour)}
	if change != nil {
		change(&claims)
	}
	w.tokens.set(text, claims)
	return text
}

func bearer(text string) authn.Credentials {
	return authn.Credentials{Authorization: "Bearer " + text, IP: "192.0.2.1"}
}

func from(ip, text string) authn.Credentials {
	return authn.Credentials{Authorization: "Bearer " + text, IP: ip}
}
