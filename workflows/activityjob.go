package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// ActivityJob runs one job by the activity that its project names, on somebody else's
// task queue: attempt by attempt, each with its session before and its outcome after
// the call. Temporal retries the call itself never, so that no attempt goes unrecorded.
//
// Its history grows by some fifteen events an attempt, and a policy allows a hundred
// attempts, which stays within Temporal's limits.
func ActivityJob(ctx workflow.Context, in contract.ActivityJobInput) (contract.JobOutcome, error) {
	alive, _ := workflow.NewDisconnectedContext(ctx)
	for {
		outcome, delay, err := attemptCall(ctx, alive, in)
		if err != nil || outcome != nil {
			return valueOf(outcome), err
		}
		if err := workflow.Sleep(ctx, delay); err != nil {
			return contract.JobOutcome{}, err // cancelled between two attempts
		}
	}
}

func valueOf(outcome *contract.JobOutcome) contract.JobOutcome {
	if outcome == nil {
		return contract.JobOutcome{}
	}
	return *outcome
}

// attemptCall makes one attempt. It gives the outcome of the job, or the delay before
// the next attempt.
func attemptCall(ctx, alive workflow.Context, in contract.ActivityJobInput) (*contract.JobOutcome, time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	job := runJobInput(in.Plan, in.Job)
	var begun contract.BeginCallResult
	options := recordOptions(alive, in.Plan, "begin an attempt")
	if err := workflow.ExecuteActivity(options, contract.ActivityBeginCall, job).Get(alive, &begun); err != nil {
		return nil, 0, err
	}
	if begun.Outcome != nil {
		return begun.Outcome, 0, nil
	}
	end := contract.EndCallInput{RunJobInput: job, SessionID: begun.Request.SessionID, Attempt: begun.Request.Attempt}
	var result contract.ActivityResult
	err := workflow.ExecuteActivity(callOptions(ctx, in), in.Plan.Call.ActivityType, begun.Request).Get(ctx, &result)
	if err == nil {
		end.Result, end.Failure = handedOn(result)
	} else {
		end.Failure = callFailure(ctx, err)
	}
	var ended contract.EndCallResult
	options = recordOptions(alive, in.Plan, fmt.Sprintf("end attempt %d", begun.Request.Attempt))
	if err := workflow.ExecuteActivity(options, contract.ActivityEndCall, end).Get(alive, &ended); err != nil {
		return nil, 0, err
	}
	return ended.Outcome, time.Duration(ended.RetryDelayMS) * time.Millisecond, nil
}

const (
	// maxHandedOn bounds the JSON of a result that is handed on to be written. It stays
	// clear of Temporal's 2 MiB for a payload: what came in under that need not go out.
	maxHandedOn = 3 << 19
	// maxMessage bounds the message of a failure, in bytes.
	maxMessage = 2_000
)

// handedOn gives the result of a call in a size that can be handed on, or says that it
// has none. What it holds for people who debug is left out first.
func handedOn(result contract.ActivityResult) (*contract.ActivityResult, *contract.CallFailure) {
	if size := jsonSize(result); size > maxHandedOn && len(result.Raw) > 0 {
		result.Raw = json.RawMessage(fmt.Sprintf(`{"omitted":"too large","bytes":%d}`, len(result.Raw)))
	}
	if size := jsonSize(result); size > maxHandedOn {
		return nil, tooLarge(fmt.Sprintf("the result has %d bytes", size))
	}
	return &result, nil
}

func tooLarge(message string) *contract.CallFailure {
	return &contract.CallFailure{Class: contract.ErrorTypePermanent, Code: "RESULT_TOO_LARGE", Message: message}
}

// jsonSize is the size of what was read from JSON, as JSON.
func jsonSize(result contract.ActivityResult) int {
	//workflowcheck:ignore (maps are written in the order of their keys)
	text, err := json.Marshal(result)
	if err != nil {
		return 0
	}
	return len(text)
}

func callOptions(ctx workflow.Context, in contract.ActivityJobInput) workflow.Context {
	call := in.Plan.Call
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              call.TaskQueue,
		StartToCloseTimeout:    time.Duration(in.Plan.JobTimeoutMS) * time.Millisecond,
		ScheduleToStartTimeout: time.Duration(call.StartTimeoutMS) * time.Millisecond,
		HeartbeatTimeout:       time.Duration(call.HeartbeatTimeoutMS) * time.Millisecond,
		WaitForCancellation:    call.HeartbeatTimeoutMS > 0,
		Summary:                fmt.Sprintf("row %d · %s", in.Job.Row, in.Job.Site),
		Priority:               fairly(in.Plan),
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// callFailure says how a call failed, in the terms of the records.
func callFailure(ctx workflow.Context, err error) *contract.CallFailure {
	if ctx.Err() != nil || temporal.IsCanceledError(err) {
		return &contract.CallFailure{Cancelled: true}
	}
	f := &contract.CallFailure{Class: contract.ErrorTypeTransient, Code: "ACTIVITY_FAILED", Message: err.Error()}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return timeoutFailure(timeout)
	}
	var called *temporal.ActivityError
	if !errors.As(err, &called) {
		// There is an answer that is no ActivityResult; another call would bring the same.
		f.Class, f.Code = contract.ErrorTypePermanent, "RESULT_UNREADABLE"
		return f
	}
	var server *temporal.ServerError
	if errors.As(err, &server) {
		// Temporal itself fails an activity for what it would not carry, and only that.
		return tooLarge(server.Error())
	}
	var failed *temporal.ApplicationError
	if !errors.As(err, &failed) {
		return f
	}
	f.Message = failed.Message()
	if len(f.Message) > maxMessage {
		f.Message = strings.ToValidUTF8(f.Message[:maxMessage], "")
	}
	f.RetryAfterMS = failed.NextRetryDelay().Milliseconds()
	switch {
	case failed.NonRetryable():
		f.Class = contract.ErrorTypePermanent
	case isClass(failed.Type()):
		f.Class = failed.Type()
	}
	return f
}

func timeoutFailure(timeout *temporal.TimeoutError) *contract.CallFailure {
	switch timeout.TimeoutType() {
	case enumspb.TIMEOUT_TYPE_HEARTBEAT:
		return &contract.CallFailure{
			Class: contract.ErrorTypeTransient, Code: "WORKER_LOST", Message: "the activity's worker went silent", Lost: true,
		}
	case enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START:
		return &contract.CallFailure{
			Class: contract.ErrorTypeTimeout, Code: "NO_WORKER", Message: "no worker of the activity's task queue took the job in time",
		}
	case enumspb.TIMEOUT_TYPE_UNSPECIFIED, enumspb.TIMEOUT_TYPE_START_TO_CLOSE, enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
	}
	return &contract.CallFailure{Class: contract.ErrorTypeTimeout, Code: "DEADLINE_EXCEEDED", Message: "the activity's deadline passed"}
}
