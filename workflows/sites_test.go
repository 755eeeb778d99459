package workflows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/workflows/contract"
)

func TestSites(t *testing.T) {
	t.Parallel()

	t.Run("A site that takes few jobs keeps no others from their slots", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 40, every)
			// The first half of the batch is one site's.
			w.siteOf = func(row int) string {
				if row <= 20 {
					return "narrow.example"
				}
				return "wide.example"
			}
			w.takes = map[string]int{"narrow.example": 2}
			w.concurrency = 8
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "completed", result.Status)
			require.Equal(t, 40, result.Stats.Completed)
			require.Equal(t, w.rows(40), slices.Sorted(slices.Values(w.endedRows)), "each has ended once")
			require.Positive(t, w.deferrals)
			if every < 20 {
				return // a chunk sees no further than its rows
			}
			require.Less(t, w.deferrals, 40, "jobs are not dispatched for nothing again and again")
			require.Less(t, slices.Index(w.endedRows, 40), 36, "the others did not wait for the narrow site: %v", w.endedRows)
		})
	})

	t.Run("A pause and a stop hold while jobs are deferred", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 30, every)
			w.takes = map[string]int{"shop.example": 1}
			w.at(35*time.Second, func() { w.signal(contract.SignalPause, nil) })
			w.at(100*time.Second, func() {
				require.Equal(t, "paused", w.query().State)
				require.Zero(t, w.query().Running)
				w.signal(contract.SignalResume, nil)
			})
			w.at(135*time.Second, func() { w.signal(contract.SignalStop, contract.StopRequest{Mode: contract.StopDrain}) })
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "stopped", result.Status)
			require.Less(t, len(w.endedRows), 30)
			require.Equal(t, len(w.endedRows), result.Stats.Completed)
		})
	})
}

// A chunk that has many jobs deferred may come to the end of its history before it comes to
// the end of its rows, and by then it has taken some of them out of their order.
func TestChunksThatAreSpentEarly(t *testing.T) {
	t.Parallel()
	scenario := func(t *testing.T, every, growAfter int) *world {
		t.Helper()
		w := newWorld(t, 40, every)
		w.siteOf = func(row int) string {
			if row%4 < 2 {
				return "narrow.example"
			}
			return fmt.Sprintf("site-%d.example", row)
		}
		w.takes = map[string]int{"narrow.example": 1}
		w.concurrency, w.slow, w.growAfter = 4, 5*time.Second, growAfter
		// Slots become free while jobs are dispatched and not begun.
		for i := range 6 {
			w.at(12*time.Second+time.Duration(i)*15*time.Second, func() {
				w.signal(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 4 + i%3*2})
			})
		}
		return w
	}
	check := func(t *testing.T, w *world) {
		t.Helper()
		result := w.run()
		require.NoError(t, result.err)
		require.Equal(t, "completed", result.Status)
		require.Equal(t, w.rows(40), slices.Sorted(slices.Values(w.endedRows)), "each has ended once")
		require.Equal(t, 40, result.Stats.Completed)
	}
	for _, growAfter := range []int{1, 2, 5, 8, 9, 10, 11, 13, 21} {
		t.Run(fmt.Sprintf("After %d jobs", growAfter), func(t *testing.T) {
			t.Parallel()
			for _, every := range []int{11, 1000} {
				check(t, scenario(t, every, growAfter))
			}
		})
		t.Run(fmt.Sprintf("After %d jobs, with jobs that were tried before", growAfter), func(t *testing.T) {
			t.Parallel()
			w := scenario(t, 1000, growAfter)
			w.tried = true
			check(t, w)
		})
		t.Run(fmt.Sprintf("After %d jobs, and take over what a chunk has begun that died", growAfter), func(t *testing.T) {
			t.Parallel()
			for _, dies := range []time.Duration{14 * time.Second, 40 * time.Second, 70 * time.Second} {
				w := scenario(t, 1000, growAfter)
				w.tried, w.dies = true, dies
				w.at(dies-time.Second, func() { w.signal(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 1}) })
				// What the dead chunk had of the site runs out.
				w.at(dies+time.Minute, func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					clear(w.atSite)
				})
				require.NoError(t, w.run().err)
				// What the dead chunk had running ends once more.
				ended := slices.Compact(slices.Sorted(slices.Values(w.endedRows)))
				require.Equal(t, w.rows(40), ended, "none is lost")
			}
		})
	}
}

func TestCredits(t *testing.T) {
	t.Parallel()
	across(t, func(t *testing.T, every int) {
		w := newWorld(t, 30, every)
		w.concurrency = 4
		credits := 10
		w.broke = func() bool {
			credits--
			return credits < 0
		}
		w.at(10*time.Minute, func() {
			stats := w.query()
			require.Equal(t, "paused", stats.State)
			require.Equal(t, "INSUFFICIENT_CREDITS: there are none", stats.Reason)
			require.Equal(t, 10, stats.Completed)
			require.Zero(t, stats.Failed)
			require.Zero(t, stats.Running)
			w.mu.Lock()
			defer w.mu.Unlock()
			credits = 5 // not enough: it pauses once more
		})
		w.at(10*time.Minute+time.Second, func() { w.signal(contract.SignalResume, nil) })
		w.at(20*time.Minute, func() {
			require.Equal(t, "paused", w.query().State)
			require.Equal(t, 15, w.query().Completed)
			w.mu.Lock()
			defer w.mu.Unlock()
			credits = 1_000
		})
		w.at(20*time.Minute+time.Second, func() { w.signal(contract.SignalResume, nil) })
		result := w.run()
		require.NoError(t, result.err)
		require.Equal(t, "completed", result.Status)
		require.Equal(t, 30, result.Stats.Completed)
		require.Zero(t, result.Stats.Failed)
		require.Equal(t, w.rows(30), slices.Sorted(slices.Values(w.endedRows)))
	})
}
