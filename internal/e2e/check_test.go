package e2e

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// requireSound checks what must hold of an execution that has ended, whatever
// happened meanwhile: each job in one terminal state, counters equal to the rows, no
// session still running, no result without its attempt, attempts without gaps.
func requireSound(t *testing.T, db *bun.DB, executionID uuid.UUID) {
	t.Helper()
	for what, query := range map[string]string{
		"jobs that have not ended": `
			SELECT count(*) FROM jobs WHERE execution_id = ? AND status NOT IN ('completed', 'failed', 'cancelled')`,
		"sessions that still run": `
			SELECT count(*) FROM sessions WHERE execution_id = ? AND status = 'running'`,
		"counters that differ from the rows": `
			SELECT count(*) FROM executions e WHERE e.id = ? AND (e.total_jobs, e.completed_jobs, e.failed_jobs, e.cancelled_jobs) <>
			(SELECT count(*), count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
			        count(*) FILTER (WHERE status = 'cancelled') FROM jobs WHERE execution_id = e.id)`,
		"completed jobs without exactly one succeeded session": `
			SELECT count(*) FROM jobs j WHERE j.execution_id = ? AND j.status = 'completed' AND 1 <>
			(SELECT count(*) FROM sessions s WHERE s.job_id = j.id AND s.execution_id = j.execution_id AND s.status = 'succeeded')`,
		"jobs whose result is not that of their last session": `
			SELECT count(*) FROM jobs j JOIN sessions s ON s.job_id = j.id AND s.execution_id = j.execution_id AND s.attempt = j.attempt
			WHERE j.execution_id = ? AND j.status = 'completed' AND (s.result IS DISTINCT FROM j.result OR s.verdict IS DISTINCT FROM j.verdict)`,
		"jobs whose attempts have gaps": `
			SELECT count(*) FROM jobs j WHERE j.execution_id = ? AND j.attempt <>
			(SELECT count(*) FROM sessions s WHERE s.job_id = j.id AND s.execution_id = j.execution_id)`,
	} {
		var n int
		require.NoError(t, db.NewRaw(query, executionID).Scan(t.Context(), &n), what)
		require.Zero(t, n, what)
	}
}
