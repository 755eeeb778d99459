package contract

import "encoding/json"

// ActivityJob is the workflow type under which a job of the activity executor runs: it
// writes the session, calls the activity, writes what came of it, and does so again
// for every attempt.
const ActivityJob = "ActivityJob"

// ActivityJobInput starts the workflow of one such job.
type ActivityJobInput struct {
	Version int    `json:"version"`
	Plan    Plan   `json:"plan"`
	Job     JobRef `json:"job"`
}

// CallVersion is the version of ActivityRequest that this build writes.
const CallVersion = 1

// ActivityRequest is what the activity of a project with the activity executor is
// called with: its only argument.
type ActivityRequest struct {
	// Version is CallVersion.
	Version     int    `json:"version"`
	ExecutionID string `json:"execution_id"`
	JobID       string `json:"job_id"`
	// SessionID names the attempt; it is new for every attempt and a fit key for
	// whoever must not do a thing twice.
	SessionID string `json:"session_id"`
	// Attempt counts from 1, lost attempts included.
	Attempt     int               `json:"attempt"`
	Row         int               `json:"row"`
	URL         string            `json:"url"`
	Input       map[string]string `json:"input"`
	Instruction string            `json:"instruction"`
	Fields      []RequestedField  `json:"fields"`
	// TimeoutMS is the deadline of the attempt in milliseconds.
	TimeoutMS int64 `json:"timeout_ms"`
	// Settings is what the project's settings hold under "input", as it is.
	Settings json.RawMessage `json:"settings,omitempty"`
}

// RequestedField is a field that is wanted.
type RequestedField struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required,omitempty"`
	// Values are those that an enum may have.
	Values []string `json:"values,omitempty"`
}

// ActivityResult is what the activity returns. An activity that fails returns an
// ApplicationError instead, whose type is one of the failure classes (ErrorTypeTransient
// and so on); any other error is transient, a non-retryable one permanent, and a next
// retry delay is kept.
type ActivityResult struct {
	// Fields holds the values by name; text is parsed as the field's type.
	Fields map[string]any `json:"fields"`
	// Raw is kept with the session for people who debug.
	Raw json.RawMessage `json:"raw,omitempty"`
	// Blocked says why the page is not the page that was asked for.
	Blocked string `json:"blocked,omitempty"`
	// Steps, CostMicros (millionths of Currency's unit) and Currency are what the
	// attempt used.
	Steps      int    `json:"steps,omitempty"`
	CostMicros int64  `json:"cost_micros,omitempty"`
	Currency   string `json:"currency,omitempty"`
	// RemoteRunID names a run elsewhere.
	RemoteRunID string `json:"remote_run_id,omitempty"`
	// FinalURL is where the answer came from.
	FinalURL string `json:"final_url,omitempty"`
}

// BeginCallResult begins an attempt, or says why there is none: the job has ended, or
// is held.
type BeginCallResult struct {
	Request *ActivityRequest `json:"request,omitempty"`
	Outcome *JobOutcome      `json:"outcome,omitempty"`
}

// EndCallInput writes what came of an attempt: a result or a failure.
type EndCallInput struct {
	RunJobInput

	SessionID string          `json:"session_id"`
	Attempt   int             `json:"attempt"`
	Result    *ActivityResult `json:"result,omitempty"`
	Failure   *CallFailure    `json:"failure,omitempty"`
}

// CallFailure is how a call failed.
type CallFailure struct {
	Class   string `json:"class"`
	Code    string `json:"code"`
	Message string `json:"message"`
	// Lost says that a worker went silent rather than that the attempt failed;
	// Cancelled that the execution was stopped.
	Lost         bool  `json:"lost,omitempty"`
	Cancelled    bool  `json:"cancelled,omitempty"`
	RetryAfterMS int64 `json:"retry_after_ms,omitempty"`
}

// EndCallResult is what the job came to, or in how long its next attempt is due.
type EndCallResult struct {
	Outcome      *JobOutcome `json:"outcome,omitempty"`
	RetryDelayMS int64       `json:"retry_delay_ms,omitempty"`
}
