package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/workflows/contract"
)

// openChunks are the workflow ids of the chunks of an execution that run.
func (s *system) openChunks(e wire.Execution) []string {
	s.t.Helper()
	list, err := s.temporal.ListWorkflow(s.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: contract.SearchAttributeExecution + " = '" + e.ID.String() + "' AND WorkflowType = '" + contract.BatchChunk + "' AND ExecutionStatus = 'Running'",
	})
	require.NoError(s.t, err)
	ids := []string{}
	for _, chunk := range list.GetExecutions() {
		ids = append(ids, chunk.GetExecution().GetWorkflowId())
	}
	return ids
}

// TestChunks has chunks end in ways that nobody plans.
func TestChunks(t *testing.T) {
	t.Parallel()

	t.Run("OfARunThatContinuesAsNewGoOnWithoutAPause", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{activities: activities.Config{JobsPerChunk: 4, StepsPerRun: 3}}), newSite(t)
		e := s.execute(s.upload(s.project(priceProject()), web.csv(30)), withConcurrency(6))
		for came := 6; came <= 30; came++ {
			eventually(t, "every slot is used", func() bool { return web.holds(came, 6) })
			web.letGo(1)
		}
		web.release()
		final := s.ended(e)
		require.Equal(t, "completed", final.Status)
		require.Equal(t, 30, final.Completed)
		rig.RequireSound(t, s.db, e.ID)
		total, _ := web.requests()
		require.Equal(t, 30, total)
		s.requireReplays(e)
	})

	t.Run("ThatAreTerminatedAreTakenOver", func(t *testing.T) {
		t.Parallel()
		s, web := newSystem(t, options{activities: activities.Config{JobsPerChunk: 8, HeartbeatInterval: 100 * time.Millisecond}}), newSite(t)
		e := s.execute(s.upload(s.project(priceProject()), web.csv(20)), withConcurrency(4))
		eventually(t, "four jobs run", func() bool { return web.holds(4, 4) })
		web.letGo(1)
		eventually(t, "one has ended", func() bool { return web.holds(5, 4) })
		var chunks []string
		eventually(t, "the chunk is found", func() bool { chunks = s.openChunks(e); return len(chunks) == 1 })
		require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), chunks[0], "", "by an operator"))
		eventually(t, "another one asks for what was under way again", func() bool { return web.holds(9, 4) })
		web.release()
		final := s.ended(e)
		require.Equal(t, "completed", final.Status)
		require.Equal(t, 20, final.Completed)
		require.Equal(t, 4, final.Retries, "what the dead chunk had under way was done again, and nothing else")
		rig.RequireSound(t, s.db, e.ID)
		s.requireReplays(e)
	})

	t.Run("WhoseExecutionIsGoneStop", func(t *testing.T) {
		t.Parallel()
		// Without a sweep: the chunk finds out by itself.
		s, web := newSystem(t, options{activities: activities.Config{HeartbeatInterval: 100 * time.Millisecond}}), newSite(t)
		e := s.execute(s.upload(s.project(priceProject()), web.csv(2_000)), withConcurrency(4))
		eventually(t, "four jobs run", func() bool { return web.holds(4, 4) })
		require.NoError(t, s.temporal.TerminateWorkflow(t.Context(), contract.WorkflowID(e.ID.String()), "", "by an operator"))
		web.release()
		eventually(t, "the chunk ends", func() bool { return len(s.openChunks(e)) == 0 })
		total, _ := web.requests()
		require.Less(t, total, 2_000, "it did not go on to the end")
	})
}

// TestTolerance has an execution pause by itself.
func TestTolerance(t *testing.T) {
	t.Parallel()
	s, web := newSystem(t, options{}), newSite(t)
	web.release()
	two := 2
	csv := append(web.csv(5), []byte("http://127.0.0.1:1/a,1\nhttp://127.0.0.1:1/b,1\nhttp://127.0.0.1:1/c,1\n")...)
	for range 40 {
		csv = append(csv, []byte(web.URL+"/later,10.00\n")...)
	}
	e := s.execute(s.upload(s.project(priceProject()), csv), func(req *wire.ExecuteRequest) {
		one, fast := 1, retry.Fast
		req.Concurrency, req.Preset = &one, &fast
		req.FailureTolerance = &wire.Tolerance{MaxFailed: &two}
	})
	stats := s.await(e, "it pauses by itself", func(stats wire.Stats) bool { return stats.Status == "paused" })
	require.Equal(t, 3, stats.Failed)
	row, err := s.client.Execution(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, "paused", row.Status)
	require.Equal(t, "3 of 8 jobs failed; 2 are tolerated", row.Reason)
	_, err = s.client.Resume(t.Context(), e.ID)
	require.NoError(t, err)
	final := s.ended(e)
	require.Equal(t, "completed", final.Status)
	require.Equal(t, 45, final.Completed)
	rig.RequireSound(t, s.db, e.ID)
	s.requireReplays(e)
}
