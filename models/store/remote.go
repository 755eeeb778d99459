package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// Announce durably says that an attempt is about to start a run elsewhere, before it
// does. A run of the job that is still open is abandoned by it: the sweep finds out
// whether there is any. It returns models.ErrStaleAttempt, and writes nothing, when the
// attempt is not the newest.
func (s *Store) Announce(ctx context.Context, a *Attempt, reference string) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Whoever takes the job over waits for the session, and sees the run then.
		result, err := tx.NewSelect().Model((*models.Session)(nil)).Column("s.id").
			Where("s.organisation_id = ? AND s.id = ?", a.OrganisationID, a.SessionID).
			Where("s.status IS NOT DISTINCT FROM ?", models.SessionRunning).For("NO KEY UPDATE").Exec(ctx)
		if err := affected(result, err, models.ErrStaleAttempt); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*models.RemoteRun)(nil)).Set("abandoned = true").
			Where("organisation_id = ? AND job_id = ? AND execution_id = ?", a.OrganisationID, a.JobID, a.ExecutionID).
			Where("ended_at IS NULL AND NOT abandoned AND reference <> ?", reference).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&models.RemoteRun{
			Reference: reference, OrganisationID: a.OrganisationID, ProjectID: a.ProjectID,
			ExecutionID: a.ExecutionID, JobID: a.JobID, SessionID: a.SessionID,
			Executor: a.Snapshot.Executor, Settings: settingsOf(a),
		}).On("CONFLICT (reference) DO NOTHING").Exec(ctx) // the answer to the first was lost
		return err
	})
}

func settingsOf(a *Attempt) []byte {
	if len(a.Snapshot.Settings) == 0 {
		return []byte(`{}`)
	}
	return a.Snapshot.Settings
}

// Checkpoint stores the id of the attempt's remote run, in its session and with the run
// that was announced, if one was.
func (s *Store) Checkpoint(ctx context.Context, a *Attempt, remoteRunID string) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewUpdate().Model((*models.Session)(nil)).
			Set("remote_run_id = ?", remoteRunID).
			Where("organisation_id = ? AND id = ?", a.OrganisationID, a.SessionID).
			Where("status IS NOT DISTINCT FROM ?", models.SessionRunning).
			Exec(ctx)
		if err := affected(result, err, models.ErrStaleAttempt); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*models.RemoteRun)(nil)).Set("run_id = ?", remoteRunID).
			Where("organisation_id = ? AND job_id = ? AND execution_id = ?", a.OrganisationID, a.JobID, a.ExecutionID).
			Where("ended_at IS NULL AND NOT abandoned").Exec(ctx)
		return err
	})
}

// takeOverRun gives the open run of the job to the session of a new attempt.
func takeOverRun(ctx context.Context, tx bun.Tx, a *Attempt) error {
	run, age := new(models.RemoteRun), 0.0
	err := tx.NewRaw(`
		UPDATE remote_runs SET session_id = ?
		WHERE job_id = ? AND execution_id = ? AND ended_at IS NULL AND NOT abandoned
		RETURNING reference, COALESCE(run_id, ''), greatest(extract(epoch FROM now() - announced_at), 0)`,
		a.SessionID, a.JobID, a.ExecutionID).Scan(ctx, &run.Reference, &run.RunID, &age)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		run.Age = time.Duration(age * float64(time.Second))
		a.Remote = run
	}
	return err
}

// remoteEnded closes the open run of a job with the outcome of its attempt: it is a part of
// the statements of outcomes, for attempts that have such a run.
const remoteEnded = `
	, remote AS (
		UPDATE remote_runs AS r SET ended_at = now()
		FROM j WHERE r.job_id = $2 AND r.execution_id = $3 AND r.ended_at IS NULL AND NOT r.abandoned
	)`

