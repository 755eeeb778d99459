package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// heartbeat tells Temporal at an interval that an attempt is alive. It speaks for
// the process, not for the executor's progress: a job that hangs is ended by its
// deadline.
type heartbeat struct {
	mu       sync.Mutex
	progress string
	done     chan struct{}
	ended    chan struct{}
	once     sync.Once
}

func startHeartbeat(ctx context.Context, interval time.Duration) *heartbeat {
	h := &heartbeat{done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(h.ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-h.done:
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, h.latest())
			}
		}
	}()
	return h
}

// alive tells Temporal that an activity is at work until the returned function is called.
func (a *Activities) alive(ctx context.Context) (done func()) {
	return startHeartbeat(ctx, a.config.HeartbeatInterval).stop
}

// report notes progress for the next beat.
func (h *heartbeat) report(progress string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = progress
}

func (h *heartbeat) latest() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.progress
}

// stop ends the beats and waits for the last one.
func (h *heartbeat) stop() {
	h.once.Do(func() { close(h.done) })
	<-h.ended
}

// afterGrace calls f when the worker was told to stop and the grace has passed,
// unless the context is done or the returned function is called before.
func afterGrace(ctx context.Context, grace time.Duration, f func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	stopping := activity.GetWorkerStopChannel(ctx)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
			f()
		}
	}()
	return cancel
}
