package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
)

// maxCodes is how many classes and codes of failures are listed.
const maxCodes = 20

// widthOf is the length of a step as an interval. PostgreSQL measures it from the same
// Monday as models.MetricsBucket.
func widthOf(b models.MetricsBucket) string { return "1 " + string(b) }

func bucketOf(at, width string) string {
	return "date_bin(" + width + "::interval, " + at + ", '0001-01-01T00:00:00Z')"
}

const (
	inTime = `s.finished_at >= ?2 AND s.finished_at < ?3`

	fromSessions = `
	FROM executions AS e JOIN sessions AS s ON s.execution_id = e.id AND s.organisation_id = ?1`

	// superseded are lost sessions that a newer attempt came after. Any other session that
	// failed or was lost, and is not to be tried again, was the end of its job.
	superseded = `
	LEFT JOIN (
		SELECT s.id
		FROM executions AS e JOIN sessions AS s ON s.execution_id = e.id AND s.organisation_id = ?1
		WHERE ?0 AND s.status = 'lost' AND s.retry_at IS NULL AND EXISTS (
			SELECT FROM sessions AS n WHERE n.job_id = s.job_id AND n.execution_id = s.execution_id AND n.attempt > s.attempt)
	) AS superseded ON superseded.id = s.id`

	// outcomeOf is the status that a session ended its job with; '' when it did not.
	outcomeOf = `CASE WHEN s.status = 'succeeded' THEN 'completed' WHEN s.status = 'cancelled' AND s.error_class IS NULL THEN 'cancelled'
		WHEN s.retry_at IS NULL AND superseded.id IS NULL THEN 'failed' ELSE '' END`

	// tookOf is the length of a session in milliseconds.
	tookOf = `date_part('epoch', s.finished_at - s.started_at) * 1000`

	// brought are sessions that a site had its say in.
	brought = `s.status IN ('succeeded', 'failed')`
)

// counts goes over all sessions of the executions, those outside of the time too: they
// account for jobs.
func (s *metricsSum) counts(ctx context.Context, tx bun.Tx, scope metricsScope) error {
	var rows []struct {
		ExecutionID       uuid.UUID
		Bucket            *time.Time
		Outcome           models.JobStatus
		ErrorClass        failure.Class
		Failed            bool
		Currency          string
		Sessions, Retries int
		Cost              int64
	}
	err := tx.NewRaw(`
		SELECT s.execution_id, CASE WHEN `+inTime+` THEN `+bucketOf("s.finished_at", "?4")+` END AS bucket,
		       `+outcomeOf+` AS outcome, COALESCE(s.error_class, '') AS error_class, s.status IN ('failed', 'lost') AS failed,
		       COALESCE(s.cost_currency, '') AS currency, count(*) AS sessions, count(*) FILTER (WHERE s.attempt > 1) AS retries,
		       LEAST(sum(s.cost_micros), 9223372036854775807)::bigint AS cost`+
		fromSessions+superseded+`
		WHERE ?0 AND s.status <> 'running'
		GROUP BY 1, 2, 3, 4, 5, 6`, scope.arguments(widthOf(s.m.Bucket))...).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if left := s.left[r.ExecutionID]; left != nil {
			left.take(r.Outcome, r.ErrorClass, r.Sessions)
		}
		if r.Bucket == nil {
			continue
		}
		s.jobs(*r.Bucket, r.Outcome, r.ErrorClass, r.Sessions)
		if r.Failed {
			e := s.m.Errors[r.ErrorClass]
			e.Attempts += r.Sessions
			s.m.Errors[r.ErrorClass] = e
		}
		for _, c := range []*models.Counts{&s.m.Counts, &s.point(*r.Bucket).Counts} {
			c.Retries += r.Retries
			if r.Currency != "" || r.Cost > 0 {
				addCost(c.Costs, r.Currency, r.Cost)
			}
		}
	}
	return nil
}

// take accounts for jobs.
func (u *unaccounted) take(outcome models.JobStatus, class failure.Class, n int) {
	switch outcome {
	case models.JobCompleted:
		u.completed -= n
	case models.JobFailed:
		u.failed -= n
		if _, ok := u.classes[class]; ok {
			u.classes[class] -= n
		}
	case models.JobCancelled:
		u.cancelled -= n
	case models.JobQueued, models.JobRunning:
	}
}

