package authn

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/ratelimit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

const (
	// DefaultFailuresPerMinute is how many wrong credentials an address may send in a
	// minute.
	DefaultFailuresPerMinute = 30
	// DefaultMaxKept is how many keys, tokens and people are remembered, of each.
	DefaultMaxKept = 10_000
)

// Credentials are what a request brings of whose it is.
type Credentials struct {
	// Authorization is the header of this name.
	Authorization string
	// Organisation is the header Mino-Organisation: an id or a slug, or empty.
	Organisation string
	// IP is the address that the request comes from.
	IP string
}

// Identity is whose a request is.
type Identity struct {
	Principal access.Principal
	// Limits are those of the principal's organisation.
	Limits models.Limits
	// Until is when the credentials end; zero when that is not known.
	Until time.Time
}

// Records are the keys, the people and the tickets.
type Records interface {
	APIKeyByID(ctx context.Context, id uuid.UUID) (*models.APIKey, *models.Organisation, error)
	UseAPIKey(ctx context.Context, id uuid.UUID, ip string) error
	Login(ctx context.Context, l models.Login) (*models.User, []models.Membership, error)
	MembershipsOf(ctx context.Context, userID uuid.UUID) ([]models.Membership, error)
	CreateTicket(ctx context.Context, t *models.StreamTicket) error
	TakeTicket(ctx context.Context, hash []byte) (*models.StreamTicket, error)
	ForgetTickets(ctx context.Context) error
}

// TokenVerifier says whom a token is of. Its errors are those of package oidc.
type TokenVerifier interface {
	Verify(ctx context.Context, rawToken string) (oidc.Claims, error)
}

// Config is what an Authenticator is made of.
type Config struct {
	Records Records
	// Keys check API keys and tickets.
	Keys *apikey.Keys
	// Tokens checks tokens; nil is that none is good.
	Tokens TokenVerifier
	// Provision makes everybody known who comes with a good token. Without it they must
	// have been invited, or be given a role by their token.
	Provision bool
	// OrganisationsFromTokens says that tokens name the organisation that they are for: one
	// that names none opens none, whatever the person is a member of.
	OrganisationsFromTokens bool
	// RolesFromTokens says that tokens tell the role in the organisation that they name:
	// one that tells none is nobody's there, whatever the person was before.
	RolesFromTokens bool
	// FailuresPerMinute is DefaultFailuresPerMinute when it is 0; a negative one is no
	// limit.
	FailuresPerMinute int
	// MaxKept is DefaultMaxKept when it is not positive.
	MaxKept int
	// Now is the clock; time.Now when it is nil.
	Now    func() time.Time
	Logger *zap.Logger
}

// Authenticator says whose requests are. It is safe for concurrent use.
type Authenticator struct {
	config   Config
	now      func() time.Time
	failures *ratelimit.Limiter

	keys   *kept[uuid.UUID, *knownKey]
	tokens *kept[tokenDigest, *person]
	people *kept[uuid.UUID, []models.Membership]
	forgot minutely
}

// New makes an Authenticator.
func New(config Config) *Authenticator {
	if config.FailuresPerMinute == 0 {
		config.FailuresPerMinute = DefaultFailuresPerMinute
	}
	if config.MaxKept <= 0 {
		config.MaxKept = DefaultMaxKept
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Logger == nil {
		config.Logger = zap.NewNop()
	}
	most, now := config.MaxKept, config.Now
	return &Authenticator{
		config: config, now: now,
		failures: ratelimit.New(ratelimit.Config{Now: now}),
		keys:     newKept[uuid.UUID, *knownKey](most, unknownFor, now),
		// What is wrong with a token now may be right in a moment: its key may be new.
		tokens: newKept[tokenDigest, *person](most, 0, now),
		people: newKept[uuid.UUID, []models.Membership](most, 0, now),
	}
}

// Authenticate says whose a request is by what it has sent.
func (a *Authenticator) Authenticate(ctx context.Context, sent Credentials) (Identity, error) {
	scheme, text, _ := strings.Cut(strings.TrimSpace(sent.Authorization), " ")
	text = strings.TrimSpace(text)
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return Identity{}, ErrMissing
	case strings.HasPrefix(text, apikey.Prefix):
		return a.byKey(ctx, sent, text)
	case text != "" && a.config.Tokens != nil:
		return a.byToken(ctx, sent, text)
	}
	return Identity{}, a.refuse(sent, "it is no API key, and tokens are not taken")
}

// refuse counts what was wrong against the address that it came from.
func (a *Authenticator) refuse(sent Credentials, reason any) error {
	if result := a.failures.Take(a.bucket(sent)); !result.Allowed {
		return &TooManyError{Result: result}
	}
	return invalid(reason)
}

// held returns a TooManyError when nothing more is to be looked up for an address.
func (a *Authenticator) held(sent Credentials) error {
	if result := a.failures.Look(a.bucket(sent)); !result.Allowed {
		return &TooManyError{Result: result}
	}
	return nil
}

func (a *Authenticator) bucket(sent Credentials) ratelimit.Bucket {
	address, _ := netip.ParseAddr(sent.IP) // those without one share a bucket
	return ratelimit.Bucket{
		Kind: ratelimit.Address, Name: ratelimit.Network(address), PerMinute: a.config.FailuresPerMinute,
	}
}

// minutely is due once a minute.
type minutely struct{ last atomic.Pointer[time.Time] }

func (m *minutely) due(now time.Time) bool {
	last := m.last.Load()
	if last != nil && now.Sub(*last) < time.Minute {
		return false
	}
	return m.last.CompareAndSwap(last, &now)
}
