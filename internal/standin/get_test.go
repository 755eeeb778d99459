package standin_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGet(t *testing.T) {
	t.Parallel()

	t.Run("HasScreenshotsOnlyWhenAskedFor", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		id := b.start(site)
		b.clock.Advance(time.Hour)
		for _, query := range []string{"", "?screenshots=none"} {
			require.Nil(t, b.get("/v1/runs/"+id+query).json(t, "steps.0.screenshot"))
		}
		picture, ok := b.get("/v1/runs/"+id+"?screenshots=base64").json(t, "steps.0.screenshot").(string)
		require.True(t, ok)
		bytes, err := base64.StdEncoding.DecodeString(picture)
		require.NoError(t, err)
		require.Equal(t, "image/png", http.DetectContentType(bytes))
		require.Equal(t, "INVALID_INPUT", b.get("/v1/runs/"+id+"?screenshots=png").json(t, "error.code"))
	})

	t.Run("HasAVideoWhoseAddressExpiresAfter15Minutes", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		video, ok := b.finished(site).json(t, "video_url").(string)
		require.True(t, ok)
		path := strings.TrimPrefix(video, b.base)
		b.key = "" // browsers have none
		b.clock.Advance(15 * time.Minute)
		require.Equal(t, http.StatusOK, b.get(path).status)
		b.clock.Advance(time.Second)
		require.Equal(t, http.StatusForbidden, b.get(path).status)
		require.Equal(t, http.StatusNotFound, b.get("/stand-in/videos/none?expires=1").status)
	})

	t.Run("HasALiveViewOnceItRuns", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		live, ok := b.finished(site).json(t, "streaming_url").(string)
		require.True(t, ok)
		b.key = ""
		require.Contains(t, b.get(strings.TrimPrefix(live, b.base)).text, "COMPLETED")
		require.Equal(t, http.StatusNotFound, b.get("/stand-in/live/none").status)
	})

	t.Run("DoesNotKnowOtherRuns", func(t *testing.T) {
		t.Parallel()
		got := setup(t).get("/v1/runs/none")
		require.Equal(t, http.StatusNotFound, got.status)
		require.Equal(t, m{"code": "NOT_FOUND", "message": "Run not found"}, got.json(t, "error"))
	})

	t.Run("OfSeveralNamesThoseThatAreNotThere", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		one, two := b.start(site), b.start(site)
		got := b.post("/v1/runs/batch", m{"run_ids": []string{two, "none", one}})
		require.Equal(t, two, got.json(t, "data.0.run_id"))
		require.Equal(t, one, got.json(t, "data.1.run_id"))
		require.Equal(t, []any{"none"}, got.json(t, "not_found"))
		for _, body := range []any{m{"run_ids": []string{}}, m{"run_ids": make([]string, 101)}, m{}, "nonsense"} {
			require.Equal(t, "INVALID_INPUT", b.post("/v1/runs/batch", body).json(t, "error.code"))
		}
	})
}
