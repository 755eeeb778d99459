package news

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
)

// watchProgress asks where the execution stands: a moment after events came, and now and
// then when none did.
func (t *topic) watchProgress() {
	quiet := time.NewTicker(quietProgress * t.hub.Progress)
	defer quiet.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-t.moved:
		case <-quiet.C:
		}
		if t.isEnded() {
			return // its last event has the numbers
		}
		t.askProgress()
		pause := time.NewTimer(t.hub.Progress)
		select {
		case <-t.ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

func (t *topic) askProgress() {
	ctx, cancel := context.WithTimeout(t.ctx, readTimeout)
	defer cancel()
	progress, err := t.hub.Stand(ctx, t.org, t.execution)
	if err != nil {
		if t.ctx.Err() == nil {
			t.hub.Logger.Info("where an execution stands is not known", zap.Stringer("execution_id", t.execution), zap.Error(err))
		}
		return
	}
	data, err := json.Marshal(progress)
	if err != nil {
		t.hub.Logger.Error("progress cannot be written down", zap.Stringer("execution_id", t.execution), zap.Error(err))
		return
	}
	t.publishProgress(data)
}

// publishProgress tells the followers, unless nothing has changed.
func (t *topic) publishProgress(data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if bytes.Equal(data, t.standing) {
		return
	}
	m, err := Encode(wire.Event{Type: wire.MessageProgress, ExecutionID: t.execution, Data: data, CreatedAt: time.Now().UTC()})
	if err != nil {
		t.hub.Logger.Error("progress cannot be written down", zap.Stringer("execution_id", t.execution), zap.Error(err))
		return
	}
	t.progress, t.standing = m, data
	t.edition++
	t.announce()
}