// codes lists the commonest failures.
func (s *metricsSum) codes(ctx context.Context, tx bun.Tx, scope metricsScope) error {
	var rows []struct {
		Class          failure.Class
		Code           string
		Attempts, Jobs int
	}
	err := tx.NewRaw(`
		SELECT s.error_class AS class, COALESCE(s.error_code, '') AS code,
		       count(*) AS attempts, count(*) FILTER (WHERE s.retry_at IS NULL AND superseded.id IS NULL) AS jobs`+
		fromSessions+superseded+`
		WHERE ?0 AND s.status IN ('failed', 'lost') AND `+inTime+`
		GROUP BY 1, 2 ORDER BY attempts DESC, class, code LIMIT ?4`, scope.arguments(maxCodes)...).Scan(ctx, &rows)
	for _, r := range rows {
		s.m.TopErrors = append(s.m.TopErrors, models.CodeCount{
			Class: r.Class, Code: r.Code, ErrorCount: models.ErrorCount{Attempts: r.Attempts, Jobs: r.Jobs},
		})
	}
	return err
}

// percentiles is what percentile_cont gives for a column of counts by whole milliseconds.
// To count them takes half the time of sorting a million durations, twice.
func percentiles(name string) string {
	at := func(place string) string {
		return "(SELECT min(ms) FROM up_to WHERE " + name + " > " + place + "(share * (" + name + "s - 1)))"
	}
	return "COALESCE(" + at("floor") + " + (share * (" + name + "s - 1) - floor(share * (" + name + "s - 1))) * (" +
		at("ceil") + " - " + at("floor") + "), 0)"
}

// durations takes percentiles. The time of a job that was tried more than once begins
// with its first attempt.
func (s *metricsSum) durations(ctx context.Context, tx bun.Tx, scope metricsScope) error {
	var rows []struct {
		Attempts, Jobs int
		Attempt, Job   float64
	}
	err := tx.NewRaw(`
		WITH took AS MATERIALIZED (
			SELECT attempt, job, count(*) AS attempts, count(*) FILTER (WHERE ended) AS jobs
			FROM (
				SELECT round(`+tookOf+`)::bigint AS attempt, s.status = 'succeeded' OR s.retry_at IS NULL AS ended,
				       CASE WHEN s.status = 'succeeded' OR s.retry_at IS NULL THEN
				           round(date_part('epoch', s.finished_at - first.started_at) * 1000)::bigint END AS job`+
		fromSessions+`
				LEFT JOIN (
					SELECT s.execution_id, s.job_id, s.started_at`+fromSessions+`
					WHERE ?0 AND s.attempt = 1 AND s.status IN ('failed', 'lost')
				) AS first ON s.attempt > 1 AND first.execution_id = s.execution_id AND first.job_id = s.job_id
				WHERE ?0 AND `+brought+` AND `+inTime+`
			) AS each GROUP BY 1, 2
		), up_to AS MATERIALIZED (
			SELECT ms, sum(sum(attempts)) OVER w AS attempt, sum(sum(jobs)) OVER w AS job
			FROM (
				SELECT attempt AS ms, attempts, CASE WHEN job IS NULL THEN jobs ELSE 0 END AS jobs FROM took
				UNION ALL SELECT job, 0, jobs FROM took WHERE job IS NOT NULL
			) AS durations
			GROUP BY ms WINDOW w AS (ORDER BY ms)
		), sums AS (
			SELECT COALESCE(max(attempt), 0)::bigint AS attempts, COALESCE(max(job), 0)::bigint AS jobs FROM up_to
		)
		SELECT attempts, jobs, `+percentiles("attempt")+` AS attempt, `+percentiles("job")+` AS job
		FROM sums, unnest(ARRAY[0.5, 0.95, 0.99]::double precision[]) AS share ORDER BY share`, scope.arguments()...).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	s.m.Attempts = models.Durations{Count: rows[0].Attempts, P50: rows[0].Attempt, P95: rows[1].Attempt, P99: rows[2].Attempt}
	s.m.JobTimes = models.Durations{Count: rows[0].Jobs, P50: rows[0].Job, P95: rows[1].Job, P99: rows[2].Job}
	return nil
}
