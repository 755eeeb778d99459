package ratelimit_test

import (
	"math/big"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/minohq/mino/internal/ratelimit"
)

// aliased is a string whose memory somebody goes on writing to.
func aliased(b []byte) string { return unsafe.String(&b[0], len(b)) }

// model counts the tokens in a bucket, in fractions of any fineness, where the limiter
// counts the units that are missing.
type model map[ratelimit.Bucket]*modelled

type modelled struct {
	tokens    *big.Rat
	burst     int64
	countedAt time.Duration
}

// bring sets a bucket to what is in it at a time, under its present limits.
func (m model) bring(now time.Duration, b ratelimit.Bucket) *modelled {
	burst := int64(b.Burst)
	if burst <= 0 {
		burst = int64(b.PerMinute)
	}
	name := ratelimit.Bucket{Kind: b.Kind, Name: b.Name}
	found, ok := m[name]
	if !ok {
		found = &modelled{tokens: new(big.Rat).SetInt64(burst), burst: burst, countedAt: now}
		m[name] = found
	}
	back := big.NewRat(int64(now-found.countedAt)*int64(b.PerMinute), int64(time.Minute))
	found.tokens.Add(found.tokens, back)
	if full := new(big.Rat).SetInt64(found.burst); found.tokens.Cmp(full) > 0 {
		found.tokens = full
	}
	found.tokens.Add(found.tokens, new(big.Rat).SetInt64(burst-found.burst)) // what was used stays used
	if found.tokens.Sign() < 0 {
		found.tokens = new(big.Rat)
	}
	found.burst, found.countedAt = burst, now
	return found
}

func (m model) take(now time.Duration, buckets []ratelimit.Bucket) bool {
	one, allowed := big.NewRat(1, 1), true
	var limited []*modelled
	for _, b := range buckets {
		if b.PerMinute > 0 {
			found := m.bring(now, b)
			limited = append(limited, found)
			allowed = allowed && found.tokens.Cmp(one) >= 0
		}
	}
	if allowed {
		for _, found := range limited {
			found.tokens.Sub(found.tokens, one)
		}
	}
	return allowed
}

// fewest is the smallest number of whole tokens in the buckets that have a limit.
func (m model) fewest(buckets []ratelimit.Bucket) int {
	fewest := -1
	for _, b := range buckets {
		if b.PerMinute <= 0 {
			continue
		}
		tokens := m[ratelimit.Bucket{Kind: b.Kind, Name: b.Name}].tokens
		whole := int(new(big.Int).Quo(tokens.Num(), tokens.Denom()).Int64())
		if fewest < 0 || whole < fewest {
			fewest = whole
		}
	}
	return max(fewest, 0)
}

// TestAgainstAModel has requests with up to three buckets, whose limits change as they
// like, come in at any time.
func TestAgainstAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l, c := newLimiter(0)
		m := model{}
		pauses := rapid.OneOf(
			rapid.Just(time.Duration(0)),
			rapid.Map(rapid.Int64Range(0, int64(5*time.Second)), func(n int64) time.Duration { return time.Duration(n) }),
			rapid.Just(time.Hour),
		)
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			c.forward(pauses.Draw(t, "pause"))
			var buckets []ratelimit.Bucket
			for kind := range ratelimit.Address + 1 {
				if rapid.Bool().Draw(t, "limited") {
					buckets = append(buckets, ratelimit.Bucket{
						Kind: kind, Name: strconv.Itoa(rapid.IntRange(0, 1).Draw(t, "name")),
						PerMinute: rapid.IntRange(-1, 120).Draw(t, "per minute"), Burst: rapid.IntRange(-1, 5).Draw(t, "burst"),
					})
				}
			}
			now := time.Duration(c.nanoseconds.Load())
			want := m.take(now, buckets)
			look := l.Look(buckets...)
			require.Equal(t, want, look.Allowed)
			require.Equal(t, look.Allowed, l.Look(buckets...).Allowed, "looking takes nothing")
			r := l.Take(buckets...)
			require.Equal(t, want, r.Allowed)
			if r.Limit > 0 {
				require.Equal(t, look.RetryAfter, r.RetryAfter)
			}
			if want {
				require.Equal(t, m.fewest(buckets), r.Remaining)
				require.Zero(t, r.RetryAfter)
				continue
			}
			require.Zero(t, r.Remaining)
			require.LessOrEqual(t, r.RetryAfter, r.Reset)

			// It is neither too long nor too short.
			c.forward(r.RetryAfter - 1)
			require.False(t, m.take(now+r.RetryAfter-1, buckets))
			require.False(t, l.Take(buckets...).Allowed)
			c.forward(1)
			require.True(t, m.take(now+r.RetryAfter, buckets))
			require.True(t, l.Take(buckets...).Allowed)
		}
	})
}
