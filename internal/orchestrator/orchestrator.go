// Package orchestrator starts, controls and asks executions through Temporal, for
// the API and for the sweep.
//
// Temporal is authoritative for a live run. Starting is idempotent by workflow id.
// Control is a signal followed by queries: Temporal answers a query only after the
// signals before it were applied, and the answer says when the chunks of the run, and
// its row, have followed; so what is returned holds.
//
// Failure: models.ErrRunEnded when there is no open run; models.ErrUnavailable when
// Temporal cannot be reached, or when no worker answers a query in time. A signal
// that was accepted stays accepted though nobody answers the query after it.
package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// callTimeout bounds a call to Temporal, the wait for a worker's answer included. The
// SDK goes on trying while Temporal is away; whoever asked should hear of it soon.
const callTimeout = 5 * time.Second

// firstAnswer is how long the first question waits for its answer, several times what an
// answer takes.
const firstAnswer = 500 * time.Millisecond

// firstLook and lastLook are the pauses between two looks at whether a control holds.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 50 * time.Millisecond
)

// Orchestrator speaks to Temporal. It is safe for concurrent use.
type Orchestrator struct {
	client    client.Client
	taskQueue string
}

// New makes an orchestrator that starts workflows on a task queue; empty means
// contract.TaskQueue.
func New(c client.Client, taskQueue string) *Orchestrator {
	if taskQueue == "" {
		taskQueue = contract.TaskQueue
	}
	return &Orchestrator{client: c, taskQueue: taskQueue}
}

// Ping reports whether Temporal answers.
func (o *Orchestrator) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := o.client.CheckHealth(ctx, &client.CheckHealthRequest{})
	return mapped(err)
}

// Start starts the workflow of an execution. One that was started before, and runs or
// has ended, is left alone.
func (o *Orchestrator) Start(ctx context.Context, e *models.Execution) error {
	options := client.StartWorkflowOptions{
		ID:        e.Workflow(),
		TaskQueue: o.taskQueue,
		Priority:  temporal.Priority{FairnessKey: e.OrganisationID.String()},
		// An execution has one run, ever: a second start finds the first.
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            e.Title(),
		Memo:                                     map[string]any{contract.MemoOrganisation: e.OrganisationID.String()},
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeOrganisation).ValueSet(e.OrganisationID.String()),
			temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeProject).ValueSet(e.ProjectID.String()),
			temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeBatch).ValueSet(e.BatchID.String()),
			temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeExecution).ValueSet(e.ID.String()),
			temporal.NewSearchAttributeKeyKeyword(contract.SearchAttributeExecutionState).ValueSet(string(models.ExecutionPending)),
		),
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := contract.BatchInput{Version: contract.InputVersion, ExecutionID: e.ID.String()}
	_, err := o.client.ExecuteWorkflow(ctx, options, contract.BatchWorkflow, in)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return nil
	}
	return mapped(err)
}

// Pause has no new job start; running ones go on.
func (o *Orchestrator) Pause(ctx context.Context, workflowID string) (contract.Stats, error) {
	return o.control(ctx, workflowID, contract.SignalPause, nil)
}

// Resume goes on after a pause.
func (o *Orchestrator) Resume(ctx context.Context, workflowID string) (contract.Stats, error) {
	return o.control(ctx, workflowID, contract.SignalResume, nil)
}

// Stop ends an execution: running jobs finish, or are cancelled.
func (o *Orchestrator) Stop(ctx context.Context, workflowID string, mode contract.StopMode) (contract.Stats, error) {
	return o.control(ctx, workflowID, contract.SignalStop, contract.StopRequest{Mode: mode})
}

// SetConcurrency changes how many jobs run at once.
func (o *Orchestrator) SetConcurrency(ctx context.Context, workflowID string, value int) (contract.Stats, error) {
	return o.control(ctx, workflowID, contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: value})
}

// control signals a run and waits until what was asked holds in all its parts.
func (o *Orchestrator) control(ctx context.Context, workflowID, signal string, payload any) (contract.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := o.client.SignalWorkflow(ctx, workflowID, "", signal, payload); err != nil {
		return contract.Stats{}, mapped(err)
	}
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		overview, err := o.overview(ctx, workflowID)
		if err != nil {
			return contract.Stats{}, err
		}
		if overview.Settled {
			return o.fresh(ctx, overview), nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return contract.Stats{}, mapped(ctx.Err())
		case <-timer.C:
		}
	}
}

// Stats asks the live run where it stands.
func (o *Orchestrator) Stats(ctx context.Context, workflowID string) (contract.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	description, err := o.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return contract.Stats{}, mapped(err)
	}
	// A closed run still answers queries, by replay; its row answers better.
	if description.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return contract.Stats{}, models.ErrRunEnded
	}
	overview, err := o.overview(ctx, workflowID)
	if err != nil {
		return contract.Stats{}, err
	}
	return o.fresh(ctx, overview), nil
}

