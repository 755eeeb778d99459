package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/models/tenant"
)

// Attempt is one attempt that has begun: the fence for everything it writes, and
// what it needs to do its work.
type Attempt struct {
	SessionID      uuid.UUID
	OrganisationID uuid.UUID
	ExecutionID    uuid.UUID
	JobID          uuid.UUID
	ProjectID      uuid.UUID
	// Number is the attempt's number, from 1; only the newest one may write.
	Number int

	RowNumber   int
	SiteURL     string
	Input       map[string]string
	GroundTruth map[string][]string
	// Snapshot is shared by the attempts of an execution: it is only read.
	Snapshot models.Snapshot
	Retry    retry.Policy
	// Failed counts the attempts before this one that failed, Lost those that were lost.
	Failed, Lost int
	// Steps and CostMicros are what the attempts before have used.
	Steps      int
	CostMicros int64
	// Remote is the open run that an attempt before has announced; nil when there is none.
	Remote *models.RemoteRun
}

// CodeWorkerLost is the error code of a session whose worker went silent.
const CodeWorkerLost = "WORKER_LOST"

// BeginAttempt takes a job for its next attempt and writes the session before any
// work is done. Sessions of the job that are still running become lost: their
// worker is presumed dead, and its writes are refused from here on.
//
// When the job has ended in this execution, as it has when the worker died after it
// wrote the outcome, ended is the job and there is nothing to do. It returns
// models.ErrStaleAttempt when the job belongs to another execution by now, and
// models.ErrHeld when the job has never begun and its execution is paused or stopping:
// once RecordState has said so, no job begins. A job that has begun goes on to its next
// attempt all the same.
func (s *Store) BeginAttempt(ctx context.Context, org, executionID, jobID uuid.UUID, worker string) (a *Attempt, ended *models.Job, err error) {
	ctx = tenant.With(ctx, org)
	a = &Attempt{SessionID: models.NewID(), OrganisationID: org, ExecutionID: executionID, JobID: jobID}
	first, err := s.begins.do(ctx, beginKey{executionKey{org, executionID}, worker}, a)
	switch {
	case err != nil:
		return nil, nil, mapped(err)
	case first:
		return a, nil, nil
	}
	err = s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		begun := *a // the transaction may run again
		ended = nil
		err := beginNext(ctx, tx, &begun, worker)
		if errors.Is(err, sql.ErrNoRows) {
			ended, err = endedJob(ctx, tx, org, executionID, jobID)
		}
		*a = begun
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case ended != nil:
		return nil, ended, nil
	}
	return a, nil, nil
}

// executionKey is what attempts share that are written together.
type executionKey struct{ org, execution uuid.UUID }

// beginKey is what attempts share that are begun together.
type beginKey struct {
	executionKey

	worker string
}

// beginFirst is the common way, one statement: the first attempts at some jobs of an
// execution.
//
// The lock that execution_status_held shares makes the hold strict. RecordState needs
// it whole, so either this statement commits before the status changes, or it is given
// the lock afterwards and reads the new status: the function looks when it has the
// lock. Attempts do not keep each other waiting, nor whoever numbers the events, since
// the row of the execution itself is not locked.
//
// The jobs are found by their keys, as with the fence of outcomes, and taken in the order
// of those, as by whatever else takes several. What they have in
// common is sent once, with the first of them.
const beginFirst = `
	WITH held AS MATERIALIZED (
		SELECT execution_status_held($2) AS status
	), begun AS (
		UPDATE jobs AS j
		SET status = 'running', attempt = j.attempt + 1, next_attempt_at = NULL,
		    started_at = COALESCE(j.started_at, now()), updated_at = now()
		FROM held, unnest($3::uuid[], $4::uuid[]) AS asked (job_id, session_id)
		WHERE j.organisation_id = $1 AND j.id = asked.job_id AND j.execution_id IS NOT DISTINCT FROM $2
		  AND j.status IS NOT DISTINCT FROM 'queued' AND j.attempt = 0
		  AND held.status NOT IN ('paused', 'stopping')
		RETURNING j.id, j.project_id, j.attempt, j.row_number, j.site_url, j.input, j.ground_truth, asked.session_id
	), session AS (
		INSERT INTO sessions (id, organisation_id, execution_id, job_id, attempt, status, worker)
		SELECT begun.session_id, $1, $2, begun.id, begun.attempt, 'running', $5::text FROM begun
	)
	SELECT begun.session_id, begun.project_id, begun.attempt, begun.row_number, begun.site_url, begun.input, begun.ground_truth,
	       CASE WHEN row_number() OVER () = 1 THEN e.snapshot END, CASE WHEN row_number() OVER () = 1 THEN e.retry END
	FROM begun JOIN executions AS e ON e.organisation_id = $1 AND e.id = $2`

