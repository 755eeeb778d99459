package models

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/scoring"
)

// DefaultOrganisationID is the organisation that every database starts with.
var DefaultOrganisationID = uuid.MustParse("00000000-0000-7000-8000-000000000001")

// NewID makes the id of a record: a UUIDv7, so that ids sort by creation.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Project is an instruction, the fields wanted and how a job is done.
type Project struct {
	bun.BaseModel `bun:"table:projects,alias:p"`

	ID             uuid.UUID         `bun:"id,pk"`
	OrganisationID uuid.UUID         `bun:"organisation_id"`
	Name           string            `bun:"name"`
	Instruction    string            `bun:"instruction"`
	Fields         []field.Field     `bun:"fields,type:jsonb"`
	Executor       string            `bun:"executor"`
	Settings       json.RawMessage   `bun:"settings,type:jsonb"`
	Defaults       ExecutionDefaults `bun:"defaults,type:jsonb"`
	// Inputs are the input columns that every batch of the project has; nil is any.
	Inputs []string `bun:"inputs,type:jsonb,nullzero"`
	// Politeness limits what jobs do to a site; nil is no limit. It holds from when it is
	// written on, for executions that run too.
	Politeness *Politeness `bun:"politeness,type:jsonb,nullzero"`
	// SecretNames are the names of the project's secrets, in their order.
	SecretNames []string `bun:"secret_names,type:jsonb"`
	// Version counts edits from 1; it is the ETag.
	Version   int64     `bun:"version"`
	CreatedAt time.Time `bun:"created_at,nullzero,default:now()"`
	UpdatedAt time.Time `bun:"updated_at,nullzero,default:now()"`
}

// ExecutionDefaults are a project's defaults for its executions; a zero member
// means MINO's own default.
type ExecutionDefaults struct {
	Concurrency int           `json:"concurrency,omitempty"`
	Preset      retry.Preset  `json:"preset,omitempty"`
	Retry       *retry.Policy `json:"retry,omitempty"`
	// JobTimeoutMS is the hard deadline of one attempt in milliseconds.
	JobTimeoutMS int64 `json:"job_timeout_ms,omitempty"`
	// Tolerance is how many failed jobs an execution bears; nil is any number.
	Tolerance *Tolerance `json:"tolerance,omitempty"`
}

// ColumnRole says what a CSV column is.
type ColumnRole string

// The roles of a column.
const (
	RoleSiteURL     ColumnRole = "site_url"
	RoleInput       ColumnRole = "input"
	RoleGroundTruth ColumnRole = "ground_truth"
	RoleIgnored     ColumnRole = "ignored"
)

// Column is one column of a batch, in its order in the upload.
type Column struct {
	Name string     `json:"name"`
	Role ColumnRole `json:"role"`
	// Field is the field that a ground truth column is the truth of.
	Field string `json:"field,omitempty"`
}

// Batch is one upload: rows in order and the role of each column.
type Batch struct {
	bun.BaseModel `bun:"table:batches,alias:b"`

	ID             uuid.UUID `bun:"id,pk"`
	OrganisationID uuid.UUID `bun:"organisation_id"`
	ProjectID      uuid.UUID `bun:"project_id"`
	Name           string    `bun:"name"`
	Columns        []Column  `bun:"columns,type:jsonb"`
	RowCount       int       `bun:"row_count"`
	// Kind is BatchUpload unless it was made for a try.
	Kind BatchKind `bun:"kind,nullzero,default:'upload'"`
	// Version counts edits from 1; it is the ETag.
	Version   int64     `bun:"version,nullzero,default:1"`
	CreatedAt time.Time `bun:"created_at,nullzero,default:now()"`
	UpdatedAt time.Time `bun:"updated_at,nullzero,default:now()"`
}

// BatchKind says where a batch comes from.
type BatchKind string

// The kinds of batches.
const (
	BatchUpload BatchKind = "upload"
	// BatchTry has one row, for a try; lists leave it out.
	BatchTry BatchKind = "try"
)

