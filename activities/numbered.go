package activities

import "github.com/google/uuid"

// Marker is told which executions have new events.
type Marker interface {
	Mark(executionID uuid.UUID)
}

// Numbered observes jobs to have their events numbered.
func Numbered(m Marker) Observer { return numbered{m} }

type numbered struct{ marker Marker }

func (n numbered) JobRetried(r Retry)            { n.marker.Mark(r.ExecutionID) }
func (n numbered) JobEnded(e End)                { n.marker.Mark(e.ExecutionID) }
func (n numbered) Touched(executionID uuid.UUID) { n.marker.Mark(executionID) }
