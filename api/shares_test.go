package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
)

// TestPlacesAreLeftToOthers: whatever one organisation does, another still has a place.
func TestPlacesAreLeftToOthers(t *testing.T) {
	t.Parallel()

	t.Run("OfStreams", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, func(cfg *api.Config, _ *authn.Config) { cfg.MaxStreams = 4 })
		_, others := b.organisation()
		e, theirs := b.anExecution(), others.anExecution()
		open := []*sseStream{b.follow(eventsPath(e, "")), b.follow(eventsPath(e, "")), b.follow(eventsPath(e, ""))}
		for _, path := range []string{"/events", "/ws"} {
			b.get(executionPath(e)+path).problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		}
		others.follow(eventsPath(theirs, ""))
		others.get(executionPath(theirs)+"/events").problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		open[0].cancel()
		require.Eventually(t, func() bool { return b.get(executionPath(e)+"/ws").status == http.StatusUpgradeRequired }, waitTime, tick)
		b.follow(eventsPath(e, ""))
	})

	t.Run("OfExports", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, func(cfg *api.Config, _ *authn.Config) { cfg.MaxExports = 4 })
		_, others := b.organisation()
		path, _ := largeExport(t, b)
		theirs := "/api/batches/" + others.batch(others.project(), 1).ID.String() + "/export"
		for range 3 {
			b.beginExport(t, path) // and read no further
		}
		refused := b.get(path)
		refused.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		require.NotEmpty(t, refused.header.Get("Retry-After"))
		others.get(theirs).is(http.StatusOK)
		others.get(theirs).is(http.StatusOK) // the place was given back
	})
}
