package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLooksOfOneKeyGoTogether(t *testing.T) {
	t.Parallel()
	bubble(t, "AHundredInACall", func(t *testing.T) {
		l := newLooker()
		var seen []*sight
		for n := range 250 {
			seen = append(seen, l.at(t.Context(), fmt.Sprintf("run-%d", n)))
		}
		l.wg.Wait()
		requests := 0
		for n, s := range seen {
			require.NoError(t, s.err)
			require.Equal(t, fmt.Sprintf("goal of run-%d", n), s.run.text("goal"))
			require.Positive(t, s.bytes)
			requests += s.requests
		}
		calls := l.shelf.called()
		require.Len(t, calls, 4)
		require.Equal(t, "GET run-0", calls[0], "one that is alone")
		for i, many := range []int{100, 100, 49} {
			require.Len(t, strings.Fields(calls[i+1]), many+1)
		}
		require.Equal(t, len(calls), requests, "a call is counted once")
	})

	bubble(t, "AndNoneButThose", func(t *testing.T) {
		l := newLooker()
		for _, key := range []string{"key-0001", "key-0002"} {
			for _, id := range []string{"a", "b", "c"} {
				l.with(t.Context(), l.service(key), id+key)
			}
		}
		l.wg.Wait()
		require.ElementsMatch(t, []string{
			"GET akey-0001", "GET akey-0002", "POST bkey-0001 ckey-0001", "POST bkey-0002 ckey-0002",
		}, l.shelf.called())
	})

	bubble(t, "OneThatIsAloneAsksByItself", func(t *testing.T) {
		l := newLooker()
		for _, id := range []string{"a", "b"} {
			s := l.at(t.Context(), id)
			l.wg.Wait()
			require.NoError(t, s.err)
			require.Equal(t, 1, s.requests)
		}
		require.Equal(t, []string{"GET a", "GET b"}, l.shelf.called())
	})

	bubble(t, "TwoAtOneRunEachOfWhichHidesItsOwnSecrets", func(t *testing.T) {
		l := newLooker(func(s *shelf) {
			s.run = func(id string) string {
				return fmt.Sprintf(`{"run_id":%q,"status":"RUNNING","list":["key-0001, password-a, password-b"]}`, id)
			}
		})
		l.at(t.Context(), "first")
		one := l.with(t.Context(), l.service("key-0001", "password-a"), "a")
		two := l.with(t.Context(), l.service("key-0001", "password-b"), "a")
		l.wg.Wait()
		require.NoError(t, errors.Join(one.err, two.err))
		require.Equal(t, "POST a", l.shelf.called()[1])
		require.Equal(t, []any{"[redacted], [redacted], password-b"}, one.run.list("list"))
		require.Equal(t, []any{"[redacted], password-a, [redacted]"}, two.run.list("list"))
	})
}

func TestALookEndsWithItsContext(t *testing.T) {
	t.Parallel()
	// held keeps questions about several runs waiting until they are given up, or let go.
	held := func(goOn <-chan struct{}) func(*shelf) {
		return func(s *shelf) {
			s.batch = func(_ []string, r *http.Request) (int, string) {
				select {
				case <-goOn:
				case <-r.Context().Done():
				}
				return http.StatusOK, ""
			}
		}
	}

	bubble(t, "BeforeItsTurn", func(t *testing.T) {
		l := newLooker()
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		left := l.at(ctx, "a")
		stays, too := l.at(t.Context(), "b"), l.at(t.Context(), "c")
		leave()
		synctest.Wait()
		require.ErrorIs(t, left.err, context.Canceled)
		l.wg.Wait()
		require.NoError(t, errors.Join(stays.err, too.err))
		require.Equal(t, []string{"GET first", "POST b c"}, l.shelf.called(), "it is not asked for")
	})

	bubble(t, "AllBeforeTheirTurn", func(t *testing.T) {
		l := newLooker()
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		left := l.at(ctx, "a")
		leave()
		synctest.Wait()
		require.ErrorIs(t, left.err, context.Canceled)
		next := l.at(t.Context(), "b")
		l.wg.Wait()
		require.NoError(t, next.err)
		require.Equal(t, []string{"GET first", "GET b"}, l.shelf.called())
	})

	bubble(t, "DuringTheCallWhichGoesOnForTheOthers", func(t *testing.T) {
		goOn := make(chan struct{})
		l := newLooker(held(goOn))
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		left, stays := l.at(ctx, "a"), l.at(t.Context(), "b")
		pass(t, time.Second)
		leave()
		synctest.Wait()
		require.ErrorIs(t, left.err, context.Canceled)
		require.Nil(t, stays.run)
		close(goOn)
		l.wg.Wait()
		require.NoError(t, stays.err)
		require.Equal(t, "goal of b", stays.run.text("goal"))
	})

	bubble(t, "DuringTheCallWhichEndsWithTheLast", func(t *testing.T) {
		l := newLooker(held(nil)) // it would never answer
		l.at(t.Context(), "first")
		ctx, leave := context.WithCancel(t.Context())
		one, two := l.at(ctx, "a"), l.at(ctx, "b")
		pass(t, time.Second)
		require.Len(t, l.shelf.called(), 2)
		leave()
		l.wg.Wait()
		require.ErrorIs(t, one.err, context.Canceled)
		require.ErrorIs(t, two.err, context.Canceled)
		// The bubble ends with the last of its goroutines: the call has ended.
	})

	bubble(t, "AndASlowCallKeepsNoOthers", func(t *testing.T) {
		goOn := make(chan struct{})
		l := newLooker(held(goOn))
		l.at(t.Context(), "first")
		slow, too := l.at(t.Context(), "a"), l.at(t.Context(), "b")
		pass(t, time.Second)
		next := l.at(t.Context(), "c")
		pass(t, time.Second)
		require.Equal(t, "goal of c", next.run.text("goal"))
		require.Nil(t, slow.run)
		close(goOn)
		l.wg.Wait()
		require.NoError(t, errors.Join(slow.err, too.err))
	})
}
