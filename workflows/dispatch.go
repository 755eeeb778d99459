package workflows

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

const (
	// heartbeatTimeout bounds how long a dead worker goes unnoticed. Workers beat
	// well within it.
	heartbeatTimeout = 15 * time.Second
	// outcomeMargin is the time a job activity has, beyond the job's own deadline,
	// to write its outcome.
	outcomeMargin = time.Minute
	// recordTimeout bounds one try of an activity that only reads or writes records.
	recordTimeout = time.Minute
)

// recordOptions are those of activities that only read or write records. They are
// retried without end: the database will be back, and an execution must not fail
// because it was away.
func recordOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: recordTimeout,
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:        200 * time.Millisecond,
			BackoffCoefficient:     2,
			MaximumInterval:        10 * time.Second,
			NonRetryableErrorTypes: []string{contract.ErrorTypePermanent},
		},
	})
}

func (b *batch) jobOptions(ctx workflow.Context, ref contract.JobRef) workflow.Context {
	deadline := time.Duration(b.plan.JobTimeoutMS) * time.Millisecond
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: deadline + outcomeMargin,
		HeartbeatTimeout:    heartbeatTimeout,
		WaitForCancellation: true,
		Summary:             fmt.Sprintf("row %d · %s", ref.Row, ref.Site),
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Duration(b.plan.Retry.InitialIntervalMS) * time.Millisecond,
			BackoffCoefficient: b.plan.Retry.BackoffCoefficient,
			MaximumInterval:    time.Duration(b.plan.Retry.MaxIntervalMS) * time.Millisecond,
			// No MaximumAttempts: the activity counts attempts in the records, where an
			// outage of the database is none.
			NonRetryableErrorTypes: []string{contract.ErrorTypePermanent},
		},
	})
}

// canDispatch: there is a job, a free slot, and nobody who objects.
func (b *batch) canDispatch() bool {
	return len(b.queue) > 0 && len(b.inFlight) < b.control.concurrency &&
		!b.control.paused && b.control.stop == "" && !b.historyDue()
}

// dispatch starts the next job. What is dispatched, and how, is decided here alone.
func (b *batch) dispatch() {
	ref := b.queue[0]
	b.queue = b.queue[1:]
	b.dispatched++
	b.inFlight[ref.JobID] = contract.JobInFlight{
		JobID: ref.JobID, Row: ref.Row, Site: ref.Site,
		Since: workflow.Now(b.jobs).UTC().Format(time.RFC3339),
	}
	workflow.Go(b.jobs, func(ctx workflow.Context) {
		outcome := b.runJob(ctx, ref)
		delete(b.inFlight, ref.JobID)
		b.stats.add(outcome)
		b.describe(ctx)
	})
}

// runJob runs one job through all its attempts and returns what it came to.
func (b *batch) runJob(ctx workflow.Context, ref contract.JobRef) contract.JobOutcome {
	in := contract.RunJobInput{
		ExecutionID: b.plan.ExecutionID, OrganisationID: b.plan.OrganisationID,
		JobID: ref.JobID, MaxAttempts: b.plan.Retry.MaxAttempts,
	}
	var outcome contract.JobOutcome
	err := workflow.ExecuteActivity(b.jobOptions(ctx, ref), contract.ActivityRunJob, in).Get(ctx, &outcome)
	if err == nil {
		return outcome
	}
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) && failed.HasDetails() && failed.Details(&outcome) == nil && outcome.JobID != "" {
		return outcome
	}
	return b.recordLost(ctx, ref, err)
}

