package cli

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// watching is a watch under way in a test.
type watching struct {
	api        *fakeAPI
	interrupts chan os.Signal
	keyboard   *io.PipeWriter // what somebody types
	out, errs  *locked
	result     chan error
}

// startWatching begins `mino watch`, as on a terminal when asked for.
func startWatching(t *testing.T, api *fakeAPI, terminal bool) *watching {
	t.Helper()
	in, keyboard := io.Pipe()
	t.Cleanup(func() { _ = keyboard.Close() })
	w := &watching{
		api: api, interrupts: make(chan os.Signal), keyboard: keyboard,
		out: &locked{}, errs: &locked{}, result: make(chan error, 1),
	}
	streams := fast(w.out, w.errs)
	streams.In, streams.Interrupts = in, w.interrupts
	if terminal {
		streams.Interactive = true
		streams.Size = func() (int, int) { return 80, 24 }
	}
	cmd := WatchCmd{Execution: runID, Connection: Connection{API: api.URL}}
	go func() { w.result <- cmd.Run(t.Context(), streams) }()
	return w
}

func (w *watching) interrupt() { w.interrupts <- os.Interrupt }

func (w *watching) answer(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(w.keyboard, line+"\n")
	require.NoError(t, err)
}

// polled waits until the API was asked n more times.
func (w *watching) polled(n int) {
	for range n {
		<-w.api.asked
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()

	t.Run("WithoutATerminalOnlyTheWatchingStops", func(t *testing.T) {
		t.Parallel()
		w := startWatching(t, newFakeAPI(t, runningStats(5, 0)), false)
		w.polled(2)
		w.interrupt()
		err := <-w.result
		requireCode(t, ExitInterrupted, err)
		at := runID.String() + " --api " + w.api.URL
		require.EqualError(t, err, "stopped watching; the run goes on\n"+
			"  watch it again:  mino watch "+at+"\n"+
			"  where it stands: mino executions show "+at+"\n"+
			"  stop it:         mino executions stop "+at+"   (or pause, resume)")
		require.Empty(t, w.api.stops)
		require.Empty(t, w.out.String())
	})

	for answer, mode := range map[string]string{"s": client.StopDrain, " C": client.StopCancel} {
		t.Run("TheRunIsStoppedBy"+mode, func(t *testing.T) {
			t.Parallel()
			w := startWatching(t, newFakeAPI(t, runningStats(5, 0)), true)
			w.api.stopped = []wire.Stats{{ExecutionID: runID, Status: "stopping", Total: 60}, endedStats("stopped")}
			w.polled(2)
			w.interrupt()
			w.answer(t, answer)
			require.Equal(t, mode, <-w.api.stops)
			requireCode(t, ExitRunStopped, <-w.result)
			require.Contains(t, w.errs.String(), "> ")
			require.Contains(t, w.errs.String(), "Stopping: running jobs")
			require.Contains(t, w.out.String(), "stopped in 1m35s")
		})
	}

	t.Run("OnlyTheWatchingIsStopped", func(t *testing.T) {
		t.Parallel()
		w := startWatching(t, newFakeAPI(t, runningStats(5, 0)), true)
		w.interrupt()
		w.answer(t, "w")
		requireCode(t, ExitInterrupted, <-w.result)
		require.Empty(t, w.api.stops)
	})

	t.Run("TheSecondOneStopsTheWatching", func(t *testing.T) {
		t.Parallel()
		w := startWatching(t, newFakeAPI(t, runningStats(5, 0)), true)
		w.interrupt()
		w.interrupt()
		requireCode(t, ExitInterrupted, <-w.result)
		require.Empty(t, w.api.stops)
	})

	t.Run("EnterGoesOn", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 0))
		w := startWatching(t, api, true)
		w.interrupt()
		w.answer(t, "")
		w.polled(2)
		api.mu.Lock()
		api.script, api.step = []wire.Stats{endedStats("completed")}, 0
		api.mu.Unlock()
		require.NoError(t, <-w.result)
		require.Empty(t, api.stops)
	})

	t.Run("TheRunEndsWhileTheQuestionStands", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 0))
		w := startWatching(t, api, true)
		w.interrupt()
		api.mu.Lock()
		api.script, api.step = []wire.Stats{endedStats("completed")}, 0
		api.mu.Unlock()
		require.NoError(t, <-w.result)
		require.Contains(t, w.out.String(), "completed in 1m35s")
	})

	t.Run("NothingIsDrawnOverTheQuestion", func(t *testing.T) {
		t.Parallel()
		w := startWatching(t, newFakeAPI(t, runningStats(5, 0)), true)
		w.interrupt()
		before := strings.Count(w.errs.String(), "running, 10 at once")
		w.polled(20) // each of them would have drawn
		require.LessOrEqual(t, strings.Count(w.errs.String(), "running, 10 at once"), before+1)
		w.answer(t, "w")
		requireCode(t, ExitInterrupted, <-w.result)
	})

	t.Run("WithNobodyToAnswerTheNextOneLeaves", func(t *testing.T) {
		t.Parallel()
		w := startWatching(t, newFakeAPI(t, runningStats(5, 0)), true)
		w.interrupt()
		require.NoError(t, w.keyboard.Close())
		w.interrupt()
		requireCode(t, ExitInterrupted, <-w.result)
	})

	t.Run("AStopThatIsRefusedIsSaid", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 0))
		said := make(chan struct{})
		api.refuse["POST /api/executions/"+runID.String()+"/stop"] = func(w http.ResponseWriter, r *http.Request) {
			problem(http.StatusConflict, "CONFLICT", "The run has ended.")(w, r)
			close(said)
		}
		w := startWatching(t, api, true)
		w.interrupt()
		w.answer(t, "s")
		<-said
		require.Eventually(t, func() bool {
			return strings.Contains(w.errs.String(), "The run was not stopped: The run has ended. (CONFLICT)")
		}, 5*time.Second, time.Millisecond)
		w.interrupt()
		w.answer(t, "w")
		requireCode(t, ExitInterrupted, <-w.result)
	})

	t.Run("ATerminationEndsTheWatching", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 0))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-api.asked
			cancel()
		}()
		cmd := WatchCmd{Execution: runID, Connection: Connection{API: api.URL}}
		requireCode(t, ExitInterrupted, cmd.Run(ctx, fast(io.Discard, io.Discard)))
	})
}

