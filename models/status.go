// Package models holds the records of MINO as PostgreSQL keeps them, the statuses
// they go through and the transitions that are legal.
//
// PostgreSQL is authoritative for what happened; Temporal for a run that is live.
// A status changes only through package models/store, whose updates carry the
// legal source statuses given here and, for jobs and sessions, the attempt number
// as a fence.
//
//	execution: pending → running ⇄ paused → stopping → stopped
//	           running → completed | failed
//	job:       queued → running → completed | failed | cancelled
//	session:   running → succeeded | failed | cancelled | lost
//
// A rerun puts a finished job back to queued under a new execution. A running job goes
// back to queued in its own execution when what it needs is wanting altogether, such as
// credits: its session is cancelled then, and the execution pauses. A session is
// lost when its worker died or went silent before it wrote an outcome.
package models

import "slices"

// ExecutionStatus is the status of an execution.
type ExecutionStatus string

// The statuses of an execution. Failed means that the run itself could not go on,
// not that some of its jobs failed.
const (
	ExecutionPending   ExecutionStatus = "pending"
	ExecutionRunning   ExecutionStatus = "running"
	ExecutionPaused    ExecutionStatus = "paused"
	ExecutionStopping  ExecutionStatus = "stopping"
	ExecutionStopped   ExecutionStatus = "stopped"
	ExecutionCompleted ExecutionStatus = "completed"
	ExecutionFailed    ExecutionStatus = "failed"
)

// JobStatus is the status of a job.
type JobStatus string

// The statuses of a job. A job stays running while it waits for its next attempt.
const (
	JobQueued    JobStatus = "queued"
	JobRunning   JobStatus = "running"
	JobCompleted JobStatus = "completed"
	JobFailed    JobStatus = "failed"
	JobCancelled JobStatus = "cancelled"
)

// SessionStatus is the status of a session.
type SessionStatus string

// The statuses of a session.
const (
	SessionRunning   SessionStatus = "running"
	SessionSucceeded SessionStatus = "succeeded"
	SessionFailed    SessionStatus = "failed"
	SessionCancelled SessionStatus = "cancelled"
	SessionLost      SessionStatus = "lost"
)

// ExecutionType says what an execution is for.
type ExecutionType string

// The types of an execution: test runs on a sample, production on every job, a try on
// the one row that was made for it.
const (
	ExecutionTest       ExecutionType = "test"
	ExecutionProduction ExecutionType = "production"
	ExecutionTry        ExecutionType = "try"
)

// ExecutionStatuses lists the statuses of an execution in the order of its life.
func ExecutionStatuses() []ExecutionStatus {
	return []ExecutionStatus{
		ExecutionPending, ExecutionRunning, ExecutionPaused, ExecutionStopping,
		ExecutionStopped, ExecutionCompleted, ExecutionFailed,
	}
}

// JobStatuses lists the statuses of a job in the order of its life.
func JobStatuses() []JobStatus {
	return []JobStatus{JobQueued, JobRunning, JobCompleted, JobFailed, JobCancelled}
}

// SessionStatuses lists the statuses of a session in the order of its life.
func SessionStatuses() []SessionStatus {
	return []SessionStatus{SessionRunning, SessionSucceeded, SessionFailed, SessionCancelled, SessionLost}
}

// executionSources gives, for every status, those it may follow. Stopping may
// follow pending and paused too: a run can be stopped before it began. Pending may
// end as stopped or failed directly when its workflow could do nothing at all.
var executionSources = map[ExecutionStatus][]ExecutionStatus{
	ExecutionPending:   {},
	ExecutionRunning:   {ExecutionPending, ExecutionPaused},
	ExecutionPaused:    {ExecutionPending, ExecutionRunning},
	ExecutionStopping:  {ExecutionPending, ExecutionRunning, ExecutionPaused},
	ExecutionStopped:   {ExecutionPending, ExecutionRunning, ExecutionPaused, ExecutionStopping},
	ExecutionCompleted: {ExecutionRunning, ExecutionPaused},
	ExecutionFailed:    {ExecutionPending, ExecutionRunning, ExecutionPaused, ExecutionStopping},
}

var jobSources = map[JobStatus][]JobStatus{
	JobQueued:    {JobCompleted, JobFailed, JobCancelled, JobQueued},
	JobRunning:   {JobQueued, JobRunning},
	JobCompleted: {JobRunning},
	JobFailed:    {JobQueued, JobRunning},
	JobCancelled: {JobQueued, JobRunning},
}

var sessionSources = map[SessionStatus][]SessionStatus{
	SessionRunning:   {},
	SessionSucceeded: {SessionRunning},
	SessionFailed:    {SessionRunning},
	SessionCancelled: {SessionRunning},
	SessionLost:      {SessionRunning},
}

// Sources lists the statuses that may come before this one.
func (s ExecutionStatus) Sources() []ExecutionStatus { return slices.Clone(executionSources[s]) }

// Sources lists the statuses that may come before this one. A job is queued again
// only under a new execution, and running again only with a higher attempt.
func (s JobStatus) Sources() []JobStatus { return slices.Clone(jobSources[s]) }

// Sources lists the statuses that may come before this one.
func (s SessionStatus) Sources() []SessionStatus { return slices.Clone(sessionSources[s]) }

// Terminal reports whether an execution has ended.
func (s ExecutionStatus) Terminal() bool {
	return s == ExecutionStopped || s == ExecutionCompleted || s == ExecutionFailed
}

// Terminal reports whether a job has ended within its execution.
func (s JobStatus) Terminal() bool {
	return s == JobCompleted || s == JobFailed || s == JobCancelled
}

// ActiveExecutionStatuses are the statuses in which an execution holds its batch:
// a batch has at most one such execution, which a partial unique index enforces.
func ActiveExecutionStatuses() []ExecutionStatus {
	return []ExecutionStatus{ExecutionPending, ExecutionRunning, ExecutionPaused, ExecutionStopping}
}
