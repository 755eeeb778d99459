package bench

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/sequencer"
	"github.com/minohq/mino/models/store"
)

const (
	eventClients = 200
	eventJobs    = 1_000
	// eventPause makes the jobs last long enough for events to come one by one.
	eventPause = 500 * time.Millisecond
)

// BenchmarkEvents runs jobs that last half a second, 50 at once, while 200 clients follow
// over HTTP, and takes the time from each event's transaction to each client.
func BenchmarkEvents(b *testing.B) {
	n := jobs(b, eventJobs)
	for b.Loop() {
		s := newSystem(b, func(ctx context.Context, _ executors.Request) error {
			select {
			case <-time.After(eventPause):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		c := s.api()
		e := s.execution(n, nil)
		var mu sync.Mutex
		var all []time.Duration
		var following sync.WaitGroup
		for range eventClients {
			following.Go(func() {
				late, err := follow(b.Context(), c, e.ID)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, late...)
				if err != nil {
					b.Error(err)
				}
			})
		}
		took := s.run(e)
		following.Wait()
		require.Len(b, all, eventClients*(n+2), "every client has every event")
		b.Logf("%d events to %d clients in %.1f s: p50 %.0f ms, p99 %.0f ms, longest %.0f ms", n+2, eventClients, took.Seconds(),
			milliseconds(median(all)), milliseconds(quantile(all, 0.99)), milliseconds(slices.Max(all)))
		eventMedian.record(b, milliseconds(median(all)))
		eventSlowest.record(b, milliseconds(quantile(all, 0.99)))
	}
}

// follow takes the time that each event of an execution took to this client. The times of
// events are those of the beginning of their transactions, on the same clock.
func follow(ctx context.Context, c *client.Client, id uuid.UUID) (late []time.Duration, err error) {
	for e, err := range c.Events(ctx, id, 0) {
		if err != nil {
			return late, err
		}
		if e.Seq > 0 {
			late = append(late, time.Since(e.CreatedAt))
		}
	}
	return late, nil
}

// numbering runs a sequencer until the benchmark ends.
func numbering(b *testing.B, s *store.Store) activities.Observer {
	b.Helper()
	events := sequencer.New(s, zap.NewNop(), 0)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { events.Run(ctx) })
	b.Cleanup(func() { stop(); running.Wait() })
	return activities.Numbered(events)
}
