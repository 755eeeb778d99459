package workflows

import (
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// Temporal warns at 10,240 events and 10 MB; a run moves on in time for the jobs
// that are still running to end within the line.
const (
	maxHistoryEvents = 9_000
	maxHistoryBytes  = 8 << 20
)

// BatchWorkflow runs one execution from its first job to its end.
func BatchWorkflow(ctx workflow.Context, in contract.BatchInput) (contract.BatchResult, error) {
	b := newBatch(ctx, in)
	if err := b.handleQueries(ctx); err != nil {
		return contract.BatchResult{}, err
	}
	return b.run(ctx)
}

// batch is the state of one run of the workflow.
type batch struct {
	in      contract.BatchInput
	plan    contract.Plan
	control control
	stats   tally

	// queue holds jobs that were read and not dispatched; cursor is the row of the
	// last one read; exhausted says that there are no more to read.
	queue     []contract.JobRef
	cursor    int
	exhausted bool
	reading   bool
	// failure says why the execution cannot go on; what runs still ends.
	failure string

	inFlight   map[string]contract.JobInFlight
	dispatched int

	mirror mirror
	// jobs is the context of the job activities; cancelJobs ends them at a stop
	// that cancels.
	jobs       workflow.Context
	cancelJobs workflow.CancelFunc
	cancelled  bool
}

func newBatch(ctx workflow.Context, in contract.BatchInput) *batch {
	b := &batch{in: in, inFlight: map[string]contract.JobInFlight{}, stats: newTally()}
	if c := in.Carried; c != nil {
		b.plan, b.cursor = c.Plan, c.AfterRow
		b.stats = carriedTally(c.Stats)
		b.control = control{paused: c.Paused, stop: c.Stop, concurrency: c.Stats.Concurrency, chosen: true}
		b.mirror.state, b.mirror.concurrency = c.RecordedState, c.RecordedConcurrency
	}
	// Everything below works on a context that outlives cancellation, which is a
	// stop and has records to write; jobs alone are cancelled.
	alive, _ := workflow.NewDisconnectedContext(ctx)
	b.jobs, b.cancelJobs = workflow.WithCancel(alive)
	return b
}

func (b *batch) run(ctx workflow.Context) (contract.BatchResult, error) {
	alive, _ := workflow.NewDisconnectedContext(ctx)
	b.listen(ctx, alive)
	if b.in.Carried == nil {
		if err := b.begin(alive); err != nil {
			return contract.BatchResult{}, err
		}
	}
	if b.plan.Ended {
		return b.finish(ctx, alive)
	}
	b.startMirror(alive)
	b.startReader(alive)
	for {
		err := workflow.Await(alive, func() bool {
			return b.canDispatch() || b.done() || b.mustMoveOn() || b.mustCancel()
		})
		if err != nil {
			return contract.BatchResult{}, err
		}
		switch {
		case b.mustCancel():
			b.cancelled = true
			b.cancelJobs()
		case b.done():
			return b.finish(ctx, alive)
		case b.canDispatch():
			b.dispatch()
		case b.mustMoveOn():
			return contract.BatchResult{}, b.moveOn(ctx, alive)
		}
	}
}

// listen applies control signals as they come, for as long as the workflow lives,
// and turns cancellation of the workflow into a stop that cancels.
func (b *batch) listen(ctx, alive workflow.Context) {
	workflow.GoNamed(alive, "control", func(alive workflow.Context) {
		channel := workflow.GetSignalChannel(alive, controlChannel)
		for {
			var ordered *commonpb.Payloads
			channel.Receive(alive, &ordered)
			b.control.receive(alive, ordered)
		}
	})
	workflow.GoNamed(alive, "cancellation", func(alive workflow.Context) {
		ctx.Done().Receive(alive, nil)
		b.control.requestStop(contract.StopCancel)
	})
}

// drainControl applies signals that were delivered and not yet seen. No call
// between it and the end of the run may yield, or a signal could slip in between.
func (b *batch) drainControl(ctx workflow.Context) {
	channel := workflow.GetSignalChannel(ctx, controlChannel)
	for {
		var ordered *commonpb.Payloads
		if !channel.ReceiveAsync(&ordered) {
			return
		}
		b.control.receive(ctx, ordered)
	}
}

// begin reads the plan and marks the execution running.
func (b *batch) begin(alive workflow.Context) error {
	err := workflow.ExecuteActivity(recordOptions(alive, "begin the execution"), contract.ActivityBegin, b.in.ExecutionID).Get(alive, &b.plan)
	if err != nil {
		return err
	}
	b.stats.started = workflow.Now(alive)
	b.stats.Total = b.plan.Total
	if !b.control.chosen {
		b.control.concurrency = contract.ClampConcurrency(b.plan.Concurrency)
	}
	// Begin has written the row so; the mirror writes what differs.
	b.mirror.state, b.mirror.concurrency = b.plan.RecordedState, b.plan.Concurrency
	return nil
}

// state is the execution's status as it holds now.
func (b *batch) state() string {
	switch {
	case b.plan.ExecutionID == "":
		return statePending
	case b.mirror.finalState != "":
		return b.mirror.finalState
	case b.control.stop != "":
		return stateStopping
	case b.control.paused:
		return statePaused
	}
	return stateRunning
}

// done: nothing runs, and nothing is to be started any more.
func (b *batch) done() bool {
	if len(b.inFlight) > 0 {
		return false
	}
	return b.control.stop != "" || (b.exhausted && len(b.queue) == 0)
}

func (b *batch) mustCancel() bool {
	return b.control.stop == contract.StopCancel && !b.cancelled
}

// historyDue: this run has grown enough.
func (b *batch) historyDue() bool {
	info := workflow.GetInfo(b.jobs)
	return b.dispatched >= b.plan.JobsPerRun ||
		info.GetCurrentHistoryLength() >= maxHistoryEvents ||
		info.GetCurrentHistorySize() >= maxHistoryBytes
}

// mustMoveOn: the run has grown enough, nothing runs and nothing is being read.
func (b *batch) mustMoveOn() bool {
	return b.historyDue() && len(b.inFlight) == 0 && !b.reading
}

// moveOn continues as new with what the next run needs to go on.
func (b *batch) moveOn(ctx, alive workflow.Context) error {
	b.mirror.close(alive)
	b.drainControl(alive)
	next := contract.BatchInput{
		Version:     contract.InputVersion,
		ExecutionID: b.in.ExecutionID,
		Carried: &contract.Carried{
			Plan: b.plan, Stats: b.snapshot(), AfterRow: b.lastDispatchedRow(),
			Paused: b.control.paused, Stop: b.control.stop,
			RecordedState: b.mirror.state, RecordedConcurrency: b.mirror.concurrency,
		},
	}
	return workflow.NewContinueAsNewError(ctx, contract.BatchWorkflow, next)
}

// lastDispatchedRow is where the next run reads on: jobs that were read and not
// dispatched are read again.
func (b *batch) lastDispatchedRow() int {
	if len(b.queue) > 0 {
		return b.queue[0].Row - 1
	}
	return b.cursor
}

// finish ends the execution in the records and gives the result as the rows have it.
func (b *batch) finish(ctx, alive workflow.Context) (contract.BatchResult, error) {
	b.mirror.close(alive)
	in := contract.FinishInput{
		ExecutionID: b.in.ExecutionID, OrganisationID: b.plan.OrganisationID, Status: stateCompleted,
	}
	switch {
	case b.control.stop != "":
		in.Status = stateStopped
		in.Reason = "stopped by request"
		if ctx.Err() != nil {
			in.Reason = "the workflow was cancelled"
		}
	case b.failure != "":
		in.Status, in.Reason = stateFailed, b.failure
	}
	var out contract.FinishResult
	err := workflow.ExecuteActivity(recordOptions(alive, "end the execution: "+in.Status), contract.ActivityFinish, in).Get(alive, &out)
	if err != nil {
		return contract.BatchResult{}, err
	}
	b.stats.Stats = out.Stats
	b.mirror.finalState = out.Status
	b.upsertState(alive, out.Status)
	b.describe(alive)
	b.drainControl(alive)
	result := contract.BatchResult{ExecutionID: b.in.ExecutionID, Status: out.Status, Reason: out.Reason, Stats: out.Stats}
	if ctx.Err() != nil {
		// The caller cancelled: close as cancelled, with the records in order.
		return result, temporal.NewCanceledError(result)
	}
	return result, nil
}
