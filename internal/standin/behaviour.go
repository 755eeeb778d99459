package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// How long runs take, and how many steps, unless scripted.
const (
	DefaultMedian = 2 * time.Second
	DefaultCap    = time.Minute
	defaultQueued = 100 * time.Millisecond
	defaultDelay  = 30 * time.Second
)

// Behaviour says how the runs of a site go. The zero value completes them with values
// that fit the output schema, in a time drawn by lot.
//
// In JSON its members are in snake case, durations are written as "1.5s", and an
// outcome or a fault that is nothing but its kind may be written as the kind alone.
type Behaviour struct {
	// Result is what completed runs have found, any JSON; nil means values made up to fit
	// the output schema, the same for every run of the site.
	Result json.RawMessage
	// ResultFunc gives the result instead; what it returns is marshalled. It is called
	// once for a run, when its result is first read.
	ResultFunc func(Request) any
	// Outcomes are how the first, the second, … run of the site ends; the last one goes
	// for all that follow. None means Completed.
	Outcomes []Outcome
	// Create are what befalls the first, the second, … create of the site; after the last
	// one all is well.
	Create []Fault
	// Poll are what befalls the first, the second, … GET of each run.
	Poll []Fault
	// Stream is what is wrong with the event streams of its runs.
	Stream Stream
	// Duration is how long a run is RUNNING. 0 means drawn from a log-normal distribution
	// of this Median, at most Cap; 0 of these mean DefaultMedian and DefaultCap.
	Duration, Median, Cap time.Duration
	// Queued is how long a run is PENDING; 0 means 100 ms.
	Queued time.Duration
	// Steps is how many a run takes; 0 means drawn, 3 to 20. A run that would take more
	// than its request allows fails with MAX_STEPS_EXCEEDED.
	Steps int
}

// OutcomeKind is how a run ends.
type OutcomeKind string

// The outcomes.
const (
	// Completed: COMPLETED with the result.
	Completed OutcomeKind = "completed"
	// Failed: FAILED with Outcome.Error.
	Failed OutcomeKind = "failed"
	// Blocked: COMPLETED, and the result says that access was denied.
	Blocked OutcomeKind = "blocked"
	// AllNull: COMPLETED, and nothing was found.
	AllNull OutcomeKind = "all_null"
	// SchemaInvalid: COMPLETED with a result that is not as the schema says, and
	// schema_validation says so.
	SchemaInvalid OutcomeKind = "schema_invalid"
	// Cancelled: CANCELLED though nobody asked.
	Cancelled OutcomeKind = "cancelled"
	// NeverEnds: RUNNING until it is cancelled.
	NeverEnds OutcomeKind = "never_ends"
)

// OutcomeKinds lists every outcome.
func OutcomeKinds() []OutcomeKind {
	return []OutcomeKind{Completed, Failed, Blocked, AllNull, SchemaInvalid, Cancelled, NeverEnds}
}

// Outcome is how one run ends.
type Outcome struct {
	Kind OutcomeKind
	// Error of a Failed run; nil means TASK_FAILED, AGENT_FAILURE.
	Error *RunError
	// Result, Duration and Steps go before the behaviour's.
	Result   json.RawMessage
	Duration time.Duration
	Steps    int
}

// RunError is the error of a run. Code and Category are sent as they are, unknown and
// lower-case ones too.
type RunError struct {
	Code     string `json:"code,omitempty"`
	Message  string `json:"message"`
	Category string `json:"category"`
	// RetryAfter is in seconds.
	RetryAfter  *int   `json:"retry_after"`
	HelpURL     string `json:"help_url,omitempty"`
	HelpMessage string `json:"help_message,omitempty"`
}

// Stream is what is wrong with event streams.
type Stream struct {
	// Cut breaks the connection off before COMPLETE.
	Cut bool `json:"cut"`
	// HeartbeatsOnly sends nothing else, for ever.
	HeartbeatsOnly bool `json:"heartbeats_only"`
	// OldCasing speaks the older wire: runId, streamingUrl, resultJson.
	OldCasing bool `json:"old_casing"`
	// ErrorAsString has COMPLETE say its error in a string instead of an object.
	ErrorAsString bool `json:"error_as_string"`
}

// FaultKind is how a call goes wrong.
type FaultKind string

// Faults that refuse: nothing is done.
const (
	// None: all is well; it takes a place in a sequence.
	None FaultKind = "none"
	// RateLimited: 429, with Retry-After when Fault.RetryAfter is given.
	RateLimited FaultKind = "rate_limited"
	// Busy: 503 SERVICE_BUSY.
	Busy FaultKind = "busy"
	// Internal: 500 INTERNAL_ERROR.
	Internal FaultKind = "internal"
	// Forbidden: 403 FORBIDDEN, which speaks of credits.
	Forbidden FaultKind = "forbidden"
	// NoCredits: 403 INSUFFICIENT_CREDITS.
	NoCredits FaultKind = "no_credits"
	// Unauthorized: 401 INVALID_API_KEY.
	Unauthorized FaultKind = "unauthorized"
	// BadRequest: 400 INVALID_INPUT.
	BadRequest FaultKind = "bad_request"
	// NotFound: 404 NOT_FOUND.
	NotFound FaultKind = "not_found"
	// CutBefore: the connection is broken off.
	CutBefore FaultKind = "cut_before"
	// RunNotCreated: a blocking run is answered 500, shaped like a run, with a null
	// run_id. Elsewhere it is Internal.
	RunNotCreated FaultKind = "run_not_created"
)

