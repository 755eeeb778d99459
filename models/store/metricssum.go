package store

import (
	"context"
	"maps"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
)

// metricsSum adds metrics up.
type metricsSum struct {
	m    *models.Metrics
	left map[uuid.UUID]*unaccounted
}

func newMetricsSum(m *models.Metrics, from, to time.Time, bucket models.MetricsBucket) *metricsSum {
	*m = models.Metrics{
		From: from, To: to, Bucket: bucket,
		Counts:  models.Counts{Costs: map[string]int64{}},
		Quality: qualityOf(new(models.ExecutionTally)),
		Errors:  map[failure.Class]models.ErrorCount{},
		Series:  make([]models.MetricsPoint, bucket.Steps(from, to)),
	}
	for i := range m.Series {
		m.Series[i] = models.MetricsPoint{
			Start:  bucket.Start(from).Add(time.Duration(i) * bucket.Width()),
			Counts: models.Counts{Costs: map[string]int64{}}, Fields: map[string]models.FieldTally{},
		}
	}
	return &metricsSum{m: m, left: map[uuid.UUID]*unaccounted{}}
}

// point is the step of a time; what lies before or behind the series is in its first or
// last one.
func (s *metricsSum) point(at time.Time) *models.MetricsPoint {
	i := int(s.m.Bucket.Start(at).Sub(s.m.Series[0].Start) / s.m.Bucket.Width())
	return &s.m.Series[min(max(i, 0), len(s.m.Series)-1)]
}

// expect says what an execution has come to; sessions are taken from it as they are read.
func (s *metricsSum) expect(id uuid.UUID, at time.Time, t *models.ExecutionTally) {
	s.left[id] = &unaccounted{
		at: at, completed: t.Completed, failed: t.Failed, cancelled: t.Cancelled, classes: maps.Clone(t.ErrorClasses),
	}
}

// add counts the quality of an execution that has ended.
func (s *metricsSum) add(at time.Time, t *models.ExecutionTally) {
	q, p := &s.m.Quality, s.point(at)
	q.ScoredJobs += t.ScoredJobs
	q.CorrectJobs += t.CorrectJobs
	for verdict, n := range t.Verdicts {
		q.Verdicts[verdict] += n
	}
	q.Matched += t.Matched
	q.Compared += t.Compared
	addFields(q.Fields, t.Fields)
	p.Matched += t.Matched
	p.Compared += t.Compared
	addFields(p.Fields, t.Fields)
}

func addFields(into, from map[string]models.FieldTally) {
	for name, f := range from {
		sum := into[name]
		into[name] = models.FieldTally{Matched: sum.Matched + f.Matched, Compared: sum.Compared + f.Compared}
	}
}

// addCost adds money. An amount that nobody will ever owe stays one, whatever is added.
func addCost(costs map[string]int64, currency string, micros int64) {
	costs[currency] += min(micros, math.MaxInt64-costs[currency])
}

// jobs counts jobs that came to an outcome.
func (s *metricsSum) jobs(at time.Time, outcome models.JobStatus, class failure.Class, n int) {
	for _, c := range []*models.Counts{&s.m.Counts, &s.point(at).Counts} {
		switch outcome {
		case models.JobCompleted:
			c.Completed += n
		case models.JobFailed:
			c.Failed += n
		case models.JobCancelled:
			c.Cancelled += n
		case models.JobQueued, models.JobRunning:
		}
	}
	if outcome == models.JobFailed {
		e := s.m.Errors[class]
		e.Jobs += n
		s.m.Errors[class] = e
	}
}

// rest counts the jobs that no session has accounted for.
func (s *metricsSum) rest() {
	for _, left := range s.left {
		s.jobs(left.at, models.JobCompleted, "", max(left.completed, 0))
		s.jobs(left.at, models.JobCancelled, "", max(left.cancelled, 0))
		for class, n := range left.classes {
			n = min(max(n, 0), max(left.failed, 0))
			s.jobs(left.at, models.JobFailed, class, n)
			left.failed -= n
		}
	}
}

// sessions counts sessions, and what they leave of the jobs.
func (s *metricsSum) sessions(ctx context.Context, tx bun.Tx, scope metricsScope) error {
	if err := s.counts(ctx, tx, scope); err != nil {
		return err
	}
	s.rest()
	if err := s.codes(ctx, tx, scope); err != nil {
		return err
	}
	if err := s.durations(ctx, tx, scope); err != nil {
		return err
	}
	return s.hosts(ctx, tx, scope)
}

// accuracyOfJobs gives the series of an execution its accuracy: when each job ended, as
// long as the jobs are still its own and add up to its tally, else at its end.
func (s *metricsSum) accuracyOfJobs(ctx context.Context, tx bun.Tx, out *models.ExecutionMetrics) error {
	e := out.Execution
	var rows []struct {
		Bucket            time.Time
		Name              string
		Matched, Compared int
	}
	err := tx.NewRaw(`
		SELECT `+bucketOf("finished_at", "?2")+` AS bucket, '' AS name, sum(matched) AS matched, sum(compared) AS compared
		FROM jobs WHERE organisation_id = ?0 AND execution_id = ?1 AND compared > 0 AND finished_at IS NOT NULL GROUP BY 1
		UNION ALL
		SELECT `+bucketOf("finished_at", "?2")+`, f.key, count(*) FILTER (WHERE (f.value->>'match')::boolean), count(*)
		FROM jobs, jsonb_each(comparison) AS f
		WHERE organisation_id = ?0 AND execution_id = ?1 AND comparison IS NOT NULL AND finished_at IS NOT NULL GROUP BY 1, 2`,
		e.OrganisationID, e.ID, widthOf(s.m.Bucket)).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	found := qualityOf(new(models.ExecutionTally))
	for _, r := range rows {
		if r.Name == "" {
			found.Matched += r.Matched
			found.Compared += r.Compared
			continue
		}
		addFields(found.Fields, map[string]models.FieldTally{r.Name: {Matched: r.Matched, Compared: r.Compared}})
	}
	t := out.Tally
	if found.Matched != t.Matched || found.Compared != t.Compared || !maps.Equal(found.Fields, qualityOf(t).Fields) {
		out.AccuracyAtEnd = true
		p := &s.m.Series[len(s.m.Series)-1]
		p.Matched, p.Compared = t.Matched, t.Compared
		addFields(p.Fields, t.Fields)
		return nil
	}
	for _, r := range rows {
		p := s.point(r.Bucket)
		if r.Name == "" {
			p.Matched += r.Matched
			p.Compared += r.Compared
			continue
		}
		addFields(p.Fields, map[string]models.FieldTally{r.Name: {Matched: r.Matched, Compared: r.Compared}})
	}
	return nil
}
