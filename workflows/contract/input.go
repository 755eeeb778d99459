package contract

// InputVersion is the version of BatchInput that this build writes.
const InputVersion = 1

// Bounds of a BatchInput.
const (
	// MaxItems is the most inline items; Temporal's limit of 2 MiB for a payload comes
	// on top of it.
	MaxItems = 10_000
	// MaxResultBytes is the most JSON of results that a BatchResult carries.
	MaxResultBytes = 1 << 20
)

// BatchInput starts an execution. It names one of three things: an execution that is
// in the database (execution_id), a batch that is (batch_id, with options), or a
// project and the items to run it over (project_id and items, with options), which
// become a batch of that project before anything runs.
type BatchInput struct {
	// Version is InputVersion.
	Version     int    `json:"version"`
	ExecutionID string `json:"execution_id,omitempty"`
	BatchID     string `json:"batch_id,omitempty"`
	ProjectID   string `json:"project_id,omitempty"`
	Items       []Item `json:"items,omitempty"`
	// Options are for an execution that is made here: with batch_id or items.
	Options *Options `json:"options,omitempty"`
	// IncludeResults has the result carry what each item came to.
	IncludeResults bool `json:"include_results,omitempty"`
	// OnCancel says what cancellation of the workflow does to running jobs: "cancel",
	// which is the default, or "drain".
	OnCancel StopMode `json:"on_cancel,omitempty"`
	// Carried is what one run of the workflow hands the next across
	// continue-as-new; callers leave it out.
	Carried *Carried `json:"carried,omitempty"`
}

// Item is one row, by value.
type Item struct {
	// SiteURL is the page, absolute, http or https.
	SiteURL string `json:"site_url"`
	// Input holds the row's input values by name.
	Input map[string]string `json:"input,omitempty"`
	// GroundTruth holds the accepted values per field of the project.
	GroundTruth map[string][]string `json:"ground_truth,omitempty"`
}

// Options are those of an execution; absent members take the project's defaults, then
// MINO's own.
type Options struct {
	// Name is that of the batch which inline items become.
	Name string `json:"name,omitempty"`
	// Type is "production", which is the default, or "test": a sample of SampleSize
	// rows (1–1,000, default 10) that SampleSeed picks.
	Type       string `json:"type,omitempty"`
	SampleSize int    `json:"sample_size,omitempty"`
	SampleSeed int64  `json:"sample_seed,omitempty"`
	// Concurrency is how many jobs run at once, 1–50.
	Concurrency int `json:"concurrency,omitempty"`
	// Preset is FAST, STANDARD, PATIENT or AGGRESSIVE; Retry an explicit policy
	// instead.
	Preset string       `json:"preset,omitempty"`
	Retry  *RetryPolicy `json:"retry,omitempty"`
	// FailureTolerance says how many jobs may fail.
	FailureTolerance *Tolerance `json:"failure_tolerance,omitempty"`
}

// RetryPolicy is a retry policy; delays in milliseconds.
type RetryPolicy struct {
	MaxAttempts        int     `json:"max_attempts"`
	InitialIntervalMS  int64   `json:"initial_interval_ms"`
	BackoffCoefficient float64 `json:"backoff_coefficient"`
	MaxIntervalMS      int64   `json:"max_interval_ms"`
}

// What an execution does when more jobs fail than are tolerated.
const (
	ToleranceActionPause = "pause"
	ToleranceActionFail  = "fail"
)

// Tolerance is how many jobs of an execution may fail. Beyond it the execution pauses,
// or fails, and says why. After a resume the count begins anew.
type Tolerance struct {
	MaxFailed        *int     `json:"max_failed,omitempty"`
	MaxFailedPercent *float64 `json:"max_failed_percent,omitempty"`
	// After is how many jobs must have ended before either maximum is looked at.
	After int `json:"after,omitempty"`
	// Action is ToleranceActionPause, which is the default, or ToleranceActionFail.
	Action string `json:"action,omitempty"`
}

// Exceeded reports whether that many failed jobs among those that ended are too many.
func (t *Tolerance) Exceeded(ended, failed int) bool {
	if t == nil || ended < t.After || failed <= 0 {
		return false
	}
	if t.MaxFailed != nil && failed > *t.MaxFailed {
		return true
	}
	return t.MaxFailedPercent != nil && float64(failed)*100 > *t.MaxFailedPercent*float64(ended)
}

// BatchResult is how an execution ended.
type BatchResult struct {
	ExecutionID string `json:"execution_id"`
	BatchID     string `json:"batch_id"`
	// Status is completed, stopped or failed.
	Status string `json:"status"`
	// Reason says why, when Status is stopped or failed.
	Reason string `json:"reason,omitempty"`
	Stats  Stats  `json:"stats"`
	// Results are there when the input asked for them, in row order, up to
	// MaxResultBytes of JSON.
	Results []ItemResult `json:"results,omitempty"`
	// MoreResults says where the rest is, when Results is not all.
	MoreResults *ResultsPage `json:"more_results,omitempty"`
}

// ItemResult is what one row came to.
type ItemResult struct {
	Row     int    `json:"row"`
	JobID   string `json:"job_id"`
	SiteURL string `json:"site_url"`
	// Status is completed, failed or cancelled.
	Status   string         `json:"status"`
	Verdict  string         `json:"verdict,omitempty"`
	Fields   map[string]any `json:"fields,omitempty"`
	Accuracy *float64       `json:"accuracy,omitempty"`
	Error    *ItemError     `json:"error,omitempty"`
	Attempts int            `json:"attempts"`
}

// ItemError is why a row failed.
type ItemError struct {
	Class   string `json:"class"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// ResultsPage points at results that a BatchResult has no room for: the jobs of
// BatchID after row AfterRow, at Path of the REST API.
type ResultsPage struct {
	BatchID  string `json:"batch_id"`
	AfterRow int    `json:"after_row"`
	Path     string `json:"path"`
}
