package activities_test

import (
	"context"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// outage is a store whose database is away for a number of outcome writes.
type outage struct {
	*store.Store
	writes int
}

// CompleteAttempt fails as the store does while PostgreSQL is away.
func (o *outage) CompleteAttempt(ctx context.Context, a *store.Attempt, s store.Success) error {
	if o.writes > 0 {
		o.writes--
		return models.ErrUnavailable
	}
	return o.Store.CompleteAttempt(ctx, a, s)
}

// executionID is the execution that a bench runs.
func (b *bench) executionID() uuid.UUID { return uuid.MustParse(b.input.ExecutionID) }
