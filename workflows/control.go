package workflows

import (
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// control is what operators have asked of an execution. Every change is idempotent:
// pause when paused is nothing, stop is sticky and can only grow from drain to
// cancel, and nothing is undone after a stop.
type control struct {
	paused      bool
	stop        contract.StopMode
	concurrency int
	// chosen says that concurrency was set by a signal, which outlives the plan: a
	// signal can arrive before the plan is read.
	chosen bool
}

func (c *control) pause() {
	if c.stop == "" {
		c.paused = true
	}
}

func (c *control) resume() {
	if c.stop == "" {
		c.paused = false
	}
}

func (c *control) requestStop(mode contract.StopMode) {
	if mode == contract.StopCancel || c.stop == "" {
		c.stop = mode
	}
	c.paused = false
}

func (c *control) setConcurrency(value int) {
	c.concurrency, c.chosen = contract.ClampConcurrency(value), true
}

// controlChannel carries every control signal in the order of arrival. Signals of
// different names have channels of their own in the SDK, so that a pause and a
// resume that arrive within one workflow task would be seen in no particular order;
// the interceptor below puts them on one channel instead.
const controlChannel = "mino-control"

// isControl reports whether a signal is one of the control signals.
func isControl(name string) bool {
	switch name {
	case contract.SignalPause, contract.SignalResume, contract.SignalStop, contract.SignalSetConcurrency:
		return true
	}
	return false
}

// apply does what a signal asks. A payload that cannot be read, or a value that
// makes no sense, is logged and changes nothing: a bad signal must not harm a run.
func (c *control) apply(ctx workflow.Context, name string, payload *commonpb.Payloads) {
	logger := workflow.GetLogger(ctx)
	switch name {
	case contract.SignalPause:
		c.pause()
	case contract.SignalResume:
		c.resume()
	case contract.SignalStop:
		request := contract.StopRequest{}
		if err := decode(payload, &request); err != nil {
			logger.Warn("ignored a stop signal with an unreadable payload", "error", err)
			return
		}
		switch request.Mode {
		case contract.StopDrain, "":
			c.requestStop(contract.StopDrain)
		case contract.StopCancel:
			c.requestStop(contract.StopCancel)
		default:
			logger.Warn("ignored a stop signal with an unknown mode", "mode", request.Mode)
		}
	case contract.SignalSetConcurrency:
		request := contract.ConcurrencyRequest{}
		if err := decode(payload, &request); err != nil {
			logger.Warn("ignored a concurrency signal with an unreadable payload", "error", err)
			return
		}
		c.setConcurrency(request.Value)
	default:
		logger.Warn("ignored an unknown control signal", "signal", name)
	}
}

// decode reads a signal's payload; an absent one leaves the zero value.
func decode(payload *commonpb.Payloads, into any) error {
	if len(payload.GetPayloads()) == 0 {
		return nil
	}
	return converter.GetDefaultDataConverter().FromPayloads(payload, into)
}

// Interceptor must be among the interceptors of every worker and replayer that runs
// BatchWorkflow: it hands the workflow its control signals in the order of arrival.
func Interceptor() interceptor.WorkerInterceptor { return &orderedControl{} }

type orderedControl struct {
	interceptor.WorkerInterceptorBase
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (o *orderedControl) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &orderedSignals{}
	in.Next = next
	return in
}

type orderedSignals struct {
	interceptor.WorkflowInboundInterceptorBase
}

// HandleSignal implements interceptor.WorkflowInboundInterceptor. The first payload
// says which signal it was; the signal's own follow.
func (o *orderedSignals) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	if workflow.GetInfo(ctx).WorkflowType.Name != contract.BatchWorkflow || !isControl(in.SignalName) {
		return o.Next.HandleSignal(ctx, in)
	}
	name, err := converter.GetDefaultDataConverter().ToPayload(in.SignalName)
	if err != nil {
		return err
	}
	ordered := &commonpb.Payloads{Payloads: append([]*commonpb.Payload{name}, in.Arg.GetPayloads()...)}
	wrapped, err := converter.GetDefaultDataConverter().ToPayloads(ordered)
	if err != nil {
		return err
	}
	return o.Next.HandleSignal(ctx, &interceptor.HandleSignalInput{SignalName: controlChannel, Arg: wrapped})
}

// receive applies one signal from the control channel.
func (c *control) receive(ctx workflow.Context, ordered *commonpb.Payloads) {
	all := ordered.GetPayloads()
	if len(all) == 0 {
		return
	}
	var name string
	if err := converter.GetDefaultDataConverter().FromPayload(all[0], &name); err != nil {
		workflow.GetLogger(ctx).Warn("ignored an unreadable control signal", "error", err)
		return
	}
	c.apply(ctx, name, &commonpb.Payloads{Payloads: all[1:]})
}