// OrphanedRuns takes up to limit open runs of some executors that no attempt goes on with,
// of every organisation, and notes that they are being looked at; those that were looked at come
// again after again has passed. Two processes never take the same at once.
func (s *Store) OrphanedRuns(ctx context.Context, executors []string, again time.Duration, limit int) ([]models.RemoteRun, error) {
	ctx = tenant.AsSystem(ctx)
	var rows []struct {
		models.RemoteRun
		Seconds float64
	}
	err := s.db.NewRaw(`
		WITH orphaned AS (
			SELECT r.reference FROM remote_runs AS r
			WHERE r.ended_at IS NULL AND r.executor IN (?2)
			  AND (r.checked_at IS NULL OR r.checked_at < now() - make_interval(secs => ?0) * least(r.checks, 20))
			  AND (r.abandoned OR NOT EXISTS (
			      SELECT FROM jobs AS j WHERE j.id = r.job_id AND j.execution_id = r.execution_id AND j.status IN ('queued', 'running')))
			ORDER BY r.announced_at LIMIT ?1
			FOR NO KEY UPDATE OF r SKIP LOCKED
		)
		UPDATE remote_runs AS r SET checked_at = now(), checks = r.checks + 1
		FROM orphaned WHERE r.reference = orphaned.reference
		RETURNING r.*, greatest(extract(epoch FROM now() - r.announced_at), 0) AS seconds`,
		again.Seconds(), limit, bun.List(executors)).Scan(ctx, &rows)
	if err != nil {
		return nil, mapped(err)
	}
	out := make([]models.RemoteRun, len(rows))
	for i, row := range rows {
		out[i] = row.RemoteRun
		out[i].Age = time.Duration(row.Seconds * float64(time.Second))
	}
	return out, nil
}

// Settlement is what an orphaned run came to.
type Settlement struct {
	Status       string
	Steps        int
	CostMicros   int64
	CostCurrency string
}

// SettleRun closes an orphaned run, and adds what it used to its session, its job and its
// execution, as far as those are there. A run that is closed already is left alone.
func (s *Store) SettleRun(ctx context.Context, run *models.RemoteRun, o Settlement) error {
	ctx = tenant.AsSystem(ctx)
	return s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewUpdate().Model((*models.RemoteRun)(nil)).
			Set("ended_at = now(), status = NULLIF(?, '')", o.Status).
			Where("reference = ? AND ended_at IS NULL", run.Reference).Exec(ctx)
		err = affected(result, err, errClosed)
		switch {
		case errors.Is(err, errClosed):
			return nil
		case err != nil || o.Steps == 0 && o.CostMicros == 0:
			return err
		}
		return addUsage(ctx, tx, run, o)
	})
}

var errClosed = errors.New("the run is closed")

// addUsage takes the rows in the order in which the end of an execution takes them, and
// that of the execution whether it has ended or not: an end that is under way has counted
// the jobs already.
func addUsage(ctx context.Context, tx bun.Tx, run *models.RemoteRun, o Settlement) error {
	var execution uuid.UUID
	err := tx.NewSelect().Model((*models.Execution)(nil)).Column("e.id").
		Where("e.id = ?", run.ExecutionID).For("NO KEY UPDATE").Scan(ctx, &execution)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for _, statement := range []string{
		`UPDATE jobs SET steps = steps + ?0, cost_micros = cost_micros + ?1, cost_currency = COALESCE(NULLIF(?2, ''), cost_currency)
		 WHERE id = ?3 AND execution_id = ?4`,
		`UPDATE sessions SET steps = steps + ?0, cost_micros = cost_micros + ?1, cost_currency = COALESCE(NULLIF(?2, ''), cost_currency)
		 WHERE id = ?5`,
		`UPDATE executions SET tally = tally || jsonb_strip_nulls(jsonb_build_object(
		     'steps', COALESCE((tally->>'steps')::bigint, 0) + ?0, 'cost_micros', COALESCE((tally->>'cost_micros')::bigint, 0) + ?1,
		     'cost_currency', COALESCE(NULLIF(?2, ''), tally->>'cost_currency')))
		 WHERE id = ?4 AND tally IS NOT NULL`,
	} {
		if _, err := tx.NewRaw(statement, o.Steps, o.CostMicros, o.CostCurrency, run.JobID, run.ExecutionID, run.SessionID).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
