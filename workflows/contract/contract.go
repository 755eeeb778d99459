// Package contract is what a caller of BatchWorkflow must know, in any language:
// names, inputs, results, signals and queries, as plain JSON types.
//
// It is a leaf: no Temporal, no SQL. Its JSON is a promise, pinned by golden
// files; members are added, never renamed or given another meaning. Rows and
// payloads age differently, so nothing here is a database record.
package contract

// Names of the workflow, its queue and its handlers.
const (
	// BatchWorkflow is the workflow type.
	BatchWorkflow = "BatchWorkflow"
	// TaskQueue is the task queue of the workflow and, unless configured otherwise,
	// of its activities.
	TaskQueue = "mino"
	// WorkflowIDPrefix and the execution id make the workflow id, so that starting
	// an execution twice is one run.
	WorkflowIDPrefix = "mino-execution-"

	SignalPause          = "pause"           // no payload
	SignalResume         = "resume"          // no payload
	SignalStop           = "stop"            // StopRequest
	SignalSetConcurrency = "set_concurrency" // ConcurrencyRequest

	QueryStats        = "stats"          // returns Stats
	QueryJobsInFlight = "jobs_in_flight" // returns []JobInFlight
)

// Names of the search attributes, all of type Keyword. They hold ids and states
// only, no personal data.
const (
	SearchAttributeOrganisation   = "MinoOrganisationId"
	SearchAttributeProject        = "MinoProjectId"
	SearchAttributeBatch          = "MinoBatchId"
	SearchAttributeExecution      = "MinoExecutionId"
	SearchAttributeExecutionState = "MinoExecutionState"
)

// SearchAttributes lists the names of the search attributes.
func SearchAttributes() []string {
	return []string{
		SearchAttributeOrganisation, SearchAttributeProject, SearchAttributeBatch,
		SearchAttributeExecution, SearchAttributeExecutionState,
	}
}

// Limits of the concurrency of an execution.
const (
	MinConcurrency     = 1
	MaxConcurrency     = 50
	DefaultConcurrency = 10
)

// ClampConcurrency brings a value within the limits.
func ClampConcurrency(value int) int { return min(max(value, MinConcurrency), MaxConcurrency) }

// InputVersion is the version of BatchInput that this build writes.
const InputVersion = 1

// WorkflowID is the workflow id of an execution.
func WorkflowID(executionID string) string { return WorkflowIDPrefix + executionID }

// BatchInput starts an execution.
type BatchInput struct {
	// Version is InputVersion.
	Version int `json:"version"`
	// ExecutionID names an execution that is in the database.
	ExecutionID string `json:"execution_id"`
	// Carried is what one run of the workflow hands the next across
	// continue-as-new; callers leave it out.
	Carried *Carried `json:"carried,omitempty"`
}

// BatchResult is how an execution ended.
type BatchResult struct {
	ExecutionID string `json:"execution_id"`
	// Status is completed, stopped or failed.
	Status string `json:"status"`
	// Reason says why, when Status is stopped or failed.
	Reason string `json:"reason,omitempty"`
	Stats  Stats  `json:"stats"`
}

// StopMode says what happens to running jobs at a stop.
type StopMode string

// The stop modes.
const (
	// StopDrain lets running jobs finish; it is the default.
	StopDrain StopMode = "drain"
	// StopCancel cancels running jobs. It may follow StopDrain; the reverse changes
	// nothing.
	StopCancel StopMode = "cancel"
)

// StopRequest is the payload of SignalStop.
type StopRequest struct {
	Mode StopMode `json:"mode,omitempty"`
}

// ConcurrencyRequest is the payload of SignalSetConcurrency. A value outside the
// limits is brought within them.
type ConcurrencyRequest struct {
	Value int `json:"value"`
}

// Stats is where an execution stands.
type Stats struct {
	ExecutionID string `json:"execution_id"`
	// State is a status of an execution: pending, running, paused, stopping,
	// stopped, completed or failed.
	State       string `json:"state"`
	Concurrency int    `json:"concurrency"`

	Total     int `json:"total"`
	Queued    int `json:"queued"`
	Running   int `json:"running"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	// Retries counts attempts beyond the first over the jobs that have ended.
	Retries int `json:"retries"`

	// Verdicts counts completed jobs by verdict, ErrorClasses failed jobs by class.
	Verdicts     map[string]int `json:"verdicts"`
	ErrorClasses map[string]int `json:"error_classes"`

	// Matched and Compared count compared fields over all jobs, Fields per field.
	Matched     int                  `json:"matched"`
	Compared    int                  `json:"compared"`
	Fields      map[string]FieldStat `json:"fields"`
	ScoredJobs  int                  `json:"scored_jobs"`
	CorrectJobs int                  `json:"correct_jobs"`

	// StartedAt is when the execution began, RFC 3339; empty before.
	StartedAt string `json:"started_at,omitempty"`
}

// FieldStat counts the comparisons of one field.
type FieldStat struct {
	Matched  int `json:"matched"`
	Compared int `json:"compared"`
}

// JobInFlight is a job that is running, or waits for its next attempt.
type JobInFlight struct {
	JobID string `json:"job_id"`
	Row   int    `json:"row"`
	Site  string `json:"site"`
	// Since is when the job was dispatched, RFC 3339.
	Since string `json:"since"`
}