func TestOutage(t *testing.T) {
	t.Parallel()

	t.Run("AnOutageIsSaidAndOutlived", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 0), runningStats(6, 0), endedStats("completed"))
		api.sick = []http.HandlerFunc{
			problem(http.StatusServiceUnavailable, "UNAVAILABLE", "not now"), cut,
			problem(http.StatusInternalServerError, "DATABASE_ERROR", "the database"), cut,
		}
		var out, errs strings.Builder
		cmd := WatchCmd{Execution: runID, Connection: Connection{API: api.URL}}
		require.NoError(t, cmd.Run(t.Context(), fast(&out, &errs)))
		require.Equal(t, 1, strings.Count(errs.String(), "API unreachable, still trying"))
		require.Contains(t, out.String(), "completed in 1m35s")
	})

	t.Run("AnOutageAtTheVeryEndDoesNotHideTheEnd", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		at := "GET /api/executions/" + runID.String()
		calls := 0
		// The first look at the execution finds it, those after it fail for a while.
		api.refuse[at] = func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls > 1 && calls < 5 {
				cut(w, nil)
				return
			}
			reply(w, http.StatusOK, api.record("completed"))
		}
		var out strings.Builder
		cmd := WatchCmd{Execution: runID, Connection: Connection{API: api.URL}}
		require.NoError(t, cmd.Run(t.Context(), fast(&out, io.Discard)))
		require.Contains(t, out.String(), "completed in 1m35s")
	})

	t.Run("TheRecordHasTheLastWord", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		api.recordLags = 4
		cmd := WatchCmd{Execution: runID, Connection: Connection{API: api.URL}}
		var out strings.Builder
		require.NoError(t, cmd.Run(t.Context(), fast(&out, io.Discard)))
		require.Zero(t, api.recordLags)
	})

	t.Run("ARefusalEndsTheWatch", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(1, 0))
		api.sick = []http.HandlerFunc{problem(http.StatusNotFound, "EXECUTION_NOT_FOUND", "There is no such execution.")}
		cmd := WatchCmd{Execution: runID, Connection: Connection{API: api.URL}}
		err := cmd.Run(t.Context(), fast(io.Discard, io.Discard))
		requireCode(t, ExitRefused, err)
		require.ErrorContains(t, err, "There is no such execution. (EXECUTION_NOT_FOUND)")
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	p := poller{every: 500 * time.Millisecond}
	down := observation{outage: &client.UnreachableError{}}
	require.Equal(t, time.Second, p.pauseAfter(down, 500*time.Millisecond))
	require.Equal(t, outagePause, p.pauseAfter(down, 4*time.Second))
	asked := observation{outage: &client.Error{Status: 503, RetryAfter: 3 * time.Second}}
	require.Equal(t, 3*time.Second, p.pauseAfter(asked, 500*time.Millisecond))
	require.Equal(t, p.every, p.pauseAfter(observation{}, 5*time.Second))
}
