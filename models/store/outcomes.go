package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
)

// Every outcome is one statement over job, session and event, so that it is written
// whole or not at all; results may share one (complete.go), each under its own fence. The
// job is the fence: its update gives a row only to the newest attempt of a running job
// that has no outcome yet, and the other parts are made from that row. An attempt whose
// failure is to be tried again has an outcome, and leaves its job running;
// next_attempt_at tells the two apart, since it is set by that outcome alone and cleared
// by the next attempt.
//
// Rows are found by their keys. IS NOT DISTINCT FROM keeps PostgreSQL from the indexes
// over executions and statuses: while few rows are running, or were when the statistics
// were taken, it thinks nothing of reading all of those, and what they hold by now are
// the leftovers of every job that has run.
const (
	fence = `j.organisation_id = $1 AND j.id = $2 AND j.execution_id IS NOT DISTINCT FROM $3
		  AND j.status IS NOT DISTINCT FROM 'running' AND j.attempt = $4 AND j.next_attempt_at IS NULL`
	openSession = `s.id = $5 AND s.status IS NOT DISTINCT FROM 'running'`
)

// fenced runs a statement that begins with the parameters of the fence, and the session.
func (s *Store) fenced(ctx context.Context, a *Attempt, statement string, parameters ...any) error {
	parameters = append([]any{a.OrganisationID, a.JobID, a.ExecutionID, a.Number, a.SessionID}, parameters...)
	result, err := s.db.DB.ExecContext(ctx, statement, parameters...)
	return mapped(affected(result, err, models.ErrStaleAttempt))
}

// Failure is the outcome of an attempt that failed.
type Failure struct {
	Class   failure.Class
	Code    string
	Message string
	// Retry says that the job will be tried again, Delay from now by PostgreSQL's clock;
	// without it this attempt was the last, which fails the job.
	Retry bool
	Delay time.Duration
	// Lost says that the attempt was given up unfinished, because its worker shuts
	// down, rather than that it failed.
	Lost     bool
	Usage    json.RawMessage
	Evidence json.RawMessage
}

const (
	failForGood = `
	WITH j AS (
		UPDATE jobs AS j
		SET status = 'failed', error_class = $6::text, error_code = $7::text, error_message = $8::text,
		    finished_at = now(), updated_at = now()
		WHERE ` + fence + `
		RETURNING j.row_number
	), session AS (
		UPDATE sessions AS s
		SET status = $9::text, error_class = $6::text, error_code = $7::text, error_message = $8::text,
		    usage = $10::jsonb, evidence = $11::jsonb, finished_at = now()
		FROM j WHERE ` + openSession + `
	)
	INSERT INTO execution_events (organisation_id, execution_id, type, job_id, attempt, data)
	SELECT $1, $3, 'job_finished', $2, $4, jsonb_build_object(
		'row', j.row_number, 'status', 'failed', 'error_class', $6::text, 'error_code', $7::text, 'attempts', $4::integer)
	FROM j`

	failForNow = `
	WITH j AS (
		UPDATE jobs AS j
		SET next_attempt_at = now() + $12::bigint * interval '1 microsecond', updated_at = now()
		WHERE ` + fence + `
		RETURNING j.row_number, j.next_attempt_at
	), session AS (
		UPDATE sessions AS s
		SET status = $9::text, error_class = $6::text, error_code = $7::text, error_message = $8::text,
		    usage = $10::jsonb, evidence = $11::jsonb, retry_at = j.next_attempt_at, finished_at = now()
		FROM j WHERE ` + openSession + `
	)
	INSERT INTO execution_events (organisation_id, execution_id, type, job_id, attempt, data)
	SELECT $1, $3, 'job_retry', $2, $4, jsonb_build_object(
		'row', j.row_number, 'class', $6::text, 'code', $7::text, 'message', $8::text, 'attempt', $4::integer,
		'delay_ms', $12::bigint / 1000,
		'next_attempt_at', to_char(j.next_attempt_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
	FROM j`
)

