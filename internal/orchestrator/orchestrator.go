// Package orchestrator starts, controls and asks executions through Temporal, for
// the API and for the sweep.
//
// Temporal is authoritative for a live run. Starting is idempotent by workflow id.
// Control is a signal followed by a query: Temporal answers a query only after the
// signals before it were applied, so what is returned holds.
//
// Failure: models.ErrRunEnded when there is no open run; models.ErrUnavailable when
// Temporal cannot be reached, or when no worker answers a query in time. A signal
// that was accepted stays accepted though nobody answers the query after it.
package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// callTimeout bounds a call to Temporal, the wait for a worker's answer included. The
// SDK goes on trying while Temporal is away; whoever asked should hear of it soon.
const callTimeout = 5 * time.Second

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
		ID:        contract.WorkflowID(e.ID.String()),
		TaskQueue: o.taskQueue,
		// An execution has one run, ever: a second start finds the first.
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            e.Title(),
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
func (o *Orchestrator) Pause(ctx context.Context, id uuid.UUID) (contract.Stats, error) {
	return o.control(ctx, id, contract.SignalPause, nil)
}

// Resume goes on after a pause.
func (o *Orchestrator) Resume(ctx context.Context, id uuid.UUID) (contract.Stats, error) {
	return o.control(ctx, id, contract.SignalResume, nil)
}

// Stop ends an execution: running jobs finish, or are cancelled.
func (o *Orchestrator) Stop(ctx context.Context, id uuid.UUID, mode contract.StopMode) (contract.Stats, error) {
	return o.control(ctx, id, contract.SignalStop, contract.StopRequest{Mode: mode})
}

// SetConcurrency changes how many jobs run at once.
func (o *Orchestrator) SetConcurrency(ctx context.Context, id uuid.UUID, value int) (contract.Stats, error) {
	return o.control(ctx, id, contract.SignalSetConcurrency, contract.ConcurrencyRequest{Value: value})
}

func (o *Orchestrator) control(ctx context.Context, id uuid.UUID, signal string, payload any) (contract.Stats, error) {
	signalCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := o.client.SignalWorkflow(signalCtx, contract.WorkflowID(id.String()), "", signal, payload)
	if err != nil {
		return contract.Stats{}, mapped(err)
	}
	return o.query(ctx, id)
}

// Stats asks the live run where it stands.
func (o *Orchestrator) Stats(ctx context.Context, id uuid.UUID) (contract.Stats, error) {
	describeCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	description, err := o.client.DescribeWorkflowExecution(describeCtx, contract.WorkflowID(id.String()), "")
	if err != nil {
		return contract.Stats{}, mapped(err)
	}
	// A closed run still answers queries, by replay; its row answers better.
	if description.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return contract.Stats{}, models.ErrRunEnded
	}
	return o.query(ctx, id)
}

// runState is what Temporal says of the run of an execution.
type runState int

const (
	runUnknown runState = iota
	runOpen
	runClosed
)

// look reports where the run of an execution stands, and in words how it ended.
func (o *Orchestrator) look(ctx context.Context, id uuid.UUID) (state runState, how string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	description, err := o.client.DescribeWorkflowExecution(ctx, contract.WorkflowID(id.String()), "")
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

func (o *Orchestrator) query(ctx context.Context, id uuid.UUID) (contract.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var stats contract.Stats
	value, err := o.client.QueryWorkflow(ctx, contract.WorkflowID(id.String()), "", contract.QueryStats)
	if err != nil {
		return stats, mapped(err)
	}
	if err := value.Get(&stats); err != nil {
		return stats, fmt.Errorf("read the answer of the workflow: %w", err)
	}
	return stats, nil
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
