// Package wire is the JSON of the REST API: requests, responses, errors, as plain
// types shared by the server and the client.
//
// snake_case, UUIDs, RFC 3339 times in UTC. Request types are apart from response
// types, so that a client can never set what is not its to set.
package wire

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
)

// Limits of an execution's options, for clients that check before they ask.
const (
	MinConcurrency = 1
	MaxConcurrency = 50
	MaxSampleSize  = 1_000
	// A part of a URL to look for has so many characters.
	MinSearchLength = 3
	MaxSearchLength = 200
)

// Page is one page of a list.
type Page[T any] struct {
	Data       []T        `json:"data"`
	Pagination Pagination `json:"pagination"`
}

// Pagination says how to go on: pass next_cursor as cursor with the same filters.
type Pagination struct {
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor,omitempty"`
	// Total is there only when asked for with include_total=true.
	Total *int64 `json:"total,omitempty"`
}

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Code is stable and made for programs; codes.go has all of them.
	Code      string       `json:"code"`
	Errors    []FieldError `json:"errors,omitempty"`
	RequestID string       `json:"request_id,omitempty"`
}

// FieldError names one thing that is wrong with a request. Field is a path such as
// "fields[2].type" or, in an upload, "row 17, column site_url".
type FieldError struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
	// Row is the data row of an upload, from 1; 0 when no row is meant.
	Row int `json:"row,omitempty"`
}

// ExecutionDefaults are a project's defaults for its executions.
type ExecutionDefaults struct {
	Concurrency  int           `json:"concurrency,omitempty"`
	Preset       retry.Preset  `json:"preset,omitempty"`
	Retry        *retry.Policy `json:"retry,omitempty"`
	JobTimeoutMS int64         `json:"job_timeout_ms,omitempty"`
	// FailureTolerance is how many failed jobs an execution bears; absent is any number.
	FailureTolerance *Tolerance `json:"failure_tolerance,omitempty"`
}

// Tolerance says how many failed jobs an execution bears, at least one of the two
// maxima: it is exceeded when more than either has failed.
type Tolerance struct {
	MaxFailed *int `json:"max_failed,omitempty"`
	// MaxFailedPercent is of the jobs that have ended, 0–100.
	MaxFailedPercent *float64 `json:"max_failed_percent,omitempty"`
	// After is how many jobs must have ended before either is looked at.
	After int `json:"after,omitempty"`
	// Action is "pause" (default) or "fail".
	Action string `json:"action,omitempty"`
}

// Politeness limits what the jobs of a project do to one site.
type Politeness struct {
	// MaxConcurrentPerHost is how many jobs use a host at a time, 1–50; 0 is any number.
	MaxConcurrentPerHost int `json:"max_concurrent_per_host,omitempty"`
	// MinDelayMS is the least time between two starts of jobs at a host, up to 600,000
	// milliseconds.
	MinDelayMS int64 `json:"min_delay_ms,omitempty"`
	// RespectRobotsTxt has jobs fail at what a site's robots.txt disallows.
	RespectRobotsTxt bool `json:"respect_robots_txt,omitempty"`
}

// Limits of what a project has beside its settings.
const (
	MaxSecrets = 50
	// MaxSecretBytes bounds the value of a secret.
	MaxSecretBytes = 16 << 10
	MaxInputs      = 1_000
	// MaxInputLength bounds the name of an input column, in characters.
	MaxInputLength = 200
)

// ProjectRequest creates a project.
type ProjectRequest struct {
	Name        string            `json:"name"`
	Instruction string            `json:"instruction"`
	Fields      []field.Field     `json:"fields"`
	Executor    string            `json:"executor"`
	Settings    json.RawMessage   `json:"settings,omitempty"`
	Defaults    ExecutionDefaults `json:"defaults"`
	// Inputs are the input columns that every batch of the project has; nil is any.
	Inputs     []string    `json:"inputs,omitzero"`
	Politeness *Politeness `json:"politeness,omitempty"`
	// Secrets are values by name. No answer has them.
	Secrets map[string]string `json:"secrets,omitempty"`
}

// ProjectPatch edits a project: members that are absent stay as they are, members
// that are present replace the old value whole.
type ProjectPatch struct {
	Name        *string            `json:"name,omitempty"`
	Instruction *string            `json:"instruction,omitempty"`
	Fields      *[]field.Field     `json:"fields,omitempty"`
	Executor    *string            `json:"executor,omitempty"`
	Settings    json.RawMessage    `json:"settings,omitempty"`
	Defaults    *ExecutionDefaults `json:"defaults,omitempty"`
	// Inputs and Politeness may be null, which takes them away.
	Inputs     Nullable[[]string]   `json:"inputs,omitzero"`
	Politeness Nullable[Politeness] `json:"politeness,omitzero"`
	// Secrets are put in the place of those of the same names; null drops one, and those
	// that are not named stay.
	Secrets map[string]Nullable[string] `json:"secrets,omitempty"`
}