// Faults that come after what was asked for was done.
const (
	// CutAfter: done, and the connection is broken off before the answer.
	CutAfter FaultKind = "cut_after"
	// Timeout: done, and answered 504 TIMEOUT.
	Timeout FaultKind = "timeout"
	// Gateway: done, and answered 502 with a page, as a proxy between does.
	Gateway FaultKind = "gateway"
	// Garbled: done, and answered 200 with half of the answer.
	Garbled FaultKind = "garbled"
	// Delayed: done, and answered after Fault.Delay.
	Delayed FaultKind = "delayed"
	// RunFailed: a blocking run fails, and is answered 500, shaped like a run, with its
	// run_id. Elsewhere it is Internal.
	RunFailed FaultKind = "run_failed"
)

// FaultKinds lists every fault.
func FaultKinds() []FaultKind {
	return []FaultKind{
		None, RateLimited, Busy, Internal, Forbidden, NoCredits, Unauthorized, BadRequest, NotFound, CutBefore, RunNotCreated,
		CutAfter, Timeout, Gateway, Garbled, Delayed, RunFailed,
	}
}

// Fault is how one call goes wrong.
//
// Go's HTTP client repeats a GET by itself when a connection that was used before is cut:
// one cut may then go unseen, as it may elsewhere.
type Fault struct {
	Kind FaultKind
	// RetryAfter of RateLimited and Busy, in seconds; 0 means that none is given.
	RetryAfter int
	// Delay of Delayed; 0 means 30 s.
	Delay time.Duration
	// Times is how many calls it befalls one after the other; 0 means 1.
	Times int
}

func (f Fault) times() int { return max(f.Times, 1) }

// faultAt is the fault of call n (from 0) in a sequence.
func faultAt(faults []Fault, n int) Fault {
	for _, f := range faults {
		if n < f.times() {
			return f
		}
		n -= f.times()
	}
	return Fault{Kind: None}
}

// outcomeAt is the outcome of run n (from 0) of a script.
func (b Behaviour) outcomeAt(n int) Outcome {
	if len(b.Outcomes) == 0 {
		return Outcome{Kind: Completed}
	}
	return b.Outcomes[min(n, len(b.Outcomes)-1)]
}

// span is a duration that is written "1.5s".
type span time.Duration

var errSpan = errors.New(`a duration is written "1.5s"`)

// UnmarshalJSON reads a duration.
func (s *span) UnmarshalJSON(text []byte) error {
	var written string
	if json.Unmarshal(text, &written) != nil {
		return errSpan
	}
	d, err := time.ParseDuration(written)
	if err != nil || d < 0 {
		return errSpan
	}
	*s = span(d)
	return nil
}

// UnmarshalJSON reads a behaviour; members that it does not know are refused.
func (b *Behaviour) UnmarshalJSON(text []byte) error {
	var in struct {
		Result   json.RawMessage `json:"result"`
		Outcomes []Outcome       `json:"outcomes"`
		Create   []Fault         `json:"create"`
		Poll     []Fault         `json:"poll"`
		Stream   Stream          `json:"stream"`
		Duration span            `json:"duration"`
		Median   span            `json:"median"`
		Cap      span            `json:"cap"`
		Queued   span            `json:"queued"`
		Steps    int             `json:"steps"`
	}
	if err := decodeStrictly(text, &in); err != nil {
		return err
	}
	*b = Behaviour{
		Result: in.Result, Outcomes: in.Outcomes, Create: in.Create, Poll: in.Poll, Stream: in.Stream,
		Duration: time.Duration(in.Duration), Median: time.Duration(in.Median), Cap: time.Duration(in.Cap),
		Queued: time.Duration(in.Queued), Steps: in.Steps,
	}
	return nil
}

// UnmarshalJSON reads an outcome, or its kind alone.
func (o *Outcome) UnmarshalJSON(text []byte) error {
	var in struct {
		Kind     OutcomeKind     `json:"kind"`
		Error    *RunError       `json:"error"`
		Result   json.RawMessage `json:"result"`
		Duration span            `json:"duration"`
		Steps    int             `json:"steps"`
	}
	if json.Unmarshal(text, &in.Kind) != nil {
		if err := decodeStrictly(text, &in); err != nil {
			return err
		}
	}
	if !slices.Contains(OutcomeKinds(), in.Kind) {
		return fmt.Errorf("%q is no outcome; there are %q", in.Kind, OutcomeKinds())
	}
	*o = Outcome{Kind: in.Kind, Error: in.Error, Result: in.Result, Duration: time.Duration(in.Duration), Steps: in.Steps}
	return nil
}

// UnmarshalJSON reads a fault, or its kind alone.
func (f *Fault) UnmarshalJSON(text []byte) error {
	var in struct {
		Kind       FaultKind `json:"kind"`
		RetryAfter int       `json:"retry_after"`
		Delay      span      `json:"delay"`
		Times      int       `json:"times"`
	}
	if json.Unmarshal(text, &in.Kind) != nil {
		if err := decodeStrictly(text, &in); err != nil {
			return err
		}
	}
	if !slices.Contains(FaultKinds(), in.Kind) {
		return fmt.Errorf("%q is no fault; there are %q", in.Kind, FaultKinds())
	}
	*f = Fault{Kind: in.Kind, RetryAfter: in.RetryAfter, Delay: time.Duration(in.Delay), Times: in.Times}
	return nil
}
