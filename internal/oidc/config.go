package oidc

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/invopop/validation"
)

const (
	// DefaultLeeway is how far the issuer's clock may be from this one's.
	DefaultLeeway = 30 * time.Second
	// MaxLeeway is the most that may be configured: a clock that is further off is to be
	// set, not to be forgiven.
	MaxLeeway = time.Minute
)

// DefaultEmailVerifiedClaim is the claim of the standard.
const DefaultEmailVerifiedClaim = "email_verified"

var (
	// defaultAlgorithms are those that issuers use.
	defaultAlgorithms = []string{"RS256", "ES256", "EdDSA", "PS256"}
	// knownAlgorithms are all that may be allowed. Those with a shared key (HS256) are not
	// among them: who can check such a token can make one.
	knownAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)

// Config is what the operator decides.
//
// A claim is named by its name, or by a path of names with dots between them, such as
// `o.id` or `realm_access.roles`. Names may hold dots themselves: where there are several
// ways to read a path, the longest name that is there is taken, beginning with the whole.
type Config struct {
	// Issuer is the address of the issuer, and what `iss` must be, to the letter. It is
	// https, or http when the host is this machine.
	Issuer string
	// Audiences are those of which `aud` must name one. At least one is required.
	Audiences []string
	// AuthorizedParties are those of which `azp` must be one. When there are none, any
	// will do, but a token for several audiences must say which party it was made for.
	AuthorizedParties []string
	// Algorithms are those a token may be signed with, of RS256 to RS512, PS256 to PS512,
	// ES256 to ES512 and EdDSA. None means RS256, ES256, EdDSA and PS256.
	Algorithms []string
	// Leeway is what `exp`, `nbf` and `iat` may be off by, 0 to MaxLeeway; nil means
	// DefaultLeeway.
	Leeway *time.Duration
	// EmailVerifiedClaim must be true for an address to be believed. Empty means
	// DefaultEmailVerifiedClaim.
	EmailVerifiedClaim string
	// OrganisationClaim holds the organisation, as a string or a list of one. Empty: no
	// token says it.
	OrganisationClaim string
	// RolesClaim holds a role, or a list of them. Empty: no token says any.
	RolesClaim string
	// RoleMap makes of what the claim holds what Claims.Roles says. A value that is not
	// in it is no role. When it is empty, each value is the role.
	RoleMap map[string]string
	// Now is for tests; nil means time.Now.
	Now func() time.Time
}

// Validate names each member that won't do.
func (c Config) Validate() error {
	return validation.ValidateStruct(&c,
		validation.Field(&c.Issuer, validation.Required.Error("is required"), validation.By(issuerAddress)),
		validation.Field(&c.Audiences, validation.Required.Error("needs at least one"), validation.Each(notEmpty)),
		validation.Field(&c.AuthorizedParties, validation.Each(notEmpty)),
		validation.Field(&c.Algorithms, validation.Each(validation.By(algorithm))),
		validation.Field(&c.Leeway, validation.By(leeway)),
		validation.Field(&c.RoleMap, validation.Each(notEmpty), validation.By(keysNotEmpty)),
	)
}

var notEmpty validation.Rule = validation.Required.Error("must not be empty")

func issuerAddress(value any) error {
	text, _ := value.(string)
	address, err := url.Parse(text)
	switch {
	case err != nil || address.Hostname() == "" || address.Opaque != "":
		return errors.New("must be an absolute URL")
	case address.User != nil || address.RawQuery != "" || address.ForceQuery || strings.Contains(text, "#"):
		return errors.New("must have no user, query or fragment")
	case !mayBeAsked(address):
		return errors.New("must be https, or http on this machine")
	}
	return nil
}

// mayBeAsked tells whether what comes from an address can be believed: what goes over
// other machines in the clear can't.
func mayBeAsked(address *url.URL) bool {
	switch address.Scheme {
	case "https":
		return address.Hostname() != ""
	case "http":
		if strings.EqualFold(address.Hostname(), "localhost") {
			return true
		}
		ip, err := netip.ParseAddr(address.Hostname())
		return err == nil && ip.Unmap().IsLoopback()
	}
	return false
}

func algorithm(value any) error {
	name, _ := value.(string)
	if !slices.Contains(knownAlgorithms, name) {
		return fmt.Errorf("must be one of %s, is %q", strings.Join(knownAlgorithms, ", "), name)
	}
	return nil
}

func leeway(value any) error {
	if d, ok := value.(*time.Duration); ok && d != nil && (*d < 0 || *d > MaxLeeway) {
		return fmt.Errorf("must be between 0s and %v, is %v", MaxLeeway, *d)
	}
	return nil
}

func keysNotEmpty(value any) error {
	if roles, _ := value.(map[string]string); len(roles) > 0 {
		if _, ok := roles[""]; ok {
			return errors.New("must not have an empty value of the claim")
		}
	}
	return nil
}
