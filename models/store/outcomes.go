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
	"github.com/minohq/mino/models/tenant"
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
	ctx = tenant.With(ctx, a.OrganisationID)
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
	Lost bool
	Used
}

// Used is what an attempt used and saw, whatever it came to.
type Used struct {
	Usage        json.RawMessage
	Evidence     json.RawMessage
	Steps        int
	CostMicros   int64
	CostCurrency string
	// RemoteEnded says that the run which the attempt had elsewhere has ended.
	RemoteEnded bool
}

// parameters are those of the statements, after the five of the fence.
func (u Used) parameters() []any {
	return []any{textOf(u.Usage), textOf(u.Evidence), u.Steps, u.CostMicros, u.CostCurrency}
}

// In the statements $6 to $10 are what an attempt used.
const (
	jobUsed = `steps = j.steps + $8::integer, cost_micros = j.cost_micros + $9::bigint,
		    cost_currency = COALESCE(NULLIF($10::text, ''), j.cost_currency)`
	sessionUsed = `usage = $6::jsonb, evidence = $7::jsonb, steps = $8::integer, cost_micros = $9::bigint,
		    cost_currency = NULLIF($10::text, '')`
)

// outcome is a statement that writes an outcome, and one that closes the run which the
// attempt had elsewhere, too.
type outcome struct{ plain, remote string }

// statementOf makes the statement that takes the job as j, its session, and writes the event.
func statementOf(job, session, event string) outcome {
	before := `
	WITH j AS (
		UPDATE jobs AS j
		SET ` + job + `, ` + jobUsed + `, updated_at = now()
		WHERE ` + fence + `
		RETURNING j.row_number, j.next_attempt_at
	), session AS (
		UPDATE sessions AS s
		SET ` + session + `, ` + sessionUsed + `, finished_at = now()
		FROM j WHERE ` + openSession + `
	)`
	return outcome{before + event, before + remoteEnded + event}
}

const event = `
	INSERT INTO execution_events (organisation_id, execution_id, type, job_id, attempt, data)
	SELECT $1, $3, `

var (
	failForGood = statementOf(
		`status = 'failed', error_class = $11::text, error_code = $12::text, error_message = $13::text, finished_at = now()`,
		`status = $14::text, error_class = $11::text, error_code = $12::text, error_message = $13::text`,
		event+`'job_finished', $2, $4, jsonb_build_object(
			'row', j.row_number, 'status', 'failed', 'error_class', $11::text, 'error_code', $12::text, 'attempts', $4::integer)
		FROM j`)

	failForNow = statementOf(
		`next_attempt_at = now() + $15::bigint * interval '1 microsecond'`,
		`status = $14::text, error_class = $11::text, error_code = $12::text, error_message = $13::text, retry_at = j.next_attempt_at`,
		event+`'job_retry', $2, $4, jsonb_build_object(
			'row', j.row_number, 'class', $11::text, 'code', $12::text, 'message', $13::text, 'attempt', $4::integer,
			'delay_ms', $15::bigint / 1000,
			'next_attempt_at', to_char(j.next_attempt_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
		FROM j`)

	cancel = statementOf(
		`status = 'cancelled', finished_at = now()`,
		`status = 'cancelled'`,
		event+`'job_finished', $2, $4,
		       jsonb_build_object('row', j.row_number, 'status', 'cancelled', 'attempts', $4::integer)
		FROM j`)

	// What is put back has not ended, and nothing is told of it: the pause that goes with
	// it is.
	putBack = statementOf(
		`status = 'queued'`,
		`status = 'cancelled', error_class = $11::text, error_code = $12::text, error_message = $13::text`,
		`
	SELECT FROM j`)
)

// write runs the statement of an outcome.
func (s *Store) write(ctx context.Context, a *Attempt, o outcome, used Used, parameters ...any) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	statement := o.plain
	if used.RemoteEnded {
		statement = o.remote
	}
	return s.fenced(ctx, a, statement, append(used.parameters(), parameters...)...)
}

// FailAttempt writes a failed attempt to its session and its job, and the event of it,
// under the same fence as CompleteAttempt. A failure that is to be tried again may be
// written twice; the second time changes nothing.
func (s *Store) FailAttempt(ctx context.Context, a *Attempt, f Failure) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	status := models.SessionFailed
	if f.Lost {
		status = models.SessionLost
	}
	parameters := []any{string(f.Class), f.Code, f.Message, string(status)}
	if !f.Retry {
		return s.write(ctx, a, failForGood, f.Used, parameters...)
	}
	err := s.write(ctx, a, failForNow, f.Used, append(parameters, f.Delay.Microseconds())...)
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

// CancelAttempt ends an attempt, and its job, because its execution was stopped, under
// the same fence as CompleteAttempt.
func (s *Store) CancelAttempt(ctx context.Context, a *Attempt, used Used) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	return s.write(ctx, a, cancel, used)
}

// PutBack ends an attempt and puts its job back into the queue of its execution, under the
// same fence as CompleteAttempt. It may be written twice; the second time changes nothing.
func (s *Store) PutBack(ctx context.Context, a *Attempt, f Failure) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	err := s.write(ctx, a, putBack, f.Used, string(f.Class), f.Code, f.Message)
	if !errors.Is(err, models.ErrStaleAttempt) {
		return err
	}
	written, lookErr := s.db.NewSelect().Model((*models.Session)(nil)).
		Where("s.organisation_id = ? AND s.id = ?", a.OrganisationID, a.SessionID).
		Where("s.status = ? AND s.error_code = ?", models.SessionCancelled, f.Code).Exists(ctx)
	switch {
	case lookErr != nil:
		return mapped(lookErr)
	case written:
		return nil
	}
	return err
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
	ctx = tenant.With(ctx, org)
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
