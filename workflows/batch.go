package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// Temporal warns at 10,240 events and 10 MB. BatchWorkflow moves on far from the line: a
// worker that does not have the run in its cache replays it before it answers, and who
// asked for a pause waits meanwhile. It prefers a moment at which nobody waits, but not
// for longer than slackEvents.
const (
	maxBatchEvents = 1_500
	slackEvents    = 500
	maxBatchBytes  = 4 << 20
)

// BatchWorkflow runs one execution from its first job to its end.
func BatchWorkflow(ctx workflow.Context, in contract.BatchInput) (contract.BatchResult, error) {
	b := newBatch(ctx, in)
	if err := b.handle(ctx); err != nil {
		return contract.BatchResult{}, err
	}
	return b.run(ctx)
}

// batch is the state of one run of the workflow.
type batch struct {
	in      contract.BatchInput
	plan    contract.Plan
	control control
	// tally counts the jobs of chunks that have ended; the others report theirs.
	tally     contract.Tally
	startedAt string
	// failure says why the execution cannot go on; what runs still ends.
	failure string
	// rearmedEnded and rearmedFailed are what the failure tolerance leaves out.
	rearmedEnded, rearmedFailed int

	// chunks are the ones that have not ended, by number. The next one takes rows after
	// afterRow, or a gap that a dead one has left; exhausted says that no row is left.
	chunks    []*liveChunk
	nextChunk int
	afterRow  int
	exhausted bool
	gaps      []contract.RowRange
	takeOvers int

	mirror mirror
	// steps counts what this run has dealt with.
	steps int
}

func newBatch(ctx workflow.Context, in contract.BatchInput) *batch {
	b := &batch{in: in, tally: contract.NewTally(), nextChunk: 1}
	b.control.resumed = b.rearm
	c := in.Carried
	if c == nil {
		return b
	}
	b.plan, b.tally, b.startedAt, b.failure = c.Plan, c.Tally, c.StartedAt, c.Failure
	b.control.paused, b.control.reason, b.control.stop = c.Paused, c.Reason, c.Stop
	b.control.concurrency, b.control.chosen, b.control.epoch = c.Concurrency, true, c.Epoch
	b.rearmedEnded, b.rearmedFailed = c.RearmedEnded, c.RearmedFailed
	b.nextChunk, b.afterRow, b.exhausted = c.NextChunk, c.AfterRow, c.Exhausted
	b.gaps, b.takeOvers = c.Gaps, c.TakeOvers
	for _, live := range c.Chunks {
		b.chunks = append(b.chunks, &liveChunk{LiveChunk: live, heard: workflow.Now(ctx)})
	}
	b.mirror.recorded = recorded{c.RecordedState, c.RecordedConcurrency, c.RecordedReason}
	return b
}

func (b *batch) run(ctx workflow.Context) (contract.BatchResult, error) {
	// Everything works on a context that outlives cancellation, which is a stop and has
	// records to write.
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
	b.watchCarried(alive)
	for {
		err := workflow.Await(alive, func() bool {
			return b.done() || b.wantsChunk() || b.nextToTell() != nil || b.mustMoveOn(alive)
		})
		if err != nil {
			return contract.BatchResult{}, err
		}
		switch {
		case b.done():
			return b.finish(ctx, alive)
		case b.mustMoveOn(alive):
			return contract.BatchResult{}, b.moveOn(ctx, alive)
		case b.nextToTell() != nil:
			b.tell(alive, b.nextToTell())
		default:
			b.startChunk(alive)
		}
	}
}

// begin makes the execution if it is to be made here, reads the plan and marks the
// execution running.
func (b *batch) begin(alive workflow.Context) error {
	id, err := b.prepare(alive)
	if err != nil {
		return err
	}
	in := contract.BeginInput{ExecutionID: id, WorkflowID: workflow.GetInfo(alive).WorkflowExecution.ID}
	options := recordOptions(alive, b.plan, "begin the execution")
	if err := workflow.ExecuteActivity(options, contract.ActivityBegin, in).Get(alive, &b.plan); err != nil {
		return err
	}
	b.startedAt = b.plan.StartedAt
	if !b.control.chosen {
		b.control.concurrency, b.control.chosen = contract.ClampConcurrency(b.plan.Concurrency), true
	}
	// Begin has written the row so; the mirror writes what differs.
	b.mirror.recorded = recorded{b.plan.RecordedState, b.plan.Concurrency, ""}
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
	if len(b.chunks) > 0 {
		return false
	}
	return b.control.stop != "" || b.failure != "" || b.exhausted && len(b.gaps) == 0
}

