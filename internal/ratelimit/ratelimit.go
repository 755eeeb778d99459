package ratelimit

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// DefaultMaxBuckets is how many buckets of each kind are remembered, which takes about
// 16 MB a kind when it comes to that.
const DefaultMaxBuckets = 100_000

// maxBurst keeps the arithmetic below within 64 bits.
const maxBurst = 100_000_000

// token is what a request takes, in the unit in which buckets are counted: a bucket with
// PerMinute n gets n of these units in a nanosecond.
const token = int64(time.Minute)

// Kind is what a bucket is of. Names of one kind have nothing to do with those of another.
type Kind int

// Kinds of buckets.
const (
	Key Kind = iota
	Organisation
	Address
	kinds = iota
)

// Bucket names a bucket and says what its limit is now.
type Bucket struct {
	Kind Kind
	// Name is the id of a key or an organisation, or what Network says of an address. It
	// is kept in memory, so it is short and no secret.
	Name string
	// PerMinute is how many tokens come back in a minute. There is no limit when it is not
	// positive.
	PerMinute int
	// Burst is how many requests may come at once, at most 100 million: a minute's when it
	// is not positive.
	Burst int
}

// burst is what the bucket holds when it is full, in tokens.
func (b Bucket) burst() int64 {
	if b.Burst <= 0 {
		return min(int64(b.PerMinute), maxBurst)
	}
	return min(int64(b.Burst), maxBurst)
}

// Network names the bucket of an address: an IPv4 address by itself, however it is
// spelt, and an IPv6 address by its /64.
func Network(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	network, err := address.Prefix(64)
	if err != nil || !network.IsValid() {
		return "" // there is no address; those without one share a bucket
	}
	return network.String()
}

// Config is what the operator decides.
type Config struct {
	// MaxBuckets is how many buckets of each kind are remembered; DefaultMaxBuckets when it
	// is not positive.
	MaxBuckets int
	// Now is the clock; time.Now when it is nil.
	Now func() time.Time
}

// Limiter remembers what has been used. It is safe for concurrent use.
type Limiter struct {
	now   func() time.Time
	start time.Time // times are counted from it, so that clocks that are set do not matter

	mu      sync.Mutex
	buckets [kinds]*simplelru.LRU[string, *used]
}

// used is what has been taken out of a bucket and is not back yet. Full buckets are all
// zero, which is why one that is not remembered is full. Since it counts what is missing,
// a bucket whose burst is raised has more in it at once.
type used struct {
	units int64
	at    time.Duration // when that was so
}

// settle lets come back what has come back until now, under the bucket's present limits.
func (u *used) settle(now time.Duration, b Bucket) {
	perMinute := int64(b.PerMinute)
	passed := now - u.at
	switch {
	case passed <= 0: // another request was counted by a later clock
	case u.units == 0, int64(passed) >= divideUp(u.units, perMinute):
		u.units, u.at = 0, now
	default:
		u.units, u.at = u.units-int64(passed)*perMinute, now
	}
	// Whoever had a larger burst waits for one token like everybody else.
	u.units = min(u.units, b.burst()*token)
}

// New makes a Limiter.
func New(config Config) *Limiter {
	if config.MaxBuckets <= 0 {
		config.MaxBuckets = DefaultMaxBuckets
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	l := &Limiter{now: config.Now, start: config.Now()}
	for kind := range l.buckets {
		var err error
		if l.buckets[kind], err = simplelru.NewLRU[string, *used](config.MaxBuckets, nil); err != nil {
			panic(err) // of a number of buckets that is not positive
		}
	}
	return l
}

// Take takes a token out of each bucket, or out of none when one of them is empty. Each
// is to be named once. The buckets without a limit allow everything and are not
// remembered.
func (l *Limiter) Take(buckets ...Bucket) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	drawn, refused := l.draw(make([]draw, 0, 4), buckets)
	if refused.RetryAfter > 0 {
		return refused
	}

	tightest := Result{Allowed: true}
	for _, d := range drawn {
		d.units += token
		if !d.known {
			// Servers reuse the memory that the strings of a request are in.
			l.buckets[d.Kind].Add(strings.Clone(d.Name), d.used)
		}
		if r := after(d.Bucket, d.units); tightest.Limit == 0 || r.tighter(tightest) {
			tightest = r
		}
	}
	return tightest
}

// Look says whether Take would allow it, and takes nothing. It is for buckets of what is
// only known to count afterwards, such as of failures.
func (l *Limiter) Look(buckets ...Bucket) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	drawn, refused := l.draw(make([]draw, 0, 4), buckets)
	if refused.RetryAfter > 0 {
		return refused
	}

	tightest := Result{Allowed: true}
	for _, d := range drawn {
		if r := after(d.Bucket, d.units); tightest.Limit == 0 || r.tighter(tightest) {
			tightest = r
		}
	}
	return tightest
}

// draw finds the buckets that have a limit and settles them. When one of them is empty it
// says of the one that stays so longest how long. The caller brings the memory.
func (l *Limiter) draw(drawn []draw, buckets []Bucket) (_ []draw, refused Result) {
	now := l.now().Sub(l.start)
	for _, b := range buckets {
		if b.PerMinute <= 0 {
			continue
		}
		u, known := l.buckets[b.Kind].Get(b.Name)
		if !known {
			u = &used{at: now}
		}
		u.settle(now, b)
		drawn = append(drawn, draw{b, u, known})
		if r := after(b, u.units+token); r.RetryAfter > refused.RetryAfter {
			refused = r
		}
	}
	return drawn, refused
}

// draw is a bucket that a token is to be taken from.
type draw struct {
	Bucket
	*used
	known bool
}

// after is the result for a bucket out of which so many units would be missing.
func after(b Bucket, units int64) Result {
	burst, perMinute := b.burst(), int64(b.PerMinute)
	r := Result{Allowed: true, Limit: int(burst)}
	if over := units - burst*token; over > 0 {
		r.Allowed, r.RetryAfter = false, time.Duration(divideUp(over, perMinute))
		units -= token // which is not taken
	}
	r.Remaining = int(max(burst*token-units, 0) / token)
	r.Reset = time.Duration(divideUp(units, perMinute))
	return r
}

// divideUp divides, and rounds up, what is not negative.
func divideUp(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}
