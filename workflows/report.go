package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

const (
	// reportEvery is the least time between two reports that are only there to keep
	// BatchWorkflow's counters fresh; it grows with the age of the chunk, by
	// reportShare, so that their number stays bounded however long the chunk runs.
	reportEvery = time.Second
	reportShare = 50
	// reportAgain is the wait after a report that Temporal did not take.
	reportAgain = time.Second
)

// reporter is what was reported last, and how the reporting stands.
type reporter struct {
	sequence int64
	at       time.Time
	epoch    int64
	spent    bool
	exceeded bool
	asks     string
	running  int
	ended    int
	closing  bool
	closed   bool
}

// startReporter tells BatchWorkflow where the chunk stands: at once what it acts on,
// now and then what it only counts. One report is under way at a time, so they arrive in
// order, and what happens meanwhile goes into the next.
func (c *chunk) startReporter(alive workflow.Context) {
	began := workflow.Now(alive)
	c.reporter.at = began
	workflow.GoNamed(alive, "reporter", func(ctx workflow.Context) {
		parent := workflow.GetInfo(ctx).ParentWorkflowExecution
		for {
			if err := workflow.Await(ctx, func() bool { return c.reportDue(ctx, began) }); err != nil {
				return
			}
			report := c.report()
			var err error
			if parent != nil {
				err = workflow.SignalExternalWorkflow(ctx, parent.ID, "", contract.SignalChunkReport, report).Get(ctx, nil)
			}
			switch {
			case isGone(err) || parent == nil:
				workflow.GetLogger(ctx).Warn("there is no BatchWorkflow to report to; the chunk stops", "chunk", c.in.Number)
				c.orphaned = true
				return
			case err != nil:
				workflow.GetLogger(ctx).Warn("a report was not taken", "chunk", c.in.Number, "error", err)
				if workflow.Sleep(ctx, reportAgain) != nil {
					return
				}
				continue
			}
			c.reporter = reporter{
				sequence: report.Sequence, at: workflow.Now(ctx), epoch: report.Epoch, spent: report.Spent,
				exceeded: report.Exceeded, asks: report.Pause, running: report.Running, ended: report.Tally.Ended(),
				closing: c.reporter.closing, closed: report.Closed,
			}
			if report.Closed {
				return
			}
			c.describe(ctx)
		}
	})
}

func (c *chunk) reportDue(ctx workflow.Context, began time.Time) bool {
	last := c.reporter
	switch {
	case last.closing, last.epoch != c.control.Epoch, last.spent != c.spent, c.exceeded && !last.exceeded,
		c.asks != "" && last.asks == "":
		return true
	case c.spent:
		// Every slot that becomes free is another chunk's.
		return last.running != len(c.inFlight)
	case last.running == len(c.inFlight) && last.ended == c.tally.Ended():
		return false
	case c.control.Hold:
		// Nothing starts, so these are few, and people wait for the running ones to end.
		return true
	}
	now := workflow.Now(ctx)
	return now.Sub(last.at) >= max(reportEvery, now.Sub(began)/reportShare)
}

// report is where the chunk stands.
func (c *chunk) report() contract.ChunkReport {
	returned := c.returned
	if c.endless {
		returned = &contract.RowRange{AfterRow: c.returned.AfterRow, TakeOver: true}
	}
	return contract.ChunkReport{
		Number: c.in.Number, Sequence: c.reporter.sequence + 1, Epoch: c.control.Epoch,
		Running: len(c.inFlight), InFlight: c.jobsInFlight(),
		Spent: c.spent, LastRow: c.lastRow, Exhausted: c.spent && c.exhausted,
		Exceeded: c.exceeded, Pause: c.asks, Failure: c.failure, Closed: c.reporter.closing, Returned: returned, Tally: c.tally.Plus(contract.NewTally()),
	}
}
