// Package executors defines how one job is done: a request in, an outcome or a
// classified failure out.
//
// An executor knows neither Temporal nor SQL. It gets everything by value and tells
// that it is alive through Request.Heartbeat. It owns no state that outlives a call
// but connection pools and processes. It honours its context, and returns its error.
//
// What an executor starts elsewhere, and pays for, it announces before it starts it
// (Request.Announce) and names as soon as it knows the name (Request.Checkpoint). The
// records keep both, so that another attempt goes on with it (Request.Remote) and, when
// there is none, somebody ends it (Settler). Why a context has ended says what is to be
// done with it: see ErrStopped.
//
// Failure: an executor returns a *failure.Error when it knows the class, any other
// error to have it classified. A page that answers but is no good (blocked, empty)
// is an outcome, not a failure: package scoring gives it its verdict.
package executors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/minohq/mino/models/field"
)

// Executor does jobs of one kind.
type Executor interface {
	// Name is the value of a project's executor, such as "fetch".
	Name() string
	// Validate checks what a project says for this executor when the project is
	// written. Errors are validation.Errors keyed "settings", "fields", "instruction" and
	// "secrets", so that the API can name the member that is wrong. Absent settings are
	// valid when every setting has a default.
	Validate(spec Spec) error
	// Needs says what a job of a spec that Validate accepts cannot do without.
	Needs(spec Spec) Needs
	// Execute does one attempt. The deadline is the context's.
	Execute(ctx context.Context, req Request) (Outcome, error)
}

// Spec is what a project says that concerns its executor.
type Spec struct {
	Instruction string
	Fields      []field.Field
	Settings    json.RawMessage
	// Inputs are the input columns that the project says its batches have; nil when it
	// says nothing, and any column may be referred to.
	Inputs []string
	// Secrets are the names of the secrets that the project has.
	Secrets []string
	// TaskQueues are those that the organisation may name; nil is any but MINO's own.
	TaskQueues []string
}

// Needs is what a job cannot do without.
type Needs struct {
	// Columns are input columns that templates refer to.
	Columns []string
	// Secrets are the names of the secrets that are to be in Request.Secrets, as far as the
	// project has them.
	Secrets []string
}

// Settler is an executor that starts runs elsewhere, which go on without it.
type Settler interface {
	Executor
	// Settle ends a run that nobody waits for any more, and says what it came to. It
	// finds one whose id is not known by its reference. It may be called again, and
	// returns an error when it could not find out.
	Settle(ctx context.Context, run RemoteRun, settings json.RawMessage, secrets map[string]string) (Settlement, error)
}

// RemoteRun is a run elsewhere as the records know it.
type RemoteRun struct {
	// Reference is what Announce was given; empty when nothing was announced.
	Reference string
	// Age is the time since then, by PostgreSQL's clock.
	Age time.Duration
	// ID is what Checkpoint was given; empty when it never was: then it is not known
	// whether there is such a run.
	ID string
}

// Settlement is what became of a remote run.
type Settlement struct {
	// Status is the far side's word, such as "CANCELLED"; empty when there is no such run.
	Status string
	Usage  Usage
}

// Causes of a context's end, as context.Cause gives them. At any other end but the
// deadline the job goes to another attempt, or has gone: what runs elsewhere is left
// alone.
var (
	// ErrStopped: the job is cancelled. What runs elsewhere is to be ended.
	ErrStopped = errors.New("the job was stopped")
	// ErrHandedBack: the job goes to another attempt.
	ErrHandedBack = errors.New("the worker gave the job back before it was done")
)

// Caller is an executor whose jobs are done by somebody's own Temporal activity: it
// says whom to call. Execute is not called then.
type Caller interface {
	Executor
	// Call reads settings that Validate has accepted, perhaps long ago: queues are those
	// that the organisation may name now, nil for any but MINO's own.
	Call(settings json.RawMessage, queues []string) (Call, error)
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
	// Secrets are those that Needs has named and the project has, by name. They belong in requests and in
	// nothing else: not into outcomes, errors or logs.
	Secrets map[string]string
	// Attempt counts from 1.
	Attempt int
	// Heartbeat reports progress, for people; it never blocks and may be called
	// from any goroutine. Never nil.
	Heartbeat func(progress string)
	// Remote is the run that an earlier attempt has announced and not seen the end of.
	Remote RemoteRun
	// Announce durably says that a run is about to be started elsewhere, under a reference
	// by which it can be found there; not before it returns nil may the run be started. It
	// replaces Remote, which must have ended. Never nil.
	Announce func(ctx context.Context, reference string) error
	// Checkpoint durably stores the id of the announced run as soon as it is known.
	// Never nil.
	Checkpoint func(ctx context.Context, remoteRunID string) error
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
	// Files are evidence too large for a row, such as a screenshot; at most one of a kind.
	Files []File
	// RemoteEnded says that the run which was announced, or taken over, has ended or has
	// never begun, so that no attempt goes on with it. It counts with an error too; a
	// result without an error implies it.
	RemoteEnded bool
}

// File is a piece of evidence.
type File struct {
	// Kind is "screenshot".
	Kind        string
	ContentType string
	Data        []byte
}

// KindScreenshot is the kind of a picture of the page.
const KindScreenshot = "screenshot"

// Usage is what an attempt used.
type Usage struct {
	Requests int   `json:"requests,omitempty"`
	Bytes    int64 `json:"bytes,omitempty"`
	Steps    int   `json:"steps,omitempty"`
	// RemoteMS is how long a remote run took, in milliseconds by the far side's clock.
	RemoteMS int64 `json:"remote_ms,omitempty"`
	// CostMicros is money in millionths of the currency's unit.
	CostMicros int64  `json:"cost_micros,omitempty"`
	Currency   string `json:"currency,omitempty"`
}

// MaxSteps and MaxCostMicros are the most that is counted of one attempt, so that sums over
// all attempts at many jobs stay within what is counted at all.
const (
	MaxSteps      = 1_000_000
	MaxCostMicros = 1_000_000_000_000
)

// Bounded is the usage as far as it is counted, whatever the far side said: nothing is less
// than zero or more than there can be, and a currency is three capital letters or absent.
func (u Usage) Bounded() Usage {
	u.Requests, u.Bytes, u.RemoteMS = max(u.Requests, 0), max(u.Bytes, 0), max(u.RemoteMS, 0)
	u.Steps = min(max(u.Steps, 0), MaxSteps)
	u.CostMicros = min(max(u.CostMicros, 0), MaxCostMicros)
	if len(u.Currency) != 3 || strings.Trim(u.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		u.Currency = ""
	}
	return u
}

// Evidence is what backs a result.
type Evidence struct {
	FinalURL    string `json:"final_url,omitempty"`
	StatusCode  int    `json:"status_code,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Title       string `json:"title,omitempty"`
	// RunURL is where people can watch, or look at, a remote run.
	RunURL    string    `json:"run_url,omitempty"`
	FetchedAt time.Time `json:"fetched_at,omitzero"`
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
