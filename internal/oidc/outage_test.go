package oidc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/oidc/oidctest"
)

func TestIssuerThatIsDown(t *testing.T) {
	t.Parallel()
	const status = "answered 503"

	t.Run("AtTheStartIsLeftAloneLongerAndLonger", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.token(t)
		b.issuer.SetDown(true)
		for i, seconds := range []int{1, 2, 4, 8, 16, 30, 30} {
			b.unavailable(t, token, status)
			require.Equal(t, i+1, b.issuer.Discoveries())
			b.clock.forward(time.Duration(seconds)*time.Second - 1)
			b.unavailable(t, token, status)
			require.Equal(t, i+1, b.issuer.Discoveries(), "too early")
			b.clock.forward(1)
		}
		require.Zero(t, b.issuer.KeyReads())
		b.issuer.SetDown(false)
		b.accepts(t, token)
		b.issuer.SetDown(true)
		b.clock.forward(5 * time.Minute)
		b.accepts(t, token)
		asked := b.issuer.Discoveries()
		b.clock.forward(time.Second)
		b.accepts(t, token)
		b.issuer.WaitForRequests(t, oidctest.DiscoveryPath, asked+1)
	})

	t.Run("MidwayIsBelievedFor15Minutes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.token(t)
		b.accepts(t, token)
		b.issuer.SetDown(true)
		b.clock.forward(5 * time.Minute)
		b.accepts(t, token)
		b.clock.forward(10*time.Minute - 1)
		b.accepts(t, token)
		header, payload, _ := parts(t, b)
		b.refuses(t, header+"."+payload+"."+encode(make([]byte, 64)), wrongSignature)
		b.clock.forward(1)
		b.unavailable(t, token, status)
		b.issuer.SetDown(false)
		b.clock.forward(30 * time.Second)
		b.accepts(t, token)
	})

	t.Run("CannotSayWhetherAKeyIsNew", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		old := b.token(t)
		b.accepts(t, old)
		b.issuer.SetDown(true)
		b.issuer.Rotate(t)
		token := b.token(t)
		b.unavailable(t, token, status)
		b.unavailable(t, token, status)
		require.Equal(t, 2, b.issuer.Discoveries())
		b.accepts(t, old)
		b.clock.forward(5*time.Second - 1)
		b.unavailable(t, token, status)
		require.Equal(t, 2, b.issuer.Discoveries())
		b.issuer.SetDown(false)
		b.clock.forward(1)
		b.accepts(t, token)
		b.refuses(t, oidctest.NewKey(t, "ES256").Sign(t, nil, b.issuer.Claims(nil)), noSuchKey)
	})

	t.Run("RefusesWhatNeedsNoKey", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.issuer.SetDown(true)
		b.refuses(t, unsigned(t, b, "none"), wrongAlgorithm)
		b.refuses(t, hmacToken(t, b, nil), wrongAlgorithm)
		b.asked(t, 0)
	})

	t.Run("KeepsNobodyWaitingTwice", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.token(t)
		b.accepts(t, token)
		b.issuer.SetDown(true)
		b.clock.forward(5 * time.Minute)
		b.accepts(t, token)
		b.issuer.SetDown(false)
		b.issuer.Hang()
		b.clock.forward(time.Second)
		b.accepts(t, token) // would wait for ever
		b.issuer.WaitForRequests(t, oidctest.DiscoveryPath, 3)
		b.accepts(t, token)

		old := b.issuer.Key()
		b.issuer.Rotate(t)
		b.issuer.Retire(old.ID)
		b.issuer.Release()
		b.accepts(t, b.token(t)) // by the flight that was under way
		b.refuses(t, token, noSuchKey)
	})
}

func TestContext(t *testing.T) {
	t.Parallel()

	t.Run("EndsTheWaitOfOneAndNotOfTheOthers", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.token(t)
		b.issuer.Hang()
		reason := errors.New("the client left")
		leaving, leave := context.WithCancelCause(t.Context())
		left, stayed := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := b.verifier.Verify(leaving, token)
			left <- err
		}()
		b.issuer.WaitForRequests(t, oidctest.DiscoveryPath, 1)
		go func() {
			_, err := b.verifier.Verify(t.Context(), token)
			stayed <- err
		}()
		leave(reason)
		err := <-left
		require.Equal(t, context.Canceled, err)
		require.NotErrorIs(t, err, oidc.ErrUnavailable)
		b.issuer.Release()
		require.NoError(t, <-stayed)
		b.asked(t, 1)
	})

	t.Run("EndsWithItsDeadline", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.issuer.Hang()
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, err := b.verifier.Verify(ctx, b.token(t))
		require.Equal(t, context.DeadlineExceeded, err)
	})

	t.Run("IsNotNeededWhenNobodyIsAsked", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		token := b.token(t)
		b.accepts(t, token)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := b.verifier.Verify(ctx, token)
		require.NoError(t, err)
	})
}
