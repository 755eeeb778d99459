package standin

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Status is that of a run.
type Status string

// The statuses of a run.
const (
	StatusPending   Status = "PENDING"
	StatusRunning   Status = "RUNNING"
	StatusCompleted Status = "COMPLETED"
	StatusFailed    Status = "FAILED"
	StatusCancelled Status = "CANCELLED"
)

func statuses() []Status {
	return []Status{StatusPending, StatusRunning, StatusCompleted, StatusFailed, StatusCancelled}
}

// Request is what a run was created with.
type Request struct {
	URL  string
	Goal string
	// OutputSchema is nil when there is none.
	OutputSchema json.RawMessage
	// Body is the request as it came; of a batch, the run's part of it.
	Body json.RawMessage
	// Nth is the number of the run among those of its url, from 1.
	Nth int

	maxSteps     int
	proxyEnabled bool
	proxyCountry string
}

// Run is a run as it is at one moment.
type Run struct {
	ID string
	Request
	// Endpoint is what it was created by.
	Endpoint Endpoint
	Status   Status
	// StartedAt and FinishedAt are zero before.
	CreatedAt, StartedAt, FinishedAt time.Time
	// Steps so far.
	Steps int
	// Result of a completed run.
	Result json.RawMessage
	// Error of a failed one.
	Error *RunError
}

// run is a run as it was created, and the moment it was cancelled.
type run struct {
	id        string
	endpoint  Endpoint
	req       Request
	behaviour Behaviour
	outcome   Outcome
	steps     int
	seed      int64

	created, starts, ends time.Time
	endless               bool
	stepTime              time.Duration

	cancelled atomic.Pointer[time.Time]
	ended     chan struct{} // closed when it is cancelled
	polls     atomic.Int64

	found sync.Once
	value json.RawMessage
	check *schemaValidation
}

// maxDrawnSteps is the most steps of a run whose steps are not scripted, minDrawnSteps
// the fewest.
const (
	minDrawnSteps = 3
	maxDrawnSteps = 20
)

// draws is the lot of a site's nth run; of the site itself when nth is 0.
func draws(seed int64, url string, nth int) *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(url))                                       // it never fails
	return rand.New(rand.NewPCG(uint64(seed)^hash.Sum64(), uint64(nth))) //nolint:gosec // repeatable, no secret
}

// newRun makes a run of a site, with the lock held.
func (s *Server) newRun(endpoint Endpoint, req Request, b Behaviour, o Outcome) *run {
	at := s.site(req.URL)
	at.runs++
	req.Nth = at.runs
	lot := draws(s.cfg.Seed, req.URL, req.Nth)
	r := &run{
		id: uuid.NewString(), endpoint: endpoint, req: req, behaviour: b, outcome: o, seed: s.cfg.Seed,
		endless: o.Kind == NeverEnds, ended: make(chan struct{}),
	}
	duration := first(o.Duration, b.Duration, b.drawDuration(lot))
	drawn := min(minDrawnSteps+lot.IntN(maxDrawnSteps-minDrawnSteps+1), req.maxSteps)
	r.steps = max(first(o.Steps, b.Steps, drawn), 1)
	if r.steps > req.maxSteps {
		r.steps = req.maxSteps
		r.outcome = Outcome{Kind: Failed, Error: &RunError{
			Code: "MAX_STEPS_EXCEEDED", Category: "AGENT_FAILURE", Message: "The run reached its maximum number of steps",
		}}
	}
	r.created = s.now()
	r.starts = r.created.Add(s.scaled(first(b.Queued, defaultQueued)))
	r.ends = r.starts.Add(s.scaled(duration))
	r.stepTime = r.ends.Sub(r.starts) / time.Duration(r.steps)
	s.runs = append(s.runs, r)
	s.byID[r.id] = r
	s.created[req.URL+"\x00"+req.Goal]++
	return r
}

func first[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

// spread is the standard deviation of the logarithm of durations: one run in a hundred
// takes eight times the median.
const spread = 0.9

// drawDuration draws even when it is not wanted, so that what is drawn after it is the
// same.
func (b Behaviour) drawDuration(lot *rand.Rand) time.Duration {
	median, limit := first(b.Median, DefaultMedian), first(b.Cap, DefaultCap)
	drawn := float64(median) * math.Exp(spread*lot.NormFloat64())
	return time.Duration(min(drawn, float64(limit)))
}

// cancel ends a run that has not ended.
func (r *run) cancel(now time.Time) {
	if !r.at(now).isOver() && r.cancelled.CompareAndSwap(nil, &now) {
		close(r.ended)
	}
}

// at is the run as it is at a moment.
func (r *run) at(now time.Time) view { return view{run: r, now: now, cancelled: r.cancelled.Load()} }

// view is a run at a moment. It is looked at once, so that a run which is cancelled
// meanwhile is not told of half as one and half as the other.
type view struct {
	*run

	now       time.Time
	cancelled *time.Time
}

// status follows from the clock.
func (v view) status() Status {
	switch {
	case v.cancelled != nil:
		return StatusCancelled
	case v.now.Before(v.starts):
		return StatusPending
	case v.endless || v.now.Before(v.ends):
		return StatusRunning
	}
	switch v.outcome.Kind {
	case Failed:
		return StatusFailed
	case Cancelled:
		return StatusCancelled
	case Completed, Blocked, AllNull, SchemaInvalid, NeverEnds:
	}
	return StatusCompleted
}

func (v view) isOver() bool {
	s := v.status()
	return s != StatusPending && s != StatusRunning
}

// finishedAt is when it ended; zero before.
func (v view) finishedAt() time.Time {
	switch {
	case v.cancelled != nil:
		return *v.cancelled
	case v.isOver():
		return v.ends
	}
	return time.Time{}
}

// until is now, or the end when that was before.
func (v view) until() time.Time {
	if end := v.finishedAt(); !end.IsZero() {
		return end
	}
	return v.now
}

// startedAt is when it left the queue; zero when it has not, or was cancelled before.
func (v view) startedAt() time.Time {
	if v.until().Before(v.starts) {
		return time.Time{}
	}
	return v.starts
}

// stepsTaken is how many steps it has taken.
func (v view) stepsTaken() int {
	until := v.until()
	switch {
	case until.Before(v.starts):
		return 0
	case !v.endless && !until.Before(v.ends):
		return v.steps
	case v.stepTime == 0:
		return v.req.maxSteps
	}
	most := v.steps
	if v.endless {
		most = v.req.maxSteps
	}
	return min(int(until.Sub(v.starts)/v.stepTime), most)
}

// runError is the error of a run that has failed.
func (v view) runError() *RunError {
	if v.status() != StatusFailed {
		return nil
	}
	if v.outcome.Error != nil {
		return new(*v.outcome.Error)
	}
	return &RunError{Code: "TASK_FAILED", Message: "The agent could not reach the goal", Category: "AGENT_FAILURE"}
}

// result is what a completed run has found, and how that fits its schema.
func (v view) result() (json.RawMessage, *schemaValidation) {
	if v.status() != StatusCompleted {
		return nil, nil
	}
	v.found.Do(func() { v.value, v.check = v.find() })
	return v.value, v.check
}

func (v view) public() Run {
	result, _ := v.result()
	return Run{
		ID: v.id, Request: v.req, Endpoint: v.endpoint, Status: v.status(),
		CreatedAt: v.created, StartedAt: v.startedAt(), FinishedAt: v.finishedAt(),
		Steps: v.stepsTaken(), Result: result, Error: v.runError(),
	}
}
