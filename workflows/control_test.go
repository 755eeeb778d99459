package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/minohq/mino/workflows/contract"
)

// answered keeps what an update came to.
type answered struct {
	accepted bool
	rejected error
	stats    contract.Stats
	err      error
	done     bool
}

func (a *answered) Accept()          { a.accepted = true }
func (a *answered) Reject(err error) { a.rejected = err }
func (a *answered) Complete(success any, err error) {
	a.done, a.err = true, err
	if stats, ok := success.(contract.Stats); ok {
		a.stats = stats
	}
}

// update sends an update and gives what it comes to, in time.
func (w *world) update(name string, in any) *answered {
	a := &answered{}
	require.NoError(w.t, w.env.UpdateWorkflowByID(w.batchID(), name, fmt.Sprintf("%s-%d", name, len(w.updates)), a, in))
	w.updates = append(w.updates, a)
	return a
}

func TestUpdates(t *testing.T) {
	t.Parallel()

	t.Run("AnswerWithTheStateOnceItHolds", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 40, every)
			w.concurrency = 3
			var paused, faster, resumed, stopped *answered
			w.at(25*time.Second, func() { paused = w.update(contract.SignalPause, struct{}{}) })
			w.at(200*time.Second, func() {
				require.True(t, paused.done)
				require.NoError(t, paused.err)
				require.Equal(t, "paused", paused.stats.State)
				require.Equal(t, "paused", w.shown(), "the row shows it")
				require.True(t, w.overview().Settled)
				faster = w.update(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 6})
			})
			w.at(300*time.Second, func() {
				require.Equal(t, 6, faster.stats.Concurrency)
				resumed = w.update(contract.SignalResume, struct{}{})
			})
			w.at(325*time.Second, func() {
				require.Equal(t, "running", resumed.stats.State)
				stopped = w.update(contract.SignalStop, contract.StopRequest{Mode: contract.StopDrain})
			})
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "stopped", result.Status)
			require.True(t, stopped.done)
			require.NoError(t, stopped.err)
		})
	})

	t.Run("RefuseWhatMakesNoSense", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 10, 1000)
		var mode, few, many *answered
		w.at(5*time.Second, func() {
			mode = w.update(contract.SignalStop, contract.StopRequest{Mode: "sideways"})
			few = w.update(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 0})
			many = w.update(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: 51})
		})
		result := w.run()
		require.NoError(t, result.err)
		require.Equal(t, "completed", result.Status)
		require.ErrorContains(t, mode.rejected, `mode: must be drain or cancel, is "sideways"`)
		require.ErrorContains(t, few.rejected, "value: must be between 1 and 50, is 0")
		require.ErrorContains(t, many.rejected, "value: must be between 1 and 50, is 51")
		for _, a := range []*answered{mode, few, many} {
			require.False(t, a.accepted)
		}
	})
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	number := func(n int) *int { return &n }
	percent := func(p float64) *float64 { return &p }

	t.Run("PausesBeyondACountAndCountsAnewAfterAResume", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 30, every)
			w.concurrency = 1
			w.tolerance = &contract.Tolerance{MaxFailed: number(2), Action: contract.ToleranceActionPause}
			for _, row := range []int{3, 5, 6, 20, 21} {
				w.behave(row, failsForGood)
			}
			w.at(10*time.Minute, func() {
				stats := w.query()
				require.Equal(t, "paused", stats.State)
				require.Equal(t, "3 of 6 jobs failed; 2 are tolerated", stats.Reason)
				require.Equal(t, w.rows(6), w.startedRows(), "nothing started after the failure that was too many")
				require.Contains(t, w.reasons, stats.Reason, "the row says why")
				w.signal(contract.SignalResume, nil)
			})
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "completed", result.Status, "two more are tolerated")
			require.Equal(t, 5, result.Stats.Failed)
		})
	})

	t.Run("FailsBeyondAShareOnceEnoughHaveEnded", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 40, every)
			w.concurrency = 1
			w.tolerance = &contract.Tolerance{MaxFailedPercent: percent(25), After: 8, Action: contract.ToleranceActionFail}
			for _, row := range []int{1, 2, 10} {
				w.behave(row, failsForGood)
			}
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "failed", result.Status)
			require.Equal(t, "3 of 10 jobs failed; 25 % are tolerated", result.Reason)
			require.Equal(t, w.rows(10), w.startedRows())
			require.Equal(t, 30, result.Stats.Cancelled)
		})
	})

	t.Run("BearsWhatItMay", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 20, every)
			w.tolerance = &contract.Tolerance{MaxFailed: number(4), MaxFailedPercent: percent(20), After: 20, Action: contract.ToleranceActionFail}
			for _, row := range []int{1, 7, 13, 20} {
				w.behave(row, failsForGood)
			}
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "completed", result.Status)
		})
	})
}

