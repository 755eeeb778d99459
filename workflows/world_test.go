package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows"
	"github.com/minohq/mino/workflows/contract"
)

// behaviour is what a job does in the world of a test.
type behaviour int

const (
	succeeds     behaviour = iota
	matchesHalf            // succeeds, with one of two fields wrong
	failsForGood           // fails, and wrote so
	vanishes               // ends without having written what it came to
	hangs                  // runs until it is cancelled
)

// world stands in for the database and the workers of one execution, on Temporal's
// test environment with its own clock. The execution is the child of a parent that waits
// for it, so that it lives across continue-as-new, as its chunks do.
type world struct {
	t           *testing.T
	env         *testsuite.TestWorkflowEnvironment
	input       contract.BatchInput
	total       int
	every       int
	concurrency int
	tolerance   *contract.Tolerance
	ended       bool
	missing     bool
	unreadable  bool
	behaviours  map[int]behaviour
	events      []event
	watcher     func(contract.Stats)
	// slow is how long a worker takes to begin a job that was dispatched.
	slow time.Duration
	// takes is how many jobs a site takes at once, by site; siteOf is the site of a row.
	takes  map[string]int
	siteOf func(row int) string
	// broke has every job put back, as when credits are wanting.
	broke func() bool
	// tried says that a job which is deferred has had an attempt before.
	tried bool
	// growAfter is after how many jobs the history of a chunk is long; 0 is never.
	growAfter int
	long      *workflow.Info // of a workflow with a long history
	byChunk   map[string]int // the jobs that each chunk has dispatched
	// dies is when the first chunk is gone without a word; 0 is never.
	dies  time.Duration
	model *model
	epoch int

	mu           sync.Mutex
	started      []int
	prepared     contract.PrepareInput
	gate         string // the status of the row, which holds jobs back
	reasons      []string
	begun        []int
	statuses     map[int]string // of the rows
	held         map[string]bool
	putBack      map[string]bool
	deferred     map[string]bool
	atSite       map[string]int
	deferrals    int
	endedRows    []int
	updates      []*answered
	runs         int
	early        []*interceptor.HandleSignalInput
	there, over  bool // the execution can be reached; it has ended
	lost         []int
	states       []string
	rowOf        map[string]int
	finished     contract.FinishInput
	liveAtFinish contract.Stats
	lastQueried  contract.Stats
	mostRunning  int
}

type event struct {
	at time.Duration
	do func()
}

type outcome struct {
	contract.BatchResult
	err error
}

// jobTime is how long a job takes, by the clock of the test environment. That runs
// ahead while nothing happens, and with the wall's while activities do: next to this,
// what those take on a busy machine is nothing.
const jobTime = 10 * time.Second

func newWorld(t *testing.T, total, every int) *world {
	t.Helper()
	w := &world{
		t: t, total: total, every: every, concurrency: 10,
		input:      contract.BatchInput{Version: contract.InputVersion, ExecutionID: uuid.NewString()},
		behaviours: map[int]behaviour{}, rowOf: map[string]int{}, gate: "running",
		statuses: map[int]string{}, held: map[string]bool{},
		putBack: map[string]bool{}, deferred: map[string]bool{}, atSite: map[string]int{}, byChunk: map[string]int{},
		siteOf: func(int) string { return "shop.example" },
	}
	for row := 1; row <= total; row++ {
		w.rowOf[w.jobID(row)] = row
	}
	return w
}

func boundaryName(n int) string { return fmt.Sprintf("BoundaryEvery%d", n) }

func (w *world) jobID(row int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d", w.t.Name(), row)).String()
}

func (w *world) behave(row int, b behaviour) { w.behaviours[row] = b }

// at does something when the execution has run for a while, over all its runs.
func (w *world) at(after time.Duration, do func()) { w.events = append(w.events, event{after, do}) }

// watch is shown the stats ten times a job's time.
func (w *world) watch(f func(contract.Stats)) { w.watcher = f }

// rows are the rows up to one.
func (w *world) rows(to int) []int {
	var rows []int
	for row := 1; row <= to; row++ {
		rows = append(rows, row)
	}
	return rows
}

