package store

import (
	"context"
	"database/sql"
	"maps"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/tenant"
	"github.com/minohq/mino/scoring"
)

// trendLength is how many executions the metrics of a project list.
const trendLength = 20

// metricsSettings hold for the transaction. The groups of metrics are few, which the
// planner cannot know: it takes steps of time to be as many as times, and would sort what
// fits into a small hash table. Workers are worth their start here. A statement that
// nobody waits for any more ends by itself, should its cancellation get lost.
const metricsSettings = `
	SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true), set_config('enable_sort', 'off', true),
	       set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true),
	       set_config('statement_timeout', ?, true)`

// metricsGrace is how much longer than its caller a statement may run.
const metricsGrace = 5 * time.Second

// metricsScope says what is counted: sessions of some executions, which ended in a time.
type metricsScope struct {
	org        uuid.UUID
	executions schema.QueryWithArgs // a condition on e
	from, to   time.Time
	hosts      int
}

// arguments are what the statements have in common: ?0 to ?3.
func (m metricsScope) arguments(more ...any) []any {
	return append([]any{m.executions, m.org, m.from, m.to}, more...)
}

// ProjectMetrics adds a project up over a time, in one snapshot; tries do not count. It returns
// models.ErrProjectNotFound, and models.ErrBatchNotFound when the query has a batch that
// is none of the project's.
func (s *Store) ProjectMetrics(ctx context.Context, org, id uuid.UUID, q models.MetricsQuery) (*models.ProjectMetrics, error) {
	ctx = tenant.With(ctx, org)
	out := &models.ProjectMetrics{Executions: map[models.ExecutionStatus]int{}}
	err := s.readMetrics(ctx, func(ctx context.Context, tx bun.Tx, _ time.Time) error {
		if err := metricsOwners(ctx, tx, org, id, q.BatchID); err != nil {
			return err
		}
		// What an execution ends has the time of its end; an attempt that was just faster may
		// have a later one, and a long transaction can put an hour between the two.
		scope := metricsScope{org: org, from: q.From, to: q.To, hosts: q.Hosts, executions: bun.SafeQuery(`
			e.organisation_id = ?0 AND e.project_id = ?1 AND e.created_at < ?3 AND (e.finished_at IS NULL OR e.finished_at >= ?2::timestamptz - interval '1 hour')
			AND (?4 OR e.batch_id = ?5) AND (?6 AND e.type <> 'try' OR e.type = ?7)`,
			org, id, q.From, q.To, q.BatchID == uuid.Nil, q.BatchID, q.Type == "", q.Type)}
		sum := newMetricsSum(&out.Metrics, q.From, q.To, q.Bucket)
		if err := s.sumExecutions(ctx, tx, scope, sum, out); err != nil {
			return err
		}
		return sum.sessions(ctx, tx, scope)
	})
	return out, err
}

// metricsOwners looks for a project, and for a batch of it if there is one to look for.
func metricsOwners(ctx context.Context, tx bun.Tx, org, project, batch uuid.UUID) error {
	exists, err := tx.NewSelect().Model((*models.Project)(nil)).
		Where("p.organisation_id = ? AND p.id = ?", org, project).Exists(ctx)
	if err != nil {
		return err
	}
	if !exists {
		return models.ErrProjectNotFound
	}
	if batch == uuid.Nil {
		return nil
	}
	exists, err = tx.NewSelect().Model((*models.Batch)(nil)).
		Where("b.organisation_id = ? AND b.project_id = ? AND b.id = ?", org, project, batch).Exists(ctx)
	if err == nil && !exists {
		err = models.ErrBatchNotFound
	}
	return err
}

// ExecutionMetrics adds an execution up from its start to its end, or to now, in one
// snapshot. bucket chooses the steps of the series by the length of that time; what it
// refuses comes back as it is. It returns models.ErrExecutionNotFound.
func (s *Store) ExecutionMetrics(
	ctx context.Context, org, id uuid.UUID, hosts int, bucket func(from, to time.Time) (models.MetricsBucket, error),
) (*models.ExecutionMetrics, error) {
	ctx = tenant.With(ctx, org)
	out := new(models.ExecutionMetrics)
	err := s.readMetrics(ctx, func(ctx context.Context, tx bun.Tx, now time.Time) (err error) {
		if out.Execution, err = execution(ctx, tx, org, id, false); err != nil {
			return err
		}
		if out.Tally = out.Execution.Tally; out.Tally == nil {
			if out.Tally, err = tallyOf(ctx, tx, org, id); err != nil {
				return err
			}
		}
		from, to := lifeOf(out.Execution, now)
		width, err := bucket(from, to)
		if err != nil {
			return err
		}
		sum := newMetricsSum(&out.Metrics, from, to, width)
		sum.expect(id, to.Add(-1), out.Tally)
		sum.m.Quality = qualityOf(out.Tally)
		if err := sum.accuracyOfJobs(ctx, tx, out); err != nil {
			return err
		}
		// Everything of the execution counts; what its clock puts outside is put inside.
		scope := metricsScope{
			org: org, hosts: hosts, from: time.Unix(0, 0), to: to.AddDate(1000, 0, 0),
			executions: bun.SafeQuery("e.organisation_id = ? AND e.id = ?", org, id),
		}
		return sum.sessions(ctx, tx, scope)
	})
	return out, err
}