// recordLost has a job recorded that ended without having written its outcome: its
// worker died on the last attempt, or it was cancelled between two attempts.
func (b *batch) recordLost(ctx workflow.Context, ref contract.JobRef, cause error) contract.JobOutcome {
	in := contract.RecordLostInput{
		ExecutionID: b.plan.ExecutionID, OrganisationID: b.plan.OrganisationID, JobID: ref.JobID,
		Status: jobFailed, ErrorClass: classOf(cause), Message: messageOf(cause),
	}
	if temporal.IsCanceledError(cause) || b.cancelled {
		in.Status, in.ErrorClass, in.Message = jobCancelled, "", ""
	}
	outcome := contract.JobOutcome{JobID: ref.JobID, Status: in.Status, ErrorClass: in.ErrorClass}
	alive, _ := workflow.NewDisconnectedContext(ctx)
	summary := fmt.Sprintf("row %d · record the loss", ref.Row)
	err := workflow.ExecuteActivity(recordOptions(alive, summary), contract.ActivityRecordLost, in).Get(alive, &outcome)
	if err != nil {
		// Only a permanent refusal comes here: the job is not this execution's any
		// more. The end of the execution counts the rows whatever was counted here.
		workflow.GetLogger(alive).Error("a lost job could not be recorded", "job_id", ref.JobID, "error", err)
	}
	return outcome
}

// classOf gives a failure that came from Temporal, not from an attempt, its class.
func classOf(err error) string {
	if temporal.IsTimeoutError(err) {
		var timeout *temporal.TimeoutError
		if errors.As(err, &timeout) && timeout.TimeoutType().String() == "Heartbeat" {
			return contract.ErrorTypeTransient
		}
		return contract.ErrorTypeTimeout
	}
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) {
		switch failed.Type() {
		case contract.ErrorTypeTransient, contract.ErrorTypeRateLimit, contract.ErrorTypeTimeout,
			contract.ErrorTypeNetwork, contract.ErrorTypePermanent:
			return failed.Type()
		}
	}
	return contract.ErrorTypeTransient
}

func messageOf(err error) string {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return "the last attempt ended without a word: " + timeout.TimeoutType().String() + " timeout"
	}
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) {
		return failed.Message()
	}
	return err.Error()
}

// startReader reads pages of jobs ahead of the dispatch, so that no slot waits for a
// page.
func (b *batch) startReader(alive workflow.Context) {
	workflow.GoNamed(alive, "reader", func(ctx workflow.Context) {
		for {
			err := workflow.Await(ctx, func() bool { return b.wantsPage() || b.exhausted || b.control.stop != "" })
			if err != nil || b.exhausted || b.control.stop != "" {
				return
			}
			b.readPage(ctx)
		}
	})
}

func (b *batch) wantsPage() bool {
	return !b.exhausted && len(b.queue) <= contract.MaxConcurrency && !b.historyDue()
}

func (b *batch) readPage(ctx workflow.Context) {
	b.reading = true
	defer func() { b.reading = false }()
	in := contract.NextJobsInput{
		ExecutionID: b.plan.ExecutionID, OrganisationID: b.plan.OrganisationID,
		AfterRow: b.cursor, Limit: b.plan.PageSize,
	}
	var page contract.NextJobsResult
	summary := fmt.Sprintf("rows after %d", b.cursor)
	if err := workflow.ExecuteActivity(recordOptions(ctx, summary), contract.ActivityNextJobs, in).Get(ctx, &page); err != nil {
		// Only a permanent refusal comes here: there is nothing to read any more.
		workflow.GetLogger(ctx).Error("the jobs could not be read", "error", err)
		b.exhausted, b.failure = true, "the jobs could not be read: "+messageOf(err)
		return
	}
	b.queue = append(b.queue, page.Jobs...)
	if len(page.Jobs) > 0 {
		b.cursor = page.Jobs[len(page.Jobs)-1].Row
	}
	b.exhausted = len(page.Jobs) < b.plan.PageSize
}

// jobsInFlight lists running jobs in row order, for the query.
func (b *batch) jobsInFlight() []contract.JobInFlight {
	out := make([]contract.JobInFlight, 0, len(b.inFlight))
	for _, id := range workflow.DeterministicKeys(b.inFlight) {
		out = append(out, b.inFlight[id])
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Row < out[j].Row })
	return out
}
