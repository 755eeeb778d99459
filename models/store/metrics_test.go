package store_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// expected counts in the plainest way. series is where the quality of an execution goes.
func expected(executions []*past, from, to time.Time, bucket models.MetricsBucket, quality func(*past, func(at time.Time, r *ran))) models.Metrics {
	in := func(t time.Time) bool { return !t.Before(from) && t.Before(to) }
	m := models.Metrics{From: from, To: to, Bucket: bucket, Errors: map[failure.Class]models.ErrorCount{}}
	m.Costs, m.Fields, m.Verdicts = map[string]int64{}, map[string]models.FieldTally{}, map[scoring.Verdict]int{}
	for at := bucket.Start(from); at.Before(to); at = at.Add(bucket.Width()) {
		p := models.MetricsPoint{Start: at, Fields: map[string]models.FieldTally{}}
		p.Costs = map[string]int64{}
		m.Series = append(m.Series, p)
	}
	point := func(t time.Time) *models.MetricsPoint {
		i := slices.IndexFunc(m.Series, func(p models.MetricsPoint) bool { return p.Start.Equal(bucket.Start(t)) })
		return &m.Series[i]
	}
	var attempts, jobs []float64
	codes, hosts := map[string]*models.CodeCount{}, map[string]*models.HostMetrics{}
	tookOf, hostCodes := map[string][]float64{}, map[string]map[string]*models.CodeCount{}
	code := func(codes map[string]*models.CodeCount, s *models.Session, last bool) {
		key := string(s.ErrorClass) + s.ErrorCode
		if codes[key] == nil {
			codes[key] = &models.CodeCount{Class: s.ErrorClass, Code: s.ErrorCode}
		}
		codes[key].Attempts++
		if last {
			codes[key].Jobs++
		}
	}
	for _, e := range executions {
		for _, r := range e.jobs {
			host := hostIn(r.job.SiteURL)
			at := r.at
			if !r.decided && e.FinishedAt != nil {
				at = *e.FinishedAt
			}
			if r.status.Terminal() && in(at) && (e.FinishedAt != nil || r.decided) {
				for _, c := range []*models.Counts{&m.Counts, &point(at).Counts} {
					*map[models.JobStatus]*int{
						models.JobCompleted: &c.Completed, models.JobFailed: &c.Failed, models.JobCancelled: &c.Cancelled,
					}[r.status]++
				}
				if r.class != "" {
					n := m.Errors[r.class]
					n.Jobs++
					m.Errors[r.class] = n
				}
			}
			for i, s := range r.sessions {
				if s.FinishedAt == nil || !in(*s.FinishedAt) {
					continue
				}
				last := i == len(r.sessions)-1 && r.decided
				for _, c := range []*models.Counts{&m.Counts, &point(*s.FinishedAt).Counts} {
					if i > 0 {
						c.Retries++
					}
					if s.CostCurrency != "" || s.CostMicros > 0 {
						c.Costs[s.CostCurrency] += s.CostMicros
					}
				}
				took := math.Round(float64(s.FinishedAt.Sub(s.StartedAt).Microseconds()) / 1000)
				if s.Status == models.SessionSucceeded || s.Status == models.SessionFailed {
					attempts = append(attempts, took)
					tookOf[host] = append(tookOf[host], float64(s.FinishedAt.Sub(s.StartedAt).Microseconds())/1000)
					if last {
						jobs = append(jobs, math.Round(float64(s.FinishedAt.Sub(r.sessions[0].StartedAt).Microseconds())/1000))
					}
				}
				if s.ErrorClass != "" {
					n := m.Errors[s.ErrorClass]
					n.Attempts++
					m.Errors[s.ErrorClass] = n
					code(codes, s, last)
					if hostCodes[host] == nil {
						hostCodes[host] = map[string]*models.CodeCount{}
					}
					code(hostCodes[host], s, last)
				}
				if !last {
					continue
				}
				if hosts[host] == nil {
					hosts[host] = &models.HostMetrics{Host: host}
				}
				h := hosts[host]
				*map[models.JobStatus]*int{
					models.JobCompleted: &h.Completed, models.JobFailed: &h.Failed, models.JobCancelled: &h.Cancelled,
				}[r.status]++
				if r.score.Verdict == scoring.Blocked {
					h.Blocked++
				}
				if *r.job.ExecutionID == e.ID {
					h.Matched += r.score.Matched
					h.Compared += r.score.Compared
				}
			}
		}
		tally := &models.ExecutionTally{Fields: m.Fields, Verdicts: m.Verdicts, ErrorClasses: map[failure.Class]int{}}
		quality(e, func(at time.Time, r *ran) {
			count(tally, r)
			p := point(at)
			p.Matched += r.score.Matched
			p.Compared += r.score.Compared
			count(&models.ExecutionTally{Fields: p.Fields, Verdicts: map[scoring.Verdict]int{}, ErrorClasses: map[failure.Class]int{}}, r)
		})
		m.Matched += tally.Matched
		m.Compared += tally.Compared
		m.ScoredJobs += tally.ScoredJobs
		m.CorrectJobs += tally.CorrectJobs
	}
	m.Attempts, m.JobTimes = durations(attempts), durations(jobs)
	m.TopErrors = sortedCodes(codes)
	for host, h := range hosts {
		h.Attempts = durations(tookOf[host])
		if top := sortedCodes(hostCodes[host]); len(top) > 0 {
			h.TopError = &top[0]
		}
		m.Hosts = append(m.Hosts, *h)
	}
	slices.SortFunc(m.Hosts, func(a, b models.HostMetrics) int {
		return cmp.Or(cmp.Compare(b.Completed+b.Failed+b.Cancelled, a.Completed+a.Failed+a.Cancelled), cmp.Compare(a.Host, b.Host))
	})
	return m
}

