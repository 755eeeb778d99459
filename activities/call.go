package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// callOf says whom to call for the jobs of a snapshot; nil when they are done here. queues
// are the task queues that the organisation may name, nil for any but MINO's own.
func (a *Activities) callOf(snapshot models.Snapshot, queues []string) (*executors.Call, error) {
	caller, ok := a.executors[snapshot.Executor].(executors.Caller)
	if !ok {
		return nil, nil
	}
	call, err := caller.Call(snapshot.Settings, queues)
	if err != nil {
		return nil, permanent(fmt.Errorf("settings of the %s executor: %w", snapshot.Executor, err))
	}
	return &call, nil
}

// callPlan says whom to call for the jobs of an execution. What the organisation may name
// is asked anew: the project was perhaps written when it might name more.
func (a *Activities) callPlan(ctx context.Context, e *models.Execution) (*contract.CallPlan, error) {
	if _, calls := a.executors[e.Snapshot.Executor].(executors.Caller); !calls {
		return nil, nil
	}
	organisation, err := a.executions.Organisation(ctx, e.OrganisationID)
	if err != nil {
		return nil, recordsError(err)
	}
	call, err := a.callOf(e.Snapshot, organisation.TaskQueues)
	if call == nil || err != nil {
		return nil, err
	}
	return &contract.CallPlan{
		ActivityType: call.ActivityType, TaskQueue: call.TaskQueue,
		HeartbeatTimeoutMS: call.HeartbeatTimeout.Milliseconds(), StartTimeoutMS: call.StartTimeout.Milliseconds(),
	}, nil
}

// BeginCall begins an attempt at a job that somebody else's activity does, and gives
// what that is called with.
func (a *Activities) BeginCall(ctx context.Context, in contract.RunJobInput) (contract.BeginCallResult, error) {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID, in.JobID)
	if err != nil {
		return contract.BeginCallResult{}, err
	}
	attempt, ended, err := a.attempts.BeginAttempt(ctx, ids[0], ids[1], ids[2], a.config.Identity)
	switch {
	case errors.Is(err, models.ErrHeld):
		return contract.BeginCallResult{Outcome: &contract.JobOutcome{JobID: in.JobID, Status: contract.StatusHeld}}, nil
	case err != nil:
		return contract.BeginCallResult{}, recordsError(err)
	case ended != nil:
		outcome := outcomeOf(ended)
		return contract.BeginCallResult{Outcome: &outcome}, nil
	}
	r := a.runOf(attempt, in)
	if r.overdrawn() {
		f, err := r.writeFailure(ctx, errOverdrawn, executors.Outcome{})
		if err != nil {
			return contract.BeginCallResult{}, err
		}
		outcome := r.failedOutcome(f)
		return contract.BeginCallResult{Outcome: &outcome}, nil
	}
	call, err := a.callOf(attempt.Snapshot, nil)
	if err != nil {
		return contract.BeginCallResult{}, err
	}
	if call == nil {
		return contract.BeginCallResult{}, permanent(fmt.Errorf("the %s executor calls no activity", attempt.Snapshot.Executor))
	}
	return contract.BeginCallResult{Request: requestOf(attempt, call.Input)}, nil
}

func requestOf(attempt *store.Attempt, input json.RawMessage) *contract.ActivityRequest {
	request := &contract.ActivityRequest{
		Version: contract.CallVersion, ExecutionID: attempt.ExecutionID.String(), JobID: attempt.JobID.String(),
		SessionID: attempt.SessionID.String(), Attempt: attempt.Number, Row: attempt.RowNumber,
		URL: attempt.SiteURL, Input: attempt.Input, Instruction: attempt.Snapshot.Instruction,
		Fields: []contract.RequestedField{}, TimeoutMS: attempt.Snapshot.JobTimeoutMS, Settings: input,
	}
	if request.Input == nil {
		request.Input = map[string]string{}
	}
	for _, f := range attempt.Snapshot.Fields {
		request.Fields = append(request.Fields, contract.RequestedField{
			Name: f.Name, Type: string(f.Type), Required: f.Required, Values: f.Values,
		})
	}
	return request
}

// EndCall writes what came of such an attempt: its result, scored, or its failure. When
// it has been written before, it says again what came of it.
func (a *Activities) EndCall(ctx context.Context, in contract.EndCallInput) (contract.EndCallResult, error) {
	ids, err := parseIDs(in.OrganisationID, in.SessionID)
	if err != nil {
		return contract.EndCallResult{}, err
	}
	attempt, job, err := a.attempts.ResumeAttempt(ctx, ids[0], ids[1])
	if err != nil {
		return contract.EndCallResult{}, recordsError(err)
	}
	if job != nil {
		return endedBefore(job)
	}
	out, err := a.runOf(attempt, in.RunJobInput).endCall(ctx, in)
	if errors.Is(err, models.ErrStaleAttempt) {
		// What came first may be its own write, whose answer was lost.
		if _, job, lookErr := a.attempts.ResumeAttempt(ctx, ids[0], ids[1]); lookErr == nil && job != nil {
			return endedBefore(job)
		}
	}
	return out, err
}

