package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// recorded is what the row says.
type recorded struct {
	state       string
	concurrency int
	reason      string
}

// mirror keeps the execution's row and search attributes at the control state. One
// coroutine does it, so that writes keep their order; what changes while a write is
// under way is written after it, the last state only.
type mirror struct {
	recorded

	finalState string
	started    bool
	writing    bool
	closing    bool
	closed     bool
}

func (b *batch) startMirror(alive workflow.Context) {
	b.mirror.started = true
	b.upsertState(alive, b.state())
	workflow.GoNamed(alive, "mirror", func(ctx workflow.Context) {
		defer func() { b.mirror.closed = true }()
		for {
			err := workflow.Await(ctx, func() bool { return b.mirror.closing || b.mirror.recorded != b.toRecord() })
			if err != nil || b.mirror.closing {
				return
			}
			b.writeMirror(ctx)
		}
	})
}

func (b *batch) toRecord() recorded {
	reason := b.control.reason
	if b.failure != "" {
		reason = b.failure
	}
	return recorded{b.state(), b.control.concurrency, reason}
}

func (b *batch) writeMirror(ctx workflow.Context) {
	b.mirror.writing = true
	defer func() { b.mirror.writing = false }()
	now := b.toRecord()
	in := contract.RecordStateInput{
		ExecutionID: b.plan.ExecutionID, OrganisationID: b.plan.OrganisationID,
		State: now.state, Concurrency: now.concurrency, Reason: now.reason,
	}
	if now.state != b.mirror.state {
		b.upsertState(ctx, now.state)
	}
	options := recordOptions(ctx, b.plan, "record "+now.state)
	if err := workflow.ExecuteActivity(options, contract.ActivityRecordState, in).Get(ctx, nil); err != nil {
		// Only a permanent refusal comes here: the row is not this execution's any more.
		workflow.GetLogger(ctx).Error("the state could not be recorded", "state", now.state, "error", err)
	}
	b.mirror.recorded = now
	b.describe(ctx)
}

// settled: what was asked so far holds everywhere. The row shows it, which holds back
// what was dispatched and not begun; and chunks that take rows have taken it over.
func (b *batch) settled() bool {
	if b.mirror.finalState != "" || b.control.closed {
		return true
	}
	if b.plan.ExecutionID == "" || b.mirror.writing || b.mirror.recorded != b.toRecord() {
		return false
	}
	for _, c := range b.chunks {
		if b.mustTell(c) || c.telling || !c.Report.Spent && c.Report.Epoch < b.control.epoch {
			return false
		}
	}
	return true
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

func (b *batch) upsertState(ctx workflow.Context, state string) {
	attributes := append(found(b.plan), keyState.ValueSet(state))
	if err := workflow.UpsertTypedSearchAttributes(ctx, attributes...); err != nil {
		workflow.GetLogger(ctx).Warn("the search attributes could not be set", "error", err)
	}
}
