package workflows_test

import (
	"errors"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// between bridges a gap of Temporal's test environment: a workflow that continues as
// new is known there before it can take signals and queries, and whoever sends one
// meanwhile panics. A real server keeps signals for the next run; so does this.
type between struct {
	interceptor.WorkerInterceptorBase

	world *world
}

// before has the execution find a signal when it begins.
func (w *world) before(name string, payload any) {
	in := &interceptor.HandleSignalInput{SignalName: name}
	if payload != nil {
		arg, err := converter.GetDefaultDataConverter().ToPayloads(payload)
		require.NoError(w.t, err)
		in.Arg = arg
	}
	w.early = append(w.early, in)
}

// whenThere has something done once the execution can be reached.
func (w *world) whenThere(do func()) func() {
	return func() {
		if !w.there && !w.over {
			w.env.RegisterDelayedCallback(w.whenThere(do), time.Millisecond)
			return
		}
		do()
	}
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (b *between) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &betweenInbound{world: b.world}
	in.Next = next
	return in
}

type betweenInbound struct {
	interceptor.WorkflowInboundInterceptorBase

	world *world
}

// Init implements interceptor.WorkflowInboundInterceptor.
func (b *betweenInbound) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	out := &betweenOutbound{world: b.world}
	out.Next = outbound
	return b.Next.Init(out)
}

// ExecuteWorkflow notes when the execution is there.
func (b *betweenInbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	info := workflow.GetInfo(ctx)
	if b.world.dies > 0 && strings.HasSuffix(info.WorkflowExecution.ID, "-chunk-1") {
		workflow.Go(ctx, func(ctx workflow.Context) { _, _ = b.Next.ExecuteWorkflow(ctx, in) })
		return nil, errors.Join(workflow.Sleep(ctx, b.world.dies), errors.New("an operator ended it"))
	}
	if info.WorkflowType.Name != contract.BatchWorkflow {
		return b.Next.ExecuteWorkflow(ctx, in)
	}
	b.world.runs++
	b.world.there = true
	if b.world.runs == 1 {
		for _, signal := range b.world.early {
			if err := b.Next.HandleSignal(ctx, signal); err != nil {
				return nil, err
			}
		}
	}
	result, err := b.Next.ExecuteWorkflow(ctx, in)
	b.world.there = false
	b.world.over = !workflow.IsContinueAsNewError(err)
	return result, err
}

type betweenOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase

	world *world
}

// GetInfo has a chunk that is to be spent early see a long history: the test environment
// gives the length that it is told to its first workflow alone.
func (b *betweenOutbound) GetInfo(ctx workflow.Context) *workflow.Info {
	info := b.Next.GetInfo(ctx)
	if b.world.growAfter == 0 {
		return info
	}
	if info.WorkflowType.Name != contract.BatchChunk {
		if info.ParentWorkflowExecution == nil {
			b.world.long = info
		}
		return info
	}
	if b.world.dies > 0 && strings.HasSuffix(info.WorkflowExecution.ID, "-chunk-1") {
		return info
	}
	if b.world.dispatchedBy(info.WorkflowExecution.ID) < b.world.growAfter {
		return info
	}
	long := *b.world.long
	long.WorkflowExecution, long.WorkflowType, long.TaskQueueName = info.WorkflowExecution, info.WorkflowType, info.TaskQueueName
	long.ParentWorkflowExecution, long.ParentWorkflowNamespace = info.ParentWorkflowExecution, info.ParentWorkflowNamespace
	return &long
}

// ExecuteActivity tells the model of a job when it is dispatched: the test environment
// starts an activity when it comes to it, which on a busy machine is later.
//
//workflowcheck:ignore (it looks on, and changes nothing that the workflow does)
func (b *betweenOutbound) ExecuteActivity(ctx workflow.Context, activityType string, args ...any) workflow.Future {
	if b.world.model != nil && activityType == contract.ActivityRunJob {
		in, ok := args[0].(contract.RunJobInput)
		require.True(b.world.t, ok)
		b.world.model.dispatched(b.world.t, in.JobID)
	}
	return b.Next.ExecuteActivity(ctx, activityType, args...)
}

// SignalExternalWorkflow keeps a signal until its target is there.
func (b *betweenOutbound) SignalExternalWorkflow(ctx workflow.Context, workflowID, runID, name string, arg any) workflow.Future {
	if workflowID != b.world.batchID() || b.world.there || b.world.over {
		return b.Next.SignalExternalWorkflow(ctx, workflowID, runID, name, arg)
	}
	future, set := workflow.NewFuture(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for !b.world.there && !b.world.over {
			if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
				set.SetError(err)
				return
			}
		}
		set.Chain(b.Next.SignalExternalWorkflow(ctx, workflowID, runID, name, arg))
	})
	return future
}