func sortedCodes(codes map[string]*models.CodeCount) (out []models.CodeCount) {
	for _, c := range codes {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b models.CodeCount) int {
		return cmp.Or(cmp.Compare(b.Attempts, a.Attempts), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Code, b.Code))
	})
	return out
}

func durations(all []float64) models.Durations {
	if len(all) == 0 {
		return models.Durations{}
	}
	slices.Sort(all)
	at := func(share float64) float64 {
		place := share * float64(len(all)-1)
		low, high := all[int(math.Floor(place))], all[int(math.Ceil(place))]
		return low + (place-math.Floor(place))*(high-low)
	}
	return models.Durations{Count: len(all), P50: at(0.5), P95: at(0.95), P99: at(0.99)}
}

// requireMetrics compares everything, percentiles to what floating point may differ in.
func requireMetrics(t *testing.T, want, got models.Metrics) {
	t.Helper()
	near := func(want, got *models.Durations) {
		require.Equal(t, want.Count, got.Count)
		require.InDelta(t, want.P50, got.P50, 1e-3)
		require.InDelta(t, want.P95, got.P95, 1e-3)
		require.InDelta(t, want.P99, got.P99, 1e-3)
		*got = *want
	}
	near(&want.Attempts, &got.Attempts)
	near(&want.JobTimes, &got.JobTimes)
	require.Len(t, got.Hosts, len(want.Hosts))
	for i := range want.Hosts {
		near(&want.Hosts[i].Attempts, &got.Hosts[i].Attempts)
	}
	require.Len(t, got.Series, len(want.Series))
	for i := range want.Series {
		require.True(t, want.Series[i].Start.Equal(got.Series[i].Start))
		got.Series[i].Start = want.Series[i].Start
		require.Equal(t, want.Series[i], got.Series[i])
	}
	want.Series, got.Series = nil, nil
	require.True(t, want.From.Equal(got.From) && want.To.Equal(got.To))
	want.From, want.To = got.From, got.To
	require.Equal(t, want, got)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("EqualThePlainCountOfWorld%d", seed), func(t *testing.T) {
			t.Parallel()
			w := newMetricsWorld(t, db, seed)
			for range 4 {
				checkProject(t, s, w)
			}
			for _, e := range w.all {
				checkExecution(t, s, w, e)
			}
		})
	}
	t.Run("OfNothingAreZero", func(t *testing.T) {
		t.Parallel()
		w := newMetricsWorld(t, db, 100)
		q := models.MetricsQuery{From: w.start.AddDate(-1, 0, 0), To: w.start.AddDate(0, 0, -1), Bucket: models.BucketWeek, Hosts: 5}
		got, err := s.ProjectMetrics(t.Context(), w.project.OrganisationID, w.project.ID, q)
		require.NoError(t, err)
		requireMetrics(t, expected(nil, q.From, q.To, q.Bucket, nil), got.Metrics)
		require.Empty(t, got.Executions)
		require.Empty(t, got.Trend)
		require.Zero(t, got.Finished)
	})
	t.Run("AreOfNobodyElse", func(t *testing.T) {
		t.Parallel()
		w := newMetricsWorld(t, db, 101)
		other := models.NewID()
		_, err := s.ProjectMetrics(t.Context(), other, w.project.ID, models.MetricsQuery{From: w.start, To: w.clock, Bucket: models.BucketDay})
		require.ErrorIs(t, err, models.ErrProjectNotFound)
		_, err = s.ExecutionMetrics(t.Context(), other, w.all[0].ID, 1, nil)
		require.ErrorIs(t, err, models.ErrExecutionNotFound)
		stranger := newMetricsWorld(t, db, 102)
		q := models.MetricsQuery{From: w.start, To: w.clock, Bucket: models.BucketDay, BatchID: stranger.all[0].BatchID}
		_, err = s.ProjectMetrics(t.Context(), w.project.OrganisationID, w.project.ID, q)
		require.ErrorIs(t, err, models.ErrBatchNotFound)
	})
}

