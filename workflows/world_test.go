package workflows_test

import (
	"context"
	"errors"
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
// test environment with its own clock. It lives across continue-as-new, as they do.
type world struct {
	t           *testing.T
	env         *testsuite.TestWorkflowEnvironment
	total       int
	jobsPerRun  int
	concurrency int
	ended       bool
	missing     bool
	unreadable  bool
	behaviours  map[int]behaviour
	events      []event
	elapsed     time.Duration
	watcher     func(contract.Stats)

	mu           sync.Mutex
	started      []int
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

// jobTime is how long a job takes.
const jobTime = 100 * time.Millisecond

func newWorld(t *testing.T, total, jobsPerRun int) *world {
	t.Helper()
	w := &world{
		t: t, total: total, jobsPerRun: jobsPerRun, concurrency: 10,
		behaviours: map[int]behaviour{}, rowOf: map[string]int{},
	}
	for row := 1; row <= total; row++ {
		w.rowOf[w.jobID(row)] = row
	}
	return w
}

func boundaryName(n int) string { return fmt.Sprintf("ContinuedEvery%dJobs", n) }

func (w *world) jobID(row int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s/%d", w.t.Name(), row)).String()
}

func (w *world) behave(row int, b behaviour) { w.behaviours[row] = b }

// at does something when the execution has run for a while, over all its runs.
func (w *world) at(after time.Duration, do func()) { w.events = append(w.events, event{after, do}) }

// watch is shown the stats ten times a job's time.
func (w *world) watch(f func(contract.Stats)) { w.watcher = f }

func (w *world) rows(from, to int) []int {
	var rows []int
	for row := from; row <= to; row++ {
		rows = append(rows, row)
	}
	return rows
}

func (w *world) startedRows() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.started))
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

func (w *world) signal(name string, payload any) { w.env.SignalWorkflow(name, payload) }

func (w *world) query() contract.Stats {
	value, err := w.env.QueryWorkflow(contract.QueryStats)
	require.NoError(w.t, err)
	var stats contract.Stats
	require.NoError(w.t, value.Get(&stats))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastQueried = stats
	w.mostRunning = max(w.mostRunning, stats.Running)
	require.Equal(w.t, stats.Total, stats.Queued+stats.Running+stats.Completed+stats.Failed+stats.Cancelled,
		"every job is counted once: %+v", stats)
	return stats
}

// run runs the execution over as many runs as it takes.
func (w *world) run() outcome {
	in := contract.BatchInput{Version: contract.InputVersion, ExecutionID: uuid.NewString()}
	for runs := 0; ; runs++ {
		require.Less(w.t, runs, 1000, "the execution does not end")
		w.newEnvironment()
		begun := w.env.Now()
		w.env.ExecuteWorkflow(contract.BatchWorkflow, in)
		w.elapsed += w.env.Now().Sub(begun)
		require.True(w.t, w.env.IsWorkflowCompleted())
		err := w.env.GetWorkflowError()
		var next *workflow.ContinueAsNewError
		if errors.As(err, &next) {
			in = contract.BatchInput{}
			require.NoError(w.t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
			continue
		}
		var result contract.BatchResult
		if err == nil {
			require.NoError(w.t, w.env.GetWorkflowResult(&result))
			w.query()
		}
		return outcome{result, err}
	}
}

func (w *world) newEnvironment() {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	w.env = suite.NewTestWorkflowEnvironment()
	w.env.SetWorkerOptions(sdkworker.Options{Interceptors: []interceptor.WorkerInterceptor{workflows.Interceptor()}})
	w.env.SetTestTimeout(time.Minute)
	w.env.RegisterWorkflowWithOptions(workflows.BatchWorkflow, workflow.RegisterOptions{Name: contract.BatchWorkflow})
	for name, f := range map[string]any{
		contract.ActivityBegin: w.begin, contract.ActivityNextJobs: w.nextJobs, contract.ActivityRunJob: w.runJob,
		contract.ActivityRecordLost: w.recordLost, contract.ActivityRecordState: w.recordState, contract.ActivityFinish: w.finish,
	} {
		w.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	w.env.OnActivity(contract.ActivityRunJob, mock.Anything, mock.MatchedBy(func(in contract.RunJobInput) bool {
		return w.behaviours[w.rowOf[in.JobID]] == hangs
	})).After(24 * time.Hour).Return(w.runJob)
	w.env.OnActivity(contract.ActivityRunJob, mock.Anything, mock.Anything).After(jobTime).Return(w.runJob)
	for _, e := range w.events {
		if e.at >= w.elapsed {
			w.env.RegisterDelayedCallback(e.do, e.at-w.elapsed)
		}
	}
	if w.watcher != nil {
		for i := range 400 {
			w.env.RegisterDelayedCallback(func() { w.watcher(w.query()) }, time.Duration(i+1)*jobTime/10)
		}
	}
	w.env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, args converter.EncodedValues) {
		if info.ActivityType.Name != contract.ActivityRunJob {
			return
		}
		var in contract.RunJobInput
		require.NoError(w.t, args.Get(&in))
		w.mu.Lock()
		defer w.mu.Unlock()
		if info.Attempt == 1 {
			w.started = append(w.started, w.rowOf[in.JobID])
		}
	})
}

func (w *world) begin(_ context.Context, executionID string) (contract.Plan, error) {
	if w.missing {
		return contract.Plan{}, temporal.NewNonRetryableApplicationError("execution not found", contract.ErrorTypePermanent, nil)
	}
	return contract.Plan{
		ExecutionID: executionID, OrganisationID: uuid.NewString(), ProjectID: uuid.NewString(), BatchID: uuid.NewString(),
		Total: w.total, Concurrency: w.concurrency, JobTimeoutMS: (48 * time.Hour).Milliseconds(),
		Retry:    contract.RetryPolicy{MaxAttempts: 2, InitialIntervalMS: 10, BackoffCoefficient: 2, MaxIntervalMS: 100},
		PageSize: 7, JobsPerRun: w.jobsPerRun, RecordedState: "running", Ended: w.ended,
	}, nil
}

func (w *world) nextJobs(_ context.Context, in contract.NextJobsInput) (contract.NextJobsResult, error) {
	if w.unreadable && in.AfterRow > 0 {
		return contract.NextJobsResult{}, temporal.NewNonRetryableApplicationError("no such execution", contract.ErrorTypePermanent, nil)
	}
	page := contract.NextJobsResult{Jobs: []contract.JobRef{}}
	for row := in.AfterRow + 1; row <= w.total && len(page.Jobs) < in.Limit; row++ {
		page.Jobs = append(page.Jobs, contract.JobRef{JobID: w.jobID(row), Row: row, Site: "shop.example"})
	}
	return page, nil
}

func (w *world) runJob(_ context.Context, in contract.RunJobInput) (contract.JobOutcome, error) {
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
	return contract.JobOutcome{JobID: in.JobID, Status: in.Status, ErrorClass: in.ErrorClass, Attempts: 2}, nil
}

func (w *world) recordState(_ context.Context, in contract.RecordStateInput) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = append(w.states, in.State)
	return nil
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
	value, err := w.env.QueryWorkflow(contract.QueryStats)
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
