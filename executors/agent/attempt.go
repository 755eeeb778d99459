package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/failure"
)

// attempt is one attempt at a job: it begins a run, or goes on with one, and follows it
// to its end.
type attempt struct {
	service  *service
	config   Config
	settings Settings
	order    order
	req      executors.Request
	began    time.Time

	reference string    // of the run; "" when none was announced
	announced time.Time // when it was
	id        string    // of the run; "" while it is not known
	stored    bool      // the records have the id
	none      bool      // it is known that nothing runs: it was never begun
	seen      document  // the run as it was last seen
}

func (a *attempt) run(ctx context.Context) (executors.Outcome, error) {
	err := a.attach(ctx)
	if err == nil {
		return a.follow(ctx)
	}
	if ctx.Err() != nil {
		return a.interrupted(ctx)
	}
	return a.failed(err, a.none)
}

// attach comes to know the id of a run: that of an earlier attempt, or of a new one.
func (a *attempt) attach(ctx context.Context) error {
	if a.id != "" {
		return nil
	}
	if a.reference != "" {
		// The attempt that announced it died around the create.
		a.req.Heartbeat("looking for the run of an earlier attempt")
		if err := a.reconcile(ctx, a.announced); err != nil || a.id != "" {
			return err
		}
		a.none = true
	}
	return a.create(ctx)
}

// create announces a run and begins it.
func (a *attempt) create(ctx context.Context) error {
	a.req.Heartbeat("waiting to begin a run")
	if err := a.service.gate.wait(ctx, a.service.gate.creates); err != nil {
		return err
	}
	reference := newReference()
	if err := a.req.Announce(ctx, reference); err != nil {
		a.none = true
		return err
	}
	a.reference, a.announced, a.none = reference, time.Now(), false
	a.req.Heartbeat("beginning a run")

	// It outlives the attempt's context: what it makes costs money, and its id is worth
	// waiting for.
	calling, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTime)
	defer cancel()
	id, err := a.service.create(calling, a.order.body(reference))
	if err == nil {
		a.learn(ctx, id)
		return ctx.Err()
	}
	var refused *createError
	if errors.As(err, &refused) && refused.certain {
		a.none = true
		return refused.cause
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// It may have been begun. When it is not to be found, the next attempt looks again
	// before it begins another one.
	cause := failure.Classify(err)
	if err := a.reconcile(ctx, time.Now()); err != nil || a.id != "" {
		return err
	}
	return cause
}

// newReference gives 128 random bits in a form that no page and no goal has.
func newReference() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // it never fails: it ends the process instead
	return "mino-" + hex.EncodeToString(bits[:])
}

