package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit/rig"
)

// TestWorkersKilled has three workers, one of which dies every few seconds and is
// replaced at once.
func TestWorkersKilled(t *testing.T) {
	t.Parallel()
	rows, kills, every := form(500, 10_000), form(4, 50), form(3*time.Second, 5*time.Second)
	s := newSystem(t, rig.FarSideConfig{Pace: rig.Pace{Least: 500 * time.Millisecond, Most: 8 * time.Second}})
	var workers [3]*rig.Process
	for i := range workers {
		workers[i] = s.worker()
	}
	e := s.start("rows", rows, 50)
	for ; s.kills < kills; s.kills++ {
		pass(t, every)
		s.requireUnderway(e)
		victim := &workers[s.kills%len(workers)]
		(*victim).Polls(t)
		(*victim).Kill(t)
		*victim = rig.Start(t, s.env, "worker")
	}
	s.far.Hurry()
	s.completed(e)
	require.Positive(t, s.lost(e), "the kills interrupted something")
	s.figures(e, "workers killed one by one")
}

// TestAllWorkersDead has every worker die at once, and one come back when the others
// are long given up.
func TestAllWorkersDead(t *testing.T) {
	t.Parallel()
	s := newSystem(t, rig.FarSideConfig{Pace: rig.Pace{Least: 300 * time.Millisecond, Most: 5 * time.Second}})
	workers := []*rig.Process{s.worker(), s.worker(), s.worker()}
	e := s.start("rows", form(200, 2_000), 30)
	eventually(t, "the run is in the middle", func() bool { _, answered, inFlight := s.far.Counts(); return answered > 20 && inFlight > 10 })
	for _, w := range workers {
		w.Kill(t)
		s.kills++
	}
	eventually(t, "nobody calls", func() bool { _, _, inFlight := s.far.Counts(); return inFlight == 0 })
	came, _, _ := s.far.Counts()
	pass(t, form(5*time.Second, time.Minute))
	stats, err := s.api.Stats(t.Context(), e.ID)
	require.NoError(t, err, "where it stands is known without a worker")
	require.Equal(t, "database", stats.Source)
	s.requireUnderway(e)
	now, _, _ := s.far.Counts()
	require.Equal(t, came, now)
	s.far.Hurry()
	s.worker()
	s.completed(e)
	require.Positive(t, s.lost(e))
	s.figures(e, "all workers dead")
}

// TestWorkersTerminated has workers shut down one after the other, as a deployment
// does. What they are at ends within their time, so nothing is done twice.
func TestWorkersTerminated(t *testing.T) {
	t.Parallel()
	const stopTimeout = "MINO_WORKER_STOP_TIMEOUT=20s"
	s := newSystem(t, rig.FarSideConfig{Pace: rig.Pace{Least: 200 * time.Millisecond, Most: 3 * time.Second}})
	old := s.worker(stopTimeout)
	e := s.start("rows", form(400, 3_500), 12)
	for range form(2, 20) {
		next := s.worker(stopTimeout)
		came, _, _ := s.far.Counts()
		eventually(t, "jobs begin", func() bool { now, _, _ := s.far.Counts(); return now > came+12 })
		s.requireUnderway(e)
		told := s.clock()
		require.Zero(t, old.Terminate(t))
		require.Zero(t, s.number(`
			SELECT count(*) FROM sessions WHERE execution_id = ? AND worker LIKE ? AND (status = 'running' OR status = 'lost' AND finished_at >= ?)`,
			e.ID, fmt.Sprintf("%%:%d", old.Process.Pid), told), "attempts were wasted by a shutdown")
		s.kills++
		old = next
	}
	s.far.Hurry()
	s.completed(e)
	s.figures(e, "workers terminated")
}
