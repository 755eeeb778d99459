package contract

// Tally counts what jobs came to.
type Tally struct {
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	// Retries counts attempts beyond the first over the jobs that have ended.
	Retries int `json:"retries"`

	// Verdicts counts completed jobs by verdict, ErrorClasses failed jobs by class.
	Verdicts     map[string]int `json:"verdicts"`
	ErrorClasses map[string]int `json:"error_classes"`

	// Matched and Compared count compared fields over all jobs, Fields per field.
	Matched     int                  `json:"matched"`
	Compared    int                  `json:"compared"`
	Fields      map[string]FieldStat `json:"fields"`
	ScoredJobs  int                  `json:"scored_jobs"`
	CorrectJobs int                  `json:"correct_jobs"`

	// Steps and cost are the sums over the jobs that have ended.
	Steps        int    `json:"steps,omitempty"`
	CostMicros   int64  `json:"cost_micros,omitempty"`
	CostCurrency string `json:"cost_currency,omitempty"`
}

// Stats is where an execution stands.
type Stats struct {
	ExecutionID string `json:"execution_id"`
	// State is a status of an execution: pending, running, paused, stopping,
	// stopped, completed or failed.
	State string `json:"state"`
	// Reason says why, when it was not a request that paused the execution.
	Reason      string `json:"reason,omitempty"`
	Concurrency int    `json:"concurrency"`

	Total   int `json:"total"`
	Queued  int `json:"queued"`
	Running int `json:"running"`
	Tally

	// StartedAt is when the execution began, RFC 3339; empty before.
	StartedAt string `json:"started_at,omitempty"`
}

// FieldStat counts the comparisons of one field.
type FieldStat struct {
	Matched  int `json:"matched"`
	Compared int `json:"compared"`
}

// Overview is the stats as the newest reports of the chunks have them, and the chunks
// that are open: whoever wants the numbers of this moment asks each of them for its
// stats and puts those in the place of the chunk's report.
type Overview struct {
	Stats  Stats       `json:"stats"`
	Chunks []OpenChunk `json:"chunks"`
	// Settled says that everything which was asked of the execution so far holds: the
	// chunks have taken it over and the row shows it. What a pause or a stop forbids
	// does not start any more.
	Settled bool `json:"settled"`
}

// OpenChunk is a chunk that has not ended, with what it reported last.
type OpenChunk struct {
	WorkflowID string `json:"workflow_id"`
	Running    int    `json:"running"`
	Tally      Tally  `json:"tally"`
}

// ChunkStats is where a chunk stands: the answer to its query for stats.
type ChunkStats struct {
	Running int   `json:"running"`
	Tally   Tally `json:"tally"`
}

// With gives the stats with what chunks say of themselves now, by workflow id, in the
// place of what they reported.
func (o Overview) With(now map[string]ChunkStats) Stats {
	s := o.Stats
	for _, chunk := range o.Chunks {
		fresh, ok := now[chunk.WorkflowID]
		if !ok {
			continue
		}
		s.Tally = s.Minus(chunk.Tally)
		s.Tally = s.Plus(fresh.Tally)
		s.Running += fresh.Running - chunk.Running
	}
	s.Queued = max(s.Total-s.Ended()-s.Running, 0)
	return s
}

// NewTally makes a tally of nothing.
func NewTally() Tally {
	return Tally{Verdicts: map[string]int{}, ErrorClasses: map[string]int{}, Fields: map[string]FieldStat{}}
}

// Ended is how many jobs have ended.
func (t *Tally) Ended() int { return t.Completed + t.Failed + t.Cancelled }

// Count counts one job that has ended.
func (t *Tally) Count(outcome JobOutcome) {
	switch outcome.Status {
	case "completed":
		t.Completed++
		t.Verdicts[outcome.Verdict]++
	case "failed":
		t.Failed++
		t.ErrorClasses[outcome.ErrorClass]++
	case "cancelled":
		t.Cancelled++
	}
	t.Retries += max(outcome.Attempts-1, 0)
	t.Steps += outcome.Steps
	t.CostMicros += outcome.CostMicros
	t.CostCurrency = max(t.CostCurrency, outcome.CostCurrency)
	if len(outcome.Fields) == 0 {
		return
	}
	correct := true
	//workflowcheck:ignore (sums do not depend on the order)
	for name, match := range outcome.Fields {
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

// Plus is the sum of two tallies, which it leaves as they are.
func (t *Tally) Plus(other Tally) Tally { return t.combined(other, 1) }

// Minus takes another tally off.
func (t *Tally) Minus(other Tally) Tally { return t.combined(other, -1) }

func (t *Tally) combined(other Tally, sign int) Tally {
	sum := NewTally()
	for _, part := range []struct {
		Tally
		sign int
	}{{*t, 1}, {other, sign}} {
		sum.Completed += part.sign * part.Completed
		sum.Failed += part.sign * part.Failed
		sum.Cancelled += part.sign * part.Cancelled
		sum.Retries += part.sign * part.Retries
		sum.Matched += part.sign * part.Matched
		sum.Compared += part.sign * part.Compared
		sum.ScoredJobs += part.sign * part.ScoredJobs
		sum.CorrectJobs += part.sign * part.CorrectJobs
		sum.Steps += part.sign * part.Steps
		sum.CostMicros += int64(part.sign) * part.CostMicros
		sum.CostCurrency = max(sum.CostCurrency, part.CostCurrency)
		addCounts(sum.Verdicts, part.Verdicts, part.sign)
		addCounts(sum.ErrorClasses, part.ErrorClasses, part.sign)
		//workflowcheck:ignore (sums do not depend on the order)
		for name, field := range part.Fields {
			total := sum.Fields[name]
			total.Matched += part.sign * field.Matched
			total.Compared += part.sign * field.Compared
			sum.Fields[name] = total
		}
	}
	return sum
}

// addCounts adds to counts by name; a name whose count comes to nothing goes.
func addCounts(into, counts map[string]int, sign int) {
	//workflowcheck:ignore (sums do not depend on the order)
	for name, n := range counts {
		if into[name] += sign * n; into[name] == 0 {
			delete(into, name)
		}
	}
}
