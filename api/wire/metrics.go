package wire

import (
	"time"

	"github.com/google/uuid"
)

// Limits of metrics, for clients that check before they ask.
const (
	DefaultMetricsHosts = 20
	MaxMetricsHosts     = 100
	// DefaultMetricsDays and MaxMetricsDays bound the time of a project's metrics.
	DefaultMetricsDays = 30
	MaxMetricsDays     = 366
	// MaxMetricsHourDays bounds it where a step is an hour.
	MaxMetricsHourDays = 31
)

// Cost is money spent in one currency, in millionths of its unit. The currency is empty
// where the executor named none.
type Cost struct {
	Currency   string `json:"currency"`
	CostMicros int64  `json:"cost_micros"`
}

// MetricsJobs counts jobs that have ended.
type MetricsJobs struct {
	Ended     int `json:"ended"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
}

// ErrorCount counts failed attempts, and the jobs whose last attempt it was.
type ErrorCount struct {
	Attempts int `json:"attempts"`
	Jobs     int `json:"jobs"`
}

// CodeCount counts the failures of a class and a code; the code may be empty.
type CodeCount struct {
	Class    string `json:"class"`
	Code     string `json:"code"`
	Attempts int    `json:"attempts"`
	Jobs     int    `json:"jobs"`
}

// Durations are percentiles in whole milliseconds; absent when there was nothing to
// measure.
type Durations struct {
	Count int   `json:"count"`
	P50MS int64 `json:"p50_ms"`
	P95MS int64 `json:"p95_ms"`
	P99MS int64 `json:"p99_ms"`
}

// MetricsPoint is one step of a series.
type MetricsPoint struct {
	Start   time.Time   `json:"start"`
	Jobs    MetricsJobs `json:"jobs"`
	Retries int         `json:"retries"`
	Costs   []Cost      `json:"costs"`
	// Accuracy is absent, and Fields lacks a field, where nothing was compared.
	Accuracy *Accuracy           `json:"accuracy,omitempty"`
	Fields   map[string]Accuracy `json:"fields"`
}

// HostMetrics is what one host came to.
type HostMetrics struct {
	Host string      `json:"host"`
	Jobs MetricsJobs `json:"jobs"`
	// SuccessRate and BlockedShare are of the jobs that completed or failed.
	SuccessRate  *float64   `json:"success_rate,omitempty"`
	BlockedShare *float64   `json:"blocked_share,omitempty"`
	Accuracy     *Accuracy  `json:"accuracy,omitempty"`
	Attempts     *Durations `json:"attempt_durations,omitempty"`
	TopError     *CodeCount `json:"top_error,omitempty"`
}

// Metrics is what the metrics of a project and of an execution have in common.
type Metrics struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Bucket string    `json:"bucket"`

	Jobs MetricsJobs `json:"jobs"`
	// SuccessRate is completed / (completed + failed), 0–1; absent when there are none.
	SuccessRate *float64 `json:"success_rate,omitempty"`
	Retries     int      `json:"retries"`
	Costs       []Cost   `json:"costs"`

	Accuracy    *Accuracy           `json:"accuracy,omitempty"`
	JobAccuracy *Accuracy           `json:"job_accuracy,omitempty"`
	Fields      map[string]Accuracy `json:"fields"`
	Verdicts    map[string]int      `json:"verdicts"`

	ErrorClasses map[string]ErrorCount `json:"error_classes"`
	TopErrors    []CodeCount           `json:"top_errors"`

	AttemptDurations *Durations `json:"attempt_durations,omitempty"`
	JobDurations     *Durations `json:"job_durations,omitempty"`

	Series []MetricsPoint `json:"series"`
	Hosts  []HostMetrics  `json:"hosts"`
}

// MetricsExecutions counts the executions of a project that were there in a time.
type MetricsExecutions struct {
	Total int `json:"total"`
	// Finished ended in the time.
	Finished int            `json:"finished"`
	ByStatus map[string]int `json:"by_status"`
}

// ExecutionPoint is an execution in the history of a project.
type ExecutionPoint struct {
	ID          uuid.UUID   `json:"id"`
	BatchID     uuid.UUID   `json:"batch_id"`
	Type        string      `json:"type"`
	Status      string      `json:"status"`
	FinishedAt  time.Time   `json:"finished_at"`
	Jobs        MetricsJobs `json:"jobs"`
	SuccessRate *float64    `json:"success_rate,omitempty"`
	Accuracy    *Accuracy   `json:"accuracy,omitempty"`
}

// ProjectMetrics are the metrics of a project.
type ProjectMetrics struct {
	ProjectID uuid.UUID `json:"project_id"`
	// BatchID and Type are there when the metrics are narrowed to them.
	BatchID *uuid.UUID `json:"batch_id,omitempty"`
	Type    string     `json:"type,omitempty"`
	Metrics

	Executions MetricsExecutions `json:"executions"`
	// Trend lists the newest executions that ended in the time, the newest first.
	Trend []ExecutionPoint `json:"trend"`
}

// ExecutionMetrics are the metrics of an execution.
type ExecutionMetrics struct {
	ExecutionID uuid.UUID `json:"execution_id"`
	ProjectID   uuid.UUID `json:"project_id"`
	BatchID     uuid.UUID `json:"batch_id"`
	Type        string    `json:"type"`
	Status      string    `json:"status"`
	// Total, Queued and Running count jobs.
	Total   int `json:"total"`
	Queued  int `json:"queued"`
	Running int `json:"running"`
	Metrics

	// AccuracyAtEnd says that the series has all of the accuracy at the end, since a later
	// execution has taken jobs over.
	AccuracyAtEnd bool `json:"accuracy_at_end"`
}