// Project is a project.
type Project struct {
	ID          uuid.UUID         `json:"id"`
	Name        string            `json:"name"`
	Instruction string            `json:"instruction"`
	Fields      []field.Field     `json:"fields"`
	Executor    string            `json:"executor"`
	Settings    json.RawMessage   `json:"settings"`
	Defaults    ExecutionDefaults `json:"defaults"`
	// Inputs are absent when batches may have any.
	Inputs []string `json:"inputs,omitzero"`
	// Politeness is absent when there is no limit.
	Politeness *Politeness `json:"politeness,omitempty"`
	// SecretNames are the names of the project's secrets, in their order.
	SecretNames []string  `json:"secret_names"`
	Version     int64     `json:"version"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Column is one column of a batch.
type Column struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Field string `json:"field,omitempty"`
}

// BatchRequest creates a batch from JSON rows; the CSV way is multipart.
type BatchRequest struct {
	Name string `json:"name"`
	// Columns maps headers to roles where the defaults are not wanted: "site_url",
	// "input", "ignored" or "ground_truth:<field>".
	Columns map[string]string `json:"columns,omitempty"`
	// Duplicates is "keep" (default), "skip" or "refuse".
	Duplicates string `json:"duplicates,omitempty"`
	// Rows are objects from header to value; a ground truth may be an array of
	// accepted values.
	Rows []map[string]any `json:"rows"`
}

// Batch is a batch.
type Batch struct {
	ID        uuid.UUID `json:"id"`
	ProjectID uuid.UUID `json:"project_id"`
	Name      string    `json:"name"`
	Columns   []Column  `json:"columns"`
	RowCount  int       `json:"row_count"`
	// Version counts edits; it is the ETag.
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// Duplicates are in the answer to the upload only.
	Duplicates *Duplicates `json:"duplicates,omitempty"`
}

// ExecuteRequest starts an execution; absent members take the project's defaults.
type ExecuteRequest struct {
	// Type is "test" or "production".
	Type string `json:"type"`
	// SampleSize is the number of rows of a test, 1–1,000 (default 10); SampleSeed
	// picks which, the same ones every time by default.
	SampleSize  *int          `json:"sample_size,omitempty"`
	SampleSeed  int64         `json:"sample_seed,omitempty"`
	Concurrency *int          `json:"concurrency,omitempty"`
	Preset      *retry.Preset `json:"preset,omitempty"`
	Retry       *retry.Policy `json:"retry,omitempty"`
	// FailureTolerance is how many failed jobs the execution bears.
	FailureTolerance *Tolerance `json:"failure_tolerance,omitempty"`
}

// Execution is an execution.
type Execution struct {
	ID         uuid.UUID `json:"id"`
	ProjectID  uuid.UUID `json:"project_id"`
	BatchID    uuid.UUID `json:"batch_id"`
	Type       string    `json:"type"`
	Status     string    `json:"status"`
	SampleSize int       `json:"sample_size,omitempty"`
	SampleSeed int64     `json:"sample_seed,omitempty"`
	// Selection is there when some jobs of the batch were asked to run again.
	Selection   *Selection   `json:"selection,omitempty"`
	Concurrency int          `json:"concurrency"`
	Preset      string       `json:"preset,omitempty"`
	Retry       retry.Policy `json:"retry"`
	// FailureTolerance is absent when any number of jobs may fail.
	FailureTolerance *Tolerance `json:"failure_tolerance,omitempty"`
	// Reason says why the execution is paused, failed or was stopped.
	Reason string `json:"reason,omitempty"`
	// WorkflowID finds the run in the Temporal Web UI.
	WorkflowID string `json:"workflow_id"`
	TotalJobs  int    `json:"total_jobs"`
	// Steps and cost are there once it has ended, as far as there were any. Money is in
	// millionths of the currency's unit.
	Steps        int    `json:"steps,omitempty"`
	CostMicros   int64  `json:"cost_micros,omitempty"`
	CostCurrency string `json:"cost_currency,omitempty"`

	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// Accuracy is a share with its 95 % Wilson interval; absent when nothing was compared.
type Accuracy struct {
	Value    float64 `json:"value"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Matched  int     `json:"matched"`
	Compared int     `json:"compared"`
}