// Job is one row of a batch with its latest result.
type Job struct {
	bun.BaseModel `bun:"table:jobs,alias:j"`

	ID             uuid.UUID `bun:"id,pk"`
	OrganisationID uuid.UUID `bun:"organisation_id"`
	ProjectID      uuid.UUID `bun:"project_id"`
	BatchID        uuid.UUID `bun:"batch_id"`
	// RowNumber counts data rows from 1; the header is not counted.
	RowNumber int    `bun:"row_number"`
	SiteURL   string `bun:"site_url"`
	// Host is the host of SiteURL, in lower case and without a port; PostgreSQL makes it.
	Host  string            `bun:"host,nullzero,default:''"`
	Input map[string]string `bun:"input,type:jsonb"`
	// GroundTruth holds the accepted values per field; nil when the row has none.
	GroundTruth map[string][]string `bun:"ground_truth,type:jsonb,nullzero"`

	Status JobStatus `bun:"status"`
	// ExecutionID is the execution that owns the job now, or owned it last.
	ExecutionID *uuid.UUID `bun:"execution_id,type:uuid"`
	// Attempt is the fence: the number of the newest session in ExecutionID.
	Attempt int `bun:"attempt"`
	// NextAttemptAt is when a job that waits for a retry will be tried again.
	NextAttemptAt *time.Time `bun:"next_attempt_at"`

	Result       map[string]any                 `bun:"result,type:jsonb,nullzero"`
	Verdict      scoring.Verdict                `bun:"verdict,nullzero"`
	Comparison   map[string]scoring.FieldResult `bun:"comparison,type:jsonb,nullzero"`
	Matched      int                            `bun:"matched"`
	Compared     int                            `bun:"compared"`
	Accuracy     *float64                       `bun:"accuracy"`
	GTEvaluated  bool                           `bun:"gt_evaluated"`
	ErrorClass   failure.Class                  `bun:"error_class,nullzero"`
	ErrorCode    string                         `bun:"error_code,nullzero"`
	ErrorMessage string                         `bun:"error_message,nullzero"`

	// Steps and cost are the sums over the sessions of ExecutionID.
	Steps        int    `bun:"steps"`
	CostMicros   int64  `bun:"cost_micros"`
	CostCurrency string `bun:"cost_currency,nullzero"`

	// Version counts the edits that people made, from 1; it is the ETag.
	Version    int64      `bun:"version,nullzero,default:1"`
	StartedAt  *time.Time `bun:"started_at"`
	FinishedAt *time.Time `bun:"finished_at"`
	CreatedAt  time.Time  `bun:"created_at,nullzero,default:now()"`
	UpdatedAt  time.Time  `bun:"updated_at,nullzero,default:now()"`
}

// Snapshot is what an execution runs under, taken from the project when the
// execution was made.
type Snapshot struct {
	ProjectName  string          `json:"project_name"`
	BatchName    string          `json:"batch_name"`
	Instruction  string          `json:"instruction"`
	Fields       []field.Field   `json:"fields"`
	Executor     string          `json:"executor"`
	Settings     json.RawMessage `json:"settings,omitempty"`
	JobTimeoutMS int64           `json:"job_timeout_ms"`
}

