package models

import (
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// MetricsBucket is the length of a step of a series. Steps begin at whole multiples of
// it in UTC, weeks on Mondays.
type MetricsBucket string

// The lengths of a step.
const (
	BucketMinute MetricsBucket = "minute"
	BucketHour   MetricsBucket = "hour"
	BucketDay    MetricsBucket = "day"
	BucketWeek   MetricsBucket = "week"
)

// MetricsBuckets lists the lengths of a step, shortest first.
func MetricsBuckets() []MetricsBucket {
	return []MetricsBucket{BucketMinute, BucketHour, BucketDay, BucketWeek}
}

// Width is the length as time.
func (b MetricsBucket) Width() time.Duration {
	switch b {
	case BucketMinute:
		return time.Minute
	case BucketHour:
		return time.Hour
	case BucketWeek:
		return 7 * 24 * time.Hour
	case BucketDay:
	}
	return 24 * time.Hour
}

// Start is when the step begins in which a time lies. Go counts from the first day of
// the year 1, which was a Monday.
func (b MetricsBucket) Start(t time.Time) time.Time { return t.UTC().Truncate(b.Width()) }

// Steps is how many steps a time from one moment to another, itself not included, touches.
func (b MetricsBucket) Steps(from, to time.Time) int {
	if !from.Before(to) {
		return 0
	}
	return int(b.Start(to.Add(-1)).Sub(b.Start(from))/b.Width()) + 1
}

// MetricsQuery says which metrics of a project are wanted. Zero members do not narrow.
type MetricsQuery struct {
	// What happened from From on, and before To, counts.
	From, To time.Time
	Bucket   MetricsBucket
	BatchID  uuid.UUID
	Type     ExecutionType
	// Hosts is how many hosts are listed.
	Hosts int
}

// Metrics is what the attempts and the executions of a time add up to.
//
// A job has ended in an execution with its last attempt there: one that succeeded, was
// cancelled, or failed without another to follow. It counts when that attempt ended. A job
// that ended without one, say cancelled before it began, counts when its execution ended.
//
// What ran again later is in no row of a job any more. Hence all counts are of sessions,
// which stay; and accuracy and verdicts are of what executions added up to at their end.
type Metrics struct {
	From, To time.Time
	Bucket   MetricsBucket

	Counts
	// Quality is that of the executions that ended in the time.
	Quality
	// Errors counts by class; TopErrors by class and code, the commonest first.
	Errors    map[failure.Class]ErrorCount
	TopErrors []CodeCount
	// Attempts are those that succeeded or failed; JobTimes go from the begin of the first
	// attempt to the end of the last, where that one succeeded or failed.
	Attempts, JobTimes Durations

	// Series has every step of the time, in order.
	Series []MetricsPoint
	// Hosts are those with the most jobs, the most first.
	Hosts []HostMetrics
}

// Counts are of jobs that have ended, and of the attempts at them.
type Counts struct {
	Completed, Failed, Cancelled int
	// Retries are attempts that have ended and were not the first at their job.
	Retries int
	// Costs are of all attempts, by currency, in millionths of its unit. An executor that
	// names no currency has the empty one.
	Costs map[string]int64
}

// Quality is how right results are.
type Quality struct {
	// Matched and Compared count fields, Fields the same by field.
	Matched, Compared int
	Fields            map[string]FieldTally
	// ScoredJobs had a field compared; CorrectJobs matched in all of them.
	ScoredJobs, CorrectJobs int
	Verdicts                map[scoring.Verdict]int
}

// ErrorCount counts failures: of attempts, and of jobs whose last attempt it was.
type ErrorCount struct {
	Attempts, Jobs int
}

// CodeCount counts the failures of a class and a code.
type CodeCount struct {
	Class failure.Class
	Code  string
	ErrorCount
}

// Durations are percentiles in milliseconds, of as many durations as Count says.
type Durations struct {
	Count         int
	P50, P95, P99 float64
}

// MetricsPoint is one step of a series.
type MetricsPoint struct {
	Start time.Time
	Counts
	Matched, Compared int
	Fields            map[string]FieldTally
}

// HostMetrics is what one host came to. The host is that of the job's URL, in lower case.
type HostMetrics struct {
	Host                         string
	Completed, Failed, Cancelled int
	// Blocked are completed jobs that were shut out.
	Blocked int
	// Matched and Compared are of the jobs that no later execution has taken over.
	Matched, Compared int
	Attempts          Durations
	// TopError is the commonest failure of an attempt; nil when none failed.
	TopError *CodeCount
}

// ExecutionPoint is an execution in the history of a project.
type ExecutionPoint struct {
	ID                           uuid.UUID
	BatchID                      uuid.UUID
	Type                         ExecutionType
	Status                       ExecutionStatus
	FinishedAt                   time.Time
	Completed, Failed, Cancelled int
	Matched, Compared            int
}

// ProjectMetrics are the metrics of a project.
type ProjectMetrics struct {
	Metrics
	// Executions counts those that were there in the time, by status; Finished those that
	// ended in it.
	Executions map[ExecutionStatus]int
	Finished   int
	// Trend is of those that ended in the time, the newest first.
	Trend []ExecutionPoint
}

// ExecutionMetrics are the metrics of an execution, from its start to its end, or now.
type ExecutionMetrics struct {
	Metrics
	Execution *Execution
	// Tally is what the jobs add up to, now or at the end.
	Tally *ExecutionTally
	// AccuracyAtEnd says that a later execution has taken jobs over, so that the series
	// has all of the accuracy where the execution ended.
	AccuracyAtEnd bool
}
