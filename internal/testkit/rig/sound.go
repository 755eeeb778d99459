package rig

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// unsound are queries that count what must not be there once an execution has ended.
// Columns that not every schema has are read from the row as JSON.
var unsound = map[string]string{
	"executions that have not ended": `
		SELECT 1 - count(*) FROM executions WHERE id = ? AND finished_at IS NOT NULL AND status IN ('completed', 'stopped', 'failed')`,
	"jobs that are not in exactly one terminal state": `
		SELECT count(*) FROM jobs WHERE execution_id = ? AND 1 <>
		(status = 'completed' AND verdict IS NOT NULL)::int + (status = 'failed' AND error_class IS NOT NULL)::int + (status = 'cancelled')::int`,
	"sessions that still run": `
		SELECT count(*) FROM sessions WHERE execution_id = ? AND status = 'running'`,
	"counters that differ from the rows": `
		SELECT count(*) FROM executions e WHERE e.id = ? AND (e.total_jobs, e.completed_jobs, e.failed_jobs, e.cancelled_jobs) <>
		(SELECT count(*), count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
		        count(*) FILTER (WHERE status = 'cancelled') FROM jobs WHERE execution_id = e.id)`,
	"completed jobs without exactly one succeeded session": `
		SELECT count(*) FROM jobs j WHERE j.execution_id = ? AND j.status = 'completed' AND 1 <>
		(SELECT count(*) FROM sessions s WHERE s.job_id = j.id AND s.execution_id = j.execution_id AND s.status = 'succeeded')`,
	"succeeded sessions of jobs that are not completed": `
		SELECT count(*) FROM sessions s JOIN jobs j ON j.id = s.job_id AND j.execution_id = s.execution_id
		WHERE s.execution_id = ? AND s.status = 'succeeded' AND j.status <> 'completed'`,
	"results without the attempt that brought them": `
		SELECT count(*) FROM jobs j WHERE j.execution_id = ? AND j.result IS NOT NULL AND j.status = 'completed' AND NOT EXISTS
		(SELECT FROM sessions s WHERE s.job_id = j.id AND s.execution_id = j.execution_id AND s.attempt = j.attempt AND s.status = 'succeeded')`,
	"jobs whose result is not that of their last session": `
		SELECT count(*) FROM jobs j JOIN sessions s ON s.job_id = j.id AND s.execution_id = j.execution_id AND s.attempt = j.attempt
		WHERE j.execution_id = ? AND j.status = 'completed' AND (s.result IS DISTINCT FROM j.result OR s.verdict IS DISTINCT FROM j.verdict)`,
	"jobs whose attempts have gaps": `
		SELECT count(*) FROM jobs j WHERE j.execution_id = ? AND (j.attempt, j.attempt) <>
		(SELECT count(*), coalesce(max(s.attempt), 0) FROM sessions s WHERE s.job_id = j.id AND s.execution_id = j.execution_id)`,
	"jobs whose cost is not the sum over their sessions": `
		SELECT count(*) FROM jobs j WHERE j.execution_id = ? AND (j.cost_micros, j.steps) <>
		(SELECT coalesce(sum(s.cost_micros), 0), coalesce(sum(s.steps), 0) FROM sessions s WHERE s.job_id = j.id AND s.execution_id = j.execution_id)`,
	"costs that are not the sum over the sessions": `
		SELECT count(*) FROM executions e,
		LATERAL (SELECT coalesce(sum(cost_micros), 0) AS micros FROM sessions WHERE execution_id = e.id) AS spent,
		LATERAL (VALUES (to_jsonb(e)->>'cost_micros'), (e.tally->>'cost_micros')) AS stated (micros)
		WHERE e.id = ? AND stated.micros IS NOT NULL AND stated.micros::numeric <> spent.micros`,
}

// withoutGaps is for schemas that have events.
const withoutGaps = `
	SELECT count(*) FROM (SELECT count(*) AS n, min(seq) AS first, max(seq) AS last, count(*) FILTER (WHERE seq IS NULL) AS unnumbered
	FROM execution_events WHERE execution_id = ?) AS e
	WHERE NOT coalesce(n = last AND first = 1 AND unnumbered = 0, false)`

// RequireSound checks what must hold of an execution that has ended, whatever happened
// meanwhile: each job in one terminal state, counters equal to the rows, no session
// still running, no result without its attempt and no attempt doubled, attempts and
// events without gaps, costs that add up.
func RequireSound(tb testing.TB, db bun.IDB, executionID uuid.UUID) {
	tb.Helper()
	require.Empty(tb, Unsound(tb, db, executionID))
}

// Unsound is what RequireSound would find.
func Unsound(tb testing.TB, db bun.IDB, executionID uuid.UUID) []string {
	tb.Helper()
	var found []string
	for what, query := range unsound {
		if n := number(tb, db, query, executionID); n != 0 {
			found = append(found, fmt.Sprintf("%d %s", n, what))
		}
	}
	if HasEvents(tb, db) && number(tb, db, withoutGaps, executionID) != 0 {
		found = append(found, "events whose sequence has gaps")
	}
	return found
}

// HasEvents tells whether the schema has the events of executions.
func HasEvents(tb testing.TB, db bun.IDB) bool {
	tb.Helper()
	return number(tb, db, `SELECT count(*) FROM (SELECT to_regclass('execution_events') AS name) AS t WHERE name IS NOT NULL`) == 1
}

func number(tb testing.TB, db bun.IDB, query string, args ...any) int {
	tb.Helper()
	var n int
	require.NoError(tb, db.NewRaw(query, args...).Scan(tb.Context(), &n), query)
	return n
}