// Execution is one run over some jobs of a batch. Its counters are written once,
// when it ends; while it is live they are asked of the workflow or counted.
type Execution struct {
	bun.BaseModel `bun:"table:executions,alias:e"`

	ID             uuid.UUID       `bun:"id,pk"`
	OrganisationID uuid.UUID       `bun:"organisation_id"`
	ProjectID      uuid.UUID       `bun:"project_id"`
	BatchID        uuid.UUID       `bun:"batch_id"`
	Type           ExecutionType   `bun:"type"`
	Status         ExecutionStatus `bun:"status"`
	// SampleSize and SampleSeed are those of a test: the same seed picks the same
	// rows of the same upload.
	SampleSize int   `bun:"sample_size,nullzero"`
	SampleSeed int64 `bun:"sample_seed"`
	// Selection is which jobs were asked to run again; nil is a batch or a sample of it.
	Selection   *JobSelection `bun:"selection,type:jsonb,nullzero"`
	Concurrency int           `bun:"concurrency"`
	Preset      retry.Preset  `bun:"preset,nullzero"`
	Retry       retry.Policy  `bun:"retry,type:jsonb"`
	Snapshot    Snapshot      `bun:"snapshot,type:jsonb"`
	// Tolerance is how many failed jobs the execution bears; nil is any number.
	Tolerance *Tolerance `bun:"tolerance,type:jsonb,nullzero"`
	// WorkflowID is the workflow that has claimed the execution, or that it was made
	// for; Workflow gives the one in effect.
	WorkflowID string `bun:"workflow_id,nullzero"`
	// Reason says why an execution is paused, failed or was stopped.
	Reason string `bun:"reason,nullzero"`
	// LastEventSeq is the number of the execution's newest numbered event.
	LastEventSeq int64 `bun:"last_event_seq"`

	TotalJobs     int             `bun:"total_jobs"`
	CompletedJobs int             `bun:"completed_jobs"`
	FailedJobs    int             `bun:"failed_jobs"`
	CancelledJobs int             `bun:"cancelled_jobs"`
	Tally         *ExecutionTally `bun:"tally,type:jsonb,nullzero"`

	CreatedAt  time.Time  `bun:"created_at,nullzero,default:now()"`
	StartedAt  *time.Time `bun:"started_at"`
	FinishedAt *time.Time `bun:"finished_at"`
	UpdatedAt  time.Time  `bun:"updated_at,nullzero,default:now()"`
}

// Title is what people see of an execution in the Temporal Web UI.
func (e *Execution) Title() string {
	return fmt.Sprintf("%s · %s · %s of %d jobs", e.Snapshot.ProjectName, e.Snapshot.BatchName, e.Type, e.TotalJobs)
}

// WorkflowIDPrefix and the id of an execution make the id of its workflow, unless
// another workflow has made the execution. It is the contract's.
const WorkflowIDPrefix = "mino-execution-"

// DefaultWorkflowID is the id of the workflow of an execution that no other has made.
func DefaultWorkflowID(executionID uuid.UUID) string { return WorkflowIDPrefix + executionID.String() }

// Workflow is the id of the workflow that runs the execution.
func (e *Execution) Workflow() string {
	if e.WorkflowID != "" {
		return e.WorkflowID
	}
	return DefaultWorkflowID(e.ID)
}

// Session is one attempt at one job inside one execution.
type Session struct {
	bun.BaseModel `bun:"table:sessions,alias:s"`

	ID             uuid.UUID     `bun:"id,pk"`
	OrganisationID uuid.UUID     `bun:"organisation_id"`
	ExecutionID    uuid.UUID     `bun:"execution_id"`
	JobID          uuid.UUID     `bun:"job_id"`
	Attempt        int           `bun:"attempt"`
	Status         SessionStatus `bun:"status"`
	// Worker is the identity of the Temporal worker that made the attempt.
	Worker string `bun:"worker"`
	// RemoteRunID is the id of the run at a web agent, as soon as it is known.
	RemoteRunID string `bun:"remote_run_id,nullzero"`

	Result       map[string]any  `bun:"result,type:jsonb,nullzero"`
	Raw          json.RawMessage `bun:"raw,type:jsonb,nullzero"`
	Verdict      scoring.Verdict `bun:"verdict,nullzero"`
	VerdictNote  string          `bun:"verdict_note,nullzero"`
	Usage        json.RawMessage `bun:"usage,type:jsonb,nullzero"`
	Evidence     json.RawMessage `bun:"evidence,type:jsonb,nullzero"`
	Steps        int             `bun:"steps"`
	CostMicros   int64           `bun:"cost_micros"`
	CostCurrency string          `bun:"cost_currency,nullzero"`

	ErrorClass   failure.Class `bun:"error_class,nullzero"`
	ErrorCode    string        `bun:"error_code,nullzero"`
	ErrorMessage string        `bun:"error_message,nullzero"`
	// RetryAt is when the next attempt was due, when there was to be one.
	RetryAt *time.Time `bun:"retry_at"`

	StartedAt  time.Time  `bun:"started_at,nullzero,default:now()"`
	FinishedAt *time.Time `bun:"finished_at"`
}
