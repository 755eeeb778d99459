package workflows

import (
	"fmt"
	"sort"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// handle registers what can be asked of the workflow, before anything blocks.
func (b *batch) handle(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, contract.QueryStats,
		func() (contract.Stats, error) { return b.stats(), nil },
		workflow.QueryHandlerOptions{Description: "Where the execution stands, as its chunks reported last: counters, verdicts, accuracy."})
	if err != nil {
		return err
	}
	err = workflow.SetQueryHandlerWithOptions(ctx, contract.QueryJobsInFlight,
		func() ([]contract.JobInFlight, error) { return b.jobsInFlight(), nil },
		workflow.QueryHandlerOptions{Description: "The jobs that run or wait for their next attempt, as the chunks reported last, in row order."})
	if err != nil {
		return err
	}
	err = workflow.SetQueryHandlerWithOptions(ctx, contract.QueryOverview,
		func() (contract.Overview, error) { return b.overview(), nil },
		workflow.QueryHandlerOptions{Description: "The stats, the open chunks, and whether what was asked holds everywhere."})
	if err != nil {
		return err
	}
	return b.handleUpdates(ctx)
}

// handleUpdates registers the control signals as updates too: for callers that want to
// hear of a bad value, and to wait until the change holds.
func (b *batch) handleUpdates(ctx workflow.Context) error {
	err := update(ctx, b, contract.SignalPause, "Start no further jobs; running ones finish.",
		func(struct{}) error { return nil },
		func(struct{}) { b.control.pause("") })
	if err != nil {
		return err
	}
	err = update(ctx, b, contract.SignalResume, "Go on after a pause.",
		func(struct{}) error { return nil },
		func(struct{}) { b.control.resume() })
	if err != nil {
		return err
	}
	err = update(ctx, b, contract.SignalStop, "End the execution; running jobs finish (drain) or are cancelled (cancel).",
		func(in contract.StopRequest) error {
			if _, ok := stopMode(in); !ok {
				return invalid("mode: must be drain or cancel, is %q", in.Mode)
			}
			return nil
		},
		func(in contract.StopRequest) {
			mode, _ := stopMode(in)
			b.control.requestStop(mode)
		})
	if err != nil {
		return err
	}
	return update(ctx, b, contract.SignalSetConcurrency, "Change how many jobs run at once.",
		func(in contract.ConcurrencyRequest) error {
			if in.Value != contract.ClampConcurrency(in.Value) {
				return invalid("value: must be between %d and %d, is %d", contract.MinConcurrency, contract.MaxConcurrency, in.Value)
			}
			return nil
		},
		func(in contract.ConcurrencyRequest) { b.control.setConcurrency(in.Value) })
}

// update registers one update. An argument that is left out is the zero value, as with
// signals.
func update[T any](ctx workflow.Context, b *batch, name, description string, check func(T) error, apply func(T)) error {
	handler := func(ctx workflow.Context, in T) (contract.Stats, error) {
		if b.control.closed {
			return contract.Stats{}, temporal.NewNonRetryableApplicationError("the execution is ending", contract.ErrorTypePermanent, nil)
		}
		apply(in)
		if err := workflow.Await(ctx, b.settled); err != nil {
			return contract.Stats{}, err
		}
		return b.stats(), nil
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, name, handler,
		workflow.UpdateHandlerOptions{Description: description, Validator: check})
}

// listen applies control signals and reports of chunks as they come, for as long as the
// workflow lives, and turns cancellation of the workflow into a stop.
//
// It waits for the channels to hold something, rather than in Receive: a signal that is
// handed to a waiting Receive is in no channel any more, and if the main coroutine came
// first and ended the run, the drain before the end would not find it.
func (b *batch) listen(ctx, alive workflow.Context) {
	listenTo(alive, "control", controlChannel, b.drainControls)
	listenTo(alive, "reports", contract.SignalChunkReport, b.drainReports)
	workflow.GoNamed(alive, "cancellation", func(alive workflow.Context) {
		ctx.Done().Receive(alive, nil)
		mode := contract.StopCancel
		if b.in.OnCancel != "" {
			mode = b.in.OnCancel
		}
		b.control.requestStop(mode)
	})
}

