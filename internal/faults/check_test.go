package faults

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testkit/rig"
)

// TestCheck damages the records of a run that was sound, and has the check find it.
//
//nolint:paralleltest,tparallel // the damage is done to one run, in turn
func TestCheck(t *testing.T) {
	t.Parallel()
	s := newSystem(t, rig.FarSideConfig{})
	s.worker()
	e := s.start("rows", 5, 5)
	s.completed(e)
	for name, damage := range map[string]struct{ statement, found string }{
		"FindsCountersThatDiffer": {
			`UPDATE executions SET completed_jobs = completed_jobs - 1, failed_jobs = failed_jobs + 1 WHERE id = ?`, "counters that differ from the rows",
		},
		"FindsASessionThatStillRuns": {
			`UPDATE sessions SET status = 'running', finished_at = NULL WHERE execution_id = ?`, "sessions that still run",
		},
		"FindsAJobThatHasNotEnded": {
			`UPDATE jobs SET status = 'queued', verdict = NULL, finished_at = NULL WHERE execution_id = ?`, "jobs that are not in exactly one terminal state",
		},
		"FindsAResultOfAnotherSession": {
			`UPDATE jobs SET result = '{"price": 1}' WHERE execution_id = ?`, "jobs whose result is not that of their last session",
		},
		"FindsACompletedJobWithoutItsSession": {
			`UPDATE sessions SET status = 'lost', error_class = 'transient' WHERE execution_id = ?`, "completed jobs without exactly one succeeded session",
		},
		"FindsAnAttemptThatIsMissing": {
			`UPDATE jobs SET attempt = attempt + 1 WHERE execution_id = ?`, "jobs whose attempts have gaps",
		},
		"FindsACostThatIsNotTheSum": {
			`UPDATE executions SET tally = tally || '{"cost_micros": 7}' WHERE id = ?`, "costs that are not the sum over the sessions",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.NewRaw(damage.statement, e.ID).Exec(ctx)
				require.NoError(t, err)
				found := rig.Unsound(t, tx, e.ID)
				require.Contains(t, strings.Join(found, "\n"), damage.found)
				return sql.ErrTxDone // the next finds it sound again
			})
			require.ErrorIs(t, err, sql.ErrTxDone)
		})
	}
	t.Run("FindsAGapInTheEvents", func(t *testing.T) {
		err := s.db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewRaw(`DROP TABLE IF EXISTS execution_events CASCADE`).Exec(ctx)
			require.NoError(t, err)
			_, err = tx.NewRaw(`CREATE TABLE execution_events (execution_id uuid, seq bigint)`).Exec(ctx)
			require.NoError(t, err)
			for _, seq := range []any{1, 2, 4} {
				_, err = tx.NewRaw(`INSERT INTO execution_events VALUES (?, ?)`, e.ID, seq).Exec(ctx)
				require.NoError(t, err)
			}
			require.Contains(t, rig.Unsound(t, tx, e.ID), "events whose sequence has gaps")
			_, err = tx.NewRaw(`UPDATE execution_events SET seq = 3 WHERE seq = 4`).Exec(ctx)
			require.NoError(t, err)
			require.Empty(t, rig.Unsound(t, tx, e.ID))
			return sql.ErrTxDone
		})
		require.ErrorIs(t, err, sql.ErrTxDone)
	})
	require.Empty(t, rig.Unsound(t, s.db, e.ID))
}
