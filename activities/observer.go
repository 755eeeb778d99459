package activities

import (
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// Observer hears of what happens to jobs once it is written: for metrics and for the
// numbering of events. It must not block. What is told twice, or not at all because the
// process died, changes no record.
type Observer interface {
	// JobRetried: an attempt failed or was lost, and another one is due.
	JobRetried(r Retry)
	// JobEnded: a job has come to its end by an attempt.
	JobEnded(e End)
	// Touched: something else of an execution was written.
	Touched(executionID uuid.UUID)
}

// Retry is an attempt that is followed by another.
type Retry struct {
	ExecutionID, JobID uuid.UUID
	Executor           string
	// Attempt is the number of the attempt that failed.
	Attempt int
	Class   failure.Class
	// Lost says that its worker shut down or died.
	Lost bool
	// Delay is how long the next attempt waits; Took how long this one took.
	Delay, Took time.Duration
}

// End is the end of a job.
type End struct {
	ExecutionID, JobID uuid.UUID
	Executor           string
	Status             models.JobStatus
	Verdict            scoring.Verdict // of a completed job
	Class              failure.Class   // of a failed job
	Attempts           int
	// Took is how long the last attempt took.
	Took time.Duration
}

// Observers are observers that hear one after the other.
type Observers []Observer

// JobRetried implements Observer.
func (o Observers) JobRetried(r Retry) {
	for _, one := range o {
		one.JobRetried(r)
	}
}

// JobEnded implements Observer.
func (o Observers) JobEnded(e End) {
	for _, one := range o {
		one.JobEnded(e)
	}
}

// Touched implements Observer.
func (o Observers) Touched(executionID uuid.UUID) {
	for _, one := range o {
		one.Touched(executionID)
	}
}
