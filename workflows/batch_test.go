package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/minohq/mino/workflows/contract"
)

// boundaries are the numbers of jobs after which a chunk ends, and of steps after which
// BatchWorkflow continues as new; every scenario must come to the same whatever they are.
var boundaries = []int{1, 2, 3, 5, 7, 11, 1000}

// across runs a scenario under every boundary.
func across(t *testing.T, scenario func(t *testing.T, every int)) {
	t.Helper()
	for _, n := range boundaries {
		t.Run(boundaryName(n), func(t *testing.T) {
			t.Parallel()
			scenario(t, n)
		})
	}
}

func TestBatchWorkflow(t *testing.T) {
	t.Parallel()

	t.Run("RunsEveryJobOnceAndReturnsWhatTheRowsAddUpTo", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 23, every)
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "completed", result.Status)
			require.Equal(t, 23, result.Stats.Completed)
			require.Equal(t, w.rows(23), w.startedRows())
			require.Equal(t, "completed", w.finished.Status)
			require.Equal(t, "completed", w.lastQueried.State)
		})
	})

	t.Run("CountsOutcomesWhateverTheyAre", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 12, every)
			w.behave(3, failsForGood)
			w.behave(5, vanishes)
			w.behave(8, matchesHalf)
			result := w.run()
			require.NoError(t, result.err)
			stats := w.liveAtFinish
			require.Equal(t, 10, stats.Completed)
			require.Equal(t, 2, stats.Failed)
			require.Equal(t, map[string]int{"permanent": 1, "transient": 1}, stats.ErrorClasses)
			require.Equal(t, map[string]int{"correct": 9, "partial": 1}, stats.Verdicts)
			require.Equal(t, contract.FieldStat{Matched: 9, Compared: 10}, stats.Fields["price"])
			require.Equal(t, contract.FieldStat{Matched: 10, Compared: 10}, stats.Fields["sku"])
			require.Equal(t, 19, stats.Matched)
			require.Equal(t, 20, stats.Compared)
			require.Equal(t, 9, stats.CorrectJobs)
			require.Equal(t, 10, stats.ScoredJobs)
			require.Equal(t, []int{5}, w.lostRows(), "a job whose last attempt ended without a word is recorded")
		})
	})

	t.Run("NeverExceedsTheConcurrency", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 40, every)
			w.concurrency = 4
			w.watch(func(stats contract.Stats) { require.LessOrEqual(t, stats.Running, 4) })
			require.NoError(t, w.run().err)
			require.Equal(t, 4, w.mostRunning, "the slots are used, across every boundary")
		})
	})

	t.Run("StartsNothingWhilePausedAndGoesOnWhereItStopped", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 30, every)
			w.concurrency = 3
			w.at(25*time.Second, func() { w.signal(contract.SignalPause, nil) })
			var started int
			w.at(60*time.Second, func() {
				stats := w.query()
				require.Equal(t, "paused", stats.State)
				require.Zero(t, stats.Running, "what ran has finished")
				started = len(w.startedRows())
			})
			w.at(500*time.Second, func() {
				require.Len(t, w.startedRows(), started, "nothing started meanwhile")
				w.signal(contract.SignalPause, nil) // pausing twice is pausing once
				w.signal(contract.SignalResume, nil)
			})
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "completed", result.Status)
			require.Equal(t, w.rows(30), w.startedRows())
			require.Contains(t, w.recordedStates(), "paused")
		})
	})

	t.Run("LetsRunningJobsFinishWhenItDrains", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 30, every)
			w.concurrency = 3
			w.at(25*time.Second, func() { w.signal(contract.SignalStop, contract.StopRequest{}) })
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "stopped", result.Status)
			require.Less(t, len(w.startedRows()), 30)
			require.Equal(t, len(w.startedRows()), w.liveAtFinish.Completed, "every job that started finished")
			require.Equal(t, "stopped by request", result.Reason)
		})
	})

	t.Run("CancelsRunningJobsWhenToldTo", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 30, every)
			w.concurrency = 2
			for row := 1; row <= 30; row++ {
				w.behave(row, hangs)
			}
			w.at(time.Second, func() { w.signal(contract.SignalStop, contract.StopRequest{Mode: contract.StopCancel}) })
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "stopped", result.Status)
			require.Equal(t, 2, w.liveAtFinish.Cancelled)
		})
	})

	t.Run("TakesCancellationOfTheWorkflowForAStopThatCancels", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 10, 1000)
		for row := 1; row <= 10; row++ {
			w.behave(row, hangs)
		}
		w.at(time.Second, func() { w.env.CancelWorkflowByID(w.batchID(), "") })
		result := w.run()
		var canceled *temporal.CanceledError
		require.ErrorAs(t, result.err, &canceled)
		require.Equal(t, "stopped", w.finished.Status)
		require.Equal(t, "the workflow was cancelled", w.finished.Reason)
	})

	t.Run("AppliesANewConcurrencyAtOnce", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 60, every)
			w.concurrency = 2
			w.at(25*time.Second, func() { w.signal(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 8}) })
			w.at(34*time.Second, func() {
				stats := w.query()
				require.Equal(t, 8, stats.Concurrency)
				if every > 1 { // at every job a boundary takes longer than a job
					require.Equal(t, 8, stats.Running, "up starts jobs immediately")
				}
			})
			w.at(90*time.Second, func() { w.signal(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 1}) })
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, 60, result.Stats.Completed, "down interrupts nothing")
			require.Equal(t, 1, w.lastQueried.Concurrency)
		})
	})

	t.Run("BringsAConcurrencyOutsideTheLimitsWithinThem", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 10, 1000)
		w.at(time.Second, func() {
			w.signal(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 1000})
			w.signal(contract.SignalStop, contract.StopRequest{Mode: "sideways"})
			w.signal(contract.SignalStop, "not an object")
		})
		w.at(2*time.Second, func() { require.Equal(t, contract.MaxConcurrency, w.query().Concurrency) })
		result := w.run()
		require.NoError(t, result.err)
		require.Equal(t, "completed", result.Status, "a bad signal harms nothing")
	})
}

