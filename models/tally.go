package models

import (
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// ExecutionTally is what an execution's jobs add up to. It is always derived from
// the job rows, never incremented.
type ExecutionTally struct {
	Total     int `json:"total"`
	Queued    int `json:"queued"`
	Running   int `json:"running"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	// Retries counts attempts beyond the first of every job.
	Retries int `json:"retries"`

	Verdicts     map[scoring.Verdict]int `json:"verdicts"`
	ErrorClasses map[failure.Class]int   `json:"error_classes"`

	// Matched and Compared count fields over all scored jobs; Fields the same per field.
	Matched  int                   `json:"matched"`
	Compared int                   `json:"compared"`
	Fields   map[string]FieldTally `json:"fields"`
	// ScoredJobs had at least one field compared; CorrectJobs matched in all of them.
	ScoredJobs  int `json:"scored_jobs"`
	CorrectJobs int `json:"correct_jobs"`

	// Steps and cost are the sums over the sessions.
	Steps        int    `json:"steps,omitempty"`
	CostMicros   int64  `json:"cost_micros,omitempty"`
	CostCurrency string `json:"cost_currency,omitempty"`
}

// FieldTally counts the comparisons of one field.
type FieldTally struct {
	Matched  int `json:"matched"`
	Compared int `json:"compared"`
}
