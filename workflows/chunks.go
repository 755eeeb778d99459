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

// maxTakeOvers is how many chunks of an execution may die. Somebody who terminates
// them one after the other means the execution.
const maxTakeOvers = 100

// carriedWatch is how long a chunk that another run has started may be silent before
// it is asked for; tellAgain the wait after a control that Temporal did not take.
const (
	carriedWatch = 5 * time.Minute
	tellAgain    = time.Second
)

// liveChunk is a chunk that has not ended.
type liveChunk struct {
	contract.LiveChunk

	// starting and telling say that the chunk, or a control of it, is on its way.
	starting, telling bool
	// again says that the chunk waits for an answer though nothing has changed.
	again bool
	// heard is when it was last known to be alive.
	heard time.Time
}

func chunkWorkflowID(executionID string, number int) string {
	return fmt.Sprintf("%s-chunk-%d", contract.WorkflowID(executionID), number)
}

// wantsChunk: rows are left, a slot is free, nobody takes rows now and nobody objects.
func (b *batch) wantsChunk() bool {
	if b.control.paused || b.control.stop != "" || b.failure != "" || b.exhausted && len(b.gaps) == 0 ||
		b.steps >= b.plan.StepsPerRun {
		return false
	}
	for _, c := range b.chunks {
		if !c.Report.Spent {
			return false
		}
	}
	return b.running() < b.control.concurrency
}

// running is how many slots the chunks hold.
func (b *batch) running() int {
	n := 0
	for _, c := range b.chunks {
		n += c.Report.Running
	}
	return n
}

// startChunk starts the next chunk: over a gap that another has left, or over the rows
// that nobody has taken.
func (b *batch) startChunk(alive workflow.Context) {
	b.steps++
	rows := contract.RowRange{AfterRow: b.afterRow}
	if len(b.gaps) > 0 {
		rows, b.gaps = b.gaps[0], b.gaps[1:]
	}
	c := &liveChunk{
		LiveChunk: contract.LiveChunk{Number: b.nextChunk, AfterRow: rows.AfterRow, UntilRow: rows.UntilRow},
		starting:  true, heard: workflow.Now(alive),
	}
	b.nextChunk++
	b.chunks = append(b.chunks, c)
	c.Sent = b.controlOf(c)
	// It starts with this control, so it has taken it over.
	c.Report = contract.ChunkReport{Number: c.Number, Epoch: c.Sent.Epoch, LastRow: rows.AfterRow, Tally: contract.NewTally()}
	ctx := workflow.WithChildOptions(alive, workflow.ChildWorkflowOptions{
		WorkflowID: chunkWorkflowID(b.plan.ExecutionID, c.Number),
		// It has to outlive continue-as-new of this workflow, which Temporal takes for an
		// end like any other. A chunk that finds this workflow gone stops by itself.
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         fmt.Sprintf("rows after %d · %s", rows.AfterRow, b.plan.Title),
		TypedSearchAttributes: temporal.NewSearchAttributes(found(b.plan)...),
		Memo:                  whose(b.plan),
		Priority:              fairly(b.plan),
	})
	in := contract.ChunkInput{
		Version: contract.InputVersion, Plan: b.plan, Number: c.Number,
		AfterRow: rows.AfterRow, UntilRow: rows.UntilRow, TakeOver: rows.TakeOver, Control: c.Sent,
	}
	child := workflow.ExecuteChildWorkflow(ctx, contract.BatchChunk, in)
	workflow.GoNamed(alive, fmt.Sprintf("chunk %d", c.Number), func(ctx workflow.Context) {
		err := child.GetChildWorkflowExecution().Get(ctx, nil)
		c.starting = false
		var last contract.ChunkReport
		if err == nil {
			err = child.Get(ctx, &last)
		}
		if err != nil {
			b.lose(ctx, c, err)
			return
		}
		b.hear(ctx, last)
	})
}

// controlOf is what holds for a chunk now. A chunk that takes no further rows starts
// nothing, so it needs to know no limit; one that does may use the slots that the others
// leave.
func (b *batch) controlOf(c *liveChunk) contract.ChunkControl {
	control := contract.ChunkControl{Epoch: b.control.epoch, Hold: b.control.paused, Stop: b.control.stop}
	if b.failure != "" && control.Stop == "" {
		control.Stop = contract.StopDrain
	}
	if c.Report.Spent {
		return control
	}
	control.Limit = max(b.control.concurrency-(b.running()-c.Report.Running), 0)
	if b.plan.Tolerance != nil {
		ended, failed := b.endedAndFailed()
		control.OthersEnded = ended - b.rearmedEnded - c.Report.Tally.Completed - c.Report.Tally.Failed
		control.OthersFailed = failed - b.rearmedFailed - c.Report.Tally.Failed
	}
	return control
}

// nextToTell is a chunk for which something else holds than it was told last; nil when
// there is none.
func (b *batch) nextToTell() *liveChunk {
	for _, c := range b.chunks {
		if !c.starting && !c.telling && b.mustTell(c) {
			return c
		}
	}
	return nil
}

func (b *batch) mustTell(c *liveChunk) bool {
	if !b.control.paused && b.control.stop == "" && b.mirror.state == statePaused {
		// After a resume the row goes first: it holds back what is begun while it says
		// that the execution is paused.
		return false
	}
	now := b.controlOf(c)
	if c.Report.Spent {
		return c.again || now.Stop != c.Sent.Stop
	}
	return c.again || now != c.Sent
}