// FailAttempt writes a failed attempt to its session and its job, and the event of it,
// under the same fence as CompleteAttempt. A failure that is to be tried again may be
// written twice; the second time changes nothing.
func (s *Store) FailAttempt(ctx context.Context, a *Attempt, f Failure) error {
	status := models.SessionFailed
	if f.Lost {
		status = models.SessionLost
	}
	parameters := []any{
		string(f.Class), f.Code, f.Message, string(status), textOf(f.Usage), textOf(f.Evidence),
	}
	if !f.Retry {
		return s.fenced(ctx, a, failForGood, parameters...)
	}
	err := s.fenced(ctx, a, failForNow, append(parameters, f.Delay.Microseconds())...)
	if !errors.Is(err, models.ErrStaleAttempt) {
		return err
	}
	// An attempt that is the newest of a job which waits for the next one has written
	// this before, and the answer was lost.
	written, lookErr := s.db.NewSelect().Model((*models.Job)(nil)).
		Where("j.organisation_id = ? AND j.id = ? AND j.execution_id = ?", a.OrganisationID, a.JobID, a.ExecutionID).
		Where("j.status = ? AND j.attempt = ? AND j.next_attempt_at IS NOT NULL", models.JobRunning, a.Number).
		Exists(ctx)
	switch {
	case lookErr != nil:
		return mapped(lookErr)
	case written:
		return nil
	}
	return err
}

const cancel = `
	WITH j AS (
		UPDATE jobs AS j
		SET status = 'cancelled', finished_at = now(), updated_at = now()
		WHERE ` + fence + `
		RETURNING j.row_number
	), session AS (
		UPDATE sessions AS s SET status = 'cancelled', finished_at = now()
		FROM j WHERE ` + openSession + `
	)
	INSERT INTO execution_events (organisation_id, execution_id, type, job_id, attempt, data)
	SELECT $1, $3, 'job_finished', $2, $4,
	       jsonb_build_object('row', j.row_number, 'status', 'cancelled', 'attempts', $4::integer)
	FROM j`

// CancelAttempt ends an attempt, and its job, because its execution was stopped, under
// the same fence as CompleteAttempt.
func (s *Store) CancelAttempt(ctx context.Context, a *Attempt) error {
	return s.fenced(ctx, a, cancel)
}

// jsonOf gives a value as the JSON text of a parameter; one that is absent is NULL.
func jsonOf(value any, absent bool) (*string, error) {
	if absent {
		return nil, nil
	}
	text, err := json.Marshal(value)
	return textOf(text), err
}

func textOf(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	text := string(raw)
	return &text
}

// RecordLost ends a job whose last attempt ended without a word: its running session
// becomes lost, or cancelled with a cancelled job. A job that has ended already, or
// belongs to another execution, is left alone. It returns the job as it stands.
//
// It is several statements: the session that it ends may have been written by an
// attempt that held the job when this began, and a single statement would not see it.
func (s *Store) RecordLost(ctx context.Context, org, executionID, jobID uuid.UUID, status models.JobStatus, f Failure) (*models.Job, error) {
	var j *models.Job
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := tx.NewUpdate().Model((*models.Job)(nil)).
			Set("status = ?, next_attempt_at = NULL, finished_at = now(), updated_at = now()", status).
			Where("organisation_id = ? AND id = ? AND execution_id = ?", org, jobID, executionID).
			Where("status IN (?)", bun.List(status.Sources()))
		session := models.SessionCancelled
		if status == models.JobFailed {
			session = models.SessionLost
			q = q.Set("error_class = ?, error_code = ?, error_message = ?", f.Class, f.Code, f.Message)
		}
		result, err := q.Exec(ctx)
		if err != nil {
			return err
		}
		ended, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if j, err = job(ctx, tx, org, jobID); err != nil || ended == 0 {
			return err
		}
		if err := endRunningSession(ctx, tx, jobID, session, f); err != nil {
			return err
		}
		data := map[string]any{"row": j.RowNumber, "status": j.Status, "attempts": j.Attempt}
		if status == models.JobFailed {
			data["error_class"], data["error_code"] = f.Class, f.Code
		}
		return insertEvent(ctx, tx, &models.ExecutionEvent{
			OrganisationID: org, ExecutionID: executionID, Type: models.EventJobFinished, JobID: &jobID, Attempt: j.Attempt,
		}, data)
	})
	return j, err
}

func endRunningSession(ctx context.Context, tx bun.Tx, jobID uuid.UUID, status models.SessionStatus, f Failure) error {
	q := tx.NewUpdate().Model((*models.Session)(nil)).
		Set("status = ?, finished_at = now()", status).
		Where("job_id = ? AND status = ?", jobID, models.SessionRunning)
	if status == models.SessionLost {
		q = q.Set("error_class = ?, error_code = ?, error_message = ?", f.Class, f.Code, f.Message)
	}
	_, err := q.Exec(ctx)
	return err
}
