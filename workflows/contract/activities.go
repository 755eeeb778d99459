package contract

// Names of the activities, registered explicitly so that renaming a Go method
// never breaks a run that is under way.
const (
	ActivityPrepare     = "PrepareExecution"
	ActivityBegin       = "BeginExecution"
	ActivityNextJobs    = "NextJobs"
	ActivityRunJob      = "RunJob"
	ActivityBeginCall   = "BeginActivityCall"
	ActivityEndCall     = "EndActivityCall"
	ActivityRecordLost  = "RecordLostJob"
	ActivityRecordState = "RecordState"
	ActivityFinish      = "FinishExecution"
	ActivityResults     = "CollectResults"
)

// Types of the ApplicationErrors that activities return: the classes of failures.
// Permanent is never retried.
const (
	ErrorTypeTransient = "transient"
	ErrorTypeRateLimit = "rate_limit"
	ErrorTypeTimeout   = "timeout"
	ErrorTypeNetwork   = "network"
	ErrorTypePermanent = "permanent"
)

// LostAllowance is how many attempts at a job may be lost, beyond those of its retry
// policy: an attempt whose worker died or shut down is not the job's fault. It is
// bounded, since a job can be what kills its workers.
const LostAllowance = 10

// PrepareInput makes an execution of a batch, or of inline items that become one. The
// ids follow from the run of the workflow, so that making it twice is making it once.
type PrepareInput struct {
	BatchID    string   `json:"batch_id,omitempty"`
	ProjectID  string   `json:"project_id,omitempty"`
	Items      []Item   `json:"items,omitempty"`
	Options    *Options `json:"options,omitempty"`
	WorkflowID string   `json:"workflow_id"`
}

// PrepareResult names the execution that was made.
type PrepareResult struct {
	ExecutionID string `json:"execution_id"`
}

// BeginInput begins an execution for the workflow that has that id.
type BeginInput struct {
	ExecutionID string `json:"execution_id"`
	WorkflowID  string `json:"workflow_id"`
}

// Plan is how an execution is to be run, read once when it begins.
type Plan struct {
	ExecutionID    string      `json:"execution_id"`
	OrganisationID string      `json:"organisation_id"`
	ProjectID      string      `json:"project_id"`
	BatchID        string      `json:"batch_id"`
	Title          string      `json:"title"`
	Executor       string      `json:"executor"`
	Total          int         `json:"total"`
	Concurrency    int         `json:"concurrency"`
	Retry          RetryPolicy `json:"retry"`
	Tolerance      *Tolerance  `json:"tolerance,omitempty"`
	// JobTimeoutMS is the deadline of one attempt in milliseconds.
	JobTimeoutMS int64 `json:"job_timeout_ms"`
	// JobTaskQueue is where the jobs are done; empty is the task queue of the workflow.
	JobTaskQueue string `json:"job_task_queue,omitempty"`
	// Call is there when the jobs are done by somebody's own activity.
	Call *CallPlan `json:"call,omitempty"`
	// PageSize is how many jobs one NextJobs reads; JobsPerChunk how many jobs a chunk
	// takes at the most; StepsPerRun after how many reports and starts of chunks
	// BatchWorkflow continues as new, whatever its history's size. All are read here
	// once, so that a replay sees what ran.
	PageSize     int `json:"page_size"`
	JobsPerChunk int `json:"jobs_per_chunk"`
	StepsPerRun  int `json:"steps_per_run"`
	// RecordedState is the status of the row as Begin left it.
	RecordedState string `json:"recorded_state"`
	// StartedAt is when the execution began by the records, RFC 3339.
	StartedAt string `json:"started_at"`
	// Ended says that the execution had ended before this run of the workflow began.
	Ended bool `json:"ended,omitempty"`
}

// CallPlan is whose activity does the jobs.
type CallPlan struct {
	ActivityType string `json:"activity_type"`
	TaskQueue    string `json:"task_queue"`
	// HeartbeatTimeoutMS is how long the activity may be silent; 0 means that it need
	// not send heartbeats, so that a dead worker is noticed at the job's deadline.
	HeartbeatTimeoutMS int64 `json:"heartbeat_timeout_ms,omitempty"`
	// StartTimeoutMS is how long the job may wait for a worker of the task queue; 0
	// means for ever.
	StartTimeoutMS int64 `json:"start_timeout_ms,omitempty"`
}

