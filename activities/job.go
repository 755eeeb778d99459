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

// errHandedBack ends an attempt that its worker cannot finish.
var errHandedBack = errors.New("the worker gave the job back before it was done")

// RunJob makes one attempt at a job.
func (a *Activities) RunJob(ctx context.Context, in contract.RunJobInput) (contract.JobOutcome, error) {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID, in.JobID)
	if err != nil {
		return contract.JobOutcome{}, err
	}
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
	began          time.Time
	logger         *zap.Logger
}

func (a *Activities) runOf(attempt *store.Attempt, in contract.RunJobInput) *jobRun {
	return &jobRun{
		Activities: a, attempt: attempt, maxAttempts: in.MaxAttempts, began: time.Now(),
		last:     attempt.Failed+1 >= in.MaxAttempts,
		lastEver: attempt.Number >= in.MaxAttempts+contract.LostAllowance,
		logger: a.logger.With(
			zap.String("execution_id", in.ExecutionID), zap.String("job_id", in.JobID), zap.Int("attempt", attempt.Number)),
	}
}

// overdrawn: there should have been no such attempt.
func (r *jobRun) overdrawn() bool { return r.attempt.Number > r.maxAttempts+contract.LostAllowance }

func (r *jobRun) do(ctx context.Context) (contract.JobOutcome, error) {
	beat := startHeartbeat(ctx, r.config.HeartbeatInterval)
	defer beat.stop()
	outcome, err := r.execute(ctx, beat)
	switch {
	case err == nil:
		return r.complete(ctx, outcome)
	case temporal.IsCanceledError(context.Cause(ctx)):
		return r.cancel(ctx)
	case ctx.Err() != nil:
		// Temporal has given up on this attempt, or this worker is at its end: whatever
		// the executor says of it, the job goes to another attempt.
		return r.fail(ctx, errHandedBack, outcome)
	default:
		return r.fail(ctx, err, outcome)
	}
}

// execute calls the executor under the job's deadline and the worker's grace.
func (r *jobRun) execute(ctx context.Context, beat *heartbeat) (outcome executors.Outcome, err error) {
	executor, ok := r.executors[r.attempt.Snapshot.Executor]
	if !ok {
		return outcome, failure.New(failure.Permanent, "EXECUTOR_UNAVAILABLE", "this worker has no executor %q", r.attempt.Snapshot.Executor)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.attempt.Snapshot.JobTimeoutMS)*time.Millisecond)
	defer cancel()
	ctx, handBack := context.WithCancelCause(ctx)
	defer handBack(nil)
	defer afterGrace(ctx, r.config.StopGrace, func() { handBack(errHandedBack) })()
	defer func() {
		if p := recover(); p != nil {
			r.logger.Error("the executor panicked", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			err = failure.New(failure.Permanent, "EXECUTOR_PANIC", "the executor panicked: %v", p)
		}
	}()
	outcome, err = executor.Execute(ctx, executors.Request{
		URL: r.attempt.SiteURL, Inputs: r.attempt.Input,
		Instruction: r.attempt.Snapshot.Instruction, Fields: r.attempt.Snapshot.Fields, Settings: r.attempt.Snapshot.Settings,
		Attempt:   r.attempt.Number,
		Heartbeat: beat.report,
		Checkpoint: func(ctx context.Context, remoteRunID string) error {
			return r.attempts.Checkpoint(ctx, r.attempt, remoteRunID)
		},
		Remote: executors.RemoteRun{ID: r.attempt.RemoteRunID},
	})
	if err != nil && errors.Is(context.Cause(ctx), errHandedBack) {
		err = errHandedBack
	}
	return outcome, err
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
	success, err := successOf(r.attempt, outcome)
	if err != nil {
		return out, err, nil
	}
	err = r.persist(ctx, func(ctx context.Context) error { return r.attempts.CompleteAttempt(ctx, r.attempt, success) })
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
func (r *jobRun) cancel(ctx context.Context) (contract.JobOutcome, error) {
	if err := r.writeCancel(ctx); err != nil {
		r.logger.Warn("the cancellation of a job was not written", zap.Error(err))
	}
	return contract.JobOutcome{}, temporal.NewCanceledError()
}

func (r *jobRun) writeCancel(ctx context.Context) error {
	err := r.persist(ctx, func(ctx context.Context) error { return r.attempts.CancelAttempt(ctx, r.attempt) })
	if err == nil {
		r.ended(r.cancelledOutcome())
	}
	return err
}

func (r *jobRun) cancelledOutcome() contract.JobOutcome {
	return contract.JobOutcome{JobID: r.attempt.JobID.String(), Status: string(models.JobCancelled), Attempts: r.attempt.Number}
}

// fail classifies and writes a failure, with what was used and seen until then. The
// error it returns has Temporal retry, or carries the outcome of a job that failed for
// good.
func (r *jobRun) fail(ctx context.Context, cause error, until executors.Outcome) (contract.JobOutcome, error) {
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

// writeFailure classifies a failure, decides whether there is another attempt, and
// writes both.
func (r *jobRun) writeFailure(ctx context.Context, cause error, until executors.Outcome) (store.Failure, error) {
	classified, handedBack := failure.Classify(cause), errors.Is(cause, errHandedBack)
	if handedBack {
		classified = failure.Wrap(cause, failure.Transient, "HANDED_BACK", "%v", cause)
	}
	lost := handedBack || classified.Code == store.CodeWorkerLost
	f := store.Failure{
		Class: classified.Class, Code: classified.Code, Message: message(classified.Message), Lost: lost,
		Retry: classified.Class.Retryable() && !r.lastEver && (lost || !r.last),
		Usage: encoded(until.Usage), Evidence: encoded(until.Evidence),
	}
	if f.Retry {
		if !lost {
			f.Delay = r.attempt.Retry.Delay(r.attempt.Failed+1, classified, r.random())
		}
		// Temporal takes a delay of zero for "as the policy says".
		f.Delay = max(f.Delay, time.Millisecond)
	}
	err := r.persist(ctx, func(ctx context.Context) error { return r.attempts.FailAttempt(ctx, r.attempt, f) })
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
