// Package childtest holds a workflow that runs a batch as its child, written as one of
// another module would be: against workflows/child and the contract, and nothing else of
// MINO. Tests of the whole run it on a worker of its own.
package childtest

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/child"
	"github.com/minohq/mino/workflows/contract"
)

// SignalAsk has the parent ask something of its child: the name of a control signal, or
// "stop " and a mode.
const SignalAsk = "ask"

// Input is what Parent is to do.
type Input struct {
	Batch   contract.BatchInput
	Options child.Options
}

// Output is what Parent saw.
type Output struct {
	Result contract.BatchResult
	// ErrorType and Message are those of the child's ApplicationError.
	ErrorType string
	Message   string
	Cancelled bool
	// Refused says that Temporal did not start the child.
	Refused bool
}

// Parent runs a batch and tells what came of it.
func Parent(ctx workflow.Context, in Input) (Output, error) {
	batch := child.Start(ctx, in.Batch, in.Options)
	alive, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	workflow.Go(alive, func(ctx workflow.Context) {
		for {
			var what string
			workflow.GetSignalChannel(ctx, SignalAsk).Receive(ctx, &what)
			if err := ask(ctx, batch, what); err != nil {
				workflow.GetLogger(ctx).Error("the child was not told", "what", what, "error", err)
			}
		}
	})
	var (
		out     Output
		failed  *temporal.ApplicationError
		started *temporal.ChildWorkflowExecutionAlreadyStartedError
		err     error
	)
	out.Result, err = batch.Result(ctx)
	switch {
	case err == nil:
	case temporal.IsCanceledError(err):
		out.Cancelled = true
	case errors.As(err, &failed):
		out.ErrorType, out.Message = failed.Type(), failed.Message()
	case errors.As(err, &started):
		out.Refused = true
	default:
		return out, err
	}
	return out, nil
}

func ask(ctx workflow.Context, batch *child.Batch, what string) error {
	switch what {
	case contract.SignalPause:
		return batch.Pause(ctx)
	case contract.SignalResume:
		return batch.Resume(ctx)
	case contract.SignalSetConcurrency:
		return batch.SetConcurrency(ctx, contract.MaxConcurrency)
	default:
		return batch.Stop(ctx, contract.StopMode(what))
	}
}
