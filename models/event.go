package models

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// EventsChannel is the channel of PostgreSQL on which the id of an execution is announced
// when events of it have got their numbers.
const EventsChannel = "mino_events"

// EventType says what happened.
type EventType string

// The types of events, with the members of their data.
const (
	// EventExecutionStarted: type, total_jobs, concurrency, workflow_id.
	EventExecutionStarted EventType = "execution_started"
	// EventExecutionPaused: reason, if there is one.
	EventExecutionPaused EventType = "execution_paused"
	// EventExecutionResumed has no data.
	EventExecutionResumed EventType = "execution_resumed"
	// EventExecutionStopping: reason, if there is one.
	EventExecutionStopping EventType = "execution_stopping"
	// EventConcurrencyChanged: from, to.
	EventConcurrencyChanged EventType = "concurrency_changed"
	// EventExecutionFinished is the last one of an execution: status, reason if there
	// is one, total, completed, failed, cancelled.
	EventExecutionFinished EventType = "execution_finished"
	// EventJobFinished: row, status, attempts; verdict of a completed job; error_class
	// and error_code of a failed one. Jobs that the end of their execution cancels have
	// no event each: there may be thousands of them, and execution_finished has their
	// number.
	EventJobFinished EventType = "job_finished"
	// EventJobRetry: row, class, code, message, attempt (the one that failed), delay_ms,
	// next_attempt_at.
	EventJobRetry EventType = "job_retry"
)

// EventTypes lists every type of event.
func EventTypes() []EventType {
	return []EventType{
		EventExecutionStarted, EventExecutionPaused, EventExecutionResumed, EventExecutionStopping,
		EventConcurrencyChanged, EventExecutionFinished, EventJobFinished, EventJobRetry,
	}
}

// ExecutionEvent is one thing that happened in an execution. It is written by what
// causes it, in the same transaction, and gets its number later: the numbers of an
// execution count from 1 without gaps, and one that was seen never changes.
type ExecutionEvent struct {
	bun.BaseModel `bun:"table:execution_events,alias:ev"`

	ID             int64     `bun:"id,pk,autoincrement"`
	OrganisationID uuid.UUID `bun:"organisation_id"`
	ExecutionID    uuid.UUID `bun:"execution_id"`
	// Seq is the event's number in its execution; 0 while it has none.
	Seq  int64     `bun:"seq,nullzero"`
	Type EventType `bun:"type"`
	// JobID and Attempt are those of the events of a job.
	JobID     *uuid.UUID      `bun:"job_id,type:uuid"`
	Attempt   int             `bun:"attempt,nullzero"`
	Data      json.RawMessage `bun:"data,type:jsonb"`
	CreatedAt time.Time       `bun:"created_at,nullzero,default:now()"`
}
