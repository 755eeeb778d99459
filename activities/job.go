package activities

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
	"github.com/minohq/mino/workflows/contract"
)

// RunJob makes one attempt at a job.
func (a *Activities) RunJob(ctx context.Context, in contract.RunJobInput) (contract.JobOutcome, error) {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID, in.JobID)
	if err != nil {
		return contract.JobOutcome{}, err
	}
	leave, wait, err := a.manners.enter(ctx, ids[0], ids[1], ids[2], in.Site)
	switch {
	case err != nil:
		return contract.JobOutcome{}, recordsError(err)
	case wait > 0:
		return contract.JobOutcome{JobID: in.JobID, Status: contract.StatusDeferred, DeferMS: wait.Milliseconds()}, nil
	}
	defer leave()
	attempt, ended, err := a.attempts.BeginAttempt(ctx, ids[0], ids[1], ids[2], a.config.Identity)
	if errors.Is(err, models.ErrHeld) {
		return contract.JobOutcome{JobID: in.JobID, Status: contract.StatusHeld}, nil
	}
	if err != nil {
		// Not an attempt: the records count those. Temporal goes on until they answer.
		return contract.JobOutcome{}, recordsError(err)
	}
	if ended != nil {
		// An earlier attempt wrote the outcome and died before it told Temporal.
		return outcomeOf(ended), nil
	}
	r := a.runOf(attempt, in)
	if r.overdrawn() {
		return r.fail(ctx, errOverdrawn, executors.Outcome{})
	}
	return r.do(ctx)
}

// errOverdrawn ends a job that has lost more attempts than it may: the one before was
// the last, and was lost too.
var errOverdrawn = failure.New(failure.Transient, store.CodeWorkerLost, "too many attempts were lost")

// jobRun is one attempt at one job.
type jobRun struct {
	*Activities
	attempt *store.Attempt
	// last: the policy allows no failure after this one. lastEver: there is no attempt
	// after this one, though it be lost.
	last, lastEver bool
	maxAttempts    int
	site           string
	// hasRemote: there is, or may be, an open run elsewhere.
	hasRemote bool
	began     time.Time
	logger    *zap.Logger
}

func (a *Activities) runOf(attempt *store.Attempt, in contract.RunJobInput) *jobRun {
	return &jobRun{
		Activities: a, attempt: attempt, maxAttempts: in.MaxAttempts, began: time.Now(), site: in.Site, hasRemote: attempt.Remote != nil,
		last:     attempt.Failed+1 >= in.MaxAttempts,
		lastEver: attempt.Failed+attempt.Lost+1 >= in.MaxAttempts+contract.LostAllowance,
		logger: a.logger.With(
			zap.String("execution_id", in.ExecutionID), zap.String("job_id", in.JobID), zap.Int("attempt", attempt.Number)),
	}
}

// overdrawn: there should have been no such attempt.
func (r *jobRun) overdrawn() bool {
	return r.attempt.Failed+r.attempt.Lost+1 > r.maxAttempts+contract.LostAllowance
}

func (r *jobRun) do(ctx context.Context) (contract.JobOutcome, error) {
	beat := startHeartbeat(ctx, r.config.HeartbeatInterval)
	defer beat.stop()
	outcome, err := r.execute(ctx, beat)
	r.keepFiles(ctx, outcome.Files)
	switch {
	case err == nil:
		return r.complete(ctx, outcome)
	case temporal.IsCanceledError(context.Cause(ctx)):
		return r.cancel(ctx, outcome)
	case ctx.Err() != nil:
		// Temporal has given up on this attempt, or this worker is at its end: whatever
		// the executor says of it, the job goes to another attempt.
		return r.fail(ctx, executors.ErrHandedBack, outcome)
	default:
		return r.fail(ctx, err, outcome)
	}
}

// execute calls the executor, with what it needs, under the job's deadline and the
// worker's grace.
func (r *jobRun) execute(ctx context.Context, beat *heartbeat) (executors.Outcome, error) {
	executor, ok := r.executors[r.attempt.Snapshot.Executor]
	if !ok {
		return executors.Outcome{}, failure.New(failure.Permanent, "EXECUTOR_UNAVAILABLE", "this worker has no executor %q", r.attempt.Snapshot.Executor)
	}
	ctx, end := r.bounded(ctx)
	defer end()
	var outcome executors.Outcome
	secrets, err := r.secrets(ctx, executor)
	redact := newRedactor(secrets)
	if err == nil {
		outcome, err = r.call(ctx, executor, secrets, beat, redact)
	}
	switch {
	case err == nil:
	case errors.Is(context.Cause(ctx), executors.ErrHandedBack), errors.Is(err, models.ErrUnavailable):
		// Records that are away are not the job's fault either.
		err = executors.ErrHandedBack
	default:
		err = redact.failure(err)
	}
	redact.outcome(&outcome)
	return outcome, err
}