func checkProject(t *testing.T, s *store.Store, w *metricsWorld) {
	t.Helper()
	q := models.MetricsQuery{Bucket: pick(w, models.BucketHour, models.BucketDay, models.BucketWeek), Hosts: 10}
	q.From = w.start.Add(time.Duration(w.random.Int64N(int64(200 * time.Hour)))).Truncate(time.Microsecond)
	q.To = q.From.Add(time.Microsecond + time.Duration(w.random.Int64N(int64(400*time.Hour)))).Truncate(time.Microsecond)
	q.BatchID = pick(w, uuid.Nil, w.all[0].BatchID)
	q.Type = pick(w, "", models.ExecutionTest, models.ExecutionProduction)
	var matching []*past
	statuses, finished := map[models.ExecutionStatus]int{}, []*past{}
	for _, e := range w.all {
		if !e.matches(q) {
			continue
		}
		matching = append(matching, e)
		if e.CreatedAt.Before(q.To) && (e.FinishedAt == nil || !e.FinishedAt.Before(q.From)) {
			statuses[e.Status]++
			if e.FinishedAt != nil && e.FinishedAt.Before(q.To) {
				finished = append(finished, e)
			}
		}
	}
	got, err := s.ProjectMetrics(t.Context(), w.project.OrganisationID, w.project.ID, q)
	require.NoError(t, err)
	requireMetrics(t, expected(matching, q.From, q.To, q.Bucket, func(e *past, add func(time.Time, *ran)) {
		if slices.Contains(finished, e) {
			for _, r := range e.jobs {
				add(*e.FinishedAt, r)
			}
		}
	}), got.Metrics)
	require.Equal(t, statuses, got.Executions)
	require.Equal(t, len(finished), got.Finished)
	slices.SortFunc(finished, func(a, b *past) int { return b.FinishedAt.Compare(*a.FinishedAt) })
	require.Len(t, got.Trend, min(len(finished), 20))
	for i, p := range got.Trend {
		e := finished[i]
		require.Equal(t, models.ExecutionPoint{
			ID: e.ID, BatchID: e.BatchID, Type: e.Type, Status: e.Status, FinishedAt: p.FinishedAt,
			Completed: e.CompletedJobs, Failed: e.FailedJobs, Cancelled: e.CancelledJobs,
			Matched: e.Tally.Matched, Compared: e.Tally.Compared,
		}, p)
		require.True(t, p.FinishedAt.Equal(*e.FinishedAt))
	}
}

// checkExecution looks at an execution whose jobs may be of a later one by now.
func checkExecution(t *testing.T, s *store.Store, w *metricsWorld, e *past) {
	t.Helper()
	bucket := pick(w, models.BucketHour, models.BucketDay)
	var from, to time.Time
	got, err := s.ExecutionMetrics(t.Context(), e.OrganisationID, e.ID, 10, func(f, t time.Time) (models.MetricsBucket, error) {
		from, to = f, t
		return bucket, nil
	})
	require.NoError(t, err)
	require.True(t, from.Equal(*e.StartedAt))
	if e.FinishedAt != nil {
		require.True(t, to.Equal(e.FinishedAt.Add(time.Microsecond)))
	}
	want := &models.ExecutionTally{
		Verdicts: map[scoring.Verdict]int{}, ErrorClasses: map[failure.Class]int{}, Fields: map[string]models.FieldTally{},
	}
	for _, r := range e.jobs {
		count(want, r)
	}
	require.Equal(t, want, got.Tally)
	require.Equal(t, e.ID, got.Execution.ID)
	requireMetrics(t, expected([]*past{e}, from, to, bucket, func(e *past, add func(time.Time, *ran)) {
		for _, r := range e.jobs {
			switch {
			case !got.AccuracyAtEnd && r.status.Terminal():
				add(r.at, r)
			case e.FinishedAt != nil:
				add(*e.FinishedAt, r)
			}
		}
	}), got.Metrics)
	taken := slices.ContainsFunc(e.jobs, func(r *ran) bool { return r.score.Compared > 0 && *r.job.ExecutionID != e.ID })
	require.Equal(t, taken, got.AccuracyAtEnd)
}
