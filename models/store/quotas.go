package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// Limits of an organisation are exact: whoever makes executions of one that has any comes
// after all others who do, by a lock on the organisation until its transaction ends, and
// counts what they made. Organisations without limits read that they have none, and come
// one after another only while their jobs are counted, which is the last thing that they
// do. A limit that is set meanwhile counts for whoever comes next.

// activeExecutions are those that have not ended. It is the condition of an index.
const activeExecutions = `status IN ('pending', 'running', 'paused', 'stopping')`

// usedNow counts what is in use of an organisation.
const usedNow = `
	SELECT
		(SELECT count(*) FROM executions WHERE organisation_id = ?0 AND ` + activeExecutions + `) AS running_executions,
		(SELECT COALESCE(sum(concurrency), 0) FROM executions WHERE organisation_id = ?0 AND ` + activeExecutions + `) AS concurrent_jobs,
		COALESCE((SELECT jobs FROM organisation_usage WHERE organisation_id = ?0 AND day = (now() AT TIME ZONE 'UTC')::date), 0) AS jobs_today`

// Usage counts what an organisation uses of its limits.
func (s *Store) Usage(ctx context.Context, org uuid.UUID) (models.Usage, error) {
	ctx = tenant.With(ctx, org)
	used, err := usage(ctx, s.db, org)
	return used, mapped(err)
}

func usage(ctx context.Context, db bun.IDB, org uuid.UUID) (used models.Usage, err error) {
	err = db.NewRaw(usedNow, org).Scan(ctx, &used.RunningExecutions, &used.ConcurrentJobs, &used.JobsToday)
	return used, err
}

// quota is what an organisation may still use, for one transaction that makes executions.
type quota struct {
	org    uuid.UUID
	limits models.Limits
	used   models.Usage // with what the transaction has made; counted when there are limits
	jobs   int64        // that the transaction has given to executions
}

// limited tells whether any limit is one of executions.
func limited(l models.Limits) bool {
	return l.MaxRunningExecutions != nil || l.MaxConcurrentJobs != nil || l.MaxJobsPerDay != nil
}

// takeQuota comes before a transaction makes executions, and after it took its key.
func takeQuota(ctx context.Context, tx bun.Tx, org uuid.UUID) (*quota, error) {
	q := &quota{org: org}
	o := new(models.Organisation)
	read := tx.NewSelect().Model(o).Where("o.id = ?", org)
	err := read.Scan(ctx)
	if err == nil && limited(o.Limits) {
		// A statement of its own, which reads what was committed while it waited; so do
		// the counts after it.
		err = read.For("NO KEY UPDATE").Scan(ctx)
	}
	if err != nil {
		return nil, found(err, models.ErrOrganisationNotFound)
	}
	if q.limits = o.Limits; limited(q.limits) {
		q.used, err = usage(ctx, tx, org)
	}
	return q, err
}

// admit takes an execution in, or returns a *models.QuotaError.
func (q *quota) admit(e *models.Execution) error {
	if most := q.limits.MaxRunningExecutions; most != nil && q.used.RunningExecutions+1 > *most {
		return &models.QuotaError{Limit: "max_running_executions", Most: int64(*most), Used: int64(q.used.RunningExecutions), Wanted: 1}
	}
	if most := q.limits.MaxConcurrentJobs; most != nil && q.used.ConcurrentJobs+e.Concurrency > *most {
		return &models.QuotaError{
			Limit: "max_concurrent_jobs", Most: int64(*most), Used: int64(q.used.ConcurrentJobs), Wanted: int64(e.Concurrency),
		}
	}
	if most := q.limits.MaxJobsPerDay; most != nil && q.used.JobsToday >= *most {
		// Before all of them are given out and taken back again.
		return &models.QuotaError{Limit: "max_jobs_per_day", Most: *most, Used: q.used.JobsToday, Wanted: 1}
	}
	q.used.RunningExecutions++
	q.used.ConcurrentJobs += e.Concurrency
	return nil
}

// release gives back what an execution was admitted to that is not made after all.
func (q *quota) release(e *models.Execution) {
	q.used.RunningExecutions--
	q.used.ConcurrentJobs -= e.Concurrency
}

// gave counts the jobs of an execution that is made.
func (q *quota) gave(e *models.Execution) { q.jobs += int64(e.TotalJobs) }

// settle writes down how many jobs the transaction gave out, and returns a
// *models.QuotaError when they are too many. It comes last: others of the organisation wait
// for it from here on.
func (q *quota) settle(ctx context.Context, tx bun.Tx) error {
	if q.jobs == 0 {
		return nil
	}
	var today int64
	err := tx.NewRaw(`
		INSERT INTO organisation_usage AS u (organisation_id, day, jobs)
		VALUES (?, (now() AT TIME ZONE 'UTC')::date, ?)
		ON CONFLICT (organisation_id, day) DO UPDATE SET jobs = u.jobs + excluded.jobs
		RETURNING jobs`, q.org, q.jobs).Scan(ctx, &today)
	if err != nil {
		return err
	}
	if most := q.limits.MaxJobsPerDay; most != nil && today > *most {
		return &models.QuotaError{Limit: "max_jobs_per_day", Most: *most, Used: today - q.jobs, Wanted: q.jobs}
	}
	return nil
}

// CheckConcurrency returns a *models.QuotaError when an execution of another concurrency
// would be more than its organisation may do at once. Less than it has is never refused. It
// holds nothing back: of two changes that come at the same time, neither counts the other.
// It returns models.ErrExecutionNotFound when there is no such execution.
func (s *Store) CheckConcurrency(ctx context.Context, org, executionID uuid.UUID, value int) error {
	ctx = tenant.With(ctx, org)
	var most sql.NullInt64
	var now, others int64
	err := s.db.NewRaw(`
		SELECT e.concurrency, o.max_concurrent_jobs, (
			SELECT COALESCE(sum(concurrency), 0) FROM executions
			WHERE organisation_id = ?0 AND id <> ?1 AND `+activeExecutions+`)
		FROM executions AS e JOIN organisations AS o ON o.id = e.organisation_id
		WHERE e.organisation_id = ?0 AND e.id = ?1`, org, executionID).Scan(ctx, &now, &most, &others)
	if err != nil {
		return found(err, models.ErrExecutionNotFound)
	}
	if wanted := int64(value); most.Valid && wanted > now && others+wanted > most.Int64 {
		return &models.QuotaError{Limit: "max_concurrent_jobs", Most: most.Int64, Used: others, Wanted: wanted}
	}
	return nil
}
