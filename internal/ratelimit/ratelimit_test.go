package ratelimit_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/minohq/mino/internal/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is one that stands until it is moved.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) forward(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func newLimiter(maxBuckets int) (*ratelimit.Limiter, *clock) {
	c := &clock{}
	return ratelimit.New(ratelimit.Config{MaxBuckets: maxBuckets, Now: c.now}), c
}

func key(name string, perMinute, burst int) ratelimit.Bucket {
	return ratelimit.Bucket{Kind: ratelimit.Key, Name: name, PerMinute: perMinute, Burst: burst}
}

func organisation(name string, perMinute, burst int) ratelimit.Bucket {
	return ratelimit.Bucket{Kind: ratelimit.Organisation, Name: name, PerMinute: perMinute, Burst: burst}
}

func address(name string, perMinute, burst int) ratelimit.Bucket {
	return ratelimit.Bucket{Kind: ratelimit.Address, Name: name, PerMinute: perMinute, Burst: burst}
}

// drain takes until it is refused and says how many were allowed.
func drain(t *testing.T, l *ratelimit.Limiter, buckets ...ratelimit.Bucket) int {
	t.Helper()
	for allowed := range 10_000 {
		if !l.Take(buckets...).Allowed {
			return allowed
		}
	}
	require.Fail(t, "never refused")
	return 0
}

func TestTake(t *testing.T) {
	t.Parallel()

	t.Run("AllowsABurstAndThenWhatComesBack", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(0)
		b := key("a", 60, 3)
		require.Equal(t, ratelimit.Result{Allowed: true, Limit: 3, Remaining: 2, Reset: time.Second}, l.Take(b))
		require.Equal(t, ratelimit.Result{Allowed: true, Limit: 3, Remaining: 1, Reset: 2 * time.Second}, l.Take(b))
		require.Equal(t, ratelimit.Result{Allowed: true, Limit: 3, Remaining: 0, Reset: 3 * time.Second}, l.Take(b))
		refused := ratelimit.Result{Limit: 3, Reset: 3 * time.Second, RetryAfter: time.Second}
		require.Equal(t, refused, l.Take(b))
		require.Equal(t, refused, l.Take(b), "a refusal costs nothing")

		c.forward(time.Second - 1)
		require.Equal(t, ratelimit.Result{Limit: 3, Reset: 2*time.Second + 1, RetryAfter: 1}, l.Take(b))
		c.forward(1)
		require.True(t, l.Take(b).Allowed)
		require.False(t, l.Take(b).Allowed)
		c.forward(time.Hour)
		require.Equal(t, 3, drain(t, l, b), "it never holds more than the burst")
	})

	t.Run("AllowsAMinutesWorthAtOnceWithoutABurst", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(0)
		require.Equal(t, 7, drain(t, l, key("a", 7, 0)))
		require.Equal(t, 7, drain(t, l, key("b", 7, -1)))
	})

	t.Run("LosesNothingToRoundingOverADay", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(0)
		b := key("a", 7, 1) // a minute does not divide by it
		allowed := 0
		for range 24 * 60 * 7 {
			r := l.Take(b)
			require.True(t, r.Allowed)
			allowed++
			r = l.Take(b)
			require.False(t, r.Allowed)
			c.forward(r.RetryAfter - 1)
			require.False(t, l.Take(b).Allowed)
			c.forward(1)
		}
		require.Equal(t, 10_080, allowed)
		require.InDelta(t, float64(24*time.Hour), float64(c.nanoseconds.Load()), 10_080, "less than a nanosecond each")
	})

	t.Run("TakesOneOfEachOrNone", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(0)
		mine, ours := key("a", 60, 5), organisation("o", 60, 2)
		require.Equal(t, 2, drain(t, l, mine, ours))
		require.Equal(t, 3, drain(t, l, mine), "the organisation's refusal did not use up the key's")
		c.forward(time.Hour)
		require.Equal(t, 5, drain(t, l, mine))
		require.False(t, l.Take(ours, mine).Allowed)
		require.Equal(t, 2, drain(t, l, ours), "and the other way round")
	})

	t.Run("TellsOfTheTightest", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(0)
		wide, narrow, slow := key("a", 600, 10), organisation("o", 60, 2), address("n", 1, 2)
		require.Equal(t, ratelimit.Result{Allowed: true, Limit: 2, Remaining: 1, Reset: time.Second}, l.Take(wide, narrow))
		require.Equal(t, ratelimit.Result{Allowed: true, Limit: 2, Remaining: 0, Reset: 2 * time.Second}, l.Take(wide, narrow, slow))
		require.True(t, l.Take(slow).Allowed)
		refused := l.Take(slow, narrow, wide)
		require.Equal(t, ratelimit.Result{Limit: 2, Reset: 2 * time.Minute, RetryAfter: time.Minute}, refused, "that which takes longest")
		require.Equal(t, refused, l.Take(wide, narrow, slow), "in any order")
	})

	t.Run("KnowsNoLimitThatIsNotPositive", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(1)
		for range 1000 {
			require.Equal(t, ratelimit.Result{Allowed: true}, l.Take(key("a", 0, 5), organisation("o", -1, 1)))
		}
		require.Equal(t, ratelimit.Result{Allowed: true}, l.Take())
		require.Equal(t, 2, drain(t, l, key("a", 0, 0), organisation("o", 5, 2)))
	})

	t.Run("FollowsItsLimits", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(0)
		require.Equal(t, 100, drain(t, l, key("a", 60, 100)))
		require.Equal(t, 20, drain(t, l, key("a", 60, 120)), "a larger burst counts at once")
		r := l.Take(key("a", 60, 10))
		require.Equal(t, time.Second, r.RetryAfter, "whoever had a larger one waits for a token, not for all that was over")
		c.forward(time.Second)
		require.Equal(t, 1, drain(t, l, key("a", 60, 10)))
		require.Equal(t, 100*time.Millisecond, l.Take(key("a", 600, 10)).RetryAfter, "a faster rate counts at once")
		require.True(t, l.Take(key("a", 0, 10)).Allowed, "as does its end")
	})

	t.Run("KeepsItsArithmeticWithHugeLimitsAndLongPauses", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(0)
		b := key("a", int(^uint(0)>>1), int(^uint(0)>>1))
		r := l.Take(b)
		require.True(t, r.Allowed)
		require.Equal(t, 100_000_000, r.Limit)
		require.Equal(t, 99_999_999, r.Remaining)
		slow := key("b", 1, 1)
		require.True(t, l.Take(slow).Allowed)
		c.forward(200 * 365 * 24 * time.Hour)
		require.Equal(t, 99_999_999, l.Take(b).Remaining)
		require.Equal(t, 1, drain(t, l, slow))
	})

	t.Run("TakesNothingBackWhenTheClockGoesBack", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(0)
		c.forward(time.Hour)
		b := key("a", 60, 2)
		require.Equal(t, 2, drain(t, l, b))
		c.forward(-time.Minute)
		require.Equal(t, time.Second, l.Take(b).RetryAfter)
		c.forward(time.Minute)
		require.False(t, l.Take(b).Allowed)
		c.forward(time.Second)
		require.Equal(t, 1, drain(t, l, b))
	})

	t.Run("KeepsKindsApart", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(0)
		require.Equal(t, 2, drain(t, l, key("same", 60, 2)))
		require.Equal(t, 2, drain(t, l, organisation("same", 60, 2)))
		require.Equal(t, 2, drain(t, l, address("same", 60, 2)))
	})

	t.Run("KeepsNamesWhoseMemoryIsReused", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(0)
		buffer := []byte("aaaa")
		require.Equal(t, 2, drain(t, l, key(aliased(buffer), 60, 2)))
		copy(buffer, "bbbb")
		require.False(t, l.Take(key("aaaa", 60, 2)).Allowed)
		require.True(t, l.Take(key("bbbb", 60, 2)).Allowed)
	})
}