// tell sends a chunk what holds for it.
func (b *batch) tell(alive workflow.Context, c *liveChunk) {
	c.telling, c.again = true, false
	control := b.controlOf(c)
	workflow.Go(alive, func(ctx workflow.Context) {
		id := chunkWorkflowID(b.plan.ExecutionID, c.Number)
		err := workflow.SignalExternalWorkflow(ctx, id, "", contract.SignalChunkControl, control).Get(ctx, nil)
		switch {
		case isGone(err):
			b.lose(ctx, c, err)
		case err != nil:
			workflow.GetLogger(ctx).Warn("a chunk could not be told", "chunk", c.Number, "error", err)
			_ = workflow.Sleep(ctx, tellAgain) // the context is disconnected
			c.again = true
		default:
			c.Sent, c.heard = control, workflow.Now(ctx)
		}
		c.telling = false
	})
}

// hear takes a report of a chunk.
func (b *batch) hear(ctx workflow.Context, report contract.ChunkReport) {
	b.steps++
	i := slices.IndexFunc(b.chunks, func(c *liveChunk) bool { return c.Number == report.Number })
	if i < 0 || report.Sequence <= b.chunks[i].Report.Sequence {
		return // of a chunk that has ended, or delivered twice
	}
	c := b.chunks[i]
	spent := report.Spent && !c.Report.Spent
	c.Report, c.heard = report, workflow.Now(ctx)
	if spent && c.UntilRow == 0 {
		b.afterRow, b.exhausted = report.LastRow, report.Exhausted
	}
	if report.Failure != "" && b.failure == "" {
		b.failure = report.Failure
	}
	if report.Closed {
		b.chunks = slices.Delete(b.chunks, i, i+1)
		b.tally = b.tally.Plus(report.Tally)
		if report.Returned != nil {
			b.gaps = append(b.gaps, *report.Returned)
		}
	}
	if report.Pause != "" && report.Epoch == b.control.epoch {
		b.control.pause(report.Pause)
	}
	b.checkTolerance()
	c.again = (report.Exceeded || report.Pause != "") && !b.control.paused && b.control.stop == ""
	b.describe(ctx)
}

// lose deals with a chunk that is gone without its last report: its rows become a gap
// for another one, which finds by their status what is left to do.
func (b *batch) lose(ctx workflow.Context, c *liveChunk, cause error) {
	b.drainReports(ctx)
	i := slices.Index(b.chunks, c)
	if i < 0 {
		return // its last report came first
	}
	workflow.GetLogger(ctx).Warn("a chunk is gone; another one takes its rows over", "chunk", c.Number, "error", cause)
	b.chunks = slices.Delete(b.chunks, i, i+1)
	b.tally = b.tally.Plus(c.Report.Tally)
	rows := contract.RowRange{AfterRow: c.AfterRow, UntilRow: c.UntilRow, TakeOver: true}
	if c.Report.Spent && rows.UntilRow == 0 {
		rows.UntilRow = c.Report.LastRow
	}
	b.gaps = append(b.gaps, rows)
	if b.takeOvers++; b.takeOvers > maxTakeOvers && b.failure == "" {
		b.failure = "the workflows of its chunks were ended again and again"
	}
}

// watchCarried asks after chunks that an earlier run has started and that are silent:
// only the run that started a chunk hears of its end from Temporal.
func (b *batch) watchCarried(alive workflow.Context) {
	for _, c := range b.chunks {
		workflow.Go(alive, func(ctx workflow.Context) {
			for slices.Contains(b.chunks, c) {
				if err := workflow.Sleep(ctx, carriedWatch); err != nil {
					return
				}
				if workflow.Now(ctx).Sub(c.heard) >= carriedWatch {
					c.again = true
				}
			}
		})
	}
}

// endedAndFailed counts the jobs that have ended by themselves, and those of them that
// failed.
func (b *batch) endedAndFailed() (ended, failed int) {
	ended, failed = b.tally.Completed+b.tally.Failed, b.tally.Failed
	for _, c := range b.chunks {
		ended += c.Report.Tally.Completed + c.Report.Tally.Failed
		failed += c.Report.Tally.Failed
	}
	return ended, failed
}

// rearm has the failure tolerance count anew.
func (b *batch) rearm() { b.rearmedEnded, b.rearmedFailed = b.endedAndFailed() }

// checkTolerance pauses or fails the execution when more jobs failed than it tolerates.
func (b *batch) checkTolerance() {
	ended, failed := b.endedAndFailed()
	ended, failed = ended-b.rearmedEnded, failed-b.rearmedFailed
	if b.control.closed || b.control.stop != "" || b.control.paused || !b.plan.Tolerance.Exceeded(ended, failed) {
		return
	}
	reason := toleranceReason(b.plan.Tolerance, ended, failed)
	if b.plan.Tolerance.Action == contract.ToleranceActionFail {
		b.failure = reason
		b.control.requestStop(contract.StopDrain)
		return
	}
	b.control.pause(reason)
}

func toleranceReason(t *contract.Tolerance, ended, failed int) string {
	if t.MaxFailed != nil && failed > *t.MaxFailed {
		return fmt.Sprintf("%d of %d jobs failed; %d are tolerated", failed, ended, *t.MaxFailed)
	}
	return fmt.Sprintf("%d of %d jobs failed; %g %% are tolerated", failed, ended, *t.MaxFailedPercent)
}

// isGone reports whether a workflow that was signalled is not there.
func isGone(err error) bool {
	var unknown *temporal.UnknownExternalWorkflowExecutionError
	return errors.As(err, &unknown)
}
