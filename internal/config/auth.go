package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/invopop/validation"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/models/access"
)

// The modes of Auth.
const (
	AuthRequired = "required"
	AuthOff      = "off"
)

// Auth says whether the API asks who somebody is.
type Auth struct {
	Mode string `name:"auth" env:"MINO_AUTH" default:"required" placeholder:"MODE" help:"Whether the API asks for a key or a token: required, or off, where everybody who reaches it is the owner of the default organisation; off is for an API that listens on loopback."`

	// Serves is the API that this is about, set by commands that serve one.
	Serves *API `kong:"-"`
}

// Check implements Part.
func (a *Auth) Check() error {
	return validation.ValidateStruct(a, validation.Field(&a.Mode, oneOf(AuthRequired, AuthOff), validation.By(a.within)))
}

// Off tells whether nobody is asked.
func (a *Auth) Off() bool { return a.Mode == AuthOff }

// within refuses an API that others can reach and that asks nobody who they are.
func (a *Auth) within(any) error {
	if a.Off() && a.Serves != nil && a.Serves.BeyondLoopback() {
		return fmt.Errorf("must be required when the API listens beyond this machine (--listen is %s): whoever reaches it could read, change and run everything", a.Serves.Listen)
	}
	return nil
}

// AuthKey is what the hashes of API keys are made with.
type AuthKey struct {
	// Keys is one or more; see package internal/apikey.
	Keys Secret `name:"auth-key" env:"MINO_AUTH_KEY" placeholder:"KEY,..." help:"Key that API keys are hashed with, 32 bytes in base64; older keys may follow, separated by commas. Dev and demo make one."`

	// NotNeeded is set by commands that get along without.
	NotNeeded bool `kong:"-"`
}

// Check implements Part.
func (a *AuthKey) Check() error {
	return validation.ValidateStruct(a, validation.Field(&a.Keys, unless(a.NotNeeded, required), validation.By(secretsKey)))
}

// OIDC says whose tokens the API believes. Without an issuer it believes none.
type OIDC struct {
	Issuer            string         `name:"oidc-issuer" env:"MINO_OIDC_ISSUER" placeholder:"URL" help:"OpenID Connect issuer whose bearer tokens are believed, as tokens name it; none are without it."`
	Audiences         []string       `name:"oidc-audience" env:"MINO_OIDC_AUDIENCE" placeholder:"NAME,..." help:"Audiences of which a token must name one; required with an issuer."`
	AuthorizedParties []string       `name:"oidc-authorized-parties" env:"MINO_OIDC_AUTHORIZED_PARTIES" placeholder:"NAME,..." help:"Parties of which a token must have been made for one (azp); any unless given."`
	Algorithms        []string       `name:"oidc-algorithms" env:"MINO_OIDC_ALGORITHMS" default:"RS256,ES256,EdDSA,PS256" placeholder:"NAME,..." help:"Algorithms that a token may be signed with."`
	Leeway            *time.Duration `name:"oidc-leeway" env:"MINO_OIDC_LEEWAY" default:"30s" help:"How far the issuer's clock may be off, 0s to 1m."`
	OrganisationClaim string         `name:"oidc-organisation-claim" env:"MINO_OIDC_ORGANISATION_CLAIM" placeholder:"CLAIM" help:"Claim that holds the organisation, such as org_id; dots lead into objects. Without one memberships are those that MINO keeps."`
	RolesClaim        string         `name:"oidc-roles-claim" env:"MINO_OIDC_ROLES_CLAIM" placeholder:"CLAIM" help:"Claim that holds the role in that organisation, such as org_role."`
	// RoleMap is by what the claim holds.
	RoleMap map[string]string `name:"oidc-role-map" env:"MINO_OIDC_ROLE_MAP" mapsep:"," placeholder:"VALUE=ROLE,..." help:"What values of the claim are which roles, such as org:admin=admin; the values are the roles unless given."`
	// Provision makes users of people whom the issuer vouches for.
	Provision bool `name:"oidc-provision" env:"MINO_OIDC_PROVISION" default:"true" negatable:"" help:"Take in people who come for the first time with a token that says their organisation and role; without it only those are, who were added."`
}

// On tells whether tokens of an issuer are believed.
func (o *OIDC) On() bool { return o.Issuer != "" }

// Verifier is the configuration of what checks tokens.
func (o *OIDC) Verifier() oidc.Config {
	return oidc.Config{
		Issuer: o.Issuer, Audiences: o.Audiences, AuthorizedParties: o.AuthorizedParties, Algorithms: o.Algorithms,
		Leeway: o.Leeway, OrganisationClaim: o.OrganisationClaim, RolesClaim: o.RolesClaim, RoleMap: o.RoleMap,
	}
}

// Check implements Part. The verifier knows what it takes, under the same names.
func (o *OIDC) Check() error {
	if !o.On() {
		issuer := pairedWith("", "--oidc-issuer")
		return validation.ValidateStruct(o,
			validation.Field(&o.Audiences, validation.By(noneOf)),
			validation.Field(&o.OrganisationClaim, issuer), validation.Field(&o.RolesClaim, issuer),
		)
	}
	found := validation.Errors{}
	if err := o.Verifier().Validate(); err != nil && !errors.As(err, &found) {
		return err
	}
	if found["RoleMap"] == nil {
		found["RoleMap"] = roleMap(o.RoleMap)
	}
	if o.RolesClaim == "" && len(o.RoleMap) > 0 {
		found["RoleMap"] = errors.New("needs --oidc-roles-claim as well")
	}
	if o.RolesClaim != "" && o.OrganisationClaim == "" {
		found["RolesClaim"] = errors.New("needs --oidc-organisation-claim as well")
	}
	return found.Filter()
}

// noneOf refuses a list that is there without an issuer.
func noneOf(value any) error {
	if list, _ := value.([]string); len(list) > 0 {
		return errors.New("needs --oidc-issuer as well")
	}
	return nil
}

func roleMap(roles map[string]string) error {
	names := make([]string, 0, len(access.Roles()))
	for _, role := range access.Roles() {
		names = append(names, string(role))
	}
	for _, role := range roles {
		if !slices.Contains(names, role) {
			return fmt.Errorf("must be roles, of %s, but %q is none", strings.Join(names, ", "), role)
		}
	}
	return nil
}
