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
	mu     sync.Mutex
	latest beat
	now    chan struct{}
	done   chan struct{}
	ended  chan struct{}
	once   sync.Once
}

// beat is what Temporal keeps of an attempt that is under way: it stands in the Web UI,
// and the next attempt reads it when the records know less.
type beat struct {
	Progress string `json:"progress,omitempty"`
	// Reference and RemoteRunID are those of the run elsewhere.
	Reference   string `json:"reference,omitempty"`
	RemoteRunID string `json:"remote_run_id,omitempty"`
}

func startHeartbeat(ctx context.Context, interval time.Duration) *heartbeat {
	h := &heartbeat{done: make(chan struct{}), ended: make(chan struct{}), now: make(chan struct{}, 1)}
	go func() {
		defer close(h.ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-h.done:
				return
			case <-ticker.C:
			case <-h.now:
			}
			activity.RecordHeartbeat(ctx, h.state())
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
	h.latest.Progress = progress
}

// remote notes the run elsewhere, as far as it is known, and beats at once.
func (h *heartbeat) remote(reference, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reference != "" {
		h.latest.Reference, h.latest.RemoteRunID = reference, ""
	}
	if id != "" {
		h.latest.RemoteRunID = id
	}
	select {
	case h.now <- struct{}{}:
	default: // one is due already
	}
}

func (h *heartbeat) state() beat {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.latest
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
