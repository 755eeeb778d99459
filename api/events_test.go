package api_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
)

func TestEvents(t *testing.T) {
	t.Parallel()

	t.Run("ComeFromTheBeginningAndLiveAndEnd", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		b.happen(e, 3)
		s := b.follow(eventsPath(e, ""))
		s.events(1, 3)
		for seq := int64(4); seq <= 20; seq++ {
			b.happen(e, 1)
			s.events(seq, seq)
		}
		b.finish(e)
		last := s.events(21, 21)[0]
		require.Equal(t, "execution_finished", last.Type)
		s.over(wire.MessageEnd, wire.EndFinished)

		// Whoever comes back is sent away, and in a way that a browser takes for an end.
		for _, query := range []string{"?after=21", "?after=21&types=progress"} {
			b.get(eventsPath(e, query)).is(http.StatusNoContent)
		}
		replayed := b.follow(eventsPath(e, ""))
		all := replayed.events(1, 21)
		require.Equal(t, last, all[20])
		replayed.over(wire.MessageEnd, wire.EndFinished)
	})

	t.Run("EndWithAnExecutionThatIsDeleted", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		b.happen(e, 3)
		s := b.follow(eventsPath(e, ""))
		s.events(1, 3)
		// It ends and is deleted before anybody has read its end.
		tx, err := b.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for _, table := range []string{"execution_events", "sessions", "jobs"} {
			_, err := tx.NewRaw(`DELETE FROM ? WHERE execution_id = ?`, bun.Ident(table), e.ID).Exec(t.Context())
			require.NoError(t, err)
		}
		_, err = tx.NewRaw(`DELETE FROM executions WHERE id = ?`, e.ID).Exec(t.Context())
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		s.over(wire.MessageEnd, wire.EndFinished)
	})

	t.Run("GoOnAfterANumberTheHeaderBeforeTheParameter", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		b.happen(e, 1_500) // several pages
		b.follow(eventsPath(e, "?after=700")).events(701, 1_500)
		s := b.follow(eventsPath(e, "?after=700"), "Last-Event-ID", "1499")
		s.events(1_500, 1_500)
		b.happen(e, 5_000) // more than is kept
		s.events(1_501, 6_500)
	})

	t.Run("LoseAndDoubleNothingOverReconnects", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		other := b.another(nil)
		e := b.anExecution()
		const rounds = 60
		written := make(chan struct{})
		go func() {
			defer close(written)
			for range rounds {
				b.happen(e, 7)
			}
			b.finish(e)
		}()
		// Another process each time, and a stream that breaks in the middle.
		var seen int64
		for round := 0; seen < 7*rounds; round++ {
			s := []*bundle{b, other}[round%2].follow(eventsPath(e, ""), "Last-Event-ID", strconv.FormatInt(seen, 10))
			s.events(seen+1, min(seen+11, 7*rounds))
			seen = min(seen+11, 7*rounds)
			s.cancel()
		}
		<-written
		s := other.follow(eventsPath(e, "?after="+strconv.FormatInt(seen, 10)))
		s.events(seen+1, seen+1)
		s.over(wire.MessageEnd, wire.EndFinished)
	})

	t.Run("ReachTheClientsOfEveryProcess", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		other := b.another(nil)
		e := b.anExecution()
		one, two := b.follow(eventsPath(e, "")), other.follow(eventsPath(e, ""))
		b.happen(e, 5)
		require.Equal(t, one.events(1, 5), two.events(1, 5))
	})

	t.Run("SayWhereItStandsOnlyWhenThatChanges", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		b.happen(e, 1)
		s := b.follow(eventsPath(e, "?types=progress"))
		first := s.next()
		require.Equal(t, wire.MessageProgress, first.Type)
		require.JSONEq(t, `{"status": "running", "concurrency": 10, "total": 1, "queued": 1, "running": 0, "completed": 0,
			"failed": 0, "cancelled": 0, "retries": 0}`, string(first.Data))
		b.happen(e, 1) // and it stands where it stood
		b.post(executionPath(e)+"/concurrency", `{"value": 7}`).is(http.StatusOK)
		b.happen(e, 1)
		second := s.next()
		require.Contains(t, string(second.Data), `"concurrency":7`)
		require.GreaterOrEqual(t, second.CreatedAt.Sub(first.CreatedAt), 900*time.Millisecond)
	})

	t.Run("AreFilteredByType", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, func(c *api.Config) { c.Heartbeat = 200 * time.Millisecond })
		e := b.anExecution()
		b.happen(e, 3)
		s := b.follow(eventsPath(e, "?types=execution_finished,execution_paused"))
		for {
			got, err := s.read()
			require.NoError(t, err)
			require.True(t, got.comment)
			require.Empty(t, got.event)
			if got.id == "3" {
				break // what is not wanted is passed over
			}
		}
		b.finish(e)
		got := s.next()
		require.Equal(t, "execution_finished", got.Type)
		require.EqualValues(t, 4, got.Seq)
		s.over(wire.MessageEnd, wire.EndFinished)
	})

	t.Run("AreFollowedByHeartbeats", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, func(c *api.Config) { c.Heartbeat = 50 * time.Millisecond })
		s := b.follow(eventsPath(b.anExecution(), "?types=execution_finished"))
		for range 5 {
			got, err := s.read()
			require.NoError(t, err)
			require.Equal(t, sse{comment: true}, got)
		}
	})

	t.Run("SurviveTheLossOfTheConnectionForNotices", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		s := b.follow(eventsPath(e, ""))
		listeners := func() (n int) {
			t.Helper()
			require.NoError(t, b.db.NewRaw(`SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name = 'mino-notices'`).Scan(t.Context(), &n))
			return n
		}
		require.Eventually(t, func() bool { return listeners() == 1 }, waitTime, tick, "one for the process")
		b.happen(e, 1)
		s.events(1, 1)
		for round := range int64(3) {
			_, err := b.db.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name = 'mino-notices'`)
			require.NoError(t, err)
			b.happen(e, 2) // announced to nobody
			s.events(2+3*round, 3+3*round)
			require.Eventually(t, func() bool { return listeners() == 1 }, waitTime, tick)
			b.happen(e, 1)
			s.events(4+3*round, 4+3*round)
		}
	})

	t.Run("ComeWithoutNoticesToo", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		e := b.anExecution()
		s := b.follow(eventsPath(e, ""))
		b.happen(e, 2)
		s.events(1, 2)
		b.finish(e)
		s.events(3, 3)
		s.over(wire.MessageEnd, wire.EndFinished)
	})

	t.Run("AreRefusedWithAReason", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		e := b.anExecution()
		b.happen(e, 1)
		for _, path := range []string{"/events", "/ws"} {
			b.get("/api/executions/"+uuid.NewString()+path).problem(http.StatusNotFound, wire.CodeExecutionNotFound)
			at(t, b.get("/api/executions/1"+path).problem(http.StatusBadRequest, wire.CodeInvalidParams), "id")
			for query, field := range map[string]string{
				"?after=-1": "after", "?after=x": "after", "?after=2": "after", "?types=job_begun": "types", "?before=1": "before",
			} {
				at(t, b.get(executionPath(e)+path+query).problem(http.StatusBadRequest, wire.CodeInvalidParams), field)
			}
		}
		req := b.request(http.MethodGet, eventsPath(e, ""), "", nil)
		req.Header.Set("Last-Event-ID", "abc")
		at(t, b.send(req).problem(http.StatusBadRequest, wire.CodeInvalidParams), "Last-Event-ID")
		head := b.send(b.request(http.MethodHead, eventsPath(e, ""), "", nil)).is(http.StatusOK)
		require.Equal(t, "text/event-stream", head.header.Get("Content-Type"))
	})

	t.Run("AreBoundedInNumber", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, func(c *api.Config) { c.MaxStreams = 2 })
		e := b.anExecution()
		first := b.follow(eventsPath(e, ""))
		b.follow(eventsPath(e, ""))
		for _, path := range []string{"/events", "/ws"} {
			refused := b.get(executionPath(e) + path)
			refused.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
			require.NotEmpty(t, refused.header.Get("Retry-After"))
		}
		first.cancel() // the client leaves, and says nothing
		require.Eventually(t, func() bool { return b.get(executionPath(e)+"/ws").status == http.StatusUpgradeRequired }, waitTime, tick)
		b.follow(eventsPath(e, ""))
	})

	t.Run("EndWithTheServer", func(t *testing.T) {
		t.Parallel()
		b := setupNews(t, nil)
		app, url := b.listen(b.config)
		b.url = url
		e := b.anExecution()
		b.happen(e, 2)
		s, socket := b.follow(eventsPath(e, "")), b.socket(e, "")
		require.Equal(t, s.events(1, 2), socket.events(1, 2))
		ctx, cancel := context.WithTimeout(t.Context(), waitTime)
		defer cancel()
		begun := time.Now()
		require.NoError(t, app.ShutdownWithContext(ctx))
		require.Less(t, time.Since(begun), waitTime/2, "nobody is waited for")
		s.over(wire.MessageClosing, wire.ClosingShutdown)
		socket.over(wire.MessageClosing, wire.ClosingShutdown, 1001)
	})
}