// lifeOf is the time of an execution; what ended at its end lies within.
func lifeOf(e *models.Execution, now time.Time) (from, to time.Time) {
	from, to = e.CreatedAt, now
	if e.StartedAt != nil {
		from = *e.StartedAt
	}
	if e.FinishedAt != nil {
		to = *e.FinishedAt
	}
	if to.Before(from) {
		to = from
	}
	return from, to.Add(time.Microsecond)
}

// readMetrics runs f in a snapshot, and tells it the time by PostgreSQL's clock.
func (s *Store) readMetrics(ctx context.Context, f func(ctx context.Context, tx bun.Tx, now time.Time) error) error {
	snapshot := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	return mapped(s.db.RunInTx(ctx, snapshot, func(ctx context.Context, tx bun.Tx) error {
		timeout := "0"
		if deadline, ok := ctx.Deadline(); ok {
			timeout = strconv.FormatInt((max(time.Until(deadline), 0) + metricsGrace).Milliseconds(), 10)
		}
		if _, err := tx.NewRaw(metricsSettings, timeout).Exec(ctx); err != nil {
			return err
		}
		var now time.Time
		if err := tx.NewRaw("SELECT now()").Scan(ctx, &now); err != nil {
			return err
		}
		return f(ctx, tx, now)
	}))
}

// sumExecutions goes through the executions of a time, the newest end first.
func (s *Store) sumExecutions(ctx context.Context, tx bun.Tx, scope metricsScope, sum *metricsSum, out *models.ProjectMetrics) error {
	rows, err := tx.NewSelect().Model((*models.Execution)(nil)).
		Column("id", "batch_id", "type", "status", "created_at", "finished_at", "total_jobs",
			"completed_jobs", "failed_jobs", "cancelled_jobs", "tally").
		Where("?", scope.executions).OrderExpr("e.finished_at DESC NULLS FIRST, e.id DESC").Rows(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e := new(models.Execution)
		if err := s.db.ScanRow(ctx, rows, e); err != nil {
			return err
		}
		if e.FinishedAt != nil && e.FinishedAt.Before(scope.from) {
			continue
		}
		out.Executions[e.Status]++
		if e.FinishedAt == nil || !e.FinishedAt.Before(scope.to) {
			continue
		}
		out.Finished++
		tally := e.Tally
		if tally == nil {
			tally = new(models.ExecutionTally)
		}
		sum.expect(e.ID, *e.FinishedAt, tally)
		sum.add(*e.FinishedAt, tally)
		if len(out.Trend) < trendLength {
			out.Trend = append(out.Trend, models.ExecutionPoint{
				ID: e.ID, BatchID: e.BatchID, Type: e.Type, Status: e.Status, FinishedAt: *e.FinishedAt,
				Completed: e.CompletedJobs, Failed: e.FailedJobs, Cancelled: e.CancelledJobs,
				Matched: tally.Matched, Compared: tally.Compared,
			})
		}
	}
	return rows.Err()
}

func qualityOf(t *models.ExecutionTally) models.Quality {
	q := models.Quality{
		Matched: t.Matched, Compared: t.Compared, ScoredJobs: t.ScoredJobs, CorrectJobs: t.CorrectJobs,
		Fields: map[string]models.FieldTally{}, Verdicts: map[scoring.Verdict]int{},
	}
	maps.Copy(q.Fields, t.Fields)
	maps.Copy(q.Verdicts, t.Verdicts)
	return q
}

// unaccounted is what an execution's sessions do not show of its jobs: those that ended
// without an attempt of their own that ended them.
type unaccounted struct {
	at                           time.Time
	completed, failed, cancelled int
	classes                      map[failure.Class]int
}
