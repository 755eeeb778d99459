package wire

import "github.com/google/uuid"

// Bounds of TryRequest.TimeoutMS.
const (
	MinTryTimeoutMS = 1_000
	MaxTryTimeoutMS = 300_000
)

// TryRequest runs a project on one site, and waits.
type TryRequest struct {
	SiteURL string `json:"site_url"`
	// Input is the values of input columns.
	Input map[string]string `json:"input,omitempty"`
	// GroundTruth holds accepted values by field.
	GroundTruth map[string][]string `json:"ground_truth,omitempty"`
	// TimeoutMS is how long the one attempt may take, 1,000–300,000; absent it is the
	// project's, at most 120,000.
	TimeoutMS *int64 `json:"timeout_ms,omitempty"`
}

// Try is what came of a try.
type Try struct {
	ExecutionID uuid.UUID `json:"execution_id"`
	JobID       uuid.UUID `json:"job_id"`
	// Status is the job's: completed, failed or cancelled; running when it could not be
	// ended in time either.
	Status string `json:"status"`
	// Reason says why the execution was ended, when it did not end by itself.
	Reason      string                 `json:"reason,omitempty"`
	Verdict     string                 `json:"verdict,omitempty"`
	VerdictNote string                 `json:"verdict_note,omitempty"`
	Result      map[string]any         `json:"result,omitempty"`
	Comparison  map[string]FieldResult `json:"comparison,omitempty"`
	Error       *JobError              `json:"error,omitempty"`
	// Session is absent when no attempt has begun.
	Session *Session `json:"session,omitempty"`
	// DurationMS is how long the attempt took.
	DurationMS int64 `json:"duration_ms"`
}