// call makes the one call of the executor.
func (r *jobRun) call(
	ctx context.Context, executor executors.Executor, secrets map[string]string, beat *heartbeat, redact *redactor,
) (outcome executors.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			what := redact.text(fmt.Sprint(p))
			r.logger.Error("the executor panicked", zap.String("panic", what), zap.ByteString("stack", debug.Stack()))
			err = failure.New(failure.Permanent, "EXECUTOR_PANIC", "the executor panicked: %s", what)
		}
	}()
	if err := r.manners.mayFetch(ctx, r.attempt.OrganisationID, r.attempt.ExecutionID, r.site, r.attempt.SiteURL); err != nil {
		return outcome, err
	}
	return executor.Execute(ctx, executors.Request{
		URL: r.attempt.SiteURL, Inputs: r.attempt.Input,
		Instruction: r.attempt.Snapshot.Instruction, Fields: r.attempt.Snapshot.Fields, Settings: r.attempt.Snapshot.Settings,
		Secrets: secrets, Attempt: r.attempt.Number,
		Heartbeat: func(progress string) { beat.report(message(redact.text(progress))) },
		Remote:    r.remote(ctx), Announce: r.announce(beat), Checkpoint: r.noteRun(beat),
	})
}

// complete scores and writes the result.
func (r *jobRun) complete(ctx context.Context, outcome executors.Outcome) (contract.JobOutcome, error) {
	out, refused, err := r.writeSuccess(ctx, outcome)
	if refused != nil {
		return r.fail(ctx, refused, outcome)
	}
	return out, err
}

// writeSuccess scores and writes a result. refused says why it can never be written.
func (r *jobRun) writeSuccess(ctx context.Context, outcome executors.Outcome) (out contract.JobOutcome, refused, err error) {
	outcome.RemoteEnded = true // a result is the end of what brought it
	success, err := successOf(r.attempt, outcome, r.used(outcome))
	if err != nil {
		return out, err, nil
	}
	err = r.persist(ctx, persistFor, func(ctx context.Context) error { return r.attempts.CompleteAttempt(ctx, r.attempt, success) })
	switch {
	case err == nil:
		out = completedOutcome(r.attempt, success)
		r.ended(out)
		return out, nil, nil
	case errors.Is(err, models.ErrStaleAttempt), errors.Is(err, models.ErrUnavailable):
		return out, nil, r.unwritten(err)
	}
	// PostgreSQL refused the data itself; it would again.
	return out, failure.Wrap(err, failure.Permanent, "RESULT_NOT_STORABLE", "the result cannot be stored: %v", err), nil
}

// cancel writes that the job was cancelled and tells Temporal so.
func (r *jobRun) cancel(ctx context.Context, until executors.Outcome) (contract.JobOutcome, error) {
	if err := r.writeCancel(ctx, until); err != nil {
		r.logger.Warn("the cancellation of a job was not written", zap.Error(err))
	}
	return contract.JobOutcome{}, temporal.NewCanceledError()
}

func (r *jobRun) writeCancel(ctx context.Context, until executors.Outcome) error {
	used := r.used(until)
	err := r.persist(ctx, persistFor, func(ctx context.Context) error { return r.attempts.CancelAttempt(ctx, r.attempt, used) })
	if err == nil {
		r.ended(r.cancelledOutcome(used))
	}
	return err
}

func (r *jobRun) cancelledOutcome(used store.Used) contract.JobOutcome {
	return contract.JobOutcome{
		JobID: r.attempt.JobID.String(), Status: string(models.JobCancelled), Attempts: r.attempt.Number,
		Steps: r.attempt.Steps + used.Steps, CostMicros: r.attempt.CostMicros + used.CostMicros, CostCurrency: used.CostCurrency,
	}
}

// fail classifies and writes a failure, with what was used and seen until then. The
// error it returns has Temporal retry, or carries the outcome of a job that failed for
// good.
func (r *jobRun) fail(ctx context.Context, cause error, until executors.Outcome) (contract.JobOutcome, error) {
	if classified := failure.Classify(cause); classified.Pause {
		return r.putBack(ctx, classified, until)
	}
	f, err := r.writeFailure(ctx, cause, until)
	if err != nil {
		return contract.JobOutcome{}, err
	}
	options := temporal.ApplicationErrorOptions{
		NonRetryable: !f.Retry, NextRetryDelay: f.Delay, Cause: cause,
		// A site that fails is the daily bread of a batch, no fault of the worker: it is
		// logged here, once, and not as an error of the SDK's.
		Category: temporal.ApplicationErrorCategoryBenign,
	}
	if !f.Retry {
		options.Details = []any{r.failedOutcome(f)}
	}
	return contract.JobOutcome{}, temporal.NewApplicationErrorWithOptions(
		fmt.Sprintf("%s: %s", f.Code, f.Message), string(f.Class), options)
}

