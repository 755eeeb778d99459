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
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/worker"
)

const (
	noopJobs   = 1_000
	noopRounds = 6
)

// BenchmarkNoop runs jobs that do nothing, with their sessions, results and events, in
// turn with a bare fan-out of as many activities that do nothing: the same window, the
// same server, a worker with the same options. There are two such fan-outs: one whose
// client has the SDK's defaults, which is what somebody gets who writes it down, and one
// whose client has MINO's options, which shows what is MINO's own cost.
//
// The server and the machine do not keep their speed for long, so the rounds are short,
// each begins with another of the three, and all of them count.
func BenchmarkNoop(b *testing.B) {
	n := jobs(b, noopJobs)
	for b.Loop() {
		s := newSystem(b, noop)
		bare, tuned := startFanOut(b, clientWith(b, sdkclient.ConnectionOptions{})), startFanOut(b, s.temporal)
		var next *models.Execution
		all := []*contender{
			{name: "bare", run: func() time.Duration { return bare(n) }},
			{name: "MINO", prepare: func() { next = s.execution(n, nil) }, run: func() time.Duration { return s.run(next) }},
			{name: "bare with MINO's client", run: func() time.Duration { return tuned(n) }},
		}
		for _, c := range all {
			c.measure() // what is slow the first time
		}
		for round := range noopRounds {
			for i := range all {
				all[(round+i)%len(all)].round(n)
			}
		}
		for _, c := range all {
			b.Logf("%s, jobs/s: %.0f; processors, ms a job: %.2f", c.name, c.rates, c.each)
		}
		noopThroughput.recordAgainst(b, all[1].rate(n), all[0].rate(n))
		noopOwnCost.recordAgainst(b, all[1].rate(n), all[2].rate(n))
		if all[0].used > 0 {
			noopProcessor.recordAgainst(b, all[1].perJob(n), all[0].perJob(n))
		}
	}
}

// contender is what is measured in turn with others.
type contender struct {
	name    string
	prepare func() // nil: there is nothing to prepare
	run     func() time.Duration

	rates, each []float64
	took, used  time.Duration
}

func (c *contender) measure() (took, used time.Duration) {
	if c.prepare != nil {
		c.prepare()
	}
	before := processorTime()
	took = c.run()
	return took, processorTime() - before
}

func (c *contender) round(jobs int) {
	took, used := c.measure()
	c.took, c.used = c.took+took, c.used+used
	c.rates = append(c.rates, float64(jobs)/took.Seconds())
	c.each = append(c.each, milliseconds(used)/float64(jobs))
}

func (c *contender) rate(jobs int) float64 {
	return float64(jobs*len(c.rates)) / c.took.Seconds()
}

func (c *contender) perJob(jobs int) float64 {
	return milliseconds(c.used) / float64(jobs*len(c.each))
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