// endedBefore gives what an attempt came to that has ended: the end of the job, or a
// wait for the next attempt.
func endedBefore(job *models.Job) (contract.EndCallResult, error) {
	if job.Status.Terminal() {
		outcome := outcomeOf(job)
		return contract.EndCallResult{Outcome: &outcome}, nil
	}
	if job.NextAttemptAt == nil {
		return contract.EndCallResult{}, recordsError(models.ErrStaleAttempt)
	}
	// By this process's clock: it only shifts the next attempt a little.
	return contract.EndCallResult{RetryDelayMS: max(time.Until(*job.NextAttemptAt).Milliseconds(), 1)}, nil
}

func (r *jobRun) endCall(ctx context.Context, in contract.EndCallInput) (contract.EndCallResult, error) {
	var (
		cause   error
		outcome executors.Outcome
	)
	switch {
	case in.Failure != nil && in.Failure.Cancelled:
		if err := r.writeCancel(ctx, outcome); err != nil {
			return contract.EndCallResult{}, r.unwritten(err)
		}
		cancelled := r.cancelledOutcome(r.used(outcome))
		return contract.EndCallResult{Outcome: &cancelled}, nil
	case in.Failure != nil:
		cause = failureOf(in.Failure)
	case in.Result != nil:
		outcome = outcomeOfResult(r.attempt, in.Result)
		if err := r.checkpoint(ctx, in.Result.RemoteRunID); err != nil {
			return contract.EndCallResult{}, err
		}
		done, refused, err := r.writeSuccess(ctx, outcome)
		if err != nil {
			return contract.EndCallResult{}, err
		}
		if refused == nil {
			return contract.EndCallResult{Outcome: &done}, nil
		}
		cause = refused
	default:
		cause = failure.New(failure.Permanent, "NO_RESULT", "the activity returned nothing")
	}
	f, err := r.writeFailure(ctx, cause, outcome)
	switch {
	case err != nil:
		return contract.EndCallResult{}, err
	case f.Retry:
		return contract.EndCallResult{RetryDelayMS: max(f.Delay.Milliseconds(), 1)}, nil
	}
	failed := r.failedOutcome(f)
	return contract.EndCallResult{Outcome: &failed}, nil
}

// checkpoint stores the id of the remote run, when there is one.
func (r *jobRun) checkpoint(ctx context.Context, remoteRunID string) error {
	if remoteRunID == "" {
		return nil
	}
	err := r.persist(ctx, persistFor, func(ctx context.Context) error { return r.attempts.Checkpoint(ctx, r.attempt, clean(remoteRunID)) })
	if err != nil {
		return r.unwritten(err)
	}
	return nil
}

func failureOf(f *contract.CallFailure) error {
	classified := failure.New(failure.Class(f.Class), message(f.Code), "%s", f.Message)
	classified.RetryAfter = time.Duration(f.RetryAfterMS) * time.Millisecond
	if f.Lost {
		classified.Code = store.CodeWorkerLost
	}
	return classified
}

// outcomeOfResult brings what the activity returned into the form of an outcome: values
// in the canonical form of their type; what is no value of it stays as it is, and makes
// the result schema_invalid.
func outcomeOfResult(attempt *store.Attempt, result *contract.ActivityResult) executors.Outcome {
	fields := make(map[string]any, len(result.Fields))
	for _, f := range attempt.Snapshot.Fields {
		value, there := result.Fields[f.Name]
		if !there || value == nil {
			continue
		}
		fields[f.Name] = value
		if canonical, err := parse.Canonical(f, value); err == nil {
			fields[f.Name] = canonical
		}
	}
	return executors.Outcome{
		Fields: fields, Raw: rawResult(result), Blocked: result.Blocked,
		Usage:    executors.Usage{Steps: result.Steps, CostMicros: max(result.CostMicros, 0), Currency: result.Currency},
		Evidence: executors.Evidence{FinalURL: result.FinalURL},
	}
}

// rawResult is what is kept for people who debug: what the activity says is raw, or all
// of its fields.
func rawResult(result *contract.ActivityResult) json.RawMessage {
	if len(result.Raw) > 0 {
		return result.Raw
	}
	return encoded(result.Fields)
}
