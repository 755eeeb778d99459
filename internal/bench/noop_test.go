package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/worker"
)

const (
	// noopJobs is how many a single run of the bare fan-out can take.
	noopJobs   = 2_000
	noopRounds = 5
)

// BenchmarkNoop runs jobs that do nothing, with their sessions, results and events, in
// turn with a bare fan-out of as many activities that do nothing: the same window, the
// same server, a worker with the same options. There are two such fan-outs: one whose
// client has the SDK's defaults, which is what somebody gets who writes it down, and one
// whose client has MINO's options, which shows what is MINO's own cost.
func BenchmarkNoop(b *testing.B) {
	n := jobs(b, noopJobs)
	for b.Loop() {
		s := newSystem(b, noop)
		bare, tuned := startFanOut(b, clientWith(b, sdkclient.ConnectionOptions{})), startFanOut(b, s.temporal)
		var theirs, likeOurs, ours []float64
		bare(min(n, 500))
		s.run(s.execution(min(n, 500), nil))
		for range noopRounds {
			theirs = append(theirs, float64(n)/bare(n).Seconds())
			ours = append(ours, float64(n)/s.run(s.execution(n, nil)).Seconds())
			likeOurs = append(likeOurs, float64(n)/tuned(n).Seconds())
		}
		b.Logf("jobs/s: bare %.0f, bare with MINO's client %.0f, MINO %.0f", theirs, likeOurs, ours)
		noopThroughput.recordAgainst(b, median(ours), median(theirs))
		noopOwnCost.recordAgainst(b, median(ours), median(likeOurs))
	}
}

// startFanOut starts a worker for activities with nothing around them, and gives what
// runs a number of them.
func startFanOut(b *testing.B, temporal sdkclient.Client) func(jobs int) time.Duration {
	b.Helper()
	queue := testkit.TaskQueue(b)
	w := sdkworker.New(temporal, queue, worker.Config{TaskQueue: queue, Identity: queue}.Options())
	w.RegisterWorkflow(fanOut)
	w.RegisterActivity(doNothing)
	require.NoError(b, w.Start())
	b.Cleanup(w.Stop)
	return func(jobs int) time.Duration {
		begun := time.Now()
		run, err := temporal.ExecuteWorkflow(b.Context(), sdkclient.StartWorkflowOptions{TaskQueue: queue}, fanOut, jobs, window)
		require.NoError(b, err)
		require.NoError(b, run.Get(b.Context(), nil))
		return time.Since(begun)
	}
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
