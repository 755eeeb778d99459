package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
)

// hostOf is the host of a job j's URL in lower case, without user and port; empty when the
// URL has none.
const hostOf = `j.host`

const withJobs = `
	JOIN jobs AS j ON j.id = s.job_id AND j.organisation_id = ?1`

// hosts finds the hosts with the most jobs, and looks closer at those.
func (s *metricsSum) hosts(ctx context.Context, tx bun.Tx, scope metricsScope) error {
	if scope.hosts == 0 {
		return nil
	}
	var rows []struct {
		Host                                  string
		Completed, Failed, Cancelled, Blocked int
		Matched, Compared                     int
	}
	err := tx.NewRaw(`
		SELECT host, count(*) FILTER (WHERE outcome = 'completed') AS completed, count(*) FILTER (WHERE outcome = 'failed') AS failed,
		       count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled, count(*) FILTER (WHERE blocked) AS blocked,
		       sum(matched) AS matched, sum(compared) AS compared
		FROM (
			SELECT `+hostOf+` AS host, `+outcomeOf+` AS outcome, s.status = 'succeeded' AND s.verdict = 'blocked' AS blocked,
			       CASE WHEN s.status = 'succeeded' AND j.execution_id = s.execution_id THEN j.matched ELSE 0 END AS matched,
			       CASE WHEN s.status = 'succeeded' AND j.execution_id = s.execution_id THEN j.compared ELSE 0 END AS compared`+
		fromSessions+withJobs+superseded+`
			WHERE ?0 AND s.status <> 'running' AND `+inTime+`
		) AS seen
		WHERE outcome <> ''
		GROUP BY host ORDER BY count(*) DESC, host LIMIT ?4`, scope.arguments(scope.hosts)...).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return err
	}
	names := make([]string, len(rows))
	s.m.Hosts = make([]models.HostMetrics, len(rows))
	byName := make(map[string]*models.HostMetrics, len(rows))
	for i, r := range rows {
		s.m.Hosts[i] = models.HostMetrics{
			Host: r.Host, Completed: r.Completed, Failed: r.Failed, Cancelled: r.Cancelled, Blocked: r.Blocked,
			Matched: r.Matched, Compared: r.Compared,
		}
		names[i], byName[r.Host] = r.Host, &s.m.Hosts[i]
	}
	if err := hostDurations(ctx, tx, scope, names, byName); err != nil {
		return err
	}
	return hostErrors(ctx, tx, scope, names, byName)
}

func hostDurations(ctx context.Context, tx bun.Tx, scope metricsScope, names []string, byName map[string]*models.HostMetrics) error {
	var rows []struct {
		Host          string
		Attempts      int
		P50, P95, P99 float64
	}
	err := tx.NewRaw(`
		SELECT host, attempts, took[1] AS p50, took[2] AS p95, took[3] AS p99
		FROM (
			SELECT `+hostOf+` AS host, count(*) AS attempts,
			       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY `+tookOf+`) AS took`+
		fromSessions+withJobs+`
			WHERE ?0 AND `+brought+` AND `+inTime+` AND `+hostOf+` IN (?4)
			GROUP BY 1
		) AS hosts`, scope.arguments(bun.List(names))...).Scan(ctx, &rows)
	for _, r := range rows {
		byName[r.Host].Attempts = models.Durations{Count: r.Attempts, P50: r.P50, P95: r.P95, P99: r.P99}
	}
	return err
}

func hostErrors(ctx context.Context, tx bun.Tx, scope metricsScope, names []string, byName map[string]*models.HostMetrics) error {
	var rows []struct {
		Host           string
		Class          failure.Class
		Code           string
		Attempts, Jobs int
	}
	err := tx.NewRaw(`
		SELECT DISTINCT ON (host) host, class, code, attempts, jobs
		FROM (
			SELECT `+hostOf+` AS host, s.error_class AS class, COALESCE(s.error_code, '') AS code, count(*) AS attempts,
			       count(*) FILTER (WHERE s.retry_at IS NULL AND superseded.id IS NULL) AS jobs`+
		fromSessions+withJobs+superseded+`
			WHERE ?0 AND s.status IN ('failed', 'lost') AND `+inTime+` AND `+hostOf+` IN (?4)
			GROUP BY 1, 2, 3
		) AS errors
		ORDER BY host, attempts DESC, class, code`, scope.arguments(bun.List(names))...).Scan(ctx, &rows)
	for _, r := range rows {
		byName[r.Host].TopError = &models.CodeCount{
			Class: r.Class, Code: r.Code, ErrorCount: models.ErrorCount{Attempts: r.Attempts, Jobs: r.Jobs},
		}
	}
	return err
}
