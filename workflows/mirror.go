package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
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

	jobCompleted = "completed"
	jobFailed    = "failed"
	jobCancelled = "cancelled"
)

// mirror keeps the execution's row and search attributes at the control state. One
// coroutine does it, so that writes keep their order; what changes while a write is
// under way is written after it, the last state only.
type mirror struct {
	state       string
	concurrency int
	finalState  string
	started     bool
	closing     bool
	closed      bool
}

func (b *batch) startMirror(alive workflow.Context) {
	b.mirror.started = true
	b.upsertState(alive, b.state())
	workflow.GoNamed(alive, "mirror", func(ctx workflow.Context) {
		defer func() { b.mirror.closed = true }()
		for {
			err := workflow.Await(ctx, func() bool { return b.mirror.closing || b.mirrorStale() })
			if err != nil || b.mirror.closing {
				return
			}
			b.writeMirror(ctx)
		}
	})
}

func (b *batch) mirrorStale() bool {
	return b.mirror.state != b.state() || b.mirror.concurrency != b.control.concurrency
}

func (b *batch) writeMirror(ctx workflow.Context) {
	in := contract.RecordStateInput{
		ExecutionID: b.plan.ExecutionID, OrganisationID: b.plan.OrganisationID,
		State: b.state(), Concurrency: b.control.concurrency,
	}
	if in.State != b.mirror.state {
		b.upsertState(ctx, in.State)
	}
	err := workflow.ExecuteActivity(recordOptions(ctx, "record "+in.State), contract.ActivityRecordState, in).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Error("the state could not be recorded", "state", in.State, "error", err)
	}
	b.mirror.state, b.mirror.concurrency = in.State, in.Concurrency
	b.describe(ctx)
}

// close lets the mirror finish the write it is at and ends it.
func (m *mirror) close(ctx workflow.Context) {
	if !m.started {
		return
	}
	m.closing = true
	// The context is disconnected: only its coroutine's end ends the wait.
	_ = workflow.Await(ctx, func() bool { return m.closed })
}

// Keys of the search attributes.
var (
	keyOrganisation = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeOrganisation)
	keyProject      = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeProject)
	keyBatch        = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeBatch)
	keyExecution    = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeExecution)
	keyState        = temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeExecutionState)
)

func (b *batch) upsertState(ctx workflow.Context, state string) {
	err := workflow.UpsertTypedSearchAttributes(ctx,
		keyOrganisation.ValueSet(b.plan.OrganisationID),
		keyProject.ValueSet(b.plan.ProjectID),
		keyBatch.ValueSet(b.plan.BatchID),
		keyExecution.ValueSet(b.plan.ExecutionID),
		keyState.ValueSet(state),
	)
	if err != nil {
		workflow.GetLogger(ctx).Warn("the search attributes could not be set", "error", err)
	}
}
