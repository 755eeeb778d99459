package standin_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/standin"
)

func TestRunAsync(t *testing.T) {
	t.Parallel()

	t.Run("IsPendingThenRunningThenCompletedWithStepsOnlyAtTheEnd", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Queued: time.Second, Duration: 10 * time.Second, Steps: 5})
		id := b.start(site, m{"output_schema": m{"type": "object", "properties": m{"price": m{"type": "number"}}}})

		got := b.get("/v1/runs/" + id)
		require.Equal(t, "PENDING", got.json(t, "status"))
		require.Nil(t, got.json(t, "started_at"))
		require.Nil(t, got.json(t, "streaming_url"))

		b.clock.Advance(5 * time.Second)
		got = b.get("/v1/runs/" + id)
		require.Equal(t, "RUNNING", got.json(t, "status"))
		require.Equal(t, "2026-03-01T12:00:01.000Z", got.json(t, "started_at"))
		for _, absent := range []string{"finished_at", "num_of_steps", "result", "error", "schema_validation", "video_url"} {
			require.Nil(t, got.json(t, absent), absent)
		}
		require.Len(t, got.json(t, "steps"), 2)

		b.clock.Advance(6 * time.Second)
		got = b.get("/v1/runs/" + id)
		require.Equal(t, "COMPLETED", got.json(t, "status"))
		require.Equal(t, "2026-03-01T12:00:11.000Z", got.json(t, "finished_at"))
		require.InDelta(t, 5, got.json(t, "num_of_steps"), 0)
		require.Greater(t, got.json(t, "result.price"), 0.0)
		require.Equal(t, true, got.json(t, "schema_validation.valid"))
		require.Len(t, got.json(t, "steps"), 5)
		require.Equal(t, http.StatusOK, b.get("/v1/runs/"+id).status)
	})

	t.Run("IsCountedAgainWhenItIsRepeated", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.NotEqual(t, b.start(site), b.start(site))
		b.start("https://example.com/p/2")
		require.Equal(t, map[string]int{site + "\x00" + goal: 2, "https://example.com/p/2\x00" + goal: 1}, b.Created())
		require.Equal(t, 1, b.Stats().Duplicates)
		require.Len(t, b.Runs(), 3)
		require.Len(t, b.RunsOf(site), 2)
		require.Equal(t, 2, b.RunsOf(site)[1].Nth)
	})
}
