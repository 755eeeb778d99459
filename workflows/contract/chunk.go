package contract

// Names of the workflow that runs part of an execution, and of what it and
// BatchWorkflow say to each other. They are MINO's own affair: callers of
// BatchWorkflow only meet them in the Temporal Web UI.
const (
	// BatchChunk is the workflow type of a chunk.
	BatchChunk = "BatchChunk"
	// SignalChunkControl tells a chunk what holds for it: ChunkControl.
	SignalChunkControl = "chunk_control"
	// SignalChunkReport tells BatchWorkflow where a chunk stands: ChunkReport.
	SignalChunkReport = "chunk_report"
)

// ChunkInput starts a chunk: some jobs of an execution, in row order after AfterRow.
type ChunkInput struct {
	Version int  `json:"version"`
	Plan    Plan `json:"plan"`
	// Number counts the chunks of an execution from 1.
	Number   int `json:"number"`
	AfterRow int `json:"after_row"`
	// UntilRow is the last row of the chunk; 0 leaves it to the chunk how far it goes.
	UntilRow int `json:"until_row,omitempty"`
	// TakeOver says that a chunk which died, or gave them back, had these rows: some may be
	// running.
	TakeOver bool         `json:"take_over,omitempty"`
	Control  ChunkControl `json:"control"`
}

// ChunkControl is what holds for a chunk, whole: the newest one counts.
type ChunkControl struct {
	// Epoch counts what was asked of the execution; the chunk's reports repeat it.
	Epoch int64 `json:"epoch"`
	// Limit is how many jobs of this chunk may run at once.
	Limit int `json:"limit"`
	// Hold has it start nothing.
	Hold bool     `json:"hold,omitempty"`
	Stop StopMode `json:"stop,omitempty"`
	// OthersEnded and OthersFailed count the jobs of the rest of the execution, for the
	// failure tolerance. They are relative to the last resume and may be negative.
	OthersEnded  int `json:"others_ended"`
	OthersFailed int `json:"others_failed"`
}

// ChunkReport is where a chunk stands, whole: the newest one counts.
type ChunkReport struct {
	Number int `json:"number"`
	// Sequence counts the reports of a chunk, so that one that comes late or twice is
	// known.
	Sequence int64 `json:"sequence"`
	// Epoch is that of the newest control the chunk has taken over.
	Epoch int64 `json:"epoch"`
	// Running counts the jobs that were dispatched and have not ended.
	Running  int           `json:"running"`
	InFlight []JobInFlight `json:"in_flight,omitempty"`
	// Spent says that the chunk takes no further rows; LastRow is the last that is its
	// affair, and Exhausted says that there are none after it.
	Spent     bool `json:"spent,omitempty"`
	LastRow   int  `json:"last_row"`
	Exhausted bool `json:"exhausted,omitempty"`
	// Exceeded says that more jobs failed than are tolerated; the chunk starts nothing
	// until it hears what to do.
	Exceeded bool `json:"exceeded,omitempty"`
	// Pause asks for a pause and says why; the chunk starts nothing until it hears what to
	// do.
	Pause string `json:"pause,omitempty"`
	// Failure says why the execution cannot go on.
	Failure string `json:"failure,omitempty"`
	// Closed says that this is the last report. Returned are rows that were the chunk's and
	// that it gives back then, among them every one that was held back after it was spent;
	// no other chunk has any between them.
	Closed   bool      `json:"closed,omitempty"`
	Returned *RowRange `json:"returned,omitempty"`
	Tally    Tally     `json:"tally"`
}

// LiveChunk is what BatchWorkflow knows of a chunk that has not ended.
type LiveChunk struct {
	Number   int         `json:"number"`
	AfterRow int         `json:"after_row"`
	UntilRow int         `json:"until_row,omitempty"`
	Report   ChunkReport `json:"report"`
	// Sent is the newest control that was delivered.
	Sent ChunkControl `json:"sent"`
}

// RowRange is rows after one and up to another; UntilRow 0 is without end. TakeOver says
// that the chunk which had them died, or gave them back, so that some may be running.
type RowRange struct {
	AfterRow int  `json:"after_row"`
	UntilRow int  `json:"until_row,omitempty"`
	TakeOver bool `json:"take_over,omitempty"`
}

// Carried is the state of an execution that continue-as-new takes along: counters,
// control and the chunks that are open; never job lists.
type Carried struct {
	Plan  Plan  `json:"plan"`
	Tally Tally `json:"tally"`
	// StartedAt is when the execution began, RFC 3339.
	StartedAt string `json:"started_at"`

	Paused      bool     `json:"paused,omitempty"`
	Reason      string   `json:"reason,omitempty"`
	Stop        StopMode `json:"stop,omitempty"`
	Concurrency int      `json:"concurrency"`
	Epoch       int64    `json:"epoch"`
	Failure     string   `json:"failure,omitempty"`
	// RearmedEnded and RearmedFailed are what is left out of the failure tolerance: what
	// had come by the last resume.
	RearmedEnded  int `json:"rearmed_ended,omitempty"`
	RearmedFailed int `json:"rearmed_failed,omitempty"`

	NextChunk int         `json:"next_chunk"`
	AfterRow  int         `json:"after_row"`
	Exhausted bool        `json:"exhausted,omitempty"`
	Chunks    []LiveChunk `json:"chunks,omitempty"`
	Gaps      []RowRange  `json:"gaps,omitempty"`
	TakeOvers int         `json:"take_overs,omitempty"`

	// What RecordState wrote last, so that a new run writes only what changed.
	RecordedState       string `json:"recorded_state"`
	RecordedConcurrency int    `json:"recorded_concurrency"`
	RecordedReason      string `json:"recorded_reason,omitempty"`
}
