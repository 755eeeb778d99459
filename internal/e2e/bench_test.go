package e2e

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/orchestrator"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/worker"
	"github.com/minohq/mino/workflows/contract"
)

const (
	benchJobs   = 2_000
	benchWindow = 50
)

// BenchmarkNoopJobs measures jobs that do nothing, end to end with sessions and
// results, against a bare fan-out of as many activities that do nothing, with the same
// window on the same server. It reports the ratio of the two speeds.
func BenchmarkNoopJobs(b *testing.B) {
	temporal := testkit.Temporal(b).Client(b)
	for b.Loop() {
		bare := bareFanOut(b, temporal)
		mino := noopExecution(b, temporal)
		b.ReportMetric(benchJobs/bare.Seconds(), "bare-jobs/s")
		b.ReportMetric(benchJobs/mino.Seconds(), "mino-jobs/s")
		b.ReportMetric(bare.Seconds()/mino.Seconds(), "ratio")
	}
}

// bareFanOut runs the activities with nothing around them.
func bareFanOut(b *testing.B, temporal sdkclient.Client) time.Duration {
	b.Helper()
	queue := testkit.TaskQueue(b)
	w := sdkworker.New(temporal, queue, sdkworker.Options{MaxConcurrentActivityExecutionSize: 100})
	w.RegisterWorkflow(fanOut)
	w.RegisterActivity(doNothing)
	require.NoError(b, w.Start())
	defer w.Stop()
	begun := time.Now()
	run, err := temporal.ExecuteWorkflow(b.Context(), sdkclient.StartWorkflowOptions{TaskQueue: queue}, fanOut, benchJobs, benchWindow)
	require.NoError(b, err)
	require.NoError(b, run.Get(b.Context(), nil))
	return time.Since(begun)
}

func doNothing(context.Context) error { return nil }

func fanOut(ctx workflow.Context, jobs, window int) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	running, failed := 0, error(nil)
	for range jobs {
		if err := workflow.Await(ctx, func() bool { return running < window }); err != nil {
			return err
		}
		running++
		workflow.Go(ctx, func(ctx workflow.Context) {
			if err := workflow.ExecuteActivity(ctx, doNothing).Get(ctx, nil); err != nil {
				failed = err
			}
			running--
		})
	}
	if err := workflow.Await(ctx, func() bool { return running == 0 }); err != nil {
		return err
	}
	return failed
}

// noop is an executor that finds nothing, at once.
type noop struct{}

func (noop) Name() string                                  { return "fetch" }
func (noop) Validate(json.RawMessage, []field.Field) error { return nil }
func (noop) Execute(context.Context, executors.Request) (executors.Outcome, error) {
	return executors.Outcome{Fields: map[string]any{"sku": "A-1"}}, nil
}

// noopExecution runs an execution over as many jobs, from the start of its workflow to
// its end in the records.
func noopExecution(b *testing.B, temporal sdkclient.Client) time.Duration {
	b.Helper()
	s := store.New(testkit.Database(b))
	queue := testkit.TaskQueue(b)
	w := worker.New(temporal, worker.Config{TaskQueue: queue, Identity: queue},
		activities.New(activities.Config{Identity: queue}, s, executors.NewRegistry(noop{}), zap.NewNop()))
	require.NoError(b, w.Start())
	defer w.Stop()
	p := testfactory.Project(b, s, nil)
	e := testfactory.Execution(b, s, p, testfactory.Batch(b, s, p, benchJobs, nil), func(e *models.Execution) { e.Concurrency = benchWindow })
	begun := time.Now()
	require.NoError(b, orchestrator.New(temporal, queue).Start(b.Context(), e))
	var result contract.BatchResult
	require.NoError(b, temporal.GetWorkflow(b.Context(), contract.WorkflowID(e.ID.String()), "").Get(b.Context(), &result))
	took := time.Since(begun)
	require.Equal(b, benchJobs, result.Stats.Completed)
	return took
}
