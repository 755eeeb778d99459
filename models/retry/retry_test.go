package retry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/retry"
)

func TestPresets(t *testing.T) {
	t.Parallel()
	for _, preset := range retry.Presets() {
		policy, ok := preset.Policy()
		require.True(t, ok)
		require.NoError(t, policy.Validate(), preset)
	}
	_, ok := retry.Preset("SLOW").Policy()
	require.False(t, ok)
}

func TestDelay(t *testing.T) {
	t.Parallel()
	standard, _ := retry.Standard.Policy()
	const middle = 0.5 // no jitter

	t.Run("GrowsByTheCoefficientUpToTheLongest", func(t *testing.T) {
		t.Parallel()
		for attempt, want := range map[int]time.Duration{
			1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 30 * time.Second, 90: 30 * time.Second,
		} {
			require.Equal(t, want, standard.Delay(attempt, failure.New(failure.Transient, "", ""), middle))
		}
	})

	t.Run("WaitsAtLeastTheFloorAfterARateLimit", func(t *testing.T) {
		t.Parallel()
		limited := failure.New(failure.RateLimit, "HTTP_429", "slow down")
		require.Equal(t, retry.RateLimitFloor, standard.Delay(1, limited, 0))
		limited.RetryAfter = 42 * time.Second
		require.Equal(t, 42*time.Second, standard.Delay(1, limited, 0.99))
		limited.RetryAfter = 24 * time.Hour
		require.Equal(t, retry.MaxRetryAfter, standard.Delay(1, limited, middle), "nobody makes us wait for ever")
	})

	t.Run("SpreadsOverAQuarterEitherWay", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			policy := retry.Policy{
				MaxAttempts:        rapid.IntRange(1, 100).Draw(t, "attempts"),
				InitialIntervalMS:  rapid.Int64Range(1, 3_600_000).Draw(t, "initial"),
				BackoffCoefficient: rapid.Float64Range(1, 10).Draw(t, "coefficient"),
			}
			policy.MaxIntervalMS = rapid.Int64Range(policy.InitialIntervalMS, 86_400_000).Draw(t, "longest")
			require.NoError(t, policy.Validate())
			attempt := rapid.IntRange(1, 100).Draw(t, "attempt")
			base := policy.Delay(attempt, nil, middle)
			require.LessOrEqual(t, base, time.Duration(policy.MaxIntervalMS)*time.Millisecond)
			delay := policy.Delay(attempt, nil, rapid.Float64Range(0, 0.999999).Draw(t, "random"))
			require.InDelta(t, float64(base), float64(delay), 0.25*float64(base)+2)
		})
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good, _ := retry.Patient.Policy()
	for name, spoil := range map[string]func(*retry.Policy){
		"NoAttempts":             func(p *retry.Policy) { p.MaxAttempts = 0 },
		"TooManyAttempts":        func(p *retry.Policy) { p.MaxAttempts = 101 },
		"NoDelay":                func(p *retry.Policy) { p.InitialIntervalMS = 0 },
		"ShrinkingDelay":         func(p *retry.Policy) { p.BackoffCoefficient = 0.5 },
		"LongestBelowTheInitial": func(p *retry.Policy) { p.MaxIntervalMS = p.InitialIntervalMS - 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := good
			spoil(&bad)
			require.Error(t, bad.Validate())
		})
	}
}
