package workflows_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/minohq/mino/workflows/contract"
)

// TestControlAgainstAModel drives executions with random control at random moments,
// across random boundaries, and holds every start of a job against a model: what was
// acknowledged, and how many run.
func TestControlAgainstAModel(t *testing.T) {
	t.Parallel()
	wanted := 1_500
	if os.Getenv("MINO_FAULTS") == "long" {
		wanted = 10_000
	}
	steps := 0
	for round := 0; steps < wanted; round++ {
		steps += modelRound(t, round)
	}
	t.Logf("%d controls", steps)
}

func modelRound(t *testing.T, round int) (steps int) {
	t.Helper()
	r := rapid.Custom(func(t *rapid.T) modelCase {
		return modelCase{
			jobs:        rapid.IntRange(1, 60).Draw(t, "jobs"),
			every:       rapid.SampledFrom(boundaries).Draw(t, "every"),
			concurrency: rapid.IntRange(1, 12).Draw(t, "concurrency"),
			slow:        time.Duration(rapid.IntRange(0, 30).Draw(t, "slow")) * 100 * time.Millisecond,
			controls: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) modelControl {
				return modelControl{
					after: time.Duration(rapid.IntRange(0, 120).Draw(t, "after")) * 100 * time.Millisecond,
					what:  rapid.SampledFrom([]string{"pause", "resume", "concurrency", "pause", "resume", "concurrency", "concurrency", "stop", "cancel"}).Draw(t, "what"),
					value: rapid.IntRange(1, 12).Draw(t, "value"),
				}
			}), 1, 60).Draw(t, "controls"),
		}
	}).Example(round)
	m := &model{world: newWorld(t, r.jobs, r.every), limit: r.concurrency}
	m.world.concurrency, m.world.slow, m.world.model = r.concurrency, r.slow, m
	at := time.Duration(0)
	for _, c := range r.controls {
		if at += c.after; c.what == "stop" || c.what == "cancel" {
			if steps < len(r.controls)-3 {
				c.what = "concurrency" // or most rounds would be over at once
			}
		}
		steps++
		m.world.at(at, func() { m.control(c) })
	}
	m.world.at(at+100*time.Second, func() { m.control(modelControl{what: "resume"}) })
	result := m.world.run()
	require.NoError(t, result.err)
	ended := result.Stats.Completed + result.Stats.Cancelled + result.Stats.Failed
	require.Equal(t, r.jobs, ended, "round %d: %+v", round, r)
	switch {
	case !m.stopped:
		require.Equal(t, r.jobs, result.Stats.Completed, "round %d", round)
	case result.Status != "completed":
		require.Equal(t, "stopped", result.Status, "round %d", round)
	default: // it was asked to stop when there was nothing left to stop
		require.Equal(t, r.jobs, result.Stats.Completed, "round %d", round)
	}
	return steps
}

type modelCase struct {
	jobs, every, concurrency int
	slow                     time.Duration
	controls                 []modelControl
}

type modelControl struct {
	after time.Duration
	what  string
	value int
}

// model is what was asked and acknowledged. A control is acknowledged when the
// execution says that it is settled; until then either the old or the new holds.
type model struct {
	world   *world
	paused  bool
	stopped bool
	limit   int
	// most is the largest limit that may still hold somewhere.
	most  int
	mu    sync.Mutex
	slots map[string]bool
	log   []string
}

func (m *model) control(c modelControl) {
	if m.world.over {
		return
	}
	m.log = append(m.log, fmt.Sprint(m.world.env.Now().Format("05.000 "), c.what, c.value))
	switch c.what {
	case "pause":
		m.world.signal(contract.SignalPause, nil)
		m.whenSettled(func() { m.paused = !m.stopped })
	case "resume":
		m.world.epoch++ // nobody waits for an earlier pause any more
		m.paused = false
		m.world.signal(contract.SignalResume, nil)
	case "concurrency":
		m.most = max(m.most, m.limit, c.value)
		m.limit = c.value
		m.world.signal(contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: c.value})
		m.whenSettled(func() { m.most = m.limit })
	case "stop":
		m.stop(contract.StopDrain)
	case "cancel":
		m.stop(contract.StopCancel)
	}
}

func (m *model) stop(mode contract.StopMode) {
	m.world.signal(contract.SignalStop, contract.StopRequest{Mode: mode})
	m.stopped = true
	m.whenSettled(func() { m.paused = true }) // as far as starts go
}

// whenSettled asks, as the API does, until what was asked last holds, unless something
// else is asked meanwhile.
func (m *model) whenSettled(then func()) {
	m.world.epoch++
	epoch := m.world.epoch
	var look func()
	look = func() {
		if m.world.over || m.world.epoch != epoch {
			return
		}
		if o := m.world.overview(); o.Settled {
			m.log = append(m.log, fmt.Sprint(m.world.env.Now().Format("05.000 "), "settled ", o.Stats.State, m.world.shown(), o.Stats.Running))
			then()
			return
		}
		m.world.env.RegisterDelayedCallback(m.world.whenThere(look), time.Millisecond)
	}
	m.world.env.RegisterDelayedCallback(m.world.whenThere(look), time.Millisecond)
}

// dispatched is called when a job is given to Temporal, which takes a slot.
func (m *model) dispatched(t *testing.T, jobID string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots == nil {
		m.slots = map[string]bool{}
	}
	require.False(t, m.slots[jobID], "a job runs once at a time")
	m.slots[jobID] = true
	require.LessOrEqual(t, len(m.slots), max(m.most, m.limit), "more jobs run than were ever allowed at once")
}

// begins is called when a job begins.
func (m *model) begins(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	require.False(t, m.paused, "a job began after a pause or a stop was acknowledged: %v", m.log)
}

// ended is called when a job gives its slot back.
func (m *model) ended(jobID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.slots, jobID)
}
