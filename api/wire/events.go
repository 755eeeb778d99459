package wire

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Types of messages of a stream that are no events of the execution: they have no number
// and are not replayed.
const (
	// MessageProgress says where the execution stands; its data is a Progress.
	MessageProgress = "progress"
	// MessageEnd comes after the last event of the execution: there is nothing to come
	// back for. Its data is a StreamEnd.
	MessageEnd = "end"
	// MessageClosing says that the server ends this stream, not the execution: come back
	// with the last number. Its data is a StreamEnd.
	MessageClosing = "closing"
)

// Reasons of MessageEnd and MessageClosing.
const (
	// EndFinished is the one of MessageEnd.
	EndFinished = "finished"
	// ClosingShutdown: the process stops; another one, or the next, goes on.
	ClosingShutdown = "shutdown"
	// ClosingBusy: the process serves as many streams as it may.
	ClosingBusy = "busy"
	// ClosingUnavailable: the events could not be read.
	ClosingUnavailable = "unavailable"
	// ClosingUnauthorized: the key or the token that the stream was opened with is not good
	// any longer. To come back needs other credentials.
	ClosingUnauthorized = "unauthorized"
)

// Event is a message of the stream of an execution, over SSE and WebSocket alike.
type Event struct {
	// Seq is the event's number in its execution, from 1 without gaps; absent when the
	// message is no event.
	Seq  int64  `json:"seq,omitempty"`
	Type string `json:"type"`

	ExecutionID uuid.UUID `json:"execution_id"`
	// JobID and Attempt are those of the events of a job.
	JobID   *uuid.UUID `json:"job_id,omitempty"`
	Attempt int        `json:"attempt,omitempty"`
	// Data is an object; its members follow from the type.
	Data      json.RawMessage `json:"data"`
	CreatedAt time.Time       `json:"created_at"`
}

// Progress is where an execution stands, in short; Stats has the whole.
type Progress struct {
	Status      string    `json:"status"`
	Concurrency int       `json:"concurrency"`
	Total       int       `json:"total"`
	Queued      int       `json:"queued"`
	Running     int       `json:"running"`
	Completed   int       `json:"completed"`
	Failed      int       `json:"failed"`
	Cancelled   int       `json:"cancelled"`
	Retries     int       `json:"retries"`
	Accuracy    *Accuracy `json:"accuracy,omitempty"`
	// Steps and cost are those of Stats.
	Steps        int    `json:"steps,omitempty"`
	CostMicros   int64  `json:"cost_micros,omitempty"`
	CostCurrency string `json:"cost_currency,omitempty"`
}

// StreamEnd says why a stream ends.
type StreamEnd struct {
	Reason string `json:"reason"`
}
