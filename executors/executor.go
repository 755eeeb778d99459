// Package executors defines how one job is done: a request in, an outcome or a
// classified failure out.
//
// An executor knows neither Temporal nor SQL. It gets everything by value, tells
// that it is alive through Request.Heartbeat, and keeps what it needs to resume
// after a crash through Request.Checkpoint. It owns no state that outlives a call
// but connection pools. It honours its context: on cancellation it stops what it
// started elsewhere and returns the context's error.
//
// Failure: an executor returns a *failure.Error when it knows the class, any other
// error to have it classified. A page that answers but is no good (blocked, empty)
// is an outcome, not a failure: package scoring gives it its verdict.
package executors

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/minohq/mino/models/field"
)

// Executor does jobs of one kind.
type Executor interface {
	// Name is the value of a project's executor, such as "fetch".
	Name() string
	// Validate checks a project's settings and fields for this executor when the
	// project is written. Errors are validation.Errors keyed "settings" and "fields",
	// so that the API can name the member that is wrong. Absent settings are valid
	// when every setting has a default.
	Validate(settings json.RawMessage, fields []field.Field) error
	// Execute does one attempt. The deadline is the context's.
	Execute(ctx context.Context, req Request) (Outcome, error)
}

// Caller is an executor whose jobs are done by somebody's own Temporal activity: it
// says whom to call. Execute is not called then.
type Caller interface {
	Executor
	// Call reads settings that Validate has accepted.
	Call(settings json.RawMessage) (Call, error)
}

// Call says whom to call for a job.
type Call struct {
	ActivityType string
	TaskQueue    string
	// HeartbeatTimeout is how long the activity may be silent, StartTimeout how long a
	// job may wait for a worker; 0 means for ever.
	HeartbeatTimeout time.Duration
	StartTimeout     time.Duration
	// Input is handed to every call as it is.
	Input json.RawMessage
}

// Request is one attempt at one job.
type Request struct {
	// URL is the job's site_url, absolute, http or https.
	URL string
	// Inputs are the row's input columns by header.
	Inputs map[string]string
	// Instruction is the project's.
	Instruction string
	// Fields are wanted; the outcome has a key for each one found.
	Fields []field.Field
	// Settings are the executor's own, validated when the project was written.
	Settings json.RawMessage
	// Attempt counts from 1.
	Attempt int
	// Heartbeat reports progress, for people; it never blocks and may be called
	// from any goroutine. Never nil.
	Heartbeat func(progress string)
	// Checkpoint durably stores the id of a remote run as soon as it is known.
	// Resume is what an earlier attempt stored. Never nil.
	Checkpoint func(ctx context.Context, remoteRunID string) error
	Resume     string
}

// Outcome is what an attempt brought.
type Outcome struct {
	// Fields holds values in the canonical JSON form of their type (package field).
	// A field that was not found has no key. A value that could not be parsed as its
	// type is there as found, a string: scoring calls the result schema_invalid.
	Fields map[string]any
	// Raw is the executor's own result as JSON, for people who debug; may be nil.
	Raw json.RawMessage
	// Blocked says why the page is not the page that was asked for (captcha, access
	// denied, …); empty when it is.
	Blocked  string
	Usage    Usage
	Evidence Evidence
}

// Usage is what an attempt used.
type Usage struct {
	Requests int   `json:"requests,omitempty"`
	Bytes    int64 `json:"bytes,omitempty"`
	Steps    int   `json:"steps,omitempty"`
	// CostMicros is money in millionths of the currency's unit.
	CostMicros int64  `json:"cost_micros,omitempty"`
	Currency   string `json:"currency,omitempty"`
}

// Evidence is what backs a result.
type Evidence struct {
	FinalURL    string    `json:"final_url,omitempty"`
	StatusCode  int       `json:"status_code,omitempty"`
	ContentType string    `json:"content_type,omitempty"`
	Title       string    `json:"title,omitempty"`
	FetchedAt   time.Time `json:"fetched_at,omitzero"`
	// Sources says per field where its value was found, such as "json-ld offers.price".
	Sources map[string]string `json:"sources,omitempty"`
}

// Registry is the executors a process has, by name.
type Registry map[string]Executor

// NewRegistry makes a registry; two executors of one name are a programming error.
func NewRegistry(all ...Executor) Registry {
	r := make(Registry, len(all))
	for _, e := range all {
		if _, dup := r[e.Name()]; dup {
			panic(fmt.Sprintf("executors: two executors are named %q", e.Name()))
		}
		r[e.Name()] = e
	}
	return r
}