func (w *world) startedRows() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.started))
}

// begunRows are the rows whose first attempt has begun.
func (w *world) begunRows() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.begun))
}

func (w *world) lostRows() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.lost))
}

func (w *world) recordedStates() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.states)
}

// batchID is the workflow id of the execution.
func (w *world) batchID() string { return contract.WorkflowID(w.input.ExecutionID) }

// signal sends a signal by way of the parent: one that the test environment is given for
// the execution itself is lost when that continues as new meanwhile.
func (w *world) signal(name string, payload any) {
	w.env.SignalWorkflow(relaySignal, relay{name, payload})
}

const relaySignal = "relay"

type relay struct {
	Name    string
	Payload any
}

// query asks as the API does: the execution, and its open chunks.
func (w *world) query() contract.Stats {
	overview := w.overview()
	chunks := map[string]contract.ChunkStats{}
	for _, chunk := range overview.Chunks {
		value, err := w.env.QueryWorkflowByID(chunk.WorkflowID, contract.QueryStats)
		require.NoError(w.t, err)
		var stats contract.ChunkStats
		require.NoError(w.t, value.Get(&stats))
		chunks[chunk.WorkflowID] = stats
	}
	stats := overview.With(chunks)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastQueried = stats
	w.mostRunning = max(w.mostRunning, stats.Running)
	require.Equal(w.t, stats.Total, stats.Queued+stats.Running+stats.Ended(), "every job is counted once: %+v", stats)
	return stats
}

func (w *world) overview() contract.Overview {
	value, err := w.env.QueryWorkflowByID(w.batchID(), contract.QueryOverview)
	require.NoError(w.t, err)
	var overview contract.Overview
	require.NoError(w.t, value.Get(&overview))
	return overview
}

// run runs the execution to its end.
func (w *world) run() outcome {
	w.newEnvironment()
	w.env.ExecuteWorkflow(w.parent, w.input)
	require.True(w.t, w.env.IsWorkflowCompleted())
	var result contract.BatchResult
	if err := w.env.GetWorkflowError(); err != nil {
		return outcome{result, err}
	}
	require.NoError(w.t, w.env.GetWorkflowResult(&result))
	w.query()
	return outcome{result, nil}
}

// parent runs the execution as a child, over as many runs as it takes.
func (w *world) parent(ctx workflow.Context, in contract.BatchInput) (contract.BatchResult, error) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var r relay
			workflow.GetSignalChannel(ctx, relaySignal).Receive(ctx, &r)
			_ = workflow.SignalExternalWorkflow(ctx, w.batchID(), "", r.Name, r.Payload).Get(ctx, nil) // it may have ended
		}
	})
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: w.batchID(), WaitForCancellation: true})
	var result contract.BatchResult
	err := workflow.ExecuteChildWorkflow(ctx, contract.BatchWorkflow, in).Get(ctx, &result)
	return result, err
}

