package models

import (
	"github.com/google/uuid"

	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// Page asks for part of a list, newest first.
type Page struct {
	// After is the id of the last record of the page before; zero starts.
	After uuid.UUID
	// Limit is the most records to return; at least 1.
	Limit int
}

// JobPage asks for part of a list of jobs, in row order.
type JobPage struct {
	// AfterRow is the row of the last job of the page before; 0 starts.
	AfterRow int
	Limit    int
}

// QueuePage asks for part of the jobs that an execution has still to do, in row order.
type QueuePage struct {
	// AfterRow is the row before the first; 0 starts.
	AfterRow int
	// UntilRow is the last row; 0 is no end.
	UntilRow int
	Limit    int
	// Running asks for the jobs that are running too, to take the rows of a part of a
	// run over that has died.
	Running bool
}

// ProjectFilter narrows a list of projects; zero members do not narrow.
type ProjectFilter struct {
	// Name is the exact name, whatever its case.
	Name string
}

// BatchFilter narrows a list of batches; zero members do not narrow.
type BatchFilter struct {
	ProjectID uuid.UUID
}

// JobFilter narrows a list of jobs; zero members do not narrow.
type JobFilter struct {
	BatchID     uuid.UUID
	ExecutionID uuid.UUID
	Status      []JobStatus
	Verdict     []scoring.Verdict
	ErrorClass  []failure.Class
}

// ExecutionFilter narrows a list of executions; zero members do not narrow.
type ExecutionFilter struct {
	ProjectID uuid.UUID
	BatchID   uuid.UUID
	Status    []ExecutionStatus
}
