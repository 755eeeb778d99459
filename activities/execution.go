package activities

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// Begin reads how an execution is to be run and marks it running, for the workflow that
// has claimed it. Running it again changes nothing.
func (a *Activities) Begin(ctx context.Context, in contract.BeginInput) (contract.Plan, error) {
	id, err := uuid.Parse(in.ExecutionID)
	if err != nil {
		return contract.Plan{}, invalidInput("execution_id: is not a UUID")
	}
	e, err := a.executions.ExecutionByID(ctx, id)
	if err != nil {
		return contract.Plan{}, missing("execution_id", err)
	}
	e, err = a.executions.BeginExecution(ctx, e.OrganisationID, e.ID, in.WorkflowID)
	if errors.Is(err, models.ErrClaimed) {
		return contract.Plan{}, claimed("another workflow runs execution %s", in.ExecutionID)
	}
	if err != nil {
		return contract.Plan{}, recordsError(err)
	}
	call, err := a.callPlan(ctx, e)
	if err != nil {
		return contract.Plan{}, err
	}
	a.observer.Touched(e.ID)
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
		Tolerance:     toleranceOf(e.Tolerance),
		JobTimeoutMS:  e.Snapshot.JobTimeoutMS,
		JobTaskQueue:  a.config.JobTaskQueues[e.Snapshot.Executor],
		Call:          call,
		PageSize:      a.config.PageSize,
		JobsPerChunk:  a.config.JobsPerChunk,
		StepsPerRun:   a.config.StepsPerRun,
		RecordedState: string(e.Status),
		StartedAt:     rfc3339(e.StartedAt),
		Ended:         e.Status.Terminal(),
	}, nil
}

func toleranceOf(t *models.Tolerance) *contract.Tolerance {
	if t == nil {
		return nil
	}
	return &contract.Tolerance{
		MaxFailed: t.MaxFailed, MaxFailedPercent: t.MaxFailedPercent, After: t.After, Action: t.Action,
	}
}

func rfc3339(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// NextJobs reads the next page of jobs that are to be run.
func (a *Activities) NextJobs(ctx context.Context, in contract.NextJobsInput) (contract.NextJobsResult, error) {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID)
	if err != nil {
		return contract.NextJobsResult{}, err
	}
	jobs, err := a.executions.QueuedJobs(ctx, ids[0], ids[1], models.QueuePage{
		AfterRow: in.AfterRow, UntilRow: in.UntilRow, Limit: in.Limit, Running: in.Running,
	})
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
	return strings.ToLower(u.Hostname()) // one site, however a row spells it
}

// RecordState mirrors the control state of a live execution into its row.
func (a *Activities) RecordState(ctx context.Context, in contract.RecordStateInput) error {
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID)
	if err != nil {
		return err
	}
	err = a.executions.RecordState(ctx, ids[0], ids[1], models.ExecutionStatus(in.State), in.Concurrency, message(in.Reason))
	if err != nil {
		return recordsError(err)
	}
	a.observer.Touched(ids[1])
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
	defer a.alive(ctx)()
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
		Total: e.TotalJobs, Tally: contract.NewTally(), StartedAt: rfc3339(e.StartedAt),
	}
	s.Completed, s.Failed, s.Cancelled = e.CompletedJobs, e.FailedJobs, e.CancelledJobs
	if t := e.Tally; t != nil {
		s.Retries, s.Matched, s.Compared = t.Retries, t.Matched, t.Compared
		s.ScoredJobs, s.CorrectJobs = t.ScoredJobs, t.CorrectJobs
		s.Steps, s.CostMicros, s.CostCurrency = t.Steps, t.CostMicros, t.CostCurrency
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
		Steps: j.Steps, CostMicros: j.CostMicros, CostCurrency: j.CostCurrency,
	}
	if len(j.Comparison) > 0 {
		out.Fields = make(map[string]bool, len(j.Comparison))
		for name, result := range j.Comparison {
			out.Fields[name] = result.Match
		}
	}
	return out
}
