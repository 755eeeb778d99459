package workflows

import (
	"fmt"
	"maps"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// tally counts outcomes as they come in. It serves the live query; the end of an
// execution is counted from the rows.
type tally struct {
	contract.Stats
	started time.Time
}

func newTally() tally {
	return tally{Stats: contract.Stats{
		Verdicts:     map[string]int{},
		ErrorClasses: map[string]int{},
		Fields:       map[string]contract.FieldStat{},
	}}
}

// carriedTally goes on counting where the run before stopped.
func carriedTally(stats contract.Stats) tally {
	t := tally{Stats: stats}
	if t.Verdicts == nil {
		t.Verdicts = map[string]int{}
	}
	if t.ErrorClasses == nil {
		t.ErrorClasses = map[string]int{}
	}
	if t.Fields == nil {
		t.Fields = map[string]contract.FieldStat{}
	}
	// What cannot be read was written by no version of this workflow.
	t.started, _ = time.Parse(time.RFC3339, stats.StartedAt)
	return t
}

func (t *tally) add(outcome contract.JobOutcome) {
	switch outcome.Status {
	case jobCompleted:
		t.Completed++
		t.Verdicts[outcome.Verdict]++
	case jobFailed:
		t.Failed++
		t.ErrorClasses[outcome.ErrorClass]++
	case jobCancelled:
		t.Cancelled++
	}
	t.Retries += max(outcome.Attempts-1, 0)
	if len(outcome.Fields) == 0 {
		return
	}
	correct := true
	for _, name := range workflow.DeterministicKeys(outcome.Fields) {
		match := outcome.Fields[name]
		field := t.Fields[name]
		field.Compared++
		t.Compared++
		if match {
			field.Matched++
			t.Matched++
		} else {
			correct = false
		}
		t.Fields[name] = field
	}
	t.ScoredJobs++
	if correct {
		t.CorrectJobs++
	}
}

// snapshot is a copy of where the execution stands.
func (b *batch) snapshot() contract.Stats {
	s := b.stats.Stats
	s.Verdicts, s.ErrorClasses, s.Fields = maps.Clone(s.Verdicts), maps.Clone(s.ErrorClasses), maps.Clone(s.Fields)
	s.ExecutionID = b.in.ExecutionID
	s.State = b.state()
	s.Concurrency = b.control.concurrency
	s.Running = len(b.inFlight)
	s.Queued = max(s.Total-s.Completed-s.Failed-s.Cancelled-s.Running, 0)
	if !b.stats.started.IsZero() {
		s.StartedAt = b.stats.started.UTC().Format(time.RFC3339)
	}
	return s
}

// describe shows where the execution stands to people who look at the run in the
// Temporal Web UI.
func (b *batch) describe(ctx workflow.Context) {
	s := b.snapshot()
	text := fmt.Sprintf("**%s** · %d of %d jobs have ended, %d at once\n\n| completed | failed | cancelled | running | retries |\n|---|---|---|---|---|\n| %d | %d | %d | %d | %d |\n",
		s.State, s.Completed+s.Failed+s.Cancelled, s.Total, s.Concurrency,
		s.Completed, s.Failed, s.Cancelled, s.Running, s.Retries)
	if s.Compared > 0 {
		text += fmt.Sprintf("\n%d of %d compared fields are right.\n", s.Matched, s.Compared)
	}
	workflow.SetCurrentDetails(ctx, text)
}

// handleQueries registers the query handlers, before anything blocks.
func (b *batch) handleQueries(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, contract.QueryStats,
		func() (contract.Stats, error) { return b.snapshot(), nil },
		workflow.QueryHandlerOptions{Description: "Where the execution stands: counters, verdicts, accuracy."})
	if err != nil {
		return err
	}
	return workflow.SetQueryHandlerWithOptions(ctx, contract.QueryJobsInFlight,
		func() ([]contract.JobInFlight, error) { return b.jobsInFlight(), nil },
		workflow.QueryHandlerOptions{Description: "The jobs that run or wait for their next attempt, in row order."})
}
