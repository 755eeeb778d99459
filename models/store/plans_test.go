package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models/store"
)

// A plan that goes through all jobs of an execution, or all sessions that have run, is a
// good one while there are few, and the statistics may be from then.
func TestJobsAreFoundByTheirKeys(t *testing.T) {
	t.Parallel()
	const rows = 500
	owner := testkit.Database(t)
	db := testkit.Scoped(t, owner)
	db.SetMaxOpenConns(1) // whose counts are written when they are asked for
	s := store.New(db)
	p := testfactory.Project(t, s, nil)
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, rows, nil), nil)
	begun(t, s, e)
	_, err := owner.ExecContext(t.Context(), "ANALYZE")
	require.NoError(t, err)
	all := queued(t, s, e, 20)
	scans := func() (n int) {
		_, err := db.ExecContext(t.Context(), "SELECT pg_stat_force_next_flush()")
		require.NoError(t, err)
		err = db.NewRaw(`SELECT sum(idx_scan) FROM pg_stat_user_indexes
			WHERE indexrelname IN ('jobs_open_idx', 'jobs_execution_row_idx', 'sessions_running_key', 'sessions_execution_id_idx', 'sessions_execution_status_idx')`).
			Scan(t.Context(), &n)
		require.NoError(t, err)
		return n
	}
	before := scans()
	for i := range all {
		a, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, all[i].ID, "worker")
		require.NoError(t, err)
		require.NoError(t, s.CompleteAttempt(t.Context(), a, success(true)))
	}
	require.Equal(t, before, scans(), "scans of indexes that hold every job of an execution, or every running one")
}