// EndChunks cancels what still runs of an execution whose BatchWorkflow is gone: chunks
// outlive it, and would only find out with their next report. It is a courtesy: the
// records refuse whatever they still write.
func (o *Orchestrator) EndChunks(ctx context.Context, executionID uuid.UUID) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	open, err := o.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("%s = '%s' AND WorkflowType = '%s' AND ExecutionStatus = 'Running'",
			contract.SearchAttributeExecution, executionID, contract.BatchChunk),
	})
	if err != nil {
		return mapped(err)
	}
	for _, chunk := range open.GetExecutions() {
		err := o.client.CancelWorkflow(ctx, chunk.GetExecution().GetWorkflowId(), chunk.GetExecution().GetRunId())
		if err = mapped(err); err != nil && !errors.Is(err, models.ErrRunEnded) {
			return err
		}
	}
	return nil
}

func (o *Orchestrator) overview(ctx context.Context, workflowID string) (contract.Overview, error) {
	var overview contract.Overview
	err := o.query(ctx, workflowID, contract.QueryOverview, &overview)
	return overview, err
}

// fresh puts what the open chunks say now in the place of what they reported last. A
// chunk that does not answer leaves its report.
func (o *Orchestrator) fresh(ctx context.Context, overview contract.Overview) contract.Stats {
	answers := make([]*contract.ChunkStats, len(overview.Chunks))
	var asking sync.WaitGroup
	for i, chunk := range overview.Chunks {
		asking.Go(func() {
			var stats contract.ChunkStats
			if o.query(ctx, chunk.WorkflowID, contract.QueryStats, &stats) == nil {
				answers[i] = &stats
			}
		})
	}
	asking.Wait()
	now := make(map[string]contract.ChunkStats, len(answers))
	for i, stats := range answers {
		if stats != nil {
			now[overview.Chunks[i].WorkflowID] = *stats
		}
	}
	return overview.With(now)
}

// runState is what Temporal says of the run of an execution.
type runState int

const (
	runUnknown runState = iota
	runOpen
	runClosed
)

// look reports where the run of an execution stands, and in words how it ended.
func (o *Orchestrator) look(ctx context.Context, workflowID string) (state runState, how string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	description, err := o.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err = mapped(err); errors.Is(err, models.ErrRunEnded) {
		return runUnknown, "is unknown to Temporal", nil
	}
	if err != nil {
		return runUnknown, "", err
	}
	status := description.GetWorkflowExecutionInfo().GetStatus()
	if status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return runOpen, "is open", nil
	}
	return runClosed, "is " + status.String(), nil
}

// query asks a workflow, and asks again when no answer comes in firstAnswer, then in
// twice that, and so on. Some versions of Temporal (1.29.1; not 1.32.1) lose an answer that
// the worker gives before the server has noted whom it is for, and only time out.
func (o *Orchestrator) query(ctx context.Context, workflowID, name string, answer any) error {
	for wait := firstAnswer; ; wait *= 2 {
		value, late, err := o.ask(ctx, wait, workflowID, name)
		switch {
		case late:
			continue
		case err != nil:
			return mapped(err)
		}
		if err := value.Get(answer); err != nil {
			return fmt.Errorf("read the answer of the workflow: %w", err)
		}
		return nil
	}
}

// ask waits for one answer. It is late when there is time to ask again.
func (o *Orchestrator) ask(ctx context.Context, wait time.Duration, workflowID, name string) (value converter.EncodedValue, late bool, err error) {
	once, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	value, err = o.client.QueryWorkflow(once, workflowID, "", name)
	return value, err != nil && once.Err() != nil && ctx.Err() == nil, err
}

// mapped turns Temporal's errors into the sentinels of package models.
func mapped(err error) error {
	if err == nil {
		return nil
	}
	var notFound *serviceerror.NotFound
	var namespaceNotFound *serviceerror.NamespaceNotFound
	switch {
	case errors.As(err, &namespaceNotFound):
		return fmt.Errorf("%w: %w", models.ErrUnavailable, err)
	case errors.As(err, &notFound):
		return fmt.Errorf("%w: %w", models.ErrRunEnded, err)
	}
	var (
		unavailable *serviceerror.Unavailable
		deadline    *serviceerror.DeadlineExceeded
		exhausted   *serviceerror.ResourceExhausted
		canceled    *serviceerror.Canceled
		queryFailed *serviceerror.QueryFailed
		notReady    *serviceerror.WorkflowNotReady
		// No worker has asked for tasks lately, or none since Temporal was started.
		noPoller *serviceerror.FailedPrecondition
	)
	if errors.As(err, &unavailable) || errors.As(err, &deadline) || errors.As(err, &exhausted) ||
		errors.As(err, &canceled) || errors.As(err, &queryFailed) || errors.As(err, &notReady) ||
		errors.As(err, &noPoller) ||
		errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", models.ErrUnavailable, err)
	}
	return err
}
