package workflows

import (
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
	// recordTimeout bounds one try of an activity that reads or writes a few records, and
	// so how long it takes to notice that its worker died.
	recordTimeout = heartbeatTimeout
	// wholeTimeout bounds one try of an activity that goes through all rows of an
	// execution; it sends heartbeats.
	wholeTimeout = 30 * time.Minute
)

// The states of an execution and of a job, as the records name them.
const (
	statePending   = "pending"
	stateRunning   = "running"
	statePaused    = "paused"
	stateStopping  = "stopping"
	stateStopped   = "stopped"
	stateCompleted = "completed"
	stateFailed    = "failed"

	jobFailed    = "failed"
	jobCancelled = "cancelled"
)

// recordOptions are those of activities that read or write a few records. They are
// retried without end: the database will be back, and an execution must not fail
// because it was away.
func recordOptions(ctx workflow.Context, plan contract.Plan, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: recordTimeout,
		Summary:             summary,
		Priority:            fairly(plan),
		RetryPolicy:         recordRetries(),
	})
}

// wholeOptions are those of activities that go through all rows of an execution.
func wholeOptions(ctx workflow.Context, plan contract.Plan, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: wholeTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		Summary:             summary,
		Priority:            fairly(plan),
		RetryPolicy:         recordRetries(),
	})
}

func recordRetries() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:        200 * time.Millisecond,
		BackoffCoefficient:     2,
		MaximumInterval:        10 * time.Second,
		NonRetryableErrorTypes: []string{contract.ErrorTypePermanent},
	}
}

// fairly has Temporal share its task queues out between organisations, where the
// server does that; others ignore it.
func fairly(plan contract.Plan) temporal.Priority {
	return temporal.Priority{FairnessKey: plan.OrganisationID}
}

// whose is the memo of the runs that a run starts.
func whose(plan contract.Plan) map[string]any {
	return map[string]any{contract.MemoOrganisation: plan.OrganisationID}
}

// Keys of the search attributes.
var (
	keyOrganisation = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeOrganisation)
	keyProject      = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeProject)
	keyBatch        = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeBatch)
	keyExecution    = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeExecution)
	keyState        = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeExecutionState)
)

// found are the search attributes by which everything of an execution is found.
func found(plan contract.Plan) []temporal.SearchAttributeUpdate {
	return []temporal.SearchAttributeUpdate{
		keyOrganisation.ValueSet(plan.OrganisationID),
		keyProject.ValueSet(plan.ProjectID),
		keyBatch.ValueSet(plan.BatchID),
		keyExecution.ValueSet(plan.ExecutionID),
	}
}
