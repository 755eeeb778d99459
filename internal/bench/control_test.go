package bench

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/models"
)

const (
	// Enough for the workflow to continue as new some times meanwhile.
	controlRounds = 150
	controlRows   = 500
)

// BenchmarkControl pauses, resumes and changes the concurrency of an execution with all
// slots taken, through the API over HTTP, and takes the time to each answer.
func BenchmarkControl(b *testing.B) {
	for b.Loop() {
		var running atomic.Int64
		release := make(chan struct{})
		s := newSystem(b, func(ctx context.Context, _ executors.Request) error {
			running.Add(1)
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		e := s.execution(controlRows, nil)
		s.start(e)
		require.Eventually(b, func() bool { return running.Load() == window }, time.Minute, 10*time.Millisecond)
		all := control(b, s.api(), e)
		require.EqualValues(b, window, running.Load(), "no job has begun meanwhile")
		close(release)
		require.NoError(b, s.temporal.GetWorkflow(b.Context(), e.Workflow(), "").Get(b.Context(), nil))
		controlMedian.record(b, milliseconds(median(all)))
		controlSlowest.record(b, milliseconds(quantile(all, 0.99)))
	}
}

func control(b *testing.B, c *client.Client, e *models.Execution) (all []time.Duration) {
	b.Helper()
	verbs := []struct {
		name string
		ask  func() (wire.Stats, error)
		is   func(wire.Stats) bool
	}{
		{"pause", func() (wire.Stats, error) { return c.Pause(b.Context(), e.ID) }, func(s wire.Stats) bool { return s.Status == "paused" }},
		{"resume", func() (wire.Stats, error) { return c.Resume(b.Context(), e.ID) }, func(s wire.Stats) bool { return s.Status == "running" }},
		{"fewer", func() (wire.Stats, error) { return c.SetConcurrency(b.Context(), e.ID, window/2) }, func(s wire.Stats) bool { return s.Concurrency == window/2 }},
		{"more", func() (wire.Stats, error) { return c.SetConcurrency(b.Context(), e.ID, window) }, func(s wire.Stats) bool { return s.Concurrency == window }},
	}
	took := make(map[string][]time.Duration)
	for range controlRounds {
		for _, verb := range verbs {
			begun := time.Now()
			stats, err := verb.ask()
			took[verb.name] = append(took[verb.name], time.Since(begun))
			require.NoError(b, err)
			require.True(b, verb.is(stats), verb.name)
		}
	}
	for _, verb := range verbs {
		durations := took[verb.name]
		b.Logf("%-6s  p50 %.0f ms, p99 %.0f ms, longest %.0f ms", verb.name, milliseconds(median(durations)),
			milliseconds(quantile(durations, 0.99)), milliseconds(slices.Max(durations)))
		all = append(all, durations...)
	}
	return all
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