// listenTo has a coroutine empty a channel whenever something is in it.
func listenTo(alive workflow.Context, name, channel string, empty func(workflow.Context)) {
	workflow.GoNamed(alive, name, func(ctx workflow.Context) {
		signals := workflow.GetSignalChannel(ctx, channel)
		for workflow.Await(ctx, func() bool { return signals.Len() > 0 }) == nil {
			empty(ctx)
		}
	})
}

// drain applies signals that were delivered and not yet seen. No call between it and
// the end of the run may yield, or a signal could slip in between.
func (b *batch) drain(ctx workflow.Context) {
	b.drainControls(ctx)
	b.drainReports(ctx)
}

func (b *batch) drainControls(ctx workflow.Context) {
	controls := workflow.GetSignalChannel(ctx, controlChannel)
	for {
		var ordered *commonpb.Payloads
		if !controls.ReceiveAsync(&ordered) {
			return
		}
		b.control.receive(ctx, ordered)
	}
}

func (b *batch) drainReports(ctx workflow.Context) {
	reports := workflow.GetSignalChannel(ctx, contract.SignalChunkReport)
	for {
		var report contract.ChunkReport
		if !reports.ReceiveAsync(&report) {
			return
		}
		b.hear(ctx, report)
	}
}

// stats is where the execution stands, as its chunks reported last.
func (b *batch) stats() contract.Stats {
	s := contract.Stats{
		ExecutionID: b.executionID(), State: b.state(), Reason: b.toRecord().reason,
		Concurrency: b.control.concurrency, Total: b.plan.Total,
		Tally: b.tally.Plus(contract.NewTally()), StartedAt: b.startedAt,
	}
	for _, c := range b.chunks {
		s.Tally = s.Plus(c.Report.Tally)
		s.Running += c.Report.Running
	}
	s.Queued = max(s.Total-s.Ended()-s.Running, 0)
	return s
}

func (b *batch) executionID() string {
	if b.plan.ExecutionID != "" {
		return b.plan.ExecutionID
	}
	return b.in.ExecutionID
}

func (b *batch) overview() contract.Overview {
	o := contract.Overview{Stats: b.stats(), Settled: b.settled(), Chunks: []contract.OpenChunk{}}
	for _, c := range b.chunks {
		if c.starting {
			continue // there is nobody to ask yet
		}
		o.Chunks = append(o.Chunks, contract.OpenChunk{
			WorkflowID: chunkWorkflowID(b.plan.ExecutionID, c.Number),
			Running:    c.Report.Running, Tally: c.Report.Tally,
		})
	}
	return o
}

// jobsInFlight lists running jobs in row order.
func (b *batch) jobsInFlight() []contract.JobInFlight {
	out := []contract.JobInFlight{}
	for _, c := range b.chunks {
		out = append(out, c.Report.InFlight...)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Row < out[j].Row })
	return out
}

// describe shows where the execution stands to people who look at the run in the
// Temporal Web UI.
func (b *batch) describe(ctx workflow.Context) {
	s := b.stats()
	text := fmt.Sprintf("**%s** · %d of %d jobs have ended, %d at once\n\n| completed | failed | cancelled | running | retries |\n|---|---|---|---|---|\n| %d | %d | %d | %d | %d |\n",
		s.State, s.Ended(), s.Total, s.Concurrency,
		s.Completed, s.Failed, s.Cancelled, s.Running, s.Retries)
	if s.Reason != "" {
		text += "\n" + s.Reason + "\n"
	}
	if s.Compared > 0 {
		text += fmt.Sprintf("\n%d of %d compared fields are right.\n", s.Matched, s.Compared)
	}
	workflow.SetCurrentDetails(ctx, text)
}