// Stats is where an execution stands.
type Stats struct {
	ExecutionID uuid.UUID `json:"execution_id"`
	Status      string    `json:"status"`
	// Reason says why it is so, when it was not a request that made it so.
	Reason      string `json:"reason,omitempty"`
	Concurrency int    `json:"concurrency"`
	// Source is "workflow" when the live run answered, "database" when the rows were
	// counted.
	Source    string `json:"source"`
	Total     int    `json:"total"`
	Queued    int    `json:"queued"`
	Running   int    `json:"running"`
	Completed int    `json:"completed"`
	Failed    int    `json:"failed"`
	Cancelled int    `json:"cancelled"`
	Retries   int    `json:"retries"`

	Verdicts     map[string]int `json:"verdicts"`
	ErrorClasses map[string]int `json:"error_classes"`

	// Accuracy is over all compared fields; JobAccuracy is the share of scored jobs
	// in which every compared field matched.
	Accuracy    *Accuracy           `json:"accuracy,omitempty"`
	JobAccuracy *Accuracy           `json:"job_accuracy,omitempty"`
	Fields      map[string]Accuracy `json:"fields"`

	// Steps and cost are those of all attempts, of a live run of the jobs that have ended;
	// absent where there were none.
	Steps        int    `json:"steps,omitempty"`
	CostMicros   int64  `json:"cost_micros,omitempty"`
	CostCurrency string `json:"cost_currency,omitempty"`

	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// StopRequest stops an execution: mode "drain" (default) lets running jobs finish,
// "cancel" cancels them.
type StopRequest struct {
	Mode string `json:"mode,omitempty"`
}

// ConcurrencyRequest changes how many jobs run at once, 1–50.
type ConcurrencyRequest struct {
	Value *int `json:"value"`
}

// FieldResult is how one field was held against its truth.
type FieldResult struct {
	Match      bool     `json:"match"`
	Comparer   string   `json:"comparer"`
	Expected   []string `json:"expected"`
	Actual     any      `json:"actual"`
	Similarity *float64 `json:"similarity,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

// JobError is why a job failed.
type JobError struct {
	Class   string `json:"class"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Job is one row of a batch with its latest result.
type Job struct {
	ID          uuid.UUID  `json:"id"`
	ProjectID   uuid.UUID  `json:"project_id"`
	BatchID     uuid.UUID  `json:"batch_id"`
	ExecutionID *uuid.UUID `json:"execution_id,omitempty"`
	Row         int        `json:"row"`
	SiteURL     string     `json:"site_url"`
	// Host is that of site_url, in lower case and without a port.
	Host          string                 `json:"host"`
	Input         map[string]string      `json:"input"`
	GroundTruth   map[string][]string    `json:"ground_truth,omitempty"`
	Status        string                 `json:"status"`
	Attempts      int                    `json:"attempts"`
	NextAttemptAt *time.Time             `json:"next_attempt_at,omitempty"`
	Result        map[string]any         `json:"result,omitempty"`
	Verdict       string                 `json:"verdict,omitempty"`
	Accuracy      *float64               `json:"accuracy,omitempty"`
	Comparison    map[string]FieldResult `json:"comparison,omitempty"`
	Error         *JobError              `json:"error,omitempty"`
	// Steps and cost are those of its attempts in the execution; absent where there were
	// none.
	Steps        int    `json:"steps,omitempty"`
	CostMicros   int64  `json:"cost_micros,omitempty"`
	CostCurrency string `json:"cost_currency,omitempty"`
	// Version counts the edits that people made; it is the ETag.
	Version    int64      `json:"version"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	// Sessions are there when one job is asked for, newest first.
	Sessions []Session `json:"sessions,omitempty"`
}

// Session is one attempt at a job.
type Session struct {
	ID          uuid.UUID       `json:"id"`
	ExecutionID uuid.UUID       `json:"execution_id"`
	JobID       uuid.UUID       `json:"job_id"`
	Attempt     int             `json:"attempt"`
	Status      string          `json:"status"`
	Worker      string          `json:"worker"`
	RemoteRunID string          `json:"remote_run_id,omitempty"`
	Result      map[string]any  `json:"result,omitempty"`
	Raw         json.RawMessage `json:"raw,omitempty"`
	Verdict     string          `json:"verdict,omitempty"`
	VerdictNote string          `json:"verdict_note,omitempty"`
	Usage       json.RawMessage `json:"usage,omitempty"`
	Evidence    json.RawMessage `json:"evidence,omitempty"`
	// Files are the kinds of evidence that it has beside, such as "screenshot".
	Files        []string   `json:"files,omitempty"`
	Steps        int        `json:"steps,omitempty"`
	CostMicros   int64      `json:"cost_micros,omitempty"`
	CostCurrency string     `json:"cost_currency,omitempty"`
	Error        *JobError  `json:"error,omitempty"`
	RetryAt      *time.Time `json:"retry_at,omitempty"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
}