// beginTogether fills in the attempts that it has begun, and says which; the others are
// no first attempts, or are held.
func (s *Store) beginTogether(ctx context.Context, key beginKey, attempts []*Attempt) (begun []bool, err error) {
	order := slices.SortedFunc(slices.Values(attempts), func(a, b *Attempt) int { return byID(a.JobID, b.JobID) })
	jobs, sessions := make([]uuid.UUID, len(order)), make([]uuid.UUID, len(order))
	for i, a := range order {
		jobs[i], sessions[i] = a.JobID, a.SessionID
	}
	rows, err := s.db.DB.QueryContext(ctx, beginFirst, key.org, key.execution, jobs, sessions, key.worker)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	done := make(map[*Attempt]bool, len(order))
	var first *Attempt
	for rows.Next() {
		var read Attempt
		if err := scanAttempt(rows, &read, &read.SessionID); err != nil {
			return nil, err
		}
		i := slices.Index(sessions, read.SessionID)
		if first == nil {
			first = &read
		}
		// Who makes the attempts only reads what they share.
		read.Snapshot, read.Retry = first.Snapshot, first.Retry
		read.OrganisationID, read.ExecutionID, read.JobID = key.org, key.execution, jobs[i]
		*order[i], done[order[i]] = read, true
	}
	for _, a := range attempts {
		begun = append(begun, done[a])
	}
	return begun, rows.Err()
}

// beginNext takes a job that has begun for another attempt: one that runs, or that was
// put back, which is held like one that never began.
func beginNext(ctx context.Context, tx bun.Tx, a *Attempt, worker string) error {
	err := scanAttempt(tx.Tx.QueryRowContext(ctx, `
		WITH held AS MATERIALIZED (
			SELECT execution_status_held($2) AS status
		)
		UPDATE jobs AS j
		SET status = 'running', attempt = j.attempt + 1, next_attempt_at = NULL, updated_at = now()
		FROM executions AS e, held
		WHERE j.organisation_id = $1 AND j.id = $3 AND j.execution_id IS NOT DISTINCT FROM $2 AND e.id = $2
		  AND (j.status IS NOT DISTINCT FROM 'running'
		       OR j.status IS NOT DISTINCT FROM 'queued' AND j.attempt > 0 AND held.status NOT IN ('paused', 'stopping'))
		RETURNING j.project_id, j.attempt, j.row_number, j.site_url, j.input, j.ground_truth, e.snapshot, e.retry`,
		a.OrganisationID, a.ExecutionID, a.JobID), a)
	if err != nil {
		return err
	}
	if err := supersede(ctx, tx, a); err != nil {
		return err
	}
	_, err = tx.NewInsert().Model(&models.Session{
		ID: a.SessionID, OrganisationID: a.OrganisationID, ExecutionID: a.ExecutionID, JobID: a.JobID,
		Attempt: a.Number, Status: models.SessionRunning, Worker: worker, RemoteRunID: a.remoteRunID(),
	}).Exec(ctx)
	return err
}

// scanAttempt reads an attempt from a row, whose first columns are others.
func scanAttempt(row interface{ Scan(into ...any) error }, a *Attempt, others ...any) error {
	var input, truth, snapshot, policy []byte
	columns := append(slices.Clip(others), &a.ProjectID, &a.Number, &a.RowNumber, &a.SiteURL, &input, &truth, &snapshot, &policy)
	if err := row.Scan(columns...); err != nil {
		return err
	}
	for _, column := range []struct {
		text []byte
		into any
	}{{input, &a.Input}, {truth, &a.GroundTruth}, {snapshot, &a.Snapshot}, {policy, &a.Retry}} {
		if column.text == nil {
			continue
		}
		if err := json.Unmarshal(column.text, column.into); err != nil {
			return fmt.Errorf("read a job: %w", err)
		}
	}
	return nil
}

// endedJob finds out why a job could not be begun.
func endedJob(ctx context.Context, tx bun.Tx, org, executionID, jobID uuid.UUID) (*models.Job, error) {
	// The execution first: when it ends meanwhile, the job is seen to have ended too.
	e, executionErr := execution(ctx, tx, org, executionID, false)
	j, err := job(ctx, tx, org, jobID)
	switch {
	case err != nil:
		return nil, err
	case j.ExecutionID == nil || *j.ExecutionID != executionID:
		return nil, models.ErrStaleAttempt
	case executionErr != nil:
		return nil, executionErr
	case j.Status.Terminal():
		return j, nil
	case j.Status == models.JobQueued && (e.Status == models.ExecutionPaused || e.Status == models.ExecutionStopping):
		return nil, models.ErrHeld
	}
	// It was resumed, or begun by another, between the looks.
	return nil, fmt.Errorf("%w: the job has just changed", models.ErrUnavailable)
}

func (a *Attempt) remoteRunID() string {
	if a.Remote == nil {
		return ""
	}
	return a.Remote.RunID
}

// supersede marks what still runs of earlier attempts lost and learns from all of
// them how many failed, what they used, and which remote run is still open.
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
	if err := a.learn(ctx, tx, a.SessionID); err != nil {
		return err
	}
	// After the sessions: an attempt that announces a run holds its own.
	return takeOverRun(ctx, tx, a)
}

// learn reads what the sessions of the job in this execution came to, but for one.
func (a *Attempt) learn(ctx context.Context, db bun.IDB, own uuid.UUID) error {
	return db.NewRaw(`
		SELECT count(*) FILTER (WHERE status = ?), count(*) FILTER (WHERE status = ?),
		       COALESCE(sum(steps), 0), COALESCE(sum(cost_micros), 0)
		FROM sessions WHERE job_id = ? AND execution_id = ? AND id <> ?`,
		models.SessionFailed, models.SessionLost, a.JobID, a.ExecutionID, own).
		Scan(ctx, &a.Failed, &a.Lost, &a.Steps, &a.CostMicros)
}
