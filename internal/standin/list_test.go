package standin_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/standin"
)

// page is the ids of one page of a list, and how it goes on.
func (b *bundle) page(query url.Values) (ids []string, total int, cursor string) {
	b.t.Helper()
	got := b.get("/v1/runs?" + query.Encode())
	require.Equal(b.t, http.StatusOK, got.status, got.text)
	data, ok := got.json(b.t, "data").([]any)
	require.True(b.t, ok)
	for i := range data {
		id, ok := got.json(b.t, "data."+strconv.Itoa(i)+".run_id").(string)
		require.True(b.t, ok)
		ids = append(ids, id)
	}
	n, ok := got.json(b.t, "pagination.total").(float64)
	require.True(b.t, ok)
	cursor, _ = got.json(b.t, "pagination.next_cursor").(string)
	require.Equal(b.t, cursor != "", got.json(b.t, "pagination.has_more"))
	return ids, int(n), cursor
}

func TestList(t *testing.T) {
	t.Parallel()

	t.Run("GoesThroughAllRunsInEitherDirectionWhileMoreComeIn", func(t *testing.T) {
		t.Parallel()
		for direction, newestFirst := range map[string]bool{"": true, "desc": true, "asc": false} {
			b := setup(t)
			var want []string
			for range 7 {
				id := b.start(site)
				if newestFirst {
					want = append([]string{id}, want...)
				} else {
					want = append(want, id)
				}
			}
			query := url.Values{"limit": {"3"}, "sort_direction": {direction}}
			var got []string
			for {
				ids, _, cursor := b.page(query)
				got = append(got, ids...)
				if cursor == "" {
					break
				}
				query.Set("cursor", cursor)
				if newestFirst {
					b.start(site)
				}
			}
			require.Equal(t, want, got, direction)
		}
	})

	t.Run("CombinesItsFilters", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.Failed}, {Kind: standin.NeverEnds}}})
		one := b.start(site, m{"goal": "Find it. Reference mino-ABC"})
		b.clock.Advance(time.Minute)
		two := b.start(site, m{"goal": "Find it. Reference mino-abd"})
		b.clock.Advance(time.Minute)

		for name, c := range map[string]struct {
			query url.Values
			want  []string
		}{
			"none":              {url.Values{}, []string{two, one}},
			"status":            {url.Values{"status": {"FAILED"}}, []string{one}},
			"goal":              {url.Values{"goal": {"MINO-ab"}}, []string{two, one}},
			"goal as a whole":   {url.Values{"goal": {"mino-abd"}}, []string{two}},
			"after":             {url.Values{"created_after": {"2026-03-01T12:00:00Z"}}, []string{two}},
			"just before":       {url.Values{"created_after": {"2026-03-01T11:59:59.999Z"}}, []string{two, one}},
			"before":            {url.Values{"created_before": {"2026-03-01T12:01:00Z"}}, []string{one}},
			"goal and status":   {url.Values{"goal": {"abc"}, "status": {"RUNNING"}}, nil},
			"another time zone": {url.Values{"created_after": {"2026-03-01T13:00:30+01:00"}}, []string{two}},
		} {
			ids, total, _ := b.page(c.query)
			require.Equal(t, c.want, ids, name)
			require.Equal(t, len(c.want), total, name)
		}
	})

	t.Run("RefusesWhatItDoesNotUnderstand", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.start(site)
		b.start(site)
		_, _, ascending := b.page(url.Values{"limit": {"1"}, "sort_direction": {"asc"}})
		for _, query := range []string{
			"status=DONE", "limit=0", "limit=101", "limit=many", "sort_direction=up", "created_after=yesterday", "created_before=1",
			"cursor=x", "cursor=!", "cursor=" + ascending,
		} {
			got := b.get("/v1/runs?" + query)
			require.Equal(t, http.StatusBadRequest, got.status, query)
			require.Equal(t, "INVALID_INPUT", got.json(t, "error.code"), query)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()

	t.Run("EndsARunAndSaysTheSameWhenRepeated", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Duration: 10 * time.Second, Steps: 5})
		id := b.start(site)
		b.clock.Advance(5 * time.Second)
		got := b.post("/v1/runs/"+id+"/cancel", nil)
		require.Equal(t, m{"run_id": id, "status": "CANCELLED", "cancelled_at": "2026-03-01T12:00:05.000Z", "message": nil}, decode(t, got))
		b.clock.Advance(time.Hour)
		again := b.post("/v1/runs/"+id+"/cancel", nil)
		require.Equal(t, "CANCELLED", again.json(t, "status"))
		require.Equal(t, "2026-03-01T12:00:05.000Z", again.json(t, "cancelled_at"))
		require.NotNil(t, again.json(t, "message"))

		run := b.get("/v1/runs/" + id)
		require.Equal(t, "CANCELLED", run.json(t, "status"))
		require.Equal(t, "2026-03-01T12:00:05.000Z", run.json(t, "finished_at"))
		require.InDelta(t, 2, run.json(t, "num_of_steps"), 0)
		require.Nil(t, run.json(t, "result"))
	})

	t.Run("EndsARunThatHasNotStarted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		id := b.start(site)
		require.Equal(t, "CANCELLED", b.post("/v1/runs/"+id+"/cancel", nil).json(t, "status"))
		b.clock.Advance(time.Hour)
		run := b.get("/v1/runs/" + id)
		require.Nil(t, run.json(t, "started_at"))
		require.Nil(t, run.json(t, "video_url"))
		require.InDelta(t, 0, run.json(t, "num_of_steps"), 0)
	})

	t.Run("ComesTooLateForARunThatHasEnded", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Script(site, standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.Completed}, {Kind: standin.Failed}}})
		completed, failed := b.start(site), b.start(site)
		b.clock.Advance(time.Hour)
		got := b.post("/v1/runs/"+completed+"/cancel", nil)
		require.Equal(t, "COMPLETED", got.json(t, "status"))
		require.Nil(t, got.json(t, "cancelled_at"))
		require.Equal(t, "FAILED", b.post("/v1/runs/"+failed+"/cancel", nil).json(t, "status"))
		require.Equal(t, "COMPLETED", b.get("/v1/runs/"+completed).json(t, "status"))
	})

	t.Run("DoesNotKnowOtherRuns", func(t *testing.T) {
		t.Parallel()
		got := setup(t).post("/v1/runs/none/cancel", nil)
		require.Equal(t, http.StatusNotFound, got.status)
		require.Equal(t, "NOT_FOUND", got.json(t, "error.code"))
	})

	t.Run("OfSeveralNamesThoseThatAreNotThere", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Default(standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.NeverEnds}}})
		over := b.start("https://example.com/over")
		b.Script(site, standin.Behaviour{})
		done := b.start(site)
		b.clock.Advance(time.Hour)
		got := b.post("/v1/runs/batch/cancel", m{"run_ids": []string{over, done, "none"}})
		require.Equal(t, "CANCELLED", got.json(t, "results.0.status"))
		require.Equal(t, "COMPLETED", got.json(t, "results.1.status"))
		require.Equal(t, []any{"none"}, got.json(t, "not_found"))
		require.Equal(t, "INVALID_INPUT", b.post("/v1/runs/batch/cancel", m{"run_ids": nil}).json(t, "error.code"))
	})
}
