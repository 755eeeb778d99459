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
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/scoring"
)

// Attempt is one attempt that has begun: the fence for everything it writes, and
// what it needs to do its work.
type Attempt struct {
	SessionID      uuid.UUID
	OrganisationID uuid.UUID
	ExecutionID    uuid.UUID
	JobID          uuid.UUID
	// Number is the attempt's number, from 1; only the newest one may write.
	Number int

	RowNumber   int
	SiteURL     string
	Input       map[string]string
	GroundTruth map[string][]string
	Snapshot    models.Snapshot
	Retry       retry.Policy
	// Failed counts the attempts before this one that failed; lost ones are left out.
	Failed int
	// RemoteRunID is what the attempt before checkpointed.
	RemoteRunID string
}

// CodeWorkerLost is the error code of a session whose worker went silent.
const CodeWorkerLost = "WORKER_LOST"

// BeginAttempt takes a job for its next attempt and writes the session before any
// work is done. Sessions of the job that are still running become lost: their
// worker is presumed dead, and its writes are refused from here on.
//
// When the job has ended in this execution, as it has when the worker died after it
// wrote the outcome, ended is the job and there is nothing to do. It returns
// models.ErrStaleAttempt when the job belongs to another execution by now.
func (s *Store) BeginAttempt(ctx context.Context, org, executionID, jobID uuid.UUID, worker string) (a *Attempt, ended *models.Job, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		a, ended = nil, nil
		var row struct {
			Attempt     int
			RowNumber   int
			SiteURL     string
			Input       map[string]string   `bun:"type:jsonb"`
			GroundTruth map[string][]string `bun:"type:jsonb"`
			Snapshot    models.Snapshot     `bun:"type:jsonb"`
			Retry       retry.Policy        `bun:"type:jsonb"`
		}
		err := tx.NewRaw(`
			UPDATE jobs AS j
			SET status = ?, attempt = j.attempt + 1, next_attempt_at = NULL,
			    started_at = COALESCE(j.started_at, now()), updated_at = now()
			FROM executions AS e
			WHERE j.organisation_id = ? AND j.id = ? AND j.execution_id = ? AND j.status IN (?)
			  AND e.id = j.execution_id
			RETURNING j.attempt, j.row_number, j.site_url, j.input, j.ground_truth, e.snapshot, e.retry`,
			models.JobRunning, org, jobID, executionID, bun.List(models.JobRunning.Sources())).Scan(ctx, &row)
		if err = found(err, models.ErrStaleAttempt); err != nil {
			if errors.Is(err, models.ErrStaleAttempt) {
				ended, err = endedJob(ctx, tx, org, executionID, jobID)
			}
			return err
		}
		a = &Attempt{
			SessionID: models.NewID(), OrganisationID: org, ExecutionID: executionID, JobID: jobID,
			Number: row.Attempt, RowNumber: row.RowNumber, SiteURL: row.SiteURL, Input: row.Input,
			GroundTruth: row.GroundTruth, Snapshot: row.Snapshot, Retry: row.Retry,
		}
		if a.Number > 1 {
			if err := supersede(ctx, tx, a); err != nil {
				return err
			}
		}
		_, err = tx.NewInsert().Model(&models.Session{
			ID: a.SessionID, OrganisationID: org, ExecutionID: executionID, JobID: jobID,
			Attempt: a.Number, Status: models.SessionRunning, Worker: worker, RemoteRunID: a.RemoteRunID,
		}).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return a, ended, nil
}

func endedJob(ctx context.Context, tx bun.Tx, org, executionID, jobID uuid.UUID) (*models.Job, error) {
	j, err := job(ctx, tx, org, jobID)
	if err != nil {
		return nil, err
	}
	if j.ExecutionID == nil || *j.ExecutionID != executionID {
		return nil, models.ErrStaleAttempt
	}
	return j, nil
}

// supersede marks what still runs of earlier attempts lost and learns from all of
// them how many failed and which remote run the latest one knew.
func supersede(ctx context.Context, tx bun.Tx, a *Attempt) error {
	_, err := tx.NewUpdate().Model((*models.Session)(nil)).
		Set("status = ?, finished_at = now()", models.SessionLost).
		Set("error_class = ?, error_code = ?", failure.Transient, CodeWorkerLost).
		Set("error_message = ?", "the worker went silent; the job was given to another attempt").
		Where("job_id = ? AND status = ?", a.JobID, models.SessionRunning).
		Exec(ctx)
	if err != nil {
		return err
	}
	return tx.NewRaw(`
		SELECT count(*) FILTER (WHERE status = ?),
		       COALESCE((array_agg(remote_run_id ORDER BY attempt DESC))[1], '')
		FROM sessions WHERE job_id = ? AND execution_id = ?`,
		models.SessionFailed, a.JobID, a.ExecutionID).Scan(ctx, &a.Failed, &a.RemoteRunID)
}

// Checkpoint stores the id of the attempt's remote run.
func (s *Store) Checkpoint(ctx context.Context, a *Attempt, remoteRunID string) error {
	result, err := s.db.NewUpdate().Model((*models.Session)(nil)).
		Set("remote_run_id = ?", remoteRunID).
		Where("id = ? AND status = ?", a.SessionID, models.SessionRunning).
		Exec(ctx)
	return mapped(affected(result, err, models.ErrStaleAttempt))
}

// Success is the outcome of an attempt that brought a result, whatever its worth.
type Success struct {
	Result       map[string]any
	Raw          json.RawMessage
	Score        scoring.Score
	Note         string // why the verdict is what it is, for people
	Usage        json.RawMessage
	Evidence     json.RawMessage
	CostMicros   int64
	CostCurrency string
}

