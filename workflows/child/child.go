// Package child runs BatchWorkflow as a child of a workflow of another module: a batch of
// sites as one step of something larger.
//
// The contract is authoritative; this package only sets what is easily forgotten: the
// task queue, what becomes of the batch when its parent is cancelled or ends, and what it
// is found by in the Temporal Web UI. Callers in other languages do the same by hand.
//
// A workflow id runs one execution. A child whose id ran one before is refused, by
// Temporal when that completed, else with contract.ErrorTypeClaimed; so a parent that
// chooses the id has its batch run once, however often it is run itself.
//
// Failure: an input that cannot be run ends the child with an ApplicationError of type
// contract.ErrorTypeInvalidInput. An execution that was stopped, or that failed more
// than it tolerates, is a result with that status and no error. A child that was
// cancelled gives both: its result, and a CanceledError.
package child

import (
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// Options say how the child runs; zero members have a default.
type Options struct {
	// WorkflowID is the child's. The default is the one that the API would give to an
	// execution that is named by its id, and else one that the SDK makes up.
	WorkflowID string
	// TaskQueue is the one that MINO's workers poll; the default is contract.TaskQueue.
	TaskQueue string
	// OnCancel says what cancellation of the parent does to running jobs: cancel them,
	// which is the default, or let them finish. Either way the parent hears of the end
	// when everything is recorded. It comes before the input's.
	OnCancel contract.StopMode
	// ParentClosePolicy says what the end of the parent does to the child; the default
	// is to request its cancellation.
	ParentClosePolicy enumspb.ParentClosePolicy
	// Summary is shown in the Temporal Web UI; the default says what is run.
	Summary string
}

// Batch is a child that was started.
type Batch struct{ future workflow.ChildWorkflowFuture }

// Run runs a batch to its end.
func Run(ctx workflow.Context, in contract.BatchInput, o Options) (contract.BatchResult, error) {
	return Start(ctx, in, o).Result(ctx)
}

// Start starts a batch. It does not wait: what goes wrong is told by Result.
func Start(ctx workflow.Context, in contract.BatchInput, o Options) *Batch {
	if in.Version == 0 {
		in.Version = contract.InputVersion
	}
	if o.OnCancel != "" {
		in.OnCancel = o.OnCancel
	}
	ctx = workflow.WithChildOptions(ctx, options(in, o))
	return &Batch{future: workflow.ExecuteChildWorkflow(ctx, contract.BatchWorkflow, in)}
}

func options(in contract.BatchInput, o Options) workflow.ChildWorkflowOptions {
	if o.WorkflowID == "" && in.ExecutionID != "" {
		o.WorkflowID = contract.WorkflowID(in.ExecutionID)
	}
	if o.TaskQueue == "" {
		o.TaskQueue = contract.TaskQueue
	}
	if o.ParentClosePolicy == enumspb.PARENT_CLOSE_POLICY_UNSPECIFIED {
		o.ParentClosePolicy = enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL
	}
	if o.Summary == "" {
		o.Summary = summary(in)
	}
	return workflow.ChildWorkflowOptions{
		WorkflowID: o.WorkflowID,
		TaskQueue:  o.TaskQueue,
		// One that ended before it had an execution, for a bad input say, may be run again.
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		ParentClosePolicy:     o.ParentClosePolicy,
		// Cancelled is not ended: there are records to write, and a result to hear.
		WaitForCancellation:   true,
		StaticSummary:         o.Summary,
		TypedSearchAttributes: temporal.NewSearchAttributes(found(in)...),
	}
}

// found are the search attributes that are known before the child has begun; it sets
// the others itself.
func found(in contract.BatchInput) []temporal.SearchAttributeUpdate {
	updates := []temporal.SearchAttributeUpdate{keyword(contract.SearchAttributeExecutionState, "pending")}
	for _, known := range []struct{ name, value string }{
		{contract.SearchAttributeExecution, in.ExecutionID},
		{contract.SearchAttributeBatch, in.BatchID},
		{contract.SearchAttributeProject, in.ProjectID},
	} {
		if known.value != "" {
			updates = append(updates, keyword(known.name, known.value))
		}
	}
	return updates
}

func keyword(name, value string) temporal.SearchAttributeUpdate {
	return temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value)
}

func summary(in contract.BatchInput) string {
	switch {
	case in.Options != nil && in.Options.Name != "":
		return in.Options.Name
	case in.ExecutionID != "":
		return "execution " + in.ExecutionID
	case in.BatchID != "":
		return "batch " + in.BatchID
	default:
		return fmt.Sprintf("%d items", len(in.Items))
	}
}

// Future is the child's future, for selectors and for what this package does not do.
func (b *Batch) Future() workflow.ChildWorkflowFuture { return b.future }

// Result waits for the end of the batch. When the child was cancelled there is a result
// beside the error, as long as it got so far as to have one.
func (b *Batch) Result(ctx workflow.Context) (contract.BatchResult, error) {
	var result contract.BatchResult
	err := b.future.Get(ctx, &result)
	var cancelled *temporal.CanceledError
	if errors.As(err, &cancelled) && cancelled.HasDetails() {
		if unread := cancelled.Details(&result); unread != nil {
			return contract.BatchResult{}, fmt.Errorf("%w; its result cannot be read: %w", err, unread)
		}
	}
	return result, err
}

// Pause has no further job start; running ones finish.
func (b *Batch) Pause(ctx workflow.Context) error { return b.signal(ctx, contract.SignalPause, nil) }

// Resume goes on after a pause.
func (b *Batch) Resume(ctx workflow.Context) error { return b.signal(ctx, contract.SignalResume, nil) }

// Stop ends the batch; running jobs finish, or are cancelled.
func (b *Batch) Stop(ctx workflow.Context, mode contract.StopMode) error {
	return b.signal(ctx, contract.SignalStop, contract.StopRequest{Mode: mode})
}

// SetConcurrency changes how many jobs run at once; a value out of bounds is brought
// within them.
func (b *Batch) SetConcurrency(ctx workflow.Context, value int) error {
	return b.signal(ctx, contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: value})
}

// signal waits until the child is started and has the signal, which it obeys in the
// order of arrival. It does not wait until the change holds.
func (b *Batch) signal(ctx workflow.Context, name string, payload any) error {
	return b.future.SignalChildWorkflow(ctx, name, payload).Get(ctx, nil)
}