// historyDue: this run has grown enough.
func (b *batch) historyDue(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	events := info.GetCurrentHistoryLength()
	return b.steps >= b.plan.StepsPerRun || info.GetCurrentHistorySize() >= maxBatchBytes ||
		events >= maxBatchEvents && b.settled() || events >= maxBatchEvents+slackEvents
}

// mustMoveOn: the run has grown enough, and nothing is under way that only this run
// would hear the end of. Jobs are under way in chunks, which go on.
func (b *batch) mustMoveOn(ctx workflow.Context) bool {
	if !b.historyDue(ctx) || b.mirror.writing || !workflow.AllHandlersFinished(ctx) {
		return false
	}
	for _, c := range b.chunks {
		if c.starting || c.telling {
			return false
		}
	}
	return true
}

// moveOn continues as new with what the next run needs to go on. Between the drain and
// the end no call may yield, or a signal could slip in between.
func (b *batch) moveOn(ctx, alive workflow.Context) error {
	b.drain(alive)
	next := contract.BatchInput{
		Version:     contract.InputVersion,
		ExecutionID: b.plan.ExecutionID, IncludeResults: b.in.IncludeResults, OnCancel: b.in.OnCancel,
		Carried: &contract.Carried{
			Plan: b.plan, Tally: b.tally, StartedAt: b.startedAt,
			Paused: b.control.paused, Reason: b.control.reason, Stop: b.control.stop,
			Concurrency: b.control.concurrency, Epoch: b.control.epoch, Failure: b.failure,
			RearmedEnded: b.rearmedEnded, RearmedFailed: b.rearmedFailed,
			NextChunk: b.nextChunk, AfterRow: b.afterRow, Exhausted: b.exhausted,
			Gaps: b.gaps, TakeOvers: b.takeOvers,
			RecordedState: b.mirror.state, RecordedConcurrency: b.mirror.concurrency, RecordedReason: b.mirror.reason,
		},
	}
	for _, c := range b.chunks {
		next.Carried.Chunks = append(next.Carried.Chunks, c.LiveChunk)
	}
	return workflow.NewContinueAsNewError(ctx, contract.BatchWorkflow, next)
}

// finish ends the execution in the records and gives the result as the rows have it.
func (b *batch) finish(ctx, alive workflow.Context) (contract.BatchResult, error) {
	b.control.closed = true
	b.mirror.close(alive)
	in := contract.FinishInput{ExecutionID: b.plan.ExecutionID, OrganisationID: b.plan.OrganisationID, Status: stateCompleted}
	switch {
	case b.failure != "":
		in.Status, in.Reason = stateFailed, b.failure
	case b.control.stop != "":
		in.Status = stateStopped
		in.Reason = "stopped by request"
		if ctx.Err() != nil {
			in.Reason = "the workflow was cancelled"
		}
	}
	var out contract.FinishResult
	options := wholeOptions(alive, b.plan, "end the execution: "+in.Status)
	if err := workflow.ExecuteActivity(options, contract.ActivityFinish, in).Get(alive, &out); err != nil {
		return contract.BatchResult{}, err
	}
	b.tally = out.Stats.Tally
	b.mirror.finalState = out.Status
	b.upsertState(alive, out.Status)
	result := contract.BatchResult{
		ExecutionID: b.plan.ExecutionID, BatchID: b.plan.BatchID, Status: out.Status, Reason: out.Reason, Stats: out.Stats,
	}
	if err := b.addResults(alive, &result); err != nil {
		return contract.BatchResult{}, err
	}
	b.describe(alive)
	if err := workflow.Await(alive, func() bool { return workflow.AllHandlersFinished(alive) }); err != nil {
		return contract.BatchResult{}, err
	}
	b.drain(alive)
	if ctx.Err() != nil {
		// The caller cancelled: close as cancelled, with the records in order.
		return result, temporal.NewCanceledError(result)
	}
	return result, nil
}

// addResults puts what each item came to into the result, when that is asked for.
func (b *batch) addResults(alive workflow.Context, result *contract.BatchResult) error {
	if !b.in.IncludeResults {
		return nil
	}
	in := contract.ResultsInput{
		ExecutionID: b.plan.ExecutionID, OrganisationID: b.plan.OrganisationID, BatchID: b.plan.BatchID,
		MaxBytes: contract.MaxResultBytes,
	}
	var out contract.ResultsResult
	options := wholeOptions(alive, b.plan, "collect the results")
	if err := workflow.ExecuteActivity(options, contract.ActivityResults, in).Get(alive, &out); err != nil {
		return err
	}
	result.Results, result.MoreResults = out.Results, out.More
	return nil
}