// CompleteAttempt writes the outcome of an attempt to its session and its job in one
// transaction. It returns models.ErrStaleAttempt, and writes nothing, when the
// attempt is not the newest or the job has ended.
func (s *Store) CompleteAttempt(ctx context.Context, a *Attempt, o Success) error {
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		j := &models.Job{
			Status: models.JobCompleted, Result: o.Result, Verdict: o.Score.Verdict, Comparison: o.Score.Fields,
			Matched: o.Score.Matched, Compared: o.Score.Compared, Accuracy: o.Score.Accuracy,
			GTEvaluated: o.Score.Compared > 0,
		}
		q := tx.NewUpdate().Model(j).
			Column("status", "result", "verdict", "comparison", "matched", "compared", "accuracy", "gt_evaluated").
			Set("finished_at = now(), updated_at = now()")
		if err := fencedJob(ctx, q, a); err != nil {
			return err
		}
		session := &models.Session{
			Status: models.SessionSucceeded, Result: o.Result, Raw: o.Raw, Verdict: o.Score.Verdict,
			VerdictNote: o.Note, Usage: o.Usage, Evidence: o.Evidence,
			CostMicros: o.CostMicros, CostCurrency: o.CostCurrency,
		}
		return fencedSession(ctx, tx.NewUpdate().Model(session).
			Column("status", "result", "raw", "verdict", "verdict_note", "usage", "evidence", "cost_micros", "cost_currency"), a)
	})
}

// Failure is the outcome of an attempt that failed.
type Failure struct {
	Class   failure.Class
	Code    string
	Message string
	// RetryAt is when the next attempt is due; nil when this one was the last, which
	// fails the job.
	RetryAt *time.Time
	// Lost says that the attempt was given up unfinished, because its worker shuts
	// down, rather than that it failed.
	Lost     bool
	Usage    json.RawMessage
	Evidence json.RawMessage
}

// FailAttempt writes a failed attempt to its session and its job in one transaction,
// under the same fence as CompleteAttempt. A failure that is to be tried again may be
// written twice.
func (s *Store) FailAttempt(ctx context.Context, a *Attempt, f Failure) error {
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := tx.NewUpdate().Model((*models.Job)(nil)).Set("updated_at = now()")
		if f.RetryAt != nil {
			q = q.Set("next_attempt_at = ?", *f.RetryAt)
		} else {
			q = q.Set("status = ?, finished_at = now()", models.JobFailed).
				Set("error_class = ?, error_code = ?, error_message = ?", f.Class, f.Code, f.Message)
		}
		if err := fencedJob(ctx, q, a); err != nil {
			return err
		}
		session := &models.Session{
			Status: models.SessionFailed, ErrorClass: f.Class, ErrorCode: f.Code, ErrorMessage: f.Message, RetryAt: f.RetryAt,
			Usage: f.Usage, Evidence: f.Evidence,
		}
		if f.Lost {
			session.Status = models.SessionLost
		}
		err := fencedSession(ctx, tx.NewUpdate().Model(session).
			Column("status", "error_class", "error_code", "error_message", "retry_at", "usage", "evidence"), a)
		if f.RetryAt != nil && errors.Is(err, models.ErrStaleAttempt) {
			// The job is this attempt's and its session has ended: only this very write
			// does that, so it came before and its answer was lost.
			return nil
		}
		return err
	})
}

// CancelAttempt ends an attempt, and its job, because its execution was stopped.
func (s *Store) CancelAttempt(ctx context.Context, a *Attempt) error {
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := tx.NewUpdate().Model((*models.Job)(nil)).
			Set("status = ?, finished_at = now(), updated_at = now()", models.JobCancelled)
		if err := fencedJob(ctx, q, a); err != nil {
			return err
		}
		return fencedSession(ctx, tx.NewUpdate().Model(&models.Session{Status: models.SessionCancelled}).Column("status"), a)
	})
}

// fencedJob runs an update of the attempt's job if the attempt is still the newest
// one of a job that is running.
func fencedJob(ctx context.Context, q *bun.UpdateQuery, a *Attempt) error {
	result, err := q.
		Where("organisation_id = ? AND id = ? AND execution_id = ?", a.OrganisationID, a.JobID, a.ExecutionID).
		Where("status = ? AND attempt = ?", models.JobRunning, a.Number).
		Exec(ctx)
	return affected(result, err, models.ErrStaleAttempt)
}

func fencedSession(ctx context.Context, q *bun.UpdateQuery, a *Attempt) error {
	result, err := q.Set("finished_at = now()").
		Where("id = ? AND status = ?", a.SessionID, models.SessionRunning).
		Exec(ctx)
	return affected(result, err, models.ErrStaleAttempt)
}

// RecordLost ends a job whose last attempt ended without a word: its running session
// becomes lost, or cancelled with a cancelled job. A job that has ended already, or
// belongs to another execution, is left alone. It returns the job as it stands.
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
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 1 {
			if err := endRunningSession(ctx, tx, jobID, session, f); err != nil {
				return err
			}
		}
		j, err = job(ctx, tx, org, jobID)
		return err
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

// QueuedJobs lists the queued jobs of an execution after a row, in row order.
func (s *Store) QueuedJobs(ctx context.Context, org, executionID uuid.UUID, page models.JobPage) ([]models.Job, error) {
	var out []models.Job
	err := s.db.NewSelect().Model(&out).Column("id", "row_number", "site_url").
		Where("j.organisation_id = ? AND j.execution_id = ?", org, executionID).
		Where("j.status = ? AND j.row_number > ?", models.JobQueued, page.AfterRow).
		OrderExpr("j.row_number").Limit(int64(page.Limit)).Scan(ctx)
	return out, mapped(err)
}