func TestControlOrder(t *testing.T) {
	t.Parallel()

	t.Run("AppliesSignalsOfOneTaskInTheOrderOfArrival", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 20, 1000)
		w.concurrency = 1
		w.at(15*time.Second, func() {
			w.signal(contract.SignalResume, nil)
			w.signal(contract.SignalPause, nil)
			w.signal(contract.SignalResume, nil)
			w.signal(contract.SignalPause, nil)
		})
		w.at(16*time.Second, func() { require.Equal(t, "paused", w.query().State) })
		w.at(200*time.Second, func() {
			w.signal(contract.SignalPause, nil)
			w.signal(contract.SignalResume, nil)
		})
		w.at(201*time.Second, func() { require.Equal(t, "running", w.query().State) })
		require.NoError(t, w.run().err)
	})

	t.Run("KeepsWhatWasAskedBeforeTheFirstTask", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 10, every)
			w.before(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 3})
			w.before(contract.SignalPause, nil)
			w.at(100*time.Second, func() {
				stats := w.query()
				require.Equal(t, "paused", stats.State)
				require.Equal(t, 3, stats.Concurrency)
				require.Empty(t, w.startedRows())
				w.signal(contract.SignalResume, nil)
			})
			require.NoError(t, w.run().err)
			require.Len(t, w.startedRows(), 10)
		})
	})

	t.Run("StaysStoppedWhateverComesAfter", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 20, every)
			w.concurrency = 2
			w.at(15*time.Second, func() {
				w.signal(contract.SignalStop, contract.StopRequest{Mode: contract.StopDrain})
				w.signal(contract.SignalResume, nil)
				w.signal(contract.SignalPause, nil)
				w.signal(contract.SignalStop, contract.StopRequest{Mode: contract.StopDrain})
			})
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "stopped", result.Status)
		})
	})

	t.Run("LetsACancelFollowADrain", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 20, 1000)
		for row := 1; row <= 20; row++ {
			w.behave(row, hangs)
		}
		w.at(time.Second, func() { w.signal(contract.SignalStop, contract.StopRequest{Mode: contract.StopDrain}) })
		w.at(2*time.Second, func() {
			require.Equal(t, "stopping", w.query().State)
			w.signal(contract.SignalStop, contract.StopRequest{Mode: contract.StopCancel})
			w.signal(contract.SignalStop, contract.StopRequest{Mode: contract.StopDrain})
		})
		result := w.run()
		require.NoError(t, result.err)
		require.Equal(t, "stopped", result.Status)
		require.Equal(t, 10, w.liveAtFinish.Cancelled)
	})
}

func TestUnreadableJobs(t *testing.T) {
	t.Parallel()

	t.Run("FailsAnExecutionWhoseJobsCannotBeReadAndLetsWhatRunsEnd", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 20, 1000)
		w.unreadable = true
		result := w.run()
		require.NoError(t, result.err)
		require.Equal(t, "failed", result.Status)
		require.Equal(t, "the jobs could not be read: no such execution", result.Reason)
		require.Equal(t, 7, w.liveAtFinish.Completed, "the first page was read")
	})
}

func TestEndedExecution(t *testing.T) {
	t.Parallel()

	t.Run("ReturnsTheEndAsItStandsAndRunsNothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 5, 1000)
		w.ended = true
		result := w.run()
		require.NoError(t, result.err)
		require.Empty(t, w.startedRows())
	})

	t.Run("FailsWhenThereIsNoSuchExecution", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 5, 1000)
		w.missing = true
		var failed *temporal.ApplicationError
		require.ErrorAs(t, w.run().err, &failed)
		require.Equal(t, contract.ErrorTypePermanent, failed.Type())
	})
}