// NextJobsInput asks for the jobs of an execution that are still to be run, after a
// row, in row order.
type NextJobsInput struct {
	ExecutionID    string `json:"execution_id"`
	OrganisationID string `json:"organisation_id"`
	AfterRow       int    `json:"after_row"`
	// UntilRow is the last row; 0 is without end.
	UntilRow int `json:"until_row,omitempty"`
	Limit    int `json:"limit"`
	// Running asks for jobs that are running too.
	Running bool `json:"running,omitempty"`
}

// NextJobsResult is a page; fewer jobs than the limit mean that it is the last.
type NextJobsResult struct {
	Jobs []JobRef `json:"jobs"`
}

// JobRef points at a job.
type JobRef struct {
	JobID string `json:"job_id"`
	Row   int    `json:"row"`
	// Site is the host of the job's site_url, for people.
	Site string `json:"site"`
}

// RunJobInput is one job to do.
type RunJobInput struct {
	ExecutionID    string `json:"execution_id"`
	OrganisationID string `json:"organisation_id"`
	JobID          string `json:"job_id"`
	// MaxAttempts is the retry policy's; lost attempts do not count.
	MaxAttempts int `json:"max_attempts"`
	// Site is the host of the job's site_url, whose limits the job keeps to.
	Site string `json:"site,omitempty"`
}

// Statuses of outcomes of jobs that have not ended.
const (
	// StatusHeld: the job was not begun, because the execution is paused or stopping, or
	// it was put back, and the execution is to pause. It is queued.
	StatusHeld = "held"
	// StatusDeferred: the site of the job is taken; it is to be asked for again later.
	StatusDeferred = "deferred"
)

// JobOutcome is what a job came to, compact enough for a history. It is the result
// of RunJob, and the details of its error when the job failed for good.
type JobOutcome struct {
	JobID string `json:"job_id"`
	// Status is completed, failed or cancelled; or held or deferred.
	Status     string `json:"status"`
	Verdict    string `json:"verdict,omitempty"`
	ErrorClass string `json:"error_class,omitempty"`
	Attempts   int    `json:"attempts"`
	// Fields says of each compared field whether it matched.
	Fields map[string]bool `json:"fields,omitempty"`
	// Steps and cost are those of all attempts.
	Steps        int    `json:"steps,omitempty"`
	CostMicros   int64  `json:"cost_micros,omitempty"`
	CostCurrency string `json:"cost_currency,omitempty"`
	// Pause has the execution pause and says why; the job is held.
	Pause string `json:"pause,omitempty"`
	// DeferMS is how long a deferred job is not to be begun, in milliseconds.
	DeferMS int64 `json:"defer_ms,omitempty"`
}

// RecordLostInput has a job recorded whose last attempt ended without a word.
type RecordLostInput struct {
	ExecutionID    string `json:"execution_id"`
	OrganisationID string `json:"organisation_id"`
	JobID          string `json:"job_id"`
	// Status is failed or cancelled.
	Status     string `json:"status"`
	ErrorClass string `json:"error_class,omitempty"`
	Message    string `json:"message,omitempty"`
}

// RecordStateInput mirrors the control state into the row.
type RecordStateInput struct {
	ExecutionID    string `json:"execution_id"`
	OrganisationID string `json:"organisation_id"`
	State          string `json:"state"`
	Reason         string `json:"reason,omitempty"`
	Concurrency    int    `json:"concurrency"`
}

// FinishInput ends an execution: what is still queued or running is cancelled, the
// counters are taken from the rows.
type FinishInput struct {
	ExecutionID    string `json:"execution_id"`
	OrganisationID string `json:"organisation_id"`
	// Status is completed, stopped or failed.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// FinishResult is the end as the rows have it.
type FinishResult struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	Stats  Stats  `json:"stats"`
}

// ResultsInput asks for the results of an execution that has ended.
type ResultsInput struct {
	ExecutionID    string `json:"execution_id"`
	OrganisationID string `json:"organisation_id"`
	BatchID        string `json:"batch_id"`
	MaxBytes       int    `json:"max_bytes"`
}

// ResultsResult is the results up to a size, and where the rest is.
type ResultsResult struct {
	Results []ItemResult `json:"results"`
	More    *ResultsPage `json:"more,omitempty"`
}
