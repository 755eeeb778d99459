package tenant_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/tenant"
)

func TestAContextIsNeverTurnedIntoAnothersOrganisation(t *testing.T) {
	t.Parallel()
	ours, theirs := uuid.New(), uuid.New()
	require.Equal(t, tenant.Scope{}, tenant.From(t.Context()))

	ctx := tenant.With(t.Context(), ours)
	require.Equal(t, tenant.Scope{Kind: tenant.Organisation, ID: ours}, tenant.From(ctx))
	require.Equal(t, ctx, tenant.With(ctx, ours))
	require.Equal(t, tenant.Scope{}, tenant.From(tenant.With(ctx, theirs)))
	require.Equal(t, tenant.Scope{}, tenant.From(tenant.With(t.Context(), uuid.Nil)))

	system := tenant.AsSystem(ctx)
	require.Equal(t, tenant.System, tenant.From(system).Kind)
	require.Equal(t, theirs, tenant.From(tenant.With(system, theirs)).ID, "the system acts for whom it says")
}
