package store_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// ran is what one execution made of one job.
type ran struct {
	job      *models.Job
	sessions []*models.Session
	// status is what the job came to, at a time and with a class of failure.
	status  models.JobStatus
	at      time.Time
	class   failure.Class
	score   scoring.Score
	decided bool // by its last session
}

// past is an execution with all that it did.
type past struct {
	*models.Execution

	jobs []*ran
}

// metricsWorld is a project with executions that were written as they might have gone,
// for counts that are made twice.
type metricsWorld struct {
	random  *rand.Rand
	project *models.Project
	start   time.Time
	all     []*past
	jobs    []*models.Job
	clock   time.Time
}

func newMetricsWorld(t *testing.T, db *bun.DB, seed uint64) *metricsWorld {
	t.Helper()
	w := &metricsWorld{
		random:  rand.New(rand.NewPCG(seed, seed)),
		project: testfactory.Project(t, testkit.Store(t, db), nil),
		start:   time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC),
	}
	var batches []*models.Batch
	for range 3 {
		rows := 1 + w.random.IntN(12)
		b := &models.Batch{
			ID: models.NewID(), OrganisationID: w.project.OrganisationID, ProjectID: w.project.ID,
			Name: "rows", Columns: []models.Column{}, RowCount: rows,
		}
		batches = append(batches, b)
		w.batch(b, rows)
	}
	insert(t, db, &batches)
	executions := make([]*models.Execution, len(w.all))
	var sessions []*models.Session
	for i, e := range w.all {
		executions[i] = e.Execution
		for _, j := range e.jobs {
			sessions = append(sessions, j.sessions...)
		}
	}
	insert(t, db, &executions)
	insert(t, db, &w.jobs)
	insert(t, db, &sessions)
	return w
}

func insert[T any](t *testing.T, db *bun.DB, records *[]T) {
	t.Helper()
	if len(*records) == 0 {
		return
	}
	_, err := db.NewInsert().Model(records).Exec(t.Context())
	require.NoError(t, err)
}

func pick[T any](w *metricsWorld, values ...T) T { return values[w.random.IntN(len(values))] }

// pass lets some time pass, whole microseconds of it.
func (w *metricsWorld) pass(most time.Duration) time.Time {
	w.clock = w.clock.Add(time.Duration(1+w.random.Int64N(most.Microseconds())) * time.Microsecond)
	return w.clock
}

func (w *metricsWorld) batch(b *models.Batch, rows int) {
	jobs := make([]*models.Job, rows)
	for i := range jobs {
		site := pick(w, "https://a.example/", "HTTP://User:pw@A.example:8080?x", "https://b.example#top", "http://[::1]:80/", "nowhere")
		jobs[i] = &models.Job{
			ID: models.NewID(), OrganisationID: b.OrganisationID, ProjectID: b.ProjectID, BatchID: b.ID,
			RowNumber: i + 1, SiteURL: site, Input: map[string]string{}, Status: models.JobQueued,
		}
	}
	w.jobs = append(w.jobs, jobs...)
	w.clock = w.start.Add(time.Duration(w.random.IntN(48)) * time.Hour)
	n := 1 + w.random.IntN(4)
	for i := range n {
		w.pass(30 * time.Hour)
		w.execution(b, jobs, i == n-1 && w.random.IntN(2) == 0)
	}
}

// execution has an execution run over some jobs, or still run.
func (w *metricsWorld) execution(b *models.Batch, jobs []*models.Job, live bool) {
	e := &past{Execution: testfactory.NewExecution(w.project, b)}
	e.Status, e.CreatedAt = models.ExecutionRunning, w.clock
	started := w.pass(time.Minute)
	e.StartedAt = &started
	if w.random.IntN(2) == 0 {
		e.Type, e.SampleSize = models.ExecutionTest, 1+w.random.IntN(len(jobs))
		jobs = jobs[:e.SampleSize]
	}
	tally := &models.ExecutionTally{
		Verdicts: map[scoring.Verdict]int{}, ErrorClasses: map[failure.Class]int{}, Fields: map[string]models.FieldTally{},
	}
	for _, j := range jobs {
		e.jobs = append(e.jobs, w.run(e.Execution, j, live))
	}
	end := w.pass(time.Hour)
	for _, r := range e.jobs {
		if r.status == models.JobCancelled && !r.decided {
			r.at = end
		}
		r.write(e.Execution)
		count(tally, r)
	}
	if !live {
		e.Status, e.FinishedAt, e.Tally = pick(w, models.ExecutionCompleted, models.ExecutionStopped), &end, tally
		e.CompletedJobs, e.FailedJobs, e.CancelledJobs = tally.Completed, tally.Failed, tally.Cancelled
	}
	e.TotalJobs = len(jobs)
	w.all = append(w.all, e)
}