func (w *world) newEnvironment() {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	w.env = suite.NewTestWorkflowEnvironment()
	w.env.SetWorkerOptions(sdkworker.Options{
		Interceptors: []interceptor.WorkerInterceptor{&between{world: w}, workflows.Interceptor()},
		// A busy machine may take longer than the SDK's second for a step.
		DeadlockDetectionTimeout: time.Minute,
	})
	w.env.SetTestTimeout(5 * time.Minute)
	w.env.SetCurrentHistoryLength(10_000)
	w.env.RegisterWorkflow(w.parent)
	for name, f := range registered() {
		w.env.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
	}
	for name, f := range map[string]any{
		contract.ActivityPrepare: w.prepare, contract.ActivityBegin: w.begin, contract.ActivityNextJobs: w.nextJobs,
		contract.ActivityRunJob: w.runJob, contract.ActivityRecordLost: w.recordLost, contract.ActivityRecordState: w.recordState,
		contract.ActivityFinish: w.finish, contract.ActivityResults: w.results,
	} {
		w.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	w.env.OnActivity(contract.ActivityRunJob, mock.Anything, mock.MatchedBy(func(in contract.RunJobInput) bool {
		return w.behaviours[w.rowOf[in.JobID]] == hangs
	})).After(24 * time.Hour).Return(w.runJob)
	w.env.OnActivity(contract.ActivityRunJob, mock.Anything, mock.Anything).After(w.slow + jobTime).Return(w.runJob)
	for _, e := range w.events {
		w.env.RegisterDelayedCallback(w.whenThere(e.do), e.at)
	}
	if w.watcher != nil {
		for i := range 200 {
			w.env.RegisterDelayedCallback(w.whenThere(func() { w.watcher(w.query()) }), time.Duration(i+1)*jobTime/10)
		}
	}
	w.env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, args converter.EncodedValues) {
		if info.ActivityType.Name != contract.ActivityRunJob {
			return
		}
		var in contract.RunJobInput
		require.NoError(w.t, args.Get(&in))
		w.mu.Lock()
		w.byChunk[info.WorkflowExecution.ID]++
		w.mu.Unlock()
		if w.slow == 0 {
			w.beginJob(in.JobID)
			return
		}
		w.env.RegisterDelayedCallback(func() { w.beginJob(in.JobID) }, w.slow)
	})
}

func (w *world) dispatchedBy(chunk string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.byChunk[chunk]
}

// beginJob is a worker beginning a job that was dispatched, as the records allow it.
func (w *world) beginJob(jobID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	row := w.rowOf[jobID]
	w.held[jobID] = w.statuses[row] == "" && (w.gate == "paused" || w.gate == "stopping")
	site := w.siteOf(row)
	w.deferred[jobID] = w.takes[site] > 0 && w.atSite[site] >= w.takes[site]
	if w.deferred[jobID] {
		w.deferrals++
		if w.tried {
			w.statuses[row] = "running"
		}
		return
	}
	if w.held[jobID] || w.statuses[row] == "ended" {
		return
	}
	w.putBack[jobID] = w.broke != nil && w.broke()
	if w.putBack[jobID] {
		return
	}
	w.atSite[site]++
	if w.statuses[row] == "" {
		w.begun = append(w.begun, row)
		if w.model != nil {
			w.model.begins(w.t)
		}
	}
	w.statuses[row] = "running"
	w.started = append(w.started, row)
}

func (w *world) prepare(_ context.Context, in contract.PrepareInput) (contract.PrepareResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prepared = in
	return contract.PrepareResult{ExecutionID: uuid.NewString()}, nil
}

func (w *world) results(_ context.Context, in contract.ResultsInput) (contract.ResultsResult, error) {
	return contract.ResultsResult{Results: []contract.ItemResult{{Row: 1, Status: "completed"}}, More: &contract.ResultsPage{BatchID: in.BatchID, AfterRow: 1}}, nil
}

func (w *world) begin(_ context.Context, in contract.BeginInput) (contract.Plan, error) {
	if w.missing {
		return contract.Plan{}, temporal.NewNonRetryableApplicationError("execution not found", contract.ErrorTypePermanent, nil)
	}
	return contract.Plan{
		ExecutionID: in.ExecutionID, OrganisationID: uuid.NewString(), ProjectID: uuid.NewString(), BatchID: uuid.NewString(),
		Total: w.total, Concurrency: w.concurrency, JobTimeoutMS: (48 * time.Hour).Milliseconds(), Tolerance: w.tolerance,
		Retry:    contract.RetryPolicy{MaxAttempts: 2, InitialIntervalMS: 10, BackoffCoefficient: 2, MaxIntervalMS: 100},
		PageSize: 7, JobsPerChunk: w.every, StepsPerRun: w.every, RecordedState: "running", Ended: w.ended,
		StartedAt: "2026-11-24T10:00:00Z",
	}, nil
}

