// Package audit carries what is to be written down of who did what to the transaction that
// does it.
//
// Whoever serves a request puts a Note into its context and fills in what it is about; the
// store writes the note as an entry of the audit log in each transaction of that context
// that writes (see models/store), so that there is no change without its entry and no entry
// of a change that did not happen. What takes several transactions has an entry of each.
// What happens outside of PostgreSQL, such as the control of a run, is written down by
// itself before and after.
//
// The database is authoritative, and append-only: neither MINO's roles nor a mistake in it
// can change or delete an entry.
package audit

import (
	"context"

	"github.com/minohq/mino/models/access"
)

// Outcome says how far something went.
type Outcome string

// The outcomes.
const (
	// Done: it happened.
	Done Outcome = "done"
	// Requested: it was about to be asked of Temporal, or begun; another entry of the same
	// request says how that ended, unless the process died before.
	Requested Outcome = "requested"
	// Failed: it was asked, and refused or not answered.
	Failed Outcome = "failed"
)

// Note is what is known of an operation while it is done.
type Note struct {
	Principal access.Principal
	// Operation is its id in the API's document, or a command of mino.
	Operation string
	RequestID string
	// IP and UserAgent say from where; IP is empty when it is not known.
	IP        string
	UserAgent string

	// TargetType and TargetID name what it is done to, such as "project" and its id.
	TargetType string
	TargetID   string
	// Before and After are how the target is shown, before and after: anything that JSON
	// can say. They are encoded when the entry is written, so a pointer shows what the
	// database filled in. Secrets do not belong there.
	Before any
	After  any
}

// About says what an operation is done to. A nil note takes nothing.
func (n *Note) About(targetType, targetID string) *Note {
	if n != nil {
		n.TargetType, n.TargetID = targetType, targetID
	}
	return n
}

// Changes says what the target was and will be. A nil note takes nothing.
func (n *Note) Changes(before, after any) *Note {
	if n != nil {
		n.Before, n.After = before, after
	}
	return n
}

type key struct{}

// With has what is written under a context be written down.
func With(ctx context.Context, n *Note) context.Context { return context.WithValue(ctx, key{}, n) }

// From gives the note of a context; nil when nothing is to be written down.
func From(ctx context.Context) *Note {
	n, _ := ctx.Value(key{}).(*Note)
	return n
}
