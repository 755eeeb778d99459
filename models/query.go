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

// JobPage asks for part of a list of jobs, in row order. Of a project they come batch by
// batch, the newest first.
type JobPage struct {
	// AfterRow is the row of the last job of the page before; 0 starts.
	AfterRow int
	// AfterBatch is the batch of that job, in a list over the batches of a project.
	AfterBatch uuid.UUID
	Limit      int
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

// JobFilter narrows a list of jobs; zero members do not narrow. It has JSON for an
// execution to remember what it was asked to run.
type JobFilter struct {
	ProjectID   uuid.UUID         `json:"-"`
	BatchID     uuid.UUID         `json:"-"`
	ExecutionID uuid.UUID         `json:"execution_id,omitzero"`
	Status      []JobStatus       `json:"status,omitempty"`
	Verdict     []scoring.Verdict `json:"verdict,omitempty"`
	ErrorClass  []failure.Class   `json:"error_class,omitempty"`
	// HasGroundTruth asks for rows with, or without, any ground truth.
	HasGroundTruth *bool `json:"has_ground_truth,omitempty"`
	// MinAccuracy and MaxAccuracy are bounds of the accuracy, themselves included; a job
	// in which nothing was compared has none.
	MinAccuracy *float64 `json:"min_accuracy,omitempty"`
	MaxAccuracy *float64 `json:"max_accuracy,omitempty"`
	// Search is a part of the site's URL, whatever its case.
	Search string `json:"search,omitempty"`
	// Host is the host of the site's URL, in lower case and without a port.
	Host string `json:"host,omitempty"`
	// MismatchedField is a field whose value did not match its truth.
	MismatchedField string `json:"mismatched_field,omitempty"`
}

// ExecutionFilter narrows a list of executions; zero members do not narrow.
type ExecutionFilter struct {
	ProjectID uuid.UUID
	BatchID   uuid.UUID
	Status    []ExecutionStatus
	// Type asks for executions of one type; without it all but tries are listed, unless a
	// batch is given.
	Type ExecutionType
}

// JobSelection is which jobs of a batch an execution was asked to run again: those that
// were named, or those that a filter found.
type JobSelection struct {
	// IDs are the jobs that were named. They are not kept: a job tells which executions
	// ran it.
	IDs []uuid.UUID `json:"-"`
	// Named is how many there were.
	Named int `json:"named,omitempty"`
	// Filter is what found them, in the batch of the execution.
	Filter *JobFilter `json:"filter,omitempty"`
}
