package models

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/models/field"
)

// ExportHead is what an export of jobs or sessions is about, read in the snapshot that
// the rows are read in.
type ExportHead struct {
	// Batch is the batch whose jobs, or whose sessions, follow.
	Batch *Batch
	// Fields are those that results can have: for jobs the project's, and after them
	// those that earlier executions of the batch asked for; for sessions those of the
	// execution. Each name is there once.
	Fields []field.Field
}

// JobParts says which of the larger parts of jobs an export needs; the others are not
// read.
type JobParts struct {
	Input, GroundTruth, Result, Comparison, Cost bool
}

// SessionParts is JobParts for sessions.
type SessionParts struct {
	Result, Raw, Usage, Evidence bool
}

// Cost is an amount of money in millionths of a currency.
type Cost struct {
	Micros   int64
	Currency string
}

// ExportedJob is a job as an export reads it. JSON stays as PostgreSQL has it; what is
// NULL, or not asked for, is empty. Times that are not there are zero. Whoever is handed
// one must not keep it: its memory is used for the next.
type ExportedJob struct {
	ID          uuid.UUID
	RowNumber   int
	SiteURL     string
	Status      JobStatus
	ExecutionID uuid.UUID // zero when no execution has had it
	Attempt     int

	Input, GroundTruth, Result, Comparison json.RawMessage

	Verdict                              string
	Accuracy                             *float64
	ErrorClass, ErrorCode, ErrorMessage  string
	StartedAt, FinishedAt, NextAttemptAt time.Time
	CreatedAt, UpdatedAt                 time.Time
	// Cost is that of all its attempts in its execution; nil when there was none, or they
	// were paid in several currencies.
	Cost *Cost
	// Steps are those of all its attempts in its execution.
	Steps int
}

// ExportedSession is a session as an export reads it, with the row that it is of; see
// ExportedJob.
type ExportedSession struct {
	ID, JobID, ExecutionID uuid.UUID
	RowNumber              int
	SiteURL                string
	Attempt                int
	Status                 SessionStatus
	Worker, RemoteRunID    string

	Result, Raw, Usage, Evidence json.RawMessage

	Verdict, VerdictNote                string
	ErrorClass, ErrorCode, ErrorMessage string
	RetryAt, StartedAt, FinishedAt      time.Time
	Cost                                *Cost // nil when there was none
	Steps                               int
}

// SessionFilter narrows a list of the sessions of an execution; zero members do not
// narrow.
type SessionFilter struct {
	ExecutionID uuid.UUID
	Status      []SessionStatus
}
