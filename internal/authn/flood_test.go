package authn_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/models"
)

// sealed puts the right checksum behind a key that somebody makes up.
func sealed(text string) string {
	return fmt.Sprintf("%s_%08x", text, crc32.ChecksumIEEE([]byte(text)))
}

// madeUp is a key that has the right form and was never made here.
func (w *world) madeUp(t testing.TB) string {
	t.Helper()
	text, _, _, err := w.keys.New(uuid.New())
	require.NoError(t, err)
	return text
}

func TestAnUnknownIDIsAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, func(c *authn.Config) { c.FailuresPerMinute = -1 })
	text := w.madeUp(t)

	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := a.Authenticate(context.Background(), bearer(text))
			require.ErrorIs(t, err, authn.ErrInvalid)
		})
	}
	all.Wait()
	w.advance(29 * time.Second)
	_, err := a.Authenticate(t.Context(), bearer(text))
	require.ErrorIs(t, err, authn.ErrInvalid)
	require.EqualValues(t, 1, r.keys.Load())

	w.advance(time.Second)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.ErrorIs(t, err, authn.ErrInvalid)
	require.EqualValues(t, 2, r.keys.Load())
}

func TestAGoodKeyIsAskedForOnceHoweverManyCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	text, _ := w.key(t, nil)
	r.hold = make(chan struct{})

	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := a.Authenticate(context.Background(), bearer(text))
			require.NoError(t, err)
		})
	}
	close(r.hold)
	all.Wait()
	require.EqualValues(t, 1, r.keys.Load())
	require.EqualValues(t, 1, r.uses.Load())
	w.advance(time.Second)
	_, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.EqualValues(t, 2, r.keys.Load())
}

// TestMemoryIsBounded has room for two ids, so that the third pushes out the first.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, func(c *authn.Config) { c.FailuresPerMinute, c.MaxKept = -1, 2 })
	good, _ := w.key(t, nil)
	_, err := a.Authenticate(t.Context(), bearer(good))
	require.NoError(t, err)

	flood := []string{w.madeUp(t), w.madeUp(t), w.madeUp(t)}
	for _, text := range append(flood, flood[2], flood[1], flood[0]) {
		_, err := a.Authenticate(t.Context(), bearer(text))
		require.ErrorIs(t, err, authn.ErrInvalid)
	}
	require.EqualValues(t, 1+3+1, r.keys.Load(), "of the flood two are remembered")
	_, err = a.Authenticate(t.Context(), bearer(good))
	require.NoError(t, err)
	require.EqualValues(t, 1+3+1, r.keys.Load(), "the flood does not push out what is good")
}

func TestAWrongSecretOfAKnownKeyIsNotAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, func(c *authn.Config) { c.FailuresPerMinute = -1 })
	text, record := w.key(t, nil)
	_, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	for range 100 {
		w.advance(time.Minute)
		forged, _, _, err := w.keys.New(record.ID)
		require.NoError(t, err)
		_, err = a.Authenticate(t.Context(), bearer(forged))
		require.ErrorIs(t, err, authn.ErrInvalid)
	}
	require.EqualValues(t, 1, r.keys.Load())
}

func TestAnAddressThatGuessesIsHeldUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, guesser, neighbour, other string }{
		{"OfIPv4", "192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"OfTheNetworkOfIPv6", "2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, r := w.process(t, nil)
			known, _ := w.key(t, nil)
			fresh, _ := w.key(t, nil)
			person := w.login(withRole("default", "member"))
			for _, text := range []string{known, person} {
				_, err := a.Authenticate(t.Context(), from(c.neighbour, text))
				require.NoError(t, err)
			}

			for i := range authn.DefaultFailuresPerMinute {
				text := w.madeUp(t)
				if i%2 == 0 {
					text = "eyJ." + text
				}
				_, err := a.Authenticate(t.Context(), from(c.guesser, text))
				require.ErrorIs(t, err, authn.ErrInvalid)
			}
			keys, tokens := r.keys.Load(), w.tokens.asked.Load()
			for _, text := range []string{w.madeUp(t), "eyJ." + w.madeUp(t), "mino_nonsense", fresh} {
				_, err := a.Authenticate(t.Context(), from(c.guesser, text))
				require.ErrorIs(t, err, authn.ErrTooMany)
				var tooMany *authn.TooManyError
				require.ErrorAs(t, err, &tooMany)
				require.Equal(t, "2", tooMany.Result.Headers()["Retry-After"], "30 in a minute is one in 2 seconds")
			}
			require.Equal(t, keys, r.keys.Load(), "nothing more is looked up")
			require.Equal(t, tokens, w.tokens.asked.Load())

			// What was good before goes on, also when it has to be asked for again.
			for range 3 {
				for _, text := range []string{known, person} {
					_, err := a.Authenticate(t.Context(), from(c.neighbour, text))
					require.NoError(t, err)
				}
				w.advance(500 * time.Millisecond)
			}
			_, err := a.Authenticate(t.Context(), from(c.other, fresh))
			require.NoError(t, err, "another address is not held up")

			w.advance(time.Second)
			_, err = a.Authenticate(t.Context(), from(c.guesser, w.madeUp(t)))
			require.ErrorIs(t, err, authn.ErrInvalid, "and in time it may try again")
		})
	}
}

func TestWhatIsRightNeverHoldsAnybodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, func(c *authn.Config) { c.FailuresPerMinute = 1 })
	for range 5 {
		text, _ := w.key(t, nil)
		_, err := a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		_, err = a.Authenticate(t.Context(), authn.Credentials{IP: "192.0.2.1"})
		require.ErrorIs(t, err, authn.ErrMissing, "who sends nothing does not guess")
	}
}

func TestWhileTheRecordsDoNotAnswerNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, func(c *authn.Config) { c.FailuresPerMinute = 1 })
	text, _ := w.key(t, nil)
	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	person := w.login(withRole("default", "member"))

	w.advance(time.Second)
	for _, away := range []error{models.ErrUnavailable, context.DeadlineExceeded} {
		r.fail(away)
		for range 3 { // it is nobody's fault
			for _, text := range []string{text, person} {
				_, err = a.Authenticate(t.Context(), bearer(text))
				require.ErrorIs(t, err, models.ErrUnavailable)
			}
		}
		require.ErrorIs(t, a.Stands(t.Context(), who.Principal), models.ErrUnavailable)
	}
	broken := errors.New("a mistake of ours")
	r.fail(broken)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.ErrorIs(t, err, broken)

	r.fail(nil)
	for _, text := range []string{text, person} {
		_, err = a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
	}
}

func TestTheUseOfAKeyNeedNotBeNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	text, _ := w.key(t, nil)
	_, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	w.advance(59*time.Second + 500*time.Millisecond)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	w.advance(500 * time.Millisecond) // it is believed, and its use is due
	r.fail(models.ErrUnavailable)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.EqualValues(t, 2, r.uses.Load())
}

func TestAUseIsNotedAlsoWhenTheCallerHasLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	text, _ := w.key(t, nil)
	_, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	w.advance(59*time.Second + 500*time.Millisecond)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	w.advance(500 * time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = a.Authenticate(ctx, bearer(text))
	require.NoError(t, err)
	require.EqualValues(t, 2, r.uses.Load())
}

func TestACallerNeedNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	text, _ := w.key(t, nil)
	r.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := a.Authenticate(ctx, bearer(text))
	require.ErrorIs(t, err, context.Canceled)
	close(r.hold)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.EqualValues(t, 1, r.keys.Load(), "its question serves who comes next")
}
