package oidc_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/oidc/oidctest"
)

// asked wants the issuer to have been asked so many times, for both documents.
func (b *bundle) asked(t *testing.T, times int) {
	t.Helper()
	require.Equal(t, times, b.issuer.Discoveries(), "for its configuration")
	require.Equal(t, times, b.issuer.KeyReads(), "for its keys")
}

// atOnce runs something so many times at once and returns when all have ended.
func atOnce(times int, do func()) {
	var all sync.WaitGroup
	for range times {
		all.Go(do)
	}
	all.Wait()
}

func TestKeysAreAskedFor(t *testing.T) {
	t.Parallel()

	t.Run("NotBeforeTheFirstToken", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.asked(t, 0)
		b.refuses(t, "nonsense", notSigned)
		b.refuses(t, unsigned(t, b, "none"), wrongAlgorithm)
		b.asked(t, 0)
		b.accepts(t, b.token(t))
		b.asked(t, 1)
	})

	t.Run("OnceForManyAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.token(t)
		b.issuer.Hang()
		errs := make(chan error, 50)
		done := make(chan struct{})
		go func() {
			defer close(done)
			atOnce(cap(errs), func() {
				_, err := b.verifier.Verify(t.Context(), token)
				errs <- err
			})
		}()
		b.issuer.WaitForRequests(t, oidctest.DiscoveryPath, 1)
		b.issuer.Release()
		<-done
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		b.asked(t, 1)
	})

	t.Run("AgainAfter5Minutes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.token(t)
		b.accepts(t, token)
		b.clock.forward(5*time.Minute - 1)
		b.accepts(t, token)
		b.asked(t, 1)
		b.clock.forward(1)
		b.accepts(t, token)
		b.asked(t, 2)
		b.accepts(t, token)
		b.asked(t, 2)
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()

	t.Run("ANewKeyIsKnownAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		before := b.token(t)
		b.accepts(t, before)
		b.issuer.Rotate(t)
		b.accepts(t, b.token(t))
		b.accepts(t, before)
		b.asked(t, 2)
	})

	t.Run("ARemovedKeyIsDeadAfter5Minutes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		before := b.token(t)
		b.accepts(t, before)
		old := b.issuer.Key()
		b.issuer.Rotate(t)
		b.issuer.Retire(old.ID)
		b.clock.forward(5*time.Minute - 1)
		b.accepts(t, before)
		b.clock.forward(1)
		b.refuses(t, before, noSuchKey)
		b.accepts(t, b.token(t))
	})

	t.Run("ARemovedKeyIsDeadAsSoonAsTheNewOneIsSeen", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		before := b.token(t)
		b.accepts(t, before)
		old := b.issuer.Key()
		b.issuer.Rotate(t)
		b.issuer.Retire(old.ID)
		b.accepts(t, b.token(t))
		b.clock.forward(5 * time.Second)
		b.refuses(t, before, noSuchKey)
	})

	t.Run("KeysThatMovedAreFoundAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		before := b.token(t)
		b.accepts(t, before)
		old := b.issuer.Key()
		b.issuer.Answer(oidctest.KeysPath, document(t, map[string]any{"keys": []any{old.Public()}}))
		b.issuer.Answer(oidctest.DiscoveryPath, document(t, map[string]any{"issuer": b.issuer.URL, "jwks_uri": b.issuer.URL + "/moved"}))
		b.issuer.Rotate(t)
		b.issuer.Answer("/moved", document(t, map[string]any{"keys": []any{b.issuer.Key().Public()}}))
		b.accepts(t, b.token(t))
		b.clock.forward(5 * time.Second)
		b.refuses(t, before, noSuchKey)
	})
}

