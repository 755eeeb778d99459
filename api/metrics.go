package api

import (
	"fmt"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

const (
	day = 24 * time.Hour
	// minuteSpan bounds an execution whose series goes by minutes.
	minuteSpan = day
	// goodSteps is about how many steps a series has that nobody has asked a step of.
	goodSteps = 120
)

// earliest and latest bound the times that can be asked about, so that they can be
// stored and read everywhere.
var (
	earliest = time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9000, time.January, 1, 0, 0, 0, 0, time.UTC)
)

func (s *server) projectMetrics(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	ask := models.MetricsQuery{
		Bucket:  only(q, "bucket", models.BucketDay, models.MetricsBuckets()[1:]),
		BatchID: q.id("batch_id"),
		Type:    only(q, "type", "", []models.ExecutionType{models.ExecutionTest, models.ExecutionProduction}),
		Hosts:   q.hosts(),
	}
	ask.From, ask.To = q.span(time.Now().UTC(), ask.Bucket)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	m, err := s.Store.ProjectMetrics(ctx, organisation(ctx), id, ask)
	if err != nil {
		return err
	}
	return c.JSON(projectMetricsAnswer(id, ask, m))
}

func (s *server) executionMetrics(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	bucket := only(q, "bucket", "", models.MetricsBuckets())
	hosts := q.hosts()
	if err := q.err(); err != nil {
		return err
	}
	choose := func(from, to time.Time) (models.MetricsBucket, error) {
		if bucket == "" {
			return goodBucket(from, to), nil
		}
		if most := longest(bucket); to.Sub(from) > most {
			q.refuse("bucket", "is too short for an execution of more than %s", inDays(most))
		}
		return bucket, q.err()
	}
	ctx := c.UserContext()
	m, err := s.Store.ExecutionMetrics(ctx, organisation(ctx), id, hosts, choose)
	if err != nil {
		return err
	}
	return c.JSON(executionMetricsAnswer(m))
}

// goodBucket is the shortest step that makes no long series.
func goodBucket(from, to time.Time) models.MetricsBucket {
	for _, b := range models.MetricsBuckets() {
		if to.Sub(from) <= goodSteps*b.Width() {
			return b
		}
	}
	return models.BucketWeek
}

// longest is the longest time that a series may have in steps of a length.
func longest(b models.MetricsBucket) time.Duration {
	switch b {
	case models.BucketMinute:
		return minuteSpan
	case models.BucketHour:
		return wire.MaxMetricsHourDays * day
	case models.BucketDay:
		return wire.MaxMetricsDays * day
	case models.BucketWeek:
	}
	// No execution lasts as long; what an answer holds is bounded all the same.
	return 20 * wire.MaxMetricsDays * day
}

func inDays(d time.Duration) string {
	if d == day {
		return "1 day"
	}
	return fmt.Sprintf("%d days", d/day)
}

// span reads the time that metrics are of. Without a beginning or an end it has the
// default length, and ends now.
func (q *query) span(now time.Time, bucket models.MetricsBucket) (from, to time.Time) {
	from, to = q.time("from"), q.time("to")
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = to.Add(-wire.DefaultMetricsDays * day)
	}
	most := min(longest(bucket), wire.MaxMetricsDays*day)
	switch {
	case len(q.errors) > 0:
	case !from.Before(to):
		q.refuse("from", "must be before to, which is %s", to.Format(time.RFC3339))
	case to.Sub(from) > most && bucket == models.BucketHour:
		q.refuse("from", "must be at most %s before to where bucket is hour", inDays(most))
	case to.Sub(from) > most:
		q.refuse("from", "must be at most %s before to", inDays(most))
	}
	return from, to
}

// time reads a moment; zero is none. PostgreSQL's times have microseconds.
func (q *query) time(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		q.refuse(name, "must be a time of RFC 3339, such as 2026-11-01T00:00:00Z")
		return time.Time{}
	case t.Before(earliest) || !t.Before(latest):
		q.refuse(name, "must be between the years %d and %d", earliest.Year(), latest.Year())
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// hosts reads how many hosts are to be listed.
func (q *query) hosts() int {
	text := q.text("hosts")
	if text == "" {
		return wire.DefaultMetricsHosts
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > wire.MaxMetricsHosts {
		q.refuse("hosts", "must be a whole number between 1 and %d", wire.MaxMetricsHosts)
	}
	return n
}

// only reads a parameter with a fixed set of values, of which one may be given.
func only[T ~string](q *query, name string, absent T, allowed []T) T {
	text := T(q.text(name))
	if text == "" {
		return absent
	}
	for _, value := range allowed {
		if text == value {
			return value
		}
	}
	q.refuse(name, "%s is none of %s", strconv.Quote(string(text)), joined(allowed))
	return absent
}

func projectMetricsAnswer(id uuid.UUID, q models.MetricsQuery, m *models.ProjectMetrics) wire.ProjectMetrics {
	out := wire.ProjectMetrics{
		ProjectID: id, Type: string(q.Type), Metrics: metricsAnswer(&m.Metrics),
		Executions: wire.MetricsExecutions{Finished: m.Finished, ByStatus: make(map[string]int, len(m.Executions))},
		Trend:      make([]wire.ExecutionPoint, len(m.Trend)),
	}
	if q.BatchID != uuid.Nil {
		out.BatchID = &q.BatchID
	}
	for status, n := range m.Executions {
		out.Executions.Total += n
		out.Executions.ByStatus[string(status)] = n
	}
	for i, e := range m.Trend {
		out.Trend[i] = wire.ExecutionPoint{
			ID: e.ID, BatchID: e.BatchID, Type: string(e.Type), Status: string(e.Status), FinishedAt: e.FinishedAt.UTC(),
			Jobs:        jobsAnswer(e.Completed, e.Failed, e.Cancelled),
			SuccessRate: share(e.Completed, e.Completed+e.Failed), Accuracy: accuracy(e.Matched, e.Compared),
		}
	}
	return out
}

func executionMetricsAnswer(m *models.ExecutionMetrics) wire.ExecutionMetrics {
	e := m.Execution
	return wire.ExecutionMetrics{
		ExecutionID: e.ID, ProjectID: e.ProjectID, BatchID: e.BatchID, Type: string(e.Type), Status: string(e.Status),
		Total: m.Tally.Total, Queued: m.Tally.Queued, Running: m.Tally.Running,
		Metrics: metricsAnswer(&m.Metrics), AccuracyAtEnd: m.AccuracyAtEnd,
	}
}
