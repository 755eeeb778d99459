package activities

import (
	"context"
	"net/url"
	"time"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// Begin reads how an execution is to be run and marks it running. Running it again
// changes nothing.
func (a *Activities) Begin(ctx context.Context, executionID string) (contract.Plan, error) {
	ids, err := parseIDs(executionID)
	if err != nil {
		return contract.Plan{}, err
	}
	e, err := a.executions.ExecutionByID(ctx, ids[0])
	if err != nil {
		return contract.Plan{}, recordsError(err)
	}
	if e, err = a.executions.BeginExecution(ctx, e.OrganisationID, e.ID, e.Workflow()); err != nil {
		return contract.Plan{}, recordsError(err)
	}
	return contract.Plan{
		ExecutionID:    e.ID.String(),
		OrganisationID: e.OrganisationID.String(),
		ProjectID:      e.ProjectID.String(),
		BatchID:        e.BatchID.String(),
		Title:          e.Title(),
		Executor:       e.Snapshot.Executor,
		Total:          e.TotalJobs,
		Concurrency:    e.Concurrency,
		Retry: contract.RetryPolicy{
			MaxAttempts:        e.Retry.MaxAttempts,
			InitialIntervalMS:  e.Retry.InitialIntervalMS,
			BackoffCoefficient: e.Retry.BackoffCoefficient,
			MaxIntervalMS:      e.Retry.MaxIntervalMS,
		},
		JobTimeoutMS:  e.Snapshot.JobTimeoutMS,
		PageSize:      a.config.PageSize,
		JobsPerRun:    a.config.JobsPerRun,
		RecordedState: string(e.Status),
		Ended:         e.Status.Terminal(),
	}, nil
}

// NextJobs reads the next page of queued jobs.
func (a *Activities) NextJobs(ctx context.Context, in contract.NextJobsInput) (contract.NextJobsResult, error) {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID)
	if err != nil {
		return contract.NextJobsResult{}, err
	}
	jobs, err := a.executions.QueuedJobs(ctx, ids[0], ids[1], models.QueuePage{AfterRow: in.AfterRow, Limit: in.Limit})
	if err != nil {
		return contract.NextJobsResult{}, recordsError(err)
	}
	page := contract.NextJobsResult{Jobs: make([]contract.JobRef, len(jobs))}
	for i, j := range jobs {
		page.Jobs[i] = contract.JobRef{JobID: j.ID.String(), Row: j.RowNumber, Site: siteOf(j.SiteURL)}
	}
	return page, nil
}

// siteOf is the host of a URL: enough for people, and no more than that goes into
// histories.
func siteOf(siteURL string) string {
	u, err := url.Parse(siteURL)
	if err != nil || u.Host == "" {
		return "unknown site"
	}
	return u.Hostname()
}

// RecordState mirrors the control state of a live execution into its row.
func (a *Activities) RecordState(ctx context.Context, in contract.RecordStateInput) error {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID)
	if err != nil {
		return err
	}
	err = a.executions.RecordState(ctx, ids[0], ids[1], models.ExecutionStatus(in.State), in.Concurrency, "")
	if err != nil {
		return recordsError(err)
	}
	return nil
}

// RecordLost ends a job that ended without a word.
func (a *Activities) RecordLost(ctx context.Context, in contract.RecordLostInput) (contract.JobOutcome, error) {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID, in.JobID)
	if err != nil {
		return contract.JobOutcome{}, err
	}
	j, err := a.attempts.RecordLost(ctx, ids[0], ids[1], ids[2], models.JobStatus(in.Status), store.Failure{
		Class: failure.Class(in.ErrorClass), Code: store.CodeWorkerLost, Message: message(in.Message),
	})
	if err != nil {
		return contract.JobOutcome{}, recordsError(err)
	}
	return outcomeOf(j), nil
}

// Finish ends an execution and returns what its rows add up to.
func (a *Activities) Finish(ctx context.Context, in contract.FinishInput) (contract.FinishResult, error) {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID)
	if err != nil {
		return contract.FinishResult{}, err
	}
	e, err := a.executions.FinishExecution(ctx, ids[0], ids[1], models.ExecutionStatus(in.Status), message(in.Reason))
	if err != nil {
		return contract.FinishResult{}, recordsError(err)
	}
	return contract.FinishResult{Status: string(e.Status), Reason: e.Reason, Stats: statsOf(e)}, nil
}

// statsOf gives the counters of an ended execution in the contract's form.
func statsOf(e *models.Execution) contract.Stats {
	s := contract.Stats{
		ExecutionID: e.ID.String(), State: string(e.Status), Concurrency: e.Concurrency,
		Total: e.TotalJobs, Completed: e.CompletedJobs, Failed: e.FailedJobs, Cancelled: e.CancelledJobs,
		Verdicts: map[string]int{}, ErrorClasses: map[string]int{}, Fields: map[string]contract.FieldStat{},
	}
	if e.StartedAt != nil {
		s.StartedAt = e.StartedAt.UTC().Format(time.RFC3339)
	}
	if t := e.Tally; t != nil {
		s.Retries, s.Matched, s.Compared = t.Retries, t.Matched, t.Compared
		s.ScoredJobs, s.CorrectJobs = t.ScoredJobs, t.CorrectJobs
		for verdict, n := range t.Verdicts {
			s.Verdicts[string(verdict)] = n
		}
		for class, n := range t.ErrorClasses {
			s.ErrorClasses[string(class)] = n
		}
		for name, f := range t.Fields {
			s.Fields[name] = contract.FieldStat{Matched: f.Matched, Compared: f.Compared}
		}
	}
	return s
}

// outcomeOf gives an ended job in the contract's form.
func outcomeOf(j *models.Job) contract.JobOutcome {
	out := contract.JobOutcome{
		JobID: j.ID.String(), Status: string(j.Status), Verdict: string(j.Verdict),
		ErrorClass: string(j.ErrorClass), Attempts: j.Attempt,
	}
	if len(j.Comparison) > 0 {
		out.Fields = make(map[string]bool, len(j.Comparison))
		for name, result := range j.Comparison {
			out.Fields[name] = result.Match
		}
	}
	return out
}
