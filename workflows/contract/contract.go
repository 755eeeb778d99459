// Package contract is what a caller of BatchWorkflow must know, in any language:
// names, inputs, results, signals, updates and queries, as plain JSON types. What the
// workflows and activities of MINO say to each other is here too (activities.go,
// chunk.go), so that one package shows everything that lies in histories.
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
	// an execution twice is one run. A parent workflow may choose another id.
	WorkflowIDPrefix = "mino-execution-"

	// Signals control a run. The same names are updates, which return Stats once the
	// change holds everywhere and refuse what makes no sense.
	SignalPause          = "pause"           // no payload
	SignalResume         = "resume"          // no payload
	SignalStop           = "stop"            // StopRequest
	SignalSetConcurrency = "set_concurrency" // ConcurrencyRequest

	QueryStats        = "stats"          // returns Stats
	QueryJobsInFlight = "jobs_in_flight" // returns []JobInFlight
	QueryOverview     = "overview"       // returns Overview
)

// JobTaskQueue is where the jobs of an executor are done when they are not done on the
// task queue of the workflow: agents are waited for, and browsers need much of the machine,
// so that both have slots of their own. It is empty for the others.
func JobTaskQueue(taskQueue, executor string) string {
	switch executor {
	case "agent", "browser":
		return taskQueue + "-" + executor
	}
	return ""
}

// Names of the search attributes, all of type Keyword. They hold ids and states
// only, no personal data.
const (
	SearchAttributeOrganisation   = "MinoOrganisationId"
	SearchAttributeProject        = "MinoProjectId"
	SearchAttributeBatch          = "MinoBatchId"
	SearchAttributeExecution      = "MinoExecutionId"
	SearchAttributeExecutionState = "MinoExecutionState"
)

// MemoOrganisation is the key of the memo that says whose a run is. A memo is kept with the
// run where search attributes are not registered.
const MemoOrganisation = "mino_organisation_id"

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

// WorkflowID is the workflow id of an execution that the API starts.
func WorkflowID(executionID string) string { return WorkflowIDPrefix + executionID }

// Types of the ApplicationErrors that end a BatchWorkflow.
const (
	// ErrorTypeInvalidInput: the input says nothing that can be run; the message names
	// the member.
	ErrorTypeInvalidInput = "invalid_input"
	// ErrorTypeClaimed: another workflow runs the execution.
	ErrorTypeClaimed = "claimed"
	// ErrorTypeQuota: a limit of the organisation refuses the execution; the message names
	// the limit.
	ErrorTypeQuota = "quota_exceeded"
)

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

// ConcurrencyRequest is the payload of SignalSetConcurrency. A signal's value outside
// the limits is brought within them; an update's is refused.
type ConcurrencyRequest struct {
	Value int `json:"value"`
}

// JobInFlight is a job that is running, or waits for its next attempt.
type JobInFlight struct {
	JobID string `json:"job_id"`
	Row   int    `json:"row"`
	Site  string `json:"site"`
	// Since is when the job was dispatched, RFC 3339.
	Since string `json:"since"`
}
