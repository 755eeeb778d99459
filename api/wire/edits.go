package wire

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/minohq/mino/models/retry"
)

// Limits of requests over many jobs.
const (
	MaxBulkJobs  = 1_000
	MaxRerunJobs = 100
)

// BatchPatch edits a batch; a member that is absent stays as it is.
type BatchPatch struct {
	Name *string `json:"name,omitempty"`
}

// JobPatch edits a row: members that are absent stay as they are, members that are
// present replace the old value whole.
type JobPatch struct {
	SiteURL *string            `json:"site_url,omitempty"`
	Input   *map[string]string `json:"input,omitempty"`
	// GroundTruth holds accepted values by field; an empty object is none.
	GroundTruth *map[string][]string `json:"ground_truth,omitempty"`
}

// JobUpdate is a JobPatch of one of several rows.
type JobUpdate struct {
	ID uuid.UUID `json:"id"`
	// Version has the edit be made only when the row is still at it.
	Version     *int64               `json:"version,omitempty"`
	SiteURL     *string              `json:"site_url,omitempty"`
	Input       *map[string]string   `json:"input,omitempty"`
	GroundTruth *map[string][]string `json:"ground_truth,omitempty"`
}

// BulkUpdateRequest edits up to 1,000 rows, each by itself.
type BulkUpdateRequest struct {
	Jobs []JobUpdate `json:"jobs"`
}

// BulkDeleteRequest deletes up to 1,000 rows, each by itself.
type BulkDeleteRequest struct {
	IDs []uuid.UUID `json:"ids"`
}

// The statuses of a BulkResult.
const (
	BulkUpdated   = "updated"
	BulkUnchanged = "unchanged"
	BulkDeleted   = "deleted"
	BulkQueued    = "queued"
	BulkRefused   = "refused"
)

// BulkResult is what came of one of the jobs of a request.
type BulkResult struct {
	ID     uuid.UUID `json:"id"`
	Status string    `json:"status"`
	// Version is that of the row as it is now.
	Version int64 `json:"version,omitempty"`
	// Rescored says that its result was held against another truth.
	Rescored bool `json:"rescored,omitempty"`
	// ExecutionID is the execution that runs it again.
	ExecutionID *uuid.UUID `json:"execution_id,omitempty"`
	Error       *BulkError `json:"error,omitempty"`
}

// BulkError is why one of the jobs of a request was refused; its code is that of a
// problem.
type BulkError struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Errors  []FieldError `json:"errors,omitempty"`
}

// BulkResponse has a result for each job of the request, in its order.
type BulkResponse struct {
	Results []BulkResult `json:"results"`
	Done    int          `json:"done"`
	Refused int          `json:"refused"`
}

// JobFilter is the filters of a list of jobs, in a body.
type JobFilter struct {
	ExecutionID     *uuid.UUID `json:"execution_id,omitempty"`
	Status          []string   `json:"status,omitempty"`
	Verdict         []string   `json:"verdict,omitempty"`
	ErrorClass      []string   `json:"error_class,omitempty"`
	HasGroundTruth  *bool      `json:"has_ground_truth,omitempty"`
	MinAccuracy     *float64   `json:"min_accuracy,omitempty"`
	MaxAccuracy     *float64   `json:"max_accuracy,omitempty"`
	Search          string     `json:"search,omitempty"`
	Host            string     `json:"host,omitempty"`
	MismatchedField string     `json:"mismatched_field,omitempty"`
}

// RerunRequest runs jobs again: those of IDs, up to 100, or those of BatchID that Filter
// finds. Absent options take the project's defaults.
type RerunRequest struct {
	IDs     []uuid.UUID `json:"ids,omitempty"`
	BatchID *uuid.UUID  `json:"batch_id,omitempty"`
	Filter  *JobFilter  `json:"filter,omitempty"`

	Concurrency      *int          `json:"concurrency,omitempty"`
	Preset           *retry.Preset `json:"preset,omitempty"`
	Retry            *retry.Policy `json:"retry,omitempty"`
	FailureTolerance *Tolerance    `json:"failure_tolerance,omitempty"`
	// Overrides stand in for the project's own settings, in this run only.
	Overrides *Overrides `json:"overrides,omitempty"`
}

// Overrides are settings of a project that a run has of its own; absent members are the
// project's.
type Overrides struct {
	Instruction  *string         `json:"instruction,omitempty"`
	Settings     json.RawMessage `json:"settings,omitempty"`
	JobTimeoutMS *int64          `json:"job_timeout_ms,omitempty"`
}

// RerunResponse has the executions that were made, one for each batch, and, when jobs
// were named, a result for each.
type RerunResponse struct {
	Executions []Execution  `json:"executions"`
	Results    []BulkResult `json:"results,omitempty"`
}

// Selection says which jobs of a batch an execution was asked to run again.
type Selection struct {
	// Named is how many jobs were named.
	Named  int        `json:"named,omitempty"`
	Filter *JobFilter `json:"filter,omitempty"`
}

// GroundTruthRequest sets the truth of rows of a batch, all of them or none.
type GroundTruthRequest struct {
	Rows []RowTruth `json:"rows"`
}

// RowTruth is the truth of a row, which is named by its number or by its job's id. Fields
// that are not named keep theirs; a field with no values has none afterwards.
type RowTruth struct {
	Row         *int                `json:"row,omitempty"`
	JobID       *uuid.UUID          `json:"job_id,omitempty"`
	GroundTruth map[string][]string `json:"ground_truth"`
}

// GroundTruthResponse says what became of the rows.
type GroundTruthResponse struct {
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	// Rescored are those updated whose results were held against the new truth.
	Rescored int `json:"rescored"`
}