func (w *world) nextJobs(_ context.Context, in contract.NextJobsInput) (contract.NextJobsResult, error) {
	if w.unreadable && in.AfterRow > 0 {
		return contract.NextJobsResult{}, temporal.NewNonRetryableApplicationError("no such execution", contract.ErrorTypePermanent, nil)
	}
	page := contract.NextJobsResult{Jobs: []contract.JobRef{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.total
	if in.UntilRow > 0 {
		last = min(last, in.UntilRow)
	}
	for row := in.AfterRow + 1; row <= last && len(page.Jobs) < in.Limit; row++ {
		if status := w.statuses[row]; status == "ended" || status == "running" && !in.Running {
			continue
		}
		page.Jobs = append(page.Jobs, contract.JobRef{JobID: w.jobID(row), Row: row, Site: w.siteOf(row)})
	}
	return page, nil
}

func (w *world) runJob(_ context.Context, in contract.RunJobInput) (contract.JobOutcome, error) {
	w.mu.Lock()
	row := w.rowOf[in.JobID]
	held, deferred, putBack := w.held[in.JobID], w.deferred[in.JobID], w.putBack[in.JobID]
	if !held && !deferred && !putBack {
		w.statuses[row] = "ended"
		w.endedRows = append(w.endedRows, row)
		w.atSite[w.siteOf(row)]--
	}
	w.mu.Unlock()
	require.Equal(w.t, w.siteOf(row), in.Site)
	switch {
	case deferred:
		return contract.JobOutcome{JobID: in.JobID, Status: contract.StatusDeferred, DeferMS: 1_000}, nil
	case putBack:
		return contract.JobOutcome{JobID: in.JobID, Status: contract.StatusHeld, Pause: "INSUFFICIENT_CREDITS: there are none"}, nil
	}
	if w.model != nil {
		w.model.ended(in.JobID)
	}
	if held {
		return contract.JobOutcome{JobID: in.JobID, Status: contract.StatusHeld}, nil
	}
	out := contract.JobOutcome{JobID: in.JobID, Status: "completed", Verdict: "correct", Attempts: 1, Fields: map[string]bool{"price": true, "sku": true}}
	switch w.behaviours[w.rowOf[in.JobID]] {
	case matchesHalf:
		out.Verdict, out.Fields["price"] = "partial", false
	case failsForGood:
		out = contract.JobOutcome{JobID: in.JobID, Status: "failed", ErrorClass: "permanent", Attempts: 1}
		return contract.JobOutcome{}, temporal.NewApplicationErrorWithOptions("HTTP_404: not found", "permanent",
			temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{out}})
	case vanishes:
		return contract.JobOutcome{}, temporal.NewNonRetryableApplicationError("it vanished", contract.ErrorTypeTransient, nil)
	case succeeds, hangs:
	}
	return out, nil
}

func (w *world) recordLost(_ context.Context, in contract.RecordLostInput) (contract.JobOutcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = append(w.lost, w.rowOf[in.JobID])
	w.statuses[w.rowOf[in.JobID]] = "ended"
	if w.model != nil {
		w.model.ended(in.JobID)
	}
	return contract.JobOutcome{JobID: in.JobID, Status: in.Status, ErrorClass: in.ErrorClass, Attempts: 2}, nil
}

func (w *world) recordState(_ context.Context, in contract.RecordStateInput) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = append(w.states, in.State)
	w.reasons = append(w.reasons, in.Reason)
	w.gate = in.State
	return nil
}

// shown is the status that the row shows.
func (w *world) shown() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gate
}

func (w *world) finish(_ context.Context, in contract.FinishInput) (contract.FinishResult, error) {
	live := w.lastLive()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished, w.liveAtFinish = in, live
	final := live
	final.State = in.Status
	final.Cancelled += final.Queued
	final.Queued = 0
	return contract.FinishResult{Status: in.Status, Reason: in.Reason, Stats: final}, nil
}

// lastLive asks the workflow from within an activity, while it waits for it.
func (w *world) lastLive() contract.Stats {
	value, err := w.env.QueryWorkflowByID(w.batchID(), contract.QueryStats)
	if err != nil {
		return contract.Stats{}
	}
	var stats contract.Stats
	if value.Get(&stats) != nil {
		return contract.Stats{}
	}
	return stats
}

// quiet drops the log of Temporal's test environment.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
