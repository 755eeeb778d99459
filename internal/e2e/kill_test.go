package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
)

// workerEnvironment has a worker process work for this system.
func (s *system) workerEnvironment() []string {
	s.t.Helper()
	return []string{
		"DATABASE_URL=" + s.url, "TEMPORAL_ADDRESS=" + testkit.Temporal(s.t).Address(),
		"MINO_TASK_QUEUE=" + s.queue, "MINO_ALLOWED_NETWORKS=127.0.0.0/8",
	}
}

// TestWorkerKilled has the only worker die by SIGKILL in the middle of its jobs, and
// another one take over.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	s, web := newSystem(t, options{noWorker: true}), newSite(t)
	env := s.workerEnvironment()
	first := rig.Start(t, env, "worker")
	e := s.execute(s.upload(s.project(priceProject()), web.csv(30)), withConcurrency(6))
	eventually(t, "six jobs run", func() bool { return web.inFlight() == 6 })
	web.letGo(4)
	eventually(t, "four have ended and six run again", func() bool { return web.holds(10, 6) })
	_, before := web.requests()

	first.Kill(t)
	eventually(t, "its requests are gone", func() bool { return web.inFlight() == 0 })
	web.release()
	begun := time.Now()
	rig.Start(t, env, "worker")
	final := s.ended(e)
	t.Logf("the run went on and ended %v after the second worker was started", time.Since(begun).Round(time.Second))
	require.Equal(t, "completed", final.Status)
	require.Equal(t, 30, final.Completed)
	require.Equal(t, 6, final.Retries, "the six jobs that were interrupted were done again, and no other")
	rig.RequireSound(t, s.db, e.ID)

	_, after := web.requests()
	require.Len(t, after, 30)
	interrupted := 0
	for path, n := range after {
		require.LessOrEqual(t, n, 2, path)
		if n == 2 {
			interrupted++
			require.Equal(t, 1, before[path], "only what was interrupted is asked for again")
		}
	}
	require.Equal(t, 6, interrupted)
	var lost int
	require.NoError(t, s.db.NewRaw(`SELECT count(*) FROM sessions WHERE execution_id = ? AND status = 'lost'`, e.ID).Scan(t.Context(), &lost))
	require.Equal(t, 6, lost, "the sessions of the dead worker are lost")
	s.requireReplays(e)
}

// TestWorkerTerminated has the only worker shut down in the middle of its jobs: it
// hands them back, and the next one goes on with them at once.
func TestWorkerTerminated(t *testing.T) {
	t.Parallel()
	s, web := newSystem(t, options{noWorker: true}), newSite(t)
	env := append(s.workerEnvironment(), "MINO_WORKER_STOP_TIMEOUT=3s")
	first := rig.Start(t, env, "worker")
	e := s.execute(s.upload(s.project(priceProject()), web.csv(12)), withConcurrency(6))
	eventually(t, "six jobs run", func() bool { return web.holds(6, 6) })

	require.NoError(t, first.Process.Signal(syscall.SIGTERM))
	web.letGo(2) // they end within the grace
	<-first.Done
	require.Zero(t, first.ProcessState.ExitCode())
	web.release()
	rig.Start(t, env, "worker")
	require.Equal(t, 12, s.ended(e).Completed)
	rig.RequireSound(t, s.db, e.ID)
	var handedBack int
	require.NoError(t, s.db.NewRaw(
		`SELECT count(*) FROM sessions WHERE execution_id = ? AND status = 'lost' AND error_code = 'HANDED_BACK'`, e.ID).Scan(t.Context(), &handedBack))
	require.Equal(t, 4, handedBack)
	total, _ := web.requests()
	require.Equal(t, 16, total, "what ended within the grace is not asked for again")
	s.requireReplays(e)
}
