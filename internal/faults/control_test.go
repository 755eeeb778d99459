package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit/rig"
)

// quiet is a time in which no job may begin, by PostgreSQL's clock: from the
// acknowledgement of a pause or stop until a resume is asked for.
type quiet struct {
	why      string
	from, to time.Time
}

// model is what was asked of an execution and acknowledged.
type model struct {
	*system

	execution wire.Execution
	random    *rand.Rand
	paused    bool
	limit     int
	quiet     []quiet
	open      *quiet // of them, while it lasts
	steps     map[string]int
}

// TestRandomControl pauses, resumes, changes the concurrency and stops at random, with
// runs so short that every step may meet the end of one. The far side judges the
// concurrency, without any margin; the records judge what began when.
func TestRandomControl(t *testing.T) {
	t.Parallel()
	random := uint64(time.Now().UnixNano())
	if text := os.Getenv("MINO_FAULTS_SEED"); text != "" {
		var err error
		random, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("MINO_FAULTS_SEED=%d repeats the steps", random)
	for i := range form(2, 12) {
		t.Run(fmt.Sprintf("StoppedAfterManySteps%d", i), func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, rig.FarSideConfig{Pace: rig.Pace{Least: 20 * time.Millisecond, Most: 400 * time.Millisecond}},
				"MINO_JOBS_PER_RUN=40", "MINO_PAGE_SIZE=30")
			s.worker()
			s.worker()
			m := &model{system: s, random: rand.New(rand.NewPCG(random, uint64(i))), limit: 5, steps: map[string]int{}}
			m.far.Raise(m.limit)
			m.execution = s.start("rows", form(3_000, 9_000), m.limit)
			eventually(t, "jobs run", func() bool { came, _, _ := s.far.Counts(); return came > 5 })
			for range form(40, 150) {
				m.step()
				s.requireUnderway(m.execution)
			}
			m.stop([]string{client.StopDrain, client.StopCancel}[i%2])
			stats := s.ended(m.execution)
			require.Equal(t, "stopped", stats.Status)
			m.judge()
			s.figures(m.execution, "random control")
		})
	}
}

// step does one thing at random.
func (m *model) step() {
	m.t.Helper()
	switch n := m.random.IntN(10); {
	case n < 3:
		m.setConcurrency(1 + m.random.IntN(20))
	case n < 5:
		m.pause()
	case n < 8:
		m.resume()
	default:
		m.steps["wait"]++
		pass(m.t, time.Duration(m.random.IntN(400))*time.Millisecond)
	}
}

// acknowledged asks until the answer is not that a busy machine has not answered in
// time: all control is idempotent.
func (m *model) acknowledged(ask func() (wire.Stats, error)) wire.Stats {
	m.t.Helper()
	var stats wire.Stats
	eventually(m.t, "the run answers", func() bool {
		var err error
		if stats, err = ask(); err != nil {
			require.True(m.t, rig.Unavailable(err), "%v", err)
			m.steps["unanswered"]++
		}
		return err == nil
	})
	return stats
}

func (m *model) setConcurrency(n int) {
	m.t.Helper()
	m.steps["concurrency"]++
	m.far.Raise(n)
	stats := m.acknowledged(func() (wire.Stats, error) { return m.api.SetConcurrency(m.t.Context(), m.execution.ID, n) })
	require.Equal(m.t, n, stats.Concurrency)
	m.far.Lower(n)
	m.limit = n
	require.Equal(m.t, m.state(), stats.Status)
}

func (m *model) state() string {
	if m.paused {
		return "paused"
	}
	return "running"
}

func (m *model) pause() {
	m.t.Helper()
	m.steps["pause"]++
	stats := m.acknowledged(func() (wire.Stats, error) { return m.api.Pause(m.t.Context(), m.execution.ID) })
	require.Equal(m.t, "paused", stats.Status)
	require.Equal(m.t, m.limit, stats.Concurrency)
	if m.paused = true; m.open == nil {
		m.open = &quiet{why: "pause", from: m.clock()}
	}
}

func (m *model) resume() {
	m.t.Helper()
	m.steps["resume"]++
	m.close()
	stats := m.acknowledged(func() (wire.Stats, error) { return m.api.Resume(m.t.Context(), m.execution.ID) })
	require.Equal(m.t, "running", stats.Status)
	require.Equal(m.t, m.limit, stats.Concurrency)
	m.paused = false
}

// stop stops for good.
func (m *model) stop(mode string) {
	m.t.Helper()
	stats := m.acknowledged(func() (wire.Stats, error) { return m.api.Stop(m.t.Context(), m.execution.ID, mode) })
	require.Contains(m.t, []string{"stopping", "stopped"}, stats.Status)
	m.close()
	m.quiet = append(m.quiet, quiet{why: "stop in mode " + mode, from: m.clock(), to: m.clock().Add(time.Hour)})
}

func (m *model) close() {
	m.t.Helper()
	if m.open != nil {
		m.open.to = m.clock()
		m.quiet = append(m.quiet, *m.open)
		m.open = nil
	}
}

// judge holds what happened against the model.
func (m *model) judge() {
	m.t.Helper()
	require.Empty(m.t, m.far.Excess())
	var late []string
	for _, q := range m.quiet {
		for _, began := range m.began(m.execution.ID, q) {
			late = append(late, fmt.Sprintf("%v after a %s", began.Sub(q.from).Round(time.Microsecond), q.why))
		}
	}
	m.t.Logf("%v · %d quiet times · %d jobs began in them: %v", m.steps, len(m.quiet), len(late), late)
	if !rig.HasEvents(m.t, m.db) {
		return // without events an attempt does not look whether it may begin: what was dispatched before does
	}
	require.Empty(m.t, late, "jobs began after a pause or stop was acknowledged")
}

// began are the times at which jobs had their first attempts in a quiet time.
func (m *model) began(id uuid.UUID, q quiet) []time.Time {
	m.t.Helper()
	var times []time.Time
	require.NoError(m.t, m.db.NewRaw(`
		SELECT started_at FROM sessions WHERE execution_id = ? AND attempt = 1 AND started_at > ? AND started_at < ? ORDER BY 1`,
		id, q.from, q.to).Scan(m.t.Context(), &times))
	return times
}
