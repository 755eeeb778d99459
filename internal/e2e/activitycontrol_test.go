package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkactivity "go.temporal.io/sdk/activity"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit/rig"
)

func TestActivityExecutorControl(t *testing.T) {
	t.Parallel()

	t.Run("PausesAndGoesOn", func(t *testing.T) {
		t.Parallel()
		gate := make(chan struct{})
		c := newCallees(t, func(context.Context, map[string]any) (any, error) {
			<-gate
			return found("10.00 EUR"), nil
		})
		b := c.upload(c.project(c.callProject(nil)), rows(strings.Fields(strings.Repeat("wait ", 12))...))
		e := c.execute(b, withConcurrency(3))
		eventually(t, "three are called", func() bool { return len(c.called()) == 3 })
		_, err := c.client.Pause(t.Context(), e.ID)
		require.NoError(t, err)
		for range 3 {
			gate <- struct{}{}
		}
		c.await(e, "three have ended", func(stats wire.Stats) bool { return stats.Completed == 3 && stats.Running == 0 })
		require.Len(t, c.called(), 3, "nothing is called while it is paused")
		_, err = c.client.Resume(t.Context(), e.ID)
		require.NoError(t, err)
		close(gate)
		require.Equal(t, 12, c.ended(e).Completed)
		require.Len(t, c.called(), 12)
		rig.RequireSound(t, c.db, e.ID)
		c.requireReplays(e)
	})

	t.Run("CancelsActivitiesThatSendHeartbeats", func(t *testing.T) {
		t.Parallel()
		cancelled := make(chan error, 2)
		c := newCallees(t, func(ctx context.Context, _ map[string]any) (any, error) {
			beat := time.NewTicker(100 * time.Millisecond)
			defer beat.Stop()
			for {
				select {
				case <-ctx.Done():
					cancelled <- ctx.Err()
					return nil, ctx.Err()
				case <-beat.C:
					sdkactivity.RecordHeartbeat(ctx)
				}
			}
		})
		b := c.upload(c.project(c.callProject(map[string]any{"heartbeat_timeout_ms": 2000})), rows("a", "b", "c", "d"))
		e := c.execute(b, withConcurrency(2))
		eventually(t, "two are called", func() bool { return len(c.called()) == 2 })
		began := time.Now()
		_, err := c.client.Stop(t.Context(), e.ID, "cancel")
		require.NoError(t, err)
		final := c.ended(e)
		require.Less(t, time.Since(began), 10*time.Second)
		require.Equal(t, "stopped", final.Status)
		require.Equal(t, 4, final.Cancelled)
		for range 2 {
			require.ErrorIs(t, <-cancelled, context.Canceled)
		}
		for _, j := range c.jobs(b) {
			for _, session := range c.sessionsOf(j) {
				require.Equal(t, "cancelled", session.Status)
			}
		}
		rig.RequireSound(t, c.db, e.ID)
		c.requireReplays(e)
	})

	t.Run("LeavesOthersBehindAtAStopThatCancels", func(t *testing.T) {
		t.Parallel()
		var c *callees
		c = newCallees(t, func(context.Context, map[string]any) (any, error) {
			<-c.over
			return found("10.00 EUR"), nil
		})
		b := c.upload(c.project(c.callProject(nil)), rows("a", "b", "c"))
		e := c.execute(b, withConcurrency(2))
		eventually(t, "two are called", func() bool { return len(c.called()) == 2 })
		_, err := c.client.Stop(t.Context(), e.ID, "cancel")
		require.NoError(t, err)
		require.Equal(t, 3, c.ended(e).Cancelled)
		rig.RequireSound(t, c.db, e.ID)
	})
}
