package news

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

// Message is a message for followers, written down once for all of them.
type Message struct {
	// Seq is the number of an event; 0 for what is no event.
	Seq  int64
	Type string
	// JSON is a wire.Event, on one line. It is shared and must not be changed.
	JSON []byte
}

// Encode writes a message down. Only data that is no JSON can be refused.
func Encode(e wire.Event) (Message, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return Message{}, fmt.Errorf("write down a message of type %s: %w", e.Type, err)
	}
	return Message{Seq: e.Seq, Type: e.Type, JSON: text}, nil
}

// page reads at most a number of events after a number.
func (h *Hub) page(ctx context.Context, org, execution uuid.UUID, after int64, limit int) ([]Message, error) {
	var events []models.ExecutionEvent
	err := h.query(ctx, func(ctx context.Context) (err error) {
		events, err = h.Records.ListEvents(ctx, org, execution, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Message, len(events))
	for i, e := range events {
		out[i], err = Encode(wire.Event{
			Seq: e.Seq, Type: string(e.Type), ExecutionID: e.ExecutionID, JobID: e.JobID, Attempt: e.Attempt,
			Data: e.Data, CreatedAt: e.CreatedAt.UTC(),
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
