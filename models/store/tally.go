package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/tenant"
	"github.com/minohq/mino/scoring"
)

// Tally counts an execution's jobs as the rows stand, in one snapshot. An execution
// that has ended keeps the tally it ended with, since its jobs may belong to a later
// execution by now.
func (s *Store) Tally(ctx context.Context, org, executionID uuid.UUID) (*models.ExecutionTally, error) {
	ctx = tenant.With(ctx, org)
	var tally *models.ExecutionTally
	snapshot := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	err := s.db.RunInTx(ctx, snapshot, func(ctx context.Context, tx bun.Tx) error {
		// In the same snapshot: an execution that ends in between gives its jobs away.
		e, err := execution(ctx, tx, org, executionID, false)
		if err != nil {
			return err
		}
		if tally = e.Tally; tally == nil {
			tally, err = tallyOf(ctx, tx, org, executionID)
		}
		return err
	})
	return tally, mapped(err)
}

func tallyOf(ctx context.Context, tx bun.Tx, org, executionID uuid.UUID) (*models.ExecutionTally, error) {
	var groups []struct {
		Status                                            models.JobStatus
		Verdict                                           scoring.Verdict
		ErrorClass                                        failure.Class
		Jobs, Retries, Matched, Compared, Scored, Correct int
		Steps                                             int
		CostMicros                                        int64
		CostCurrency                                      string
	}
	err := tx.NewRaw(`
		SELECT status, COALESCE(verdict, '') AS verdict, COALESCE(error_class, '') AS error_class,
		       count(*) AS jobs, sum(greatest(attempt - 1, 0)) AS retries,
		       sum(matched) AS matched, sum(compared) AS compared,
		       count(*) FILTER (WHERE compared > 0) AS scored,
		       count(*) FILTER (WHERE compared > 0 AND matched = compared) AS correct,
		       sum(steps) AS steps, sum(cost_micros)::bigint AS cost_micros, COALESCE(max(cost_currency), '') AS cost_currency
		FROM jobs WHERE organisation_id = ? AND execution_id = ?
		GROUP BY 1, 2, 3`, org, executionID).Scan(ctx, &groups)
	if err != nil {
		return nil, err
	}
	t := &models.ExecutionTally{
		Verdicts:     map[scoring.Verdict]int{},
		ErrorClasses: map[failure.Class]int{},
		Fields:       map[string]models.FieldTally{},
	}
	byStatus := map[models.JobStatus]*int{
		models.JobQueued: &t.Queued, models.JobRunning: &t.Running, models.JobCompleted: &t.Completed,
		models.JobFailed: &t.Failed, models.JobCancelled: &t.Cancelled,
	}
	for _, g := range groups {
		t.Total += g.Jobs
		*byStatus[g.Status] += g.Jobs
		t.Retries += g.Retries
		t.Matched += g.Matched
		t.Compared += g.Compared
		t.ScoredJobs += g.Scored
		t.CorrectJobs += g.Correct
		t.Steps += g.Steps
		t.CostMicros += g.CostMicros
		t.CostCurrency = max(t.CostCurrency, g.CostCurrency)
		if g.Verdict != "" {
			t.Verdicts[g.Verdict] += g.Jobs
		}
		if g.ErrorClass != "" {
			t.ErrorClasses[g.ErrorClass] += g.Jobs
		}
	}
	var fields []struct {
		Name              string
		Matched, Compared int
	}
	err = tx.NewRaw(`
		SELECT f.key AS name, count(*) FILTER (WHERE (f.value->>'match')::boolean) AS matched, count(*) AS compared
		FROM jobs, jsonb_each(comparison) AS f
		WHERE organisation_id = ? AND execution_id = ? AND comparison IS NOT NULL
		GROUP BY 1`, org, executionID).Scan(ctx, &fields)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		t.Fields[f.Name] = models.FieldTally{Matched: f.Matched, Compared: f.Compared}
	}
	return t, nil
}
