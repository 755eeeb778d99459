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