// run has a job go one of the ways that the engine knows.
func (w *metricsWorld) run(e *models.Execution, j *models.Job, live bool) *ran {
	r := &ran{job: j, status: models.JobCancelled}
	ways := []string{"done", "done", "done", "failed", "cancelled", "lost", "unbegun", "waiting", "failed unbegun"}
	if live {
		ways = []string{"done", "failed", "queued", "running", "retrying"}
	}
	way := pick(w, ways...)
	switch way {
	case "queued":
		r.status = models.JobQueued
		return r
	case "unbegun":
		return r
	case "failed unbegun":
		r.status, r.class, r.at = models.JobFailed, failure.Transient, w.pass(time.Minute)
		return r
	}
	for range w.random.IntN(3) {
		s := w.session(e, r, pick(w, models.SessionFailed, models.SessionLost))
		if s.Status == models.SessionFailed {
			s.RetryAt = s.FinishedAt
		}
	}
	switch way {
	case "done":
		w.score(r)
		s := w.session(e, r, models.SessionSucceeded)
		s.Verdict, r.status = r.score.Verdict, models.JobCompleted
	case "failed":
		s := w.session(e, r, models.SessionFailed)
		r.status, r.class = models.JobFailed, s.ErrorClass
	case "lost":
		s := w.session(e, r, models.SessionLost)
		r.status, r.class = models.JobFailed, s.ErrorClass
	case "cancelled":
		w.session(e, r, models.SessionCancelled)
	case "waiting", "retrying":
		s := w.session(e, r, models.SessionFailed)
		s.RetryAt = s.FinishedAt
	case "running":
		w.session(e, r, models.SessionRunning)
	}
	if way == "running" || way == "retrying" {
		r.status = models.JobRunning
	}
	if r.decided = r.status.Terminal() && way != "waiting"; r.decided {
		r.at = *r.sessions[len(r.sessions)-1].FinishedAt
	}
	return r
}

func (w *metricsWorld) session(e *models.Execution, r *ran, status models.SessionStatus) *models.Session {
	s := &models.Session{
		ID: models.NewID(), OrganisationID: e.OrganisationID, ExecutionID: e.ID, JobID: r.job.ID,
		Attempt: len(r.sessions) + 1, Status: status, StartedAt: w.pass(2 * time.Hour),
		CostMicros: pick(w, int64(0), 5, 1_000_003), CostCurrency: pick(w, "", "USD", "EUR"),
	}
	if status != models.SessionRunning {
		finished := w.pass(90 * time.Second)
		s.FinishedAt = &finished
	}
	if status == models.SessionFailed || status == models.SessionLost {
		s.ErrorClass, s.ErrorCode = pick(w, failure.Transient, failure.Timeout), pick(w, "", "BUSY", "SLOW")
	}
	r.sessions = append(r.sessions, s)
	return s
}

func (w *metricsWorld) score(r *ran) {
	r.score.Fields = map[string]scoring.FieldResult{}
	for _, name := range []string{"price", "sku"} {
		if w.random.IntN(4) > 0 {
			match := w.random.IntN(3) > 0
			r.score.Fields[name] = scoring.FieldResult{Match: match}
			r.score.Compared++
			if match {
				r.score.Matched++
			}
		}
	}
	r.score.Verdict = pick(w, scoring.Correct, scoring.Wrong, scoring.Blocked, scoring.Unverified)
	if r.score.Compared > 0 {
		accuracy := float64(r.score.Matched) / float64(r.score.Compared)
		r.score.Accuracy = &accuracy
	}
}

// write gives the job's row what the execution made of it.
func (r *ran) write(e *models.Execution) {
	j := r.job
	j.Status, j.ExecutionID, j.Attempt = r.status, &e.ID, len(r.sessions)
	j.Verdict, j.Comparison = r.score.Verdict, r.score.Fields
	j.Matched, j.Compared, j.Accuracy, j.GTEvaluated = r.score.Matched, r.score.Compared, r.score.Accuracy, r.score.Compared > 0
	j.ErrorClass, j.FinishedAt = r.class, nil
	if r.status.Terminal() {
		at := r.at
		j.FinishedAt = &at
	}
}

func count(t *models.ExecutionTally, r *ran) {
	t.Total++
	*map[models.JobStatus]*int{
		models.JobQueued: &t.Queued, models.JobRunning: &t.Running, models.JobCompleted: &t.Completed,
		models.JobFailed: &t.Failed, models.JobCancelled: &t.Cancelled,
	}[r.status]++
	t.Retries += max(len(r.sessions)-1, 0)
	t.Matched += r.score.Matched
	t.Compared += r.score.Compared
	if r.score.Compared > 0 {
		t.ScoredJobs++
	}
	if r.score.Compared > 0 && r.score.Matched == r.score.Compared {
		t.CorrectJobs++
	}
	if r.score.Verdict != "" {
		t.Verdicts[r.score.Verdict]++
	}
	if r.class != "" {
		t.ErrorClasses[r.class]++
	}
	for name, f := range r.score.Fields {
		sum := t.Fields[name]
		sum.Compared++
		if f.Match {
			sum.Matched++
		}
		t.Fields[name] = sum
	}
}

// hostIn is the host of one of the URLs above.
func hostIn(site string) string {
	for _, host := range []string{"a.example", "b.example", "[::1]"} {
		if strings.Contains(strings.ToLower(site), host) {
			return host
		}
	}
	return ""
}

func (e *past) matches(q models.MetricsQuery) bool {
	return (q.BatchID == uuid.Nil || q.BatchID == e.BatchID) && (q.Type == "" || q.Type == e.Type)
}
