// Package tenant says on whose behalf the database is spoken to.
//
// A context has one scope: an organisation, the system, or nobody. The store binds it,
// from the organisation that each of its methods is called for, and sends it with every
// statement, where PostgreSQL holds the rows that a statement may see against it
// (row-level security). A scope narrows what a wrong query can do; it gives nobody a right
// that the caller did not have.
//
// The states: nobody (which sees no rows) → an organisation, or the system. The system is
// all organisations: for sweeps, and for what is found by an id before it is known whose
// it is. An organisation is never turned into another: With on a context of another one
// makes it nobody's, so that a mistake finds nothing rather than a neighbour's rows.
package tenant

import (
	"context"

	"github.com/google/uuid"
)

// Kind tells the three scopes apart.
type Kind int

// The kinds of scopes.
const (
	Nobody Kind = iota
	Organisation
	System
)

// Scope is on whose behalf. The zero value is nobody.
type Scope struct {
	Kind Kind
	// ID is of the organisation, if there is one.
	ID uuid.UUID
}

type key struct{}

// From gives the scope of a context.
func From(ctx context.Context) Scope {
	scope, _ := ctx.Value(key{}).(Scope)
	return scope
}

// With makes a context an organisation's. One that is another's becomes nobody's.
func With(ctx context.Context, organisation uuid.UUID) context.Context {
	scope := Scope{Kind: Organisation, ID: organisation}
	switch now := From(ctx); {
	case now == scope:
		return ctx
	case organisation == uuid.Nil, now.Kind == Organisation:
		scope = Scope{}
	}
	return context.WithValue(ctx, key{}, scope)
}

// AsSystem makes a context the system's, whatever it was before.
func AsSystem(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, Scope{Kind: System})
}
