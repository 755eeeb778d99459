package workflows

import (
	"fmt"
	"sort"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// Temporal warns at 10,240 events and 10 MB; a chunk takes no more rows in time for the
// jobs that are still running to end within the line.
const (
	maxChunkEvents = 8_500
	maxChunkBytes  = 7 << 20
)

// BatchChunk runs some jobs of an execution, in row order, until it has taken as many
// as it may. Its result is its last report.
func BatchChunk(ctx workflow.Context, in contract.ChunkInput) (contract.ChunkReport, error) {
	c := newChunk(ctx, in)
	if err := c.handleQueries(ctx); err != nil {
		return contract.ChunkReport{}, err
	}
	return c.run(ctx)
}

// chunk is the state of the workflow.
type chunk struct {
	in      contract.ChunkInput
	plan    contract.Plan
	control contract.ChunkControl
	tally   contract.Tally
	failure string
	// orphaned: the BatchWorkflow of this chunk is gone.
	orphaned bool
	// exceeded: too many jobs failed; what to do is BatchWorkflow's to say.
	exceeded bool

	// queue holds jobs that were read and not dispatched; cursor is the row of the last
	// one read, read how many were; exhausted says that there are no more to read.
	queue     []contract.JobRef
	cursor    int
	read      int
	exhausted bool
	reading   bool
	// spent: no further row is taken; lastRow is the last one that is this chunk's affair,
	// furthest the last one that was dispatched.
	spent    bool
	lastRow  int
	furthest int

	inFlight map[string]contract.JobInFlight
	// again holds jobs that were held back and are to be dispatched again, after waiting;
	// returned are rows that another chunk is to take, endless that it is to take all after
	// them.
	again   []contract.JobRef
	waiting bool
	sites   map[string]*site
	// asks is why the execution is to pause, until BatchWorkflow has said what holds.
	asks     string
	returned *contract.RowRange
	endless  bool

	reporter reporter
	// jobs is the context of the jobs; cancelJobs ends them at a stop that cancels.
	jobs       workflow.Context
	cancelJobs workflow.CancelFunc
	cancelled  bool
}

func newChunk(ctx workflow.Context, in contract.ChunkInput) *chunk {
	c := &chunk{
		in: in, plan: in.Plan, control: in.Control, tally: contract.NewTally(),
		cursor: in.AfterRow, inFlight: map[string]contract.JobInFlight{},
		sites: map[string]*site{},
	}
	c.reporter.epoch = in.Control.Epoch
	// Jobs are cancelled by a stop alone, and have records to write then.
	alive, _ := workflow.NewDisconnectedContext(ctx)
	c.jobs, c.cancelJobs = workflow.WithCancel(alive)
	return c
}

func (c *chunk) run(ctx workflow.Context) (contract.ChunkReport, error) {
	alive, _ := workflow.NewDisconnectedContext(ctx)
	c.listen(ctx, alive)
	c.startReader(alive)
	c.startReporter(alive)
	for {
		err := workflow.Await(alive, func() bool {
			return c.mustCancel() || c.mustSpend() || c.done() || c.canDispatch()
		})
		if err != nil {
			return contract.ChunkReport{}, err
		}
		switch {
		case c.mustCancel():
			c.cancelled = true
			c.cancelJobs()
		case c.mustSpend():
			c.spend()
		case c.done():
			return c.close(alive)
		default:
			c.dispatch()
		}
	}
}

// listen applies what BatchWorkflow says. Cancellation of a chunk by itself, by an
// operator say, ends its jobs; BatchWorkflow goes on with the rows after them.
func (c *chunk) listen(ctx, alive workflow.Context) {
	workflow.GoNamed(alive, "control", func(alive workflow.Context) {
		channel := workflow.GetSignalChannel(alive, contract.SignalChunkControl)
		for {
			var control contract.ChunkControl
			channel.Receive(alive, &control)
			if control.Epoch < c.control.Epoch {
				continue // delivered late
			}
			if c.control.Stop == contract.StopCancel {
				control.Stop = contract.StopCancel
			}
			c.control, c.exceeded, c.reporter.exceeded = control, false, false
			c.asks, c.reporter.asks = "", ""
			c.checkTolerance()
		}
	})
	workflow.GoNamed(alive, "cancellation", func(alive workflow.Context) {
		ctx.Done().Receive(alive, nil)
		c.control.Stop = contract.StopCancel
	})
}

func (c *chunk) mustCancel() bool {
	return (c.control.Stop == contract.StopCancel || c.orphaned) && !c.cancelled
}

// canDispatch: there is a job, a free slot, and nobody who objects.
func (c *chunk) canDispatch() bool {
	return len(c.again)+len(c.queue) > 0 && len(c.inFlight) < c.control.Limit &&
		!c.spent && !c.waiting && !c.exceeded && c.asks == "" && !c.control.Hold &&
		(c.nextQueued(c.again) >= 0 || c.nextQueued(c.queue) >= 0)
}

// mustSpend: no further row is to be taken by this chunk.
func (c *chunk) mustSpend() bool {
	if c.spent {
		return false
	}
	if c.control.Stop != "" || c.failure != "" || c.orphaned || c.historyDue() {
		return true
	}
	return len(c.queue) == 0 && len(c.again) == 0 && !c.reading && !c.wantsRows()
}

// historyDue: this run has grown enough.
func (c *chunk) historyDue() bool {
	info := workflow.GetInfo(c.jobs)
	return info.GetCurrentHistoryLength() >= maxChunkEvents || info.GetCurrentHistorySize() >= maxChunkBytes
}

// spend ends the taking of rows. Rows that were read and not dispatched are left to the
// next chunk, but for those before one that was: jobs whose sites take none are passed
// over, and what one chunk has dispatched no other may take.
func (c *chunk) spend() {
	c.spent, c.lastRow = true, c.cursor
	for _, ref := range c.again {
		c.giveBack(ref)
	}
	left := c.queue
	c.queue, c.again = nil, nil
	if c.in.UntilRow > 0 || c.in.TakeOver {
		c.giveBackAfter(left)
		return
	}
	for _, ref := range left {
		if ref.Row > c.furthest {
			c.lastRow, c.exhausted = ref.Row-1, false
			return
		}
		c.giveBack(ref)
	}
}

// giveBackAfter gives back all that is left of rows that are this chunk's to the last: its
// range ends where others begin, or holds jobs that were begun, which only a chunk that
// takes over looks for.
func (c *chunk) giveBackAfter(left []contract.JobRef) {
	for _, ref := range left {
		c.giveBack(ref)
	}
	switch {
	case c.in.UntilRow > 0:
		if !c.exhausted && c.cursor < c.in.UntilRow {
			c.giveBack(contract.JobRef{Row: c.cursor + 1})
			c.returned.UntilRow = c.in.UntilRow
		}
	case len(left) > 0 || c.wantsRows():
		// Nobody else has rows after these: whoever takes them goes on to the end.
		c.giveBack(contract.JobRef{Row: c.cursor + 1})
		c.endless, c.exhausted, c.lastRow = true, true, 0
	}
}

// done: nothing runs, and nothing will.
func (c *chunk) done() bool { return c.spent && len(c.inFlight) == 0 }

// close sends the last report.
func (c *chunk) close(alive workflow.Context) (contract.ChunkReport, error) {
	c.reporter.closing = true
	// The context is disconnected: only the delivery, or BatchWorkflow's end, ends the wait.
	err := workflow.Await(alive, func() bool { return c.reporter.closed || c.orphaned })
	return c.report(), err
}

// wantsRows: more rows may be taken.
func (c *chunk) wantsRows() bool {
	return !c.exhausted && c.read < c.plan.JobsPerChunk
}

// startReader reads pages of jobs ahead of the dispatch, so that no slot waits for a
// page.
func (c *chunk) startReader(alive workflow.Context) {
	workflow.GoNamed(alive, "reader", func(ctx workflow.Context) {
		for {
			err := workflow.Await(ctx, func() bool {
				return c.spent || c.wantsRows() && (len(c.queue) <= contract.MaxConcurrency || c.wantsOthers())
			})
			if err != nil || c.spent {
				return
			}
			c.readPage(ctx)
		}
	})
}

// wantsOthers: slots are free, and no job that was read can have one, for its site.
func (c *chunk) wantsOthers() bool {
	return len(c.queue) <= maxAhead && len(c.inFlight) < c.control.Limit && c.nextQueued(c.queue) < 0
}

func (c *chunk) readPage(ctx workflow.Context) {
	c.reading = true
	defer func() { c.reading = false }()
	in := contract.NextJobsInput{
		ExecutionID: c.plan.ExecutionID, OrganisationID: c.plan.OrganisationID,
		AfterRow: c.cursor, UntilRow: c.in.UntilRow, Running: c.in.TakeOver,
		Limit: min(c.plan.PageSize, c.plan.JobsPerChunk-c.read),
	}
	var page contract.NextJobsResult
	options := recordOptions(ctx, c.plan, fmt.Sprintf("rows after %d", c.cursor))
	err := workflow.ExecuteActivity(options, contract.ActivityNextJobs, in).Get(ctx, &page)
	switch {
	case c.spent:
	case err != nil:
		// Only a permanent refusal comes here: there is nothing to read any more.
		workflow.GetLogger(ctx).Error("the jobs could not be read", "error", err)
		c.failure = "the jobs could not be read: " + messageOf(err)
	default:
		c.queue = append(c.queue, page.Jobs...)
		c.read += len(page.Jobs)
		if len(page.Jobs) > 0 {
			c.cursor = page.Jobs[len(page.Jobs)-1].Row
		}
		c.exhausted = len(page.Jobs) < in.Limit
	}
}

// checkTolerance has the chunk start nothing more once too many jobs of the execution
// have failed.
func (c *chunk) checkTolerance() {
	if c.control.Stop != "" {
		return
	}
	ended, failed := c.tally.Completed+c.tally.Failed, c.tally.Failed
	c.exceeded = c.exceeded || c.plan.Tolerance.Exceeded(c.control.OthersEnded+ended, c.control.OthersFailed+failed)
}

// handleQueries registers the query handlers, before anything blocks.
func (c *chunk) handleQueries(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, contract.QueryStats,
		func() (contract.ChunkStats, error) {
			return contract.ChunkStats{Running: len(c.inFlight), Tally: c.tally}, nil
		},
		workflow.QueryHandlerOptions{Description: "What the jobs of this chunk came to, and how many run."})
	if err != nil {
		return err
	}
	return workflow.SetQueryHandlerWithOptions(ctx, contract.QueryJobsInFlight,
		func() ([]contract.JobInFlight, error) { return c.jobsInFlight(), nil },
		workflow.QueryHandlerOptions{Description: "The jobs that run or wait for their next attempt, in row order."})
}

// jobsInFlight lists running jobs in row order.
func (c *chunk) jobsInFlight() []contract.JobInFlight {
	out := make([]contract.JobInFlight, 0, len(c.inFlight))
	for _, id := range workflow.DeterministicKeys(c.inFlight) {
		out = append(out, c.inFlight[id])
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Row < out[j].Row })
	return out
}

// describe shows where the chunk stands to people who look at it in the Temporal Web UI.
func (c *chunk) describe(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf(
		"chunk %d · rows after %d, read to %d\n\n| completed | failed | cancelled | running | retries |\n|---|---|---|---|---|\n| %d | %d | %d | %d | %d |\n",
		c.in.Number, c.in.AfterRow, c.cursor,
		c.tally.Completed, c.tally.Failed, c.tally.Cancelled, len(c.inFlight), c.tally.Retries))
}

// holdPause is how long a job that was held back waits before it is begun again, when
// this chunk has not heard of the pause.
const holdPause = time.Second