// reconcile looks for the run of the reference, again and again until it is found or the
// window since has passed. Not finding it is no error.
func (a *attempt) reconcile(ctx context.Context, since time.Time) error {
	until := since.Add(a.config.SettleWindow)
	for failures := 0; ; {
		last := !time.Now().Before(until) // before the look: what is created during it may be missed
		id, err := a.find(ctx)
		var f *failure.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && id != "":
			a.learn(ctx, id)
			return nil
		case err == nil && last:
			return nil
		case err == nil:
			failures = 0
		case errors.As(err, &f) && !f.Class.Retryable():
			return err
		default:
			if failures++; last && failures >= findFailures {
				return err
			}
		}
		wait := a.config.Pace(time.Since(a.began))
		if left := time.Until(until); left > 0 {
			wait = min(wait, left)
		}
		if f != nil {
			wait = max(wait, f.RetryAfter)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// findFailures is how many times in a row a search may fail once its time has passed.
const findFailures = 3

func (a *attempt) find(ctx context.Context) (string, error) {
	if err := a.service.gate.wait(ctx, a.service.gate.reads); err != nil {
		return "", err
	}
	return a.service.find(ctx, a.reference, a.announced)
}

func (a *attempt) learn(ctx context.Context, id string) {
	a.id = id
	a.checkpoint(ctx)
}

// checkpoint stores the id, unless the records have it. While they are away the id is
// kept in mind and stored later; should this attempt die first, the reference finds the
// run. It outlives the attempt's context: the id is what the next one goes on with.
func (a *attempt) checkpoint(ctx context.Context) {
	if a.stored || a.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointTime)
	defer cancel()
	a.stored = a.req.Checkpoint(ctx, a.id) == nil
}

// maxPollFailures is how many looks at a run may fail in a row. With the pauses between
// them it takes minutes, which an outage may last; then another attempt, later and maybe
// elsewhere, goes on with the run.
const (
	maxPollFailures = 12
	maxPollBackoff  = 30 * time.Second
)

// follow looks at the run until it has ended.
func (a *attempt) follow(ctx context.Context) (executors.Outcome, error) {
	var wait time.Duration
	if a.req.Remote.ID == "" {
		wait = a.config.Pace(0) // one that was just created has not ended
	}
	for failures := 0; ; {
		if pause(ctx, wait) != nil {
			return a.interrupted(ctx)
		}
		a.checkpoint(ctx)
		run, err := a.service.look(ctx, a.id)
		wait = a.config.Pace(time.Since(a.announced))
		switch {
		case ctx.Err() != nil:
			return a.interrupted(ctx)
		case err != nil:
			f := failure.Classify(err)
			if f.Class != failure.RateLimit {
				failures++
			}
			if !f.Class.Retryable() || failures >= maxPollFailures {
				return a.failed(err, false)
			}
			wait = max(wait, min(wait<<min(failures, 4), maxPollBackoff), f.RetryAfter)
			continue
		case run == nil:
			return a.failed(failure.New(failure.Transient, CodeRunLost, "the agent service knows the run no longer"), true)
		}
		failures, a.seen = 0, run
		a.req.Heartbeat(progress(run))
		if terminal(run.status()) {
			return a.ended(ctx, run)
		}
	}
}

func progress(run document) string {
	if n := max(run.count(stepNames...), len(run.list("steps"))); n > 0 {
		return fmt.Sprintf("%s · %d steps", run.status(), n)
	}
	return run.status()
}

// ended makes of a run that has ended what it is worth to the job.
func (a *attempt) ended(ctx context.Context, run document) (executors.Outcome, error) {
	a.seen = run
	switch run.status() {
	case statusCompleted:
		out := a.outcome(run)
		if a.settings.CaptureScreenshot {
			if picture := a.service.screenshot(ctx, a.id); picture != nil {
				out.Files = append(out.Files, *picture)
			}
			out.Usage = a.usage()
		}
		return out, nil
	case statusCancelled:
		return a.failed(failure.New(failure.Transient, CodeRunCancelled, "the agent's run was cancelled, and not by its job"), true)
	default:
		return a.failed(problemOf(run).ofRun(), true)
	}
}

// failed is the outcome of an attempt that brought nothing: what it used, and what there
// is to see of it.
func (a *attempt) failed(err error, over bool) (executors.Outcome, error) {
	return executors.Outcome{Usage: a.usage(), Evidence: evidence(a.seen), RemoteEnded: over}, err
}

// interrupted does what the end of the context asks for: see executors.ErrStopped.
func (a *attempt) interrupted(ctx context.Context) (executors.Outcome, error) {
	a.checkpoint(ctx)
	cause := context.Cause(ctx)
	late := errors.Is(cause, context.DeadlineExceeded)
	if !late && !errors.Is(cause, executors.ErrStopped) {
		return a.failed(ctx.Err(), a.none)
	}
	over := a.none
	if !a.none && (a.id != "" || a.reference != "") {
		over = a.end(ctx)
	}
	if !late {
		return a.failed(ctx.Err(), over)
	}
	if over && a.seen.status() == statusCompleted {
		// It came to its end just in time. It is paid for: another attempt would pay again.
		return a.outcome(a.seen), nil
	}
	return a.failed(failure.Wrap(cause, failure.Timeout, CodeDeadline, "the agent had not finished when the job's time was up"), over)
}

// end cancels the run, within a bound of its own, and reports whether the service says
// that it has ended.
func (a *attempt) end(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endGrace)
	defer cancel()
	settled, err := a.service.settle(ctx, executors.RemoteRun{
		Reference: a.reference, ID: a.id, Age: time.Since(a.announced),
	}, a.config.SettleWindow)
	if err != nil {
		return false
	}
	if settled.run != nil {
		a.seen = settled.run
	}
	// A run that has completed and cannot be read is left for another attempt to read.
	return settled.status != statusCompleted || settled.run != nil
}
