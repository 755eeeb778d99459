package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// What an abandoned run came to may be written while its execution ends: the end has
// counted the jobs by then and not committed yet.
func TestSettlingWhileTheExecutionEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := context.WithoutCancel(t.Context())
	a := f.begin(t, 0)
	require.NoError(t, f.store.Announce(ctx, a, reference()))
	require.NoError(t, f.store.FailAttempt(ctx, a, store.Failure{Class: "permanent", Code: "X"}))
	runs := f.orphans(t, 0)
	require.Len(t, runs, 1)

	// Whoever writes an event waits, as the end does once it has counted.
	blocker, err := f.db.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = blocker.ExecContext(ctx, "LOCK TABLE execution_events IN SHARE MODE")
	require.NoError(t, err)
	waiting := func(n int) func() bool {
		return func() bool {
			var blocked int
			err := f.db.NewRaw(`SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(ctx, &blocked)
			return err == nil && blocked >= n
		}
	}
	ended, settled := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := f.store.FinishExecution(ctx, a.OrganisationID, a.ExecutionID, models.ExecutionStopped, "")
		ended <- err
	}()
	require.Eventually(t, waiting(1), 30*time.Second, 10*time.Millisecond)
	go func() {
		settled <- f.store.SettleRun(ctx, &runs[0], store.Settlement{Status: "COMPLETED", Steps: 2, CostMicros: 32_000, CostCurrency: "USD"})
	}()
	require.Eventually(t, func() bool { return len(settled) > 0 || waiting(2)() }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, blocker.Rollback())
	require.NoError(t, <-ended)
	require.NoError(t, <-settled)
	require.Equal(t, int64(32_000), f.job(t, 0).CostMicros)
	e, err := f.store.ExecutionByID(ctx, a.ExecutionID)
	require.NoError(t, err)
	require.Equal(t, int64(32_000), e.Tally.CostMicros, "the execution's cost is the sum over its jobs")
	require.Equal(t, 2, e.Tally.Steps)
}
