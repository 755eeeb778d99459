package workflows

import (
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// dispatch starts the next job. What is dispatched, and how, is decided here and in
// execute alone.
func (c *chunk) dispatch() {
	ref := c.next()
	c.enterSite(ref.Site)
	c.furthest = max(c.furthest, ref.Row)
	c.inFlight[ref.JobID] = contract.JobInFlight{
		JobID: ref.JobID, Row: ref.Row, Site: ref.Site,
		Since: workflow.Now(c.jobs).UTC().Format(time.RFC3339),
	}
	workflow.Go(c.jobs, func(ctx workflow.Context) {
		outcome := c.runJob(ctx, ref)
		delete(c.inFlight, ref.JobID)
		if outcome.Status == contract.StatusDeferred {
			c.deferJob(ctx, ref, time.Duration(outcome.DeferMS)*time.Millisecond)
			return
		}
		c.leaveSite(ref.Site)
		if outcome.Status == contract.StatusHeld {
			if outcome.Pause != "" {
				c.asks = outcome.Pause
			}
			c.takeBack(ctx, ref)
			return
		}
		c.tally.Count(outcome)
		c.checkTolerance()
	})
}

// next takes the job that is to be dispatched: one that was held back first, of those whose
// sites take them.
func (c *chunk) next() (ref contract.JobRef) {
	from := &c.again
	i := c.nextQueued(c.again)
	if i < 0 {
		from, i = &c.queue, c.nextQueued(c.queue)
	}
	ref = (*from)[i]
	*from = slices.Delete(*from, i, i+1)
	return ref
}

// takeBack deals with a job that was dispatched and not begun, because the row says
// that the execution is paused or stopping. It is still queued: this chunk dispatches
// it again, or gives it back at its end.
func (c *chunk) takeBack(ctx workflow.Context, ref contract.JobRef) {
	if c.spent {
		c.giveBack(ref)
		return
	}
	c.again = append(c.again, ref)
	if c.control.Hold || c.waiting || c.asks != "" {
		return
	}
	// The row knew first, or it was resumed meanwhile: not at once again.
	c.waiting = true
	_ = workflow.Sleep(ctx, holdPause) // a cancelled context has nothing dispatched any more
	c.waiting = false
}

// giveBack notes a row that is to be taken by another chunk, once nothing of this one
// can begin it any more. It may have begun: an attempt that failed, and whose next one was
// deferred.
func (c *chunk) giveBack(ref contract.JobRef) {
	if c.returned == nil {
		c.returned = &contract.RowRange{AfterRow: ref.Row - 1, UntilRow: ref.Row, TakeOver: true}
	}
	c.returned.AfterRow = min(c.returned.AfterRow, ref.Row-1)
	c.returned.UntilRow = max(c.returned.UntilRow, ref.Row)
}

// runJob runs one job through all its attempts and returns what it came to.
func (c *chunk) runJob(ctx workflow.Context, ref contract.JobRef) contract.JobOutcome {
	var outcome contract.JobOutcome
	err := c.execute(ctx, ref).Get(ctx, &outcome)
	if err == nil {
		return outcome
	}
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) && failed.HasDetails() && failed.Details(&outcome) == nil && outcome.JobID != "" {
		return outcome
	}
	return c.recordLost(ctx, ref, err)
}

// execute starts what does the job: an activity of ours, or a workflow that has
// somebody else's do it.
func (c *chunk) execute(ctx workflow.Context, ref contract.JobRef) workflow.Future {
	summary := fmt.Sprintf("row %d · %s", ref.Row, ref.Site)
	if c.plan.Call != nil {
		options := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			// A chunk that takes over has a number, and so ids, of its own.
			WorkflowID:            fmt.Sprintf("%s-row-%d", chunkWorkflowID(c.plan.ExecutionID, c.in.Number), ref.Row),
			ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
			WaitForCancellation:   true,
			StaticSummary:         summary,
			TypedSearchAttributes: temporal.NewSearchAttributes(found(c.plan)...),
			Memo:                  whose(c.plan),
			Priority:              fairly(c.plan),
		})
		in := contract.ActivityJobInput{Version: contract.InputVersion, Plan: c.plan, Job: ref}
		return workflow.ExecuteChildWorkflow(options, contract.ActivityJob, in)
	}
	deadline := time.Duration(c.plan.JobTimeoutMS) * time.Millisecond
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           c.plan.JobTaskQueue,
		StartToCloseTimeout: deadline + outcomeMargin,
		HeartbeatTimeout:    heartbeatTimeout,
		WaitForCancellation: true,
		Summary:             summary,
		Priority:            fairly(c.plan),
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Duration(c.plan.Retry.InitialIntervalMS) * time.Millisecond,
			BackoffCoefficient: c.plan.Retry.BackoffCoefficient,
			MaximumInterval:    time.Duration(c.plan.Retry.MaxIntervalMS) * time.Millisecond,
			// No MaximumAttempts: the activity counts attempts in the records, where an
			// outage of the database is none.
			NonRetryableErrorTypes: []string{contract.ErrorTypePermanent},
		},
	})
	return workflow.ExecuteActivity(options, contract.ActivityRunJob, runJobInput(c.plan, ref))
}

func runJobInput(plan contract.Plan, ref contract.JobRef) contract.RunJobInput {
	return contract.RunJobInput{
		ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID,
		JobID: ref.JobID, MaxAttempts: plan.Retry.MaxAttempts, Site: ref.Site,
	}
}

// recordLost has a job recorded that ended without having written its outcome: its
// worker died on the last attempt, or it was cancelled between two attempts.
func (c *chunk) recordLost(ctx workflow.Context, ref contract.JobRef, cause error) contract.JobOutcome {
	in := contract.RecordLostInput{
		ExecutionID: c.plan.ExecutionID, OrganisationID: c.plan.OrganisationID, JobID: ref.JobID,
		Status: jobFailed, ErrorClass: classOf(cause), Message: messageOf(cause),
	}
	if temporal.IsCanceledError(cause) || c.cancelled {
		in.Status, in.ErrorClass, in.Message = jobCancelled, "", ""
	}
	outcome := contract.JobOutcome{JobID: ref.JobID, Status: in.Status, ErrorClass: in.ErrorClass}
	alive, _ := workflow.NewDisconnectedContext(ctx)
	options := recordOptions(alive, c.plan, fmt.Sprintf("row %d · record the loss", ref.Row))
	if err := workflow.ExecuteActivity(options, contract.ActivityRecordLost, in).Get(alive, &outcome); err != nil {
		// Only a permanent refusal comes here: the job is not this execution's any
		// more. The end of the execution counts the rows whatever was counted here.
		workflow.GetLogger(alive).Error("a lost job could not be recorded", "job_id", ref.JobID, "error", err)
	}
	return outcome
}

// classOf gives a failure that came from Temporal, not from an attempt, its class.
func classOf(err error) string {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		if timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_HEARTBEAT {
			return contract.ErrorTypeTransient
		}
		return contract.ErrorTypeTimeout
	}
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) && isClass(failed.Type()) {
		return failed.Type()
	}
	return contract.ErrorTypeTransient
}

func isClass(errorType string) bool {
	switch errorType {
	case contract.ErrorTypeTransient, contract.ErrorTypeRateLimit, contract.ErrorTypeTimeout,
		contract.ErrorTypeNetwork, contract.ErrorTypePermanent:
		return true
	}
	return false
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
