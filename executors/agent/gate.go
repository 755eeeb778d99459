package agent

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/minohq/mino/models/failure"
)

// gate spaces the calls that are made with one key, over all jobs of the process: the
// service counts by key.
type gate struct {
	creates *rate.Limiter
	reads   *rate.Limiter
	looks   looks

	mu    sync.Mutex
	until time.Time // no call before; the service has asked to slow down
	used  time.Time
}

// gates are kept by a hash, so that no key stays in memory for their sake.
type gates struct {
	create, read time.Duration

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*gate
}

// gateIdle is how long an unused gate is remembered; longer than any rest.
const gateIdle = time.Hour

// maxRest bounds how long a key rests when the service asks for more.
const maxRest = 10 * time.Minute

func newGates(create, read time.Duration) *gates {
	return &gates{create: create, read: read, byKey: map[[sha256.Size]byte]*gate{}}
}

func (g *gates) of(base, key string) *gate {
	hash := sha256.Sum256([]byte(base + "\x00" + key))
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	found, ok := g.byKey[hash]
	if !ok {
		for other, idle := range g.byKey {
			if idle.idle(now) {
				delete(g.byKey, other)
			}
		}
		found = &gate{
			creates: rate.NewLimiter(rate.Every(g.create), 1),
			reads:   rate.NewLimiter(rate.Every(g.read), 1),
		}
		g.byKey[hash] = found
	}
	found.touch(now)
	return found
}

func (g *gate) touch(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used = now
}

func (g *gate) idle(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return now.Sub(g.used) > gateIdle
}

// rest keeps the key from making calls for a while.
func (g *gate) rest(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(min(d, maxRest)); until.After(g.until) {
		g.until = until
	}
}

func (g *gate) resting() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used = time.Now()
	return time.Until(g.until)
}

// wait waits for the end of a rest, then for the limiter's turn, so that those who have
// rested do not go on all at once; and again, when the service has asked for a rest while
// they waited for the turn. A rest beyond the context's deadline is a failure at once: the
// time is better spent by others.
func (g *gate) wait(ctx context.Context, limiter *rate.Limiter) error {
	for rest := g.resting(); ; {
		if deadline, ok := ctx.Deadline(); ok && rest > 0 && time.Until(deadline) < rest {
			limited := failure.New(failure.RateLimit, CodeRateLimited, "the agent service has asked to slow down")
			limited.RetryAfter = rest
			return limited
		}
		if err := pause(ctx, rest); err != nil {
			return err
		}
		turn := limiter.Reserve()
		if err := pause(ctx, turn.Delay()); err != nil {
			turn.Cancel()
			return err
		}
		if rest = g.resting(); rest <= 0 {
			return nil
		}
	}
}

// pause waits for a time, or for the end of the context, whose error it returns.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
