package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// BeginExecution claims an execution for a workflow, marks it running when it is
// pending, and returns the row; one that is further on is returned as it stands. The
// same workflow may call it any number of times.
//
// An execution that was made for a workflow, or that one has claimed, is that one's; a
// pending one that nobody has claimed is whoever's comes first; any other belongs to
// its default workflow. Everybody else gets models.ErrClaimed.
func (s *Store) BeginExecution(ctx context.Context, org, id uuid.UUID, workflowID string) (*models.Execution, error) {
	ctx = tenant.With(ctx, org)
	var mine bool
	err := s.db.NewRaw(`
		WITH old AS (
			SELECT id, type, status, workflow_id, total_jobs, concurrency FROM executions
			WHERE organisation_id = ?0 AND id = ?1
			  AND (workflow_id = ?2 OR workflow_id IS NULL AND (status = ?3 OR ?2 = ?4))
			FOR NO KEY UPDATE
		), begun AS (
			UPDATE executions AS e
			SET workflow_id = ?2,
			    status = CASE WHEN old.status = ?3 THEN ?5 ELSE e.status END,
			    started_at = CASE WHEN old.status = ?3 THEN COALESCE(e.started_at, now()) ELSE e.started_at END,
			    updated_at = now()
			FROM old WHERE e.id = old.id AND (old.status = ?3 OR old.workflow_id IS NULL)
		), event AS (
			INSERT INTO execution_events (organisation_id, execution_id, type, data)
			SELECT ?0, old.id, ?6, jsonb_build_object(
				'type', old.type, 'total_jobs', old.total_jobs, 'concurrency', old.concurrency, 'workflow_id', ?2::text)
			FROM old WHERE old.status = ?3
		)
		SELECT EXISTS (SELECT FROM old)`,
		org, id, workflowID, models.ExecutionPending, models.DefaultWorkflowID(id), models.ExecutionRunning,
		models.EventExecutionStarted).Scan(ctx, &mine)
	if err != nil {
		return nil, mapped(err)
	}
	e, err := s.Execution(ctx, org, id)
	if err == nil && !mine {
		return nil, models.ErrClaimed
	}
	return e, err
}

// RecordState writes what the workflow says of a live execution: running, paused or
// stopping, why, and its concurrency. The reason stands while the execution is held; a
// running one has none. What differs from the row becomes an event. An execution that
// has ended is left alone. When it returns, no job begins any more whose attempt is to
// be held; see BeginAttempt.
func (s *Store) RecordState(
	ctx context.Context, org, id uuid.UUID, status models.ExecutionStatus, concurrency int, reason string,
) error {
	ctx = tenant.With(ctx, org)
	if status == models.ExecutionRunning {
		reason = ""
	}
	_, err := s.db.NewRaw(`
		WITH held AS MATERIALIZED (
			SELECT pg_advisory_xact_lock(hashtextextended(?1::uuid::text, 0))
		), old AS (
			SELECT e.id, e.status, e.concurrency, e.reason FROM executions AS e, held
			WHERE e.organisation_id = ?0 AND e.id = ?1 AND e.status IN (?2)
			FOR NO KEY UPDATE OF e
		), recorded AS (
			UPDATE executions AS e
			SET status = ?3, concurrency = ?4, reason = NULLIF(?5, ''), updated_at = now()
			FROM old
			WHERE e.id = old.id
			  AND (old.status, old.concurrency, COALESCE(old.reason, '')) <> (?3, ?4, ?5)
		)
		INSERT INTO execution_events (organisation_id, execution_id, type, data)
		SELECT ?0, old.id, event.type, event.data
		FROM old, LATERAL (VALUES
			('execution_paused', old.status <> ?3 AND ?3 = 'paused', jsonb_strip_nulls(jsonb_build_object('reason', NULLIF(?5, '')))),
			('execution_stopping', old.status <> ?3 AND ?3 = 'stopping', jsonb_strip_nulls(jsonb_build_object('reason', NULLIF(?5, '')))),
			('execution_resumed', old.status = 'paused' AND ?3 = 'running', '{}'::jsonb),
			('concurrency_changed', old.concurrency <> ?4, jsonb_build_object('from', old.concurrency, 'to', ?4))
		) AS event (type, due, data)
		WHERE event.due`,
		org, id, bun.List(append(status.Sources(), status)), status, concurrency, reason).Exec(ctx)
	return mapped(err)
}