func TestOverflow(t *testing.T) {
	t.Parallel()

	t.Run("ForgivesTheOneThatWasLeftAloneLongest", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(2)
		require.Equal(t, 2, drain(t, l, key("a", 60, 2)))
		require.Equal(t, 2, drain(t, l, key("b", 60, 2)))
		require.False(t, l.Take(key("a", 60, 2)).Allowed, "which it is used by")
		require.Equal(t, 2, drain(t, l, key("c", 60, 2)))
		require.False(t, l.Take(key("a", 60, 2)).Allowed)
		require.Equal(t, 2, drain(t, l, key("b", 60, 2)))
	})

	t.Run("NeverPushesOutAnotherKind", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(2)
		require.Equal(t, 2, drain(t, l, key("a", 60, 2), organisation("o", 60, 9)))
		for i := range 1000 {
			require.True(t, l.Take(address(strconv.Itoa(i), 60, 2)).Allowed)
		}
		require.False(t, l.Take(key("a", 60, 2)).Allowed)
		require.Equal(t, 7, drain(t, l, organisation("o", 60, 9)))
	})

	t.Run("IsNotForRefusedRequestsToCause", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(2)
		require.Equal(t, 2, drain(t, l, key("a", 60, 2)))
		from := address("n", 60, 1)
		for i := range 1000 {
			require.Equal(t, i == 0, l.Take(from, key("made up "+strconv.Itoa(i), 60, 2)).Allowed)
		}
		require.False(t, l.Take(key("a", 60, 2)).Allowed, "one name was made, and there is room for two")
	})
}

// TestConcurrency has many goroutines take of buckets that they share.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	const burst, each = 1000, 50
	l, _ := newLimiter(0)
	var group sync.WaitGroup
	var allowed [2]atomic.Int64
	begin := make(chan struct{})
	for i := range 100 {
		group.Go(func() {
			mine := key(fmt.Sprint("key ", i%2), 1, burst)
			<-begin
			for range each {
				if l.Take(mine, organisation("shared", 1, burst)).Allowed {
					allowed[i%2].Add(1)
				}
			}
		})
	}
	close(begin)
	group.Wait()
	require.EqualValues(t, burst, allowed[0].Load()+allowed[1].Load())
	left := drain(t, l, key("key 0", 1, burst)) + drain(t, l, key("key 1", 1, burst))
	require.Equal(t, burst, left, "what the organisation refused is still there")
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for spelt, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::":       "2001:db8:1:2::/64",
		"2001:db8:1:3::1":      "2001:db8:1:3::/64",
		"fe80::1%eth0":         "fe80::/64",
		"fe80::2%eth1":         "fe80::/64",
	} {
		require.Equal(t, want, ratelimit.Network(netip.MustParseAddr(spelt)), spelt)
	}
	require.Empty(t, ratelimit.Network(netip.Addr{}))
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		result ratelimit.Result
		want   map[string]string
	}{
		"SayWhatIsLeft": {
			ratelimit.Result{Allowed: true, Limit: 60, Remaining: 59, Reset: time.Second},
			map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": "1"},
		},
		"RoundUp": {
			ratelimit.Result{Limit: 60, Reset: 59*time.Second + 1, RetryAfter: 1},
			map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60", "Retry-After": "1"},
		},
		"AreNoneWithoutALimit": {ratelimit.Result{Allowed: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.result.Headers())
		})
	}
}
