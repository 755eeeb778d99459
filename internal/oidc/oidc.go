// Package oidc checks bearer tokens that an OpenID Connect issuer has signed, and says whom
// they are of.
//
// The issuer is authoritative for its keys, and the operator for what a token must hold:
// the audience that it was made for, the algorithm, and where the organisation and the
// roles stand. Nothing is decided here about membership; what was found is handed on as
// strings. Nothing is kept but the keys.
//
// The keys are first asked for when the first token comes, so that an issuer that is down
// keeps nobody from starting. They are asked for again after 5 minutes, and at once for a
// token whose key id is unknown, but for such ids once in 5 seconds however many there are.
// So a key that the issuer has taken out of its set is dead after 5 minutes, whatever the
// issuer's Cache-Control says; while the issuer does not answer its keys are believed for
// 15 minutes, and after failures it is left alone for 1 second, then 2, up to 30. Who comes
// with a known key waits for the first try only.
//
// The states of the keys: unknown → fresh (under 5 minutes) → due (asked for again by the
// next token; used for as long as that fails) → dead (15 minutes), which is as unknown.
//
// What a token must be: at most 8 KiB, in the compact form, signed by one of the allowed
// asymmetric algorithms with a key of the issuer's set that is for it. Its `typ` is JWT or
// at+jwt when it has one. What its header says of keys (jku, jwk, x5u, x5c) is never
// believed, and a header with crit is refused. A key without an id serves tokens without
// one, when no other key could be meant; that such a key was replaced is seen when the keys
// are next asked for.
//
// ID tokens and access tokens can't be told apart by what all issuers put into them. The
// audience does: that of an ID token is the client, that of an access token is the API. So
// the audience to configure is the API's, and ID tokens do not pass. Who configures a
// client's id accepts that client's ID tokens.
//
// Failure: a token that is not to be believed is ErrInvalid, with the reason for the logs
// and nothing of what is unsigned; when the issuer can't be asked for what it takes to say
// so it is ErrUnavailable. A context that ends is returned as it is.
package oidc

import (
	"context"
	"errors"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// What Verify fails with, beside the error of a context that ends. Both wrap a reason that
// is for logs, not for those who sent the token.
var (
	// ErrInvalid says that a token is not to be believed. Nor is it later, unless its time is
	// yet to come, or its key is so new that the issuer was not asked since, which is 5
	// seconds at the most.
	ErrInvalid = errors.New("the token is not valid")
	// ErrUnavailable says that a token can't be judged, because the issuer's keys are not
	// to be had; the same token may be good in a moment.
	ErrUnavailable = errors.New("the issuer of tokens can't be asked for its keys")
)

// Claims are what a token says of whom it is of. None of the strings is longer than 255
// bytes or holds control characters.
type Claims struct {
	// Issuer is Config.Issuer.
	Issuer string
	// Subject names somebody for ever, within the issuer. It is never empty.
	Subject string
	// Email is empty unless the token says that the address was verified.
	Email string
	// Name is how people call the subject; empty when the token does not say.
	Name string
	// Organisation is what Config.OrganisationClaim holds; empty when there is none, or
	// more than one.
	Organisation string
	// Roles are those of Config.RolesClaim, each once and in their order, after
	// Config.RoleMap.
	Roles []string
	// Expiry is the token's own, without the leeway.
	Expiry time.Time
}

// Verifier checks the tokens of one issuer. It is safe for concurrent use.
type Verifier struct {
	config     Config
	algorithms []jose.SignatureAlgorithm
	leeway     time.Duration
	now        func() time.Time
	keys       *keyring
}

// New makes a verifier. It asks the issuer nothing yet; the error is that of
// Config.Validate.
func New(config Config) (*Verifier, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	v := &Verifier{config: config, leeway: DefaultLeeway, now: time.Now}
	if config.Leeway != nil {
		v.leeway = *config.Leeway
	}
	if config.Now != nil {
		v.now = config.Now
	}
	names := config.Algorithms
	if len(names) == 0 {
		names = defaultAlgorithms
	}
	for _, name := range names {
		v.algorithms = append(v.algorithms, jose.SignatureAlgorithm(name))
	}
	v.keys = newKeyring(config.Issuer, v.now)
	return v, nil
}

// Verify says whom a token is of. It waits for the issuer when its keys have to be asked
// for, 10 seconds at the most.
func (v *Verifier) Verify(ctx context.Context, rawToken string) (Claims, error) {
	signed, err := v.parse(rawToken)
	if err != nil {
		return Claims{}, err
	}
	set, err := v.keys.find(ctx, signed.keyID)
	if err != nil {
		return Claims{}, err
	}
	payload, err := signed.verify(set)
	if err != nil {
		return Claims{}, err
	}
	return v.read(payload)
}