// FinishExecution ends an execution: jobs that have not ended are cancelled, running
// sessions too, the counters are taken from the rows, and the events get their numbers,
// all in one transaction. An execution that has ended already is returned as it stands.
func (s *Store) FinishExecution(ctx context.Context, org, id uuid.UUID, status models.ExecutionStatus, reason string) (*models.Execution, error) {
	ctx = tenant.With(ctx, org)
	var e *models.Execution
	finish := func(ctx context.Context, tx bun.Tx) (err error) {
		if e, err = execution(ctx, tx, org, id, true); err != nil || e.Status.Terminal() {
			return err
		}
		if err := cancelOpenJobs(ctx, tx, id); err != nil {
			return err
		}
		tally, err := tallyOf(ctx, tx, org, id)
		if err != nil {
			return err
		}
		e.Status, e.Reason, e.Tally = status, reason, tally
		e.TotalJobs, e.CompletedJobs, e.FailedJobs, e.CancelledJobs = tally.Total, tally.Completed, tally.Failed, tally.Cancelled
		result, err := tx.NewUpdate().Model(e).
			Column("status", "reason", "tally", "total_jobs", "completed_jobs", "failed_jobs", "cancelled_jobs").
			Set("finished_at = now(), updated_at = now()").
			Where("id = ?", id).
			Where("status IN (?)", bun.List(status.Sources())).
			Returning("started_at, finished_at, updated_at").
			Exec(ctx)
		if err := affected(result, err, models.ErrConflict); err != nil {
			return err
		}
		return finishEvents(ctx, tx, e)
	}
	// It takes every job that is open, and may be the one that PostgreSQL chooses when it
	// meets attempts that wait for each other.
	err := s.inTx(ctx, finish)
	for range finishAgain {
		if !deadlocked(err) {
			break
		}
		err = s.inTx(ctx, finish)
	}
	return e, err
}

// finishAgain is how often the end of an execution is written again after a deadlock.
const finishAgain = 5

// finishEvents writes the last event of an execution and numbers all that are left.
//
// None can come later. The events of the execution itself are written under the lock
// that is held here, and only while it has not ended. Those of a job are written with
// a change of the job, and there is no job left to change: cancelOpenJobs had to lock
// every one that was open, so whoever was ahead has committed, and what it wrote is
// seen by the statements after; and whoever comes behind finds its fence closed.
func finishEvents(ctx context.Context, tx bun.Tx, e *models.Execution) error {
	data := map[string]any{
		"status": e.Status, "total": e.TotalJobs,
		"completed": e.CompletedJobs, "failed": e.FailedJobs, "cancelled": e.CancelledJobs,
	}
	if e.Reason != "" {
		data["reason"] = e.Reason
	}
	err := insertEvent(ctx, tx, &models.ExecutionEvent{
		OrganisationID: e.OrganisationID, ExecutionID: e.ID, Type: models.EventExecutionFinished,
	}, data)
	if err != nil {
		return err
	}
	n, err := sequence(ctx, tx, e.ID)
	e.LastEventSeq += int64(n)
	return err
}

// cancelOpenJobs ends what has not ended. Jobs go first: whoever holds one then
// finds its fence closed. The jobs get no event each; execution_finished counts them.
func cancelOpenJobs(ctx context.Context, tx bun.Tx, executionID uuid.UUID) error {
	// In the order in which attempts that are written together take them.
	_, err := tx.NewSelect().Model((*models.Job)(nil)).Column("j.id").
		Where("j.execution_id = ?", executionID).
		Where("j.status IN (?)", bun.List(models.JobCancelled.Sources())).
		OrderExpr("j.id").For("NO KEY UPDATE").Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*models.Job)(nil)).
		Set("status = ?, next_attempt_at = NULL, finished_at = now(), updated_at = now()", models.JobCancelled).
		Where("execution_id = ?", executionID).
		Where("status IN (?)", bun.List(models.JobCancelled.Sources())).
		Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*models.Session)(nil)).
		Set("status = ?, finished_at = now()", models.SessionCancelled).
		Where("execution_id = ? AND status = ?", executionID, models.SessionRunning).
		Exec(ctx)
	return err
}
