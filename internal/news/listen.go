package news

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
)

// The pauses before the connection for notices is made again, each up to twice as long
// as the one before.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// listen hears notices until the hub is closed. Whenever it begins to hear, everything is
// looked at: what was announced before went unheard.
func (h *Hub) listen() {
	pause := firstPause
	for {
		err := h.Notices.Listen(h.ctx, func() {
			pause = firstPause
			h.lookAtAll()
		}, h.lookAt)
		if h.ctx.Err() != nil {
			return
		}
		h.Logger.Warn("notices of events are not heard; executions are looked at every few seconds meanwhile",
			zap.Duration("again_in", pause), zap.Error(err))
		if !sleep(h.ctx, pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

func (h *Hub) lookAt(executionID uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t, ok := h.topics[executionID]; ok {
		t.look()
	}
}

func (h *Hub) lookAtAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.topics {
		t.look()
	}
}

// sleep waits for about d, and reports whether the context let it: processes that lost
// the same server do not come back to it all at once.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // nothing secret in a pause
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
