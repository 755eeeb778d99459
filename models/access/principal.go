package access

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Kind says how somebody was made known.
type Kind string

// The kinds of principals.
const (
	// KindKey is the holder of an API key.
	KindKey Kind = "key"
	// KindUser is a person whom an issuer of tokens vouches for.
	KindUser Kind = "user"
	// KindAnonymous is whoever reaches an API that asks nobody who they are.
	KindAnonymous Kind = "anonymous"
	// KindOperator is who runs a command of mino on the database itself.
	KindOperator Kind = "operator"
)

// Principal is whose a request is. The zero value is nobody.
type Principal struct {
	Kind Kind `json:"kind"`
	// ID is of the key or of the user; empty for the other kinds.
	ID string `json:"id,omitempty"`
	// Name is the key's or the person's, for people to read.
	Name         string    `json:"name,omitempty"`
	Organisation uuid.UUID `json:"organisation_id"`
	Role         Role      `json:"role"`
	// Scopes are what is left of the role's permissions; nil is all of them. No scopes are
	// written down too: left out, they would be read as all.
	Scopes []Permission `json:"scopes,omitzero"`
	// Until is when what made them known ends, if that is known.
	Until time.Time `json:"until,omitzero"`
}

// Known tells a principal from nobody.
func (p Principal) Known() bool { return p.Kind != "" }

// May tells whether a principal has a permission.
func (p Principal) May(wanted Permission) bool {
	return p.Known() && p.Role.May(wanted) && (p.Scopes == nil || slices.Contains(p.Scopes, wanted))
}

// Permissions lists what a principal may, in the order of the names.
func (p Principal) Permissions() []Permission {
	return slices.DeleteFunc(Permissions(), func(wanted Permission) bool { return !p.May(wanted) })
}

// Covers tells whether a principal has all that somebody of a role and of scopes (nil for
// all of the role's) would have: nobody gives away what is not theirs.
func (p Principal) Covers(role Role, scopes []Permission) bool {
	if !p.Role.Includes(role) {
		return false
	}
	given := Principal{Kind: p.Kind, Role: role, Scopes: scopes}
	return !slices.ContainsFunc(given.Permissions(), func(one Permission) bool { return !p.May(one) })
}

type principalKey struct{}

// With says whose a context is.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From gives whose a context is; the zero Principal is nobody.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