func TestHeldJobs(t *testing.T) {
	t.Parallel()

	t.Run("AreBegunAfterTheResume", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 12, every)
			w.concurrency = 4
			w.slow = 5 * time.Second // between dispatch and begin
			w.at(2*time.Second, func() { w.signal(contract.SignalPause, nil) })
			w.at(1000*time.Second, func() {
				require.Empty(t, w.begunRows(), "what was dispatched before the pause, and not begun, is held")
				stats := w.query()
				require.Equal(t, "paused", stats.State)
				require.Zero(t, stats.Running)
				require.Equal(t, 12, stats.Queued)
				w.signal(contract.SignalResume, nil)
			})
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, 12, result.Stats.Completed)
			require.Equal(t, w.rows(12), w.begunRows())
		})
	})

	t.Run("StayQueuedWhenTheExecutionStops", func(t *testing.T) {
		t.Parallel()
		across(t, func(t *testing.T, every int) {
			w := newWorld(t, 12, every)
			w.concurrency = 4
			w.slow = 5 * time.Second
			w.at(2*time.Second, func() { w.signal(contract.SignalPause, nil) })
			w.at(1000*time.Second, func() { w.signal(contract.SignalStop, contract.StopRequest{}) })
			result := w.run()
			require.NoError(t, result.err)
			require.Equal(t, "stopped", result.Status)
			require.Empty(t, w.begunRows())
			require.Equal(t, 12, result.Stats.Cancelled)
		})
	})
}

func TestInputs(t *testing.T) {
	t.Parallel()

	t.Run("MakeAnExecutionOfInlineItems", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, 2, 1)
		items := []contract.Item{{SiteURL: "https://a.example"}, {SiteURL: "https://b.example"}}
		w.input = contract.BatchInput{Version: contract.InputVersion, ProjectID: "p", Items: items, IncludeResults: true}
		result := w.run()
		require.NoError(t, result.err)
		require.Equal(t, items, w.prepared.Items)
		require.Equal(t, w.batchID(), w.prepared.WorkflowID)
		require.NotEmpty(t, result.ExecutionID)
		require.Equal(t, 2, result.Stats.Completed)
		require.Len(t, result.Results, 1)
		require.Equal(t, 1, result.MoreResults.AfterRow)
	})

	for name, test := range map[string]struct {
		input contract.BatchInput
		says  string
	}{
		"MustSayWhatToRun":        {contract.BatchInput{Version: 1}, "execution_id, batch_id, items"},
		"MustSayOneThing":         {contract.BatchInput{Version: 1, ExecutionID: "e", BatchID: "b"}, "execution_id, batch_id, items"},
		"MustHaveAKnownVersion":   {contract.BatchInput{Version: 2, ExecutionID: "e"}, "version"},
		"MustNameTheItemsProject": {contract.BatchInput{Version: 1, Items: make([]contract.Item, 1)}, "project_id"},
		"MayNotHaveTooManyItems":  {contract.BatchInput{Version: 1, ProjectID: "p", Items: make([]contract.Item, contract.MaxItems+1)}, "items"},
		"MayNotChangeAnExecution": {contract.BatchInput{Version: 1, ExecutionID: "e", Options: &contract.Options{}}, "options"},
		"MustSayHowToBeCancelled": {contract.BatchInput{Version: 1, ExecutionID: "e", OnCancel: "gently"}, "on_cancel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1, 1)
			w.input = test.input
			var refused *temporal.ApplicationError
			require.ErrorAs(t, w.run().err, &refused)
			require.Equal(t, contract.ErrorTypeInvalidInput, refused.Type())
			require.Contains(t, refused.Message(), test.says+": ")
			require.True(t, refused.NonRetryable())
		})
	}
}