func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	const many = 200
	// forged are tokens of as many keys that the issuer does not have.
	forged := func(t *testing.T, b *bundle) []string {
		t.Helper()
		thief := oidctest.NewKey(t, "ES256")
		tokens := make([]string, many)
		for i := range tokens {
			thief.ID = oidctest.NewKey(t, "ES256").ID
			tokens[i] = thief.Sign(t, nil, b.issuer.Claims(nil))
		}
		return tokens
	}

	t.Run("AreAskedForOnceIn5SecondsHoweverMany", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		tokens := forged(t, b)
		b.accepts(t, b.token(t))
		b.asked(t, 1)
		for i, token := range tokens {
			b.refuses(t, token, noSuchKey)
			if i < many-1 {
				b.clock.forward(5 * time.Second / many)
			}
		}
		b.asked(t, 2)
		b.clock.forward(5 * time.Second / many)
		for _, token := range tokens {
			b.refuses(t, token, noSuchKey)
		}
		b.asked(t, 3)
		b.accepts(t, b.token(t))
		b.asked(t, 3)
	})

	t.Run("AreAskedForOnceWhenTheyComeFirst", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		for _, token := range forged(t, b) {
			b.refuses(t, token, noSuchKey)
		}
		b.asked(t, 1)
	})

	t.Run("AreAskedForOnceWhenTheyComeTogether", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.accepts(t, b.token(t))
		tokens := make(chan string, many)
		for _, token := range forged(t, b) {
			tokens <- token
		}
		errs := make(chan error, many)
		atOnce(many, func() {
			_, err := b.verifier.Verify(t.Context(), <-tokens)
			errs <- err
		})
		close(errs)
		for err := range errs {
			require.ErrorIs(t, err, oidc.ErrInvalid)
		}
		b.asked(t, 2)
	})

	t.Run("KeepNoKnownKeyWaiting", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		good := b.token(t)
		b.accepts(t, good)
		unknown := oidctest.NewKey(t, "ES256").Sign(t, nil, b.issuer.Claims(nil))
		b.issuer.Hang()
		ended := make(chan error, 1)
		go func() {
			_, err := b.verifier.Verify(t.Context(), unknown)
			ended <- err
		}()
		b.issuer.WaitForRequests(t, oidctest.DiscoveryPath, 2)
		b.accepts(t, good)
		b.issuer.Release()
		require.ErrorIs(t, <-ended, oidc.ErrInvalid)
	})

	t.Run("KeepANewKeyOutForNoMoreThan5Seconds", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.accepts(t, b.token(t))
		b.refuses(t, oidctest.NewKey(t, "ES256").Sign(t, nil, b.issuer.Claims(nil)), noSuchKey)
		b.issuer.Rotate(t)
		b.clock.forward(5*time.Second - 1)
		b.refuses(t, b.token(t), noSuchKey)
		b.clock.forward(1)
		b.accepts(t, b.token(t))
	})
}

// TestConcurrently has readers of old, new and forged tokens while keys come and go, the
// clock goes on and the issuer fails now and then: for the race detector, and for verdicts
// that are never the wrong way round.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	forged := oidctest.NewKey(t, "ES256").Sign(t, nil, b.issuer.Claims(nil))
	good := b.token(t)
	b.accepts(t, good)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	errs := make(chan error, 8+20)
	for range 8 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := b.verifier.Verify(t.Context(), good); err != nil {
					errs <- err
					return
				}
				if _, err := b.verifier.Verify(t.Context(), forged); err == nil {
					errs <- errors.New("a forged token was accepted")
					return
				}
			}
		})
	}
	for i := range 20 {
		b.issuer.SetDown(i%5 == 4)
		b.issuer.Rotate(t)
		// Whether the new key is seen depends on when the forged token was last here.
		if _, err := b.verifier.Verify(t.Context(), b.token(t)); err != nil && !errors.Is(err, oidc.ErrInvalid) && !errors.Is(err, oidc.ErrUnavailable) {
			errs <- err
		}
		b.clock.forward(time.Minute)
	}
	close(stop)
	readers.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	b.issuer.SetDown(false)
	b.clock.forward(time.Minute)
	b.accepts(t, b.token(t))
}