// putBack puts the job back into the queue and asks for a pause of its execution: nothing
// is wrong with the job, and no other would fare better.
func (r *jobRun) putBack(ctx context.Context, why *failure.Error, until executors.Outcome) (contract.JobOutcome, error) {
	f := store.Failure{Class: why.Class, Code: why.Code, Message: message(why.Message), Used: r.used(until)}
	err := r.persist(ctx, persistFor, func(ctx context.Context) error { return r.attempts.PutBack(ctx, r.attempt, f) })
	if err != nil {
		return contract.JobOutcome{}, r.unwritten(err)
	}
	r.logger.Warn("a job was put back; the execution is to pause", zap.String("code", f.Code), zap.String("message", f.Message))
	return contract.JobOutcome{
		JobID: r.attempt.JobID.String(), Status: contract.StatusHeld, Pause: fmt.Sprintf("%s: %s", f.Code, f.Message),
	}, nil
}

// writeFailure classifies a failure, decides whether there is another attempt, and
// writes both.
func (r *jobRun) writeFailure(ctx context.Context, cause error, until executors.Outcome) (store.Failure, error) {
	classified, handedBack := failure.Classify(cause), errors.Is(cause, executors.ErrHandedBack)
	if handedBack {
		classified = failure.Wrap(cause, failure.Transient, "HANDED_BACK", "%v", cause)
	}
	lost := handedBack || classified.Code == store.CodeWorkerLost
	f := store.Failure{
		Class: classified.Class, Code: classified.Code, Message: message(classified.Message), Lost: lost,
		Retry: classified.Class.Retryable() && !r.lastEver && (lost || !r.last),
		Used:  r.used(until),
	}
	if f.Retry {
		if !lost {
			f.Delay = r.attempt.Retry.Delay(r.attempt.Failed+1, classified, r.random())
		}
		// Temporal takes a delay of zero for "as the policy says".
		f.Delay = max(f.Delay, time.Millisecond)
	}
	err := r.persist(ctx, persistFor, func(ctx context.Context) error { return r.attempts.FailAttempt(ctx, r.attempt, f) })
	if err != nil {
		return f, r.unwritten(err)
	}
	fields := []zap.Field{zap.String("class", string(f.Class)), zap.String("code", f.Code), zap.String("message", f.Message)}
	if f.Retry {
		r.logger.Info("a job will be tried again", append(fields, zap.Duration("delay", f.Delay))...)
		r.observer.JobRetried(Retry{
			ExecutionID: r.attempt.ExecutionID, JobID: r.attempt.JobID, Executor: r.attempt.Snapshot.Executor,
			Attempt: r.attempt.Number, Class: f.Class, Lost: f.Lost, Delay: f.Delay, Took: time.Since(r.began),
		})
		return f, nil
	}
	r.logger.Info("a job failed", fields...)
	r.ended(r.failedOutcome(f))
	return f, nil
}

func (r *jobRun) failedOutcome(f store.Failure) contract.JobOutcome {
	return contract.JobOutcome{
		JobID: r.attempt.JobID.String(), Status: string(models.JobFailed),
		ErrorClass: string(f.Class), Attempts: r.attempt.Number,
		Steps: r.attempt.Steps + f.Steps, CostMicros: r.attempt.CostMicros + f.CostMicros, CostCurrency: f.CostCurrency,
	}
}

// ended tells that the job has come to its end by this attempt.
func (r *jobRun) ended(out contract.JobOutcome) {
	r.observer.JobEnded(End{
		ExecutionID: r.attempt.ExecutionID, JobID: r.attempt.JobID, Executor: r.attempt.Snapshot.Executor,
		Status: models.JobStatus(out.Status), Verdict: scoring.Verdict(out.Verdict), Class: failure.Class(out.ErrorClass),
		Attempts: out.Attempts, Took: time.Since(r.began),
	})
}

// unwritten is what Temporal is told when an outcome could not be written: a stale
// attempt has no say any more; a database that stays away leaves the job to the next
// attempt.
func (r *jobRun) unwritten(err error) error {
	r.logger.Warn("the outcome of an attempt was not written", zap.Error(err))
	return recordsError(err)
}
