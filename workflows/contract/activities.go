package contract

// Names of the activities, registered explicitly so that renaming a Go method
// never breaks a run that is under way.
const (
	ActivityBegin       = "BeginExecution"
	ActivityNextJobs    = "NextJobs"
	ActivityRunJob      = "RunJob"
	ActivityRecordLost  = "RecordLostJob"
	ActivityRecordState = "RecordState"
	ActivityFinish      = "FinishExecution"
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

// Carried is the state of an execution that continue-as-new takes along: counters,
// cursor and control, never job lists.
type Carried struct {
	Plan     Plan     `json:"plan"`
	Stats    Stats    `json:"stats"`
	AfterRow int      `json:"after_row"`
	Paused   bool     `json:"paused"`
	Stop     StopMode `json:"stop,omitempty"`
	// Recorded is the state that RecordState last wrote, so that a new run writes
	// only what changed.
	RecordedState       string `json:"recorded_state"`
	RecordedConcurrency int    `json:"recorded_concurrency"`
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
	// JobTimeoutMS is the deadline of one attempt in milliseconds.
	JobTimeoutMS int64 `json:"job_timeout_ms"`
	// PageSize is how many jobs one NextJobs reads; JobsPerRun after how many
	// dispatched jobs the workflow continues as new, whatever its history's size.
	// Both are read here once, so that a replay sees what ran.
	PageSize   int `json:"page_size"`
	JobsPerRun int `json:"jobs_per_run"`
	// RecordedState is the status of the row as Begin left it.
	RecordedState string `json:"recorded_state"`
	// Ended says that the execution had ended before this run of the workflow began.
	Ended bool `json:"ended,omitempty"`
}

// RetryPolicy is a retry policy; delays in milliseconds.
type RetryPolicy struct {
	MaxAttempts        int     `json:"max_attempts"`
	InitialIntervalMS  int64   `json:"initial_interval_ms"`
	BackoffCoefficient float64 `json:"backoff_coefficient"`
	MaxIntervalMS      int64   `json:"max_interval_ms"`
}

// NextJobsInput asks for the queued jobs of an execution after a row, in row order.
type NextJobsInput struct {
	ExecutionID    string `json:"execution_id"`
	OrganisationID string `json:"organisation_id"`
	AfterRow       int    `json:"after_row"`
	Limit          int    `json:"limit"`
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
}

// JobOutcome is what a job came to, compact enough for a history. It is the result
// of RunJob, and the details of its error when the job failed for good.
type JobOutcome struct {
	JobID string `json:"job_id"`
	// Status is completed, failed or cancelled.
	Status     string `json:"status"`
	Verdict    string `json:"verdict,omitempty"`
	ErrorClass string `json:"error_class,omitempty"`
	Attempts   int    `json:"attempts"`
	// Fields says of each compared field whether it matched.
	Fields map[string]bool `json:"fields,omitempty"`
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
