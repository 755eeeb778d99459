package workflows

import (
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// control is what was asked of an execution. Every change is idempotent: pause when
// paused is nothing, stop is sticky and can only grow from drain to cancel, and nothing
// is undone after a stop.
type control struct {
	paused      bool
	reason      string // why it is paused, when nobody asked for it
	stop        contract.StopMode
	concurrency int
	// chosen says that concurrency was set from outside, which outlives the plan: a
	// signal can arrive before the plan is read.
	chosen bool
	// epoch counts the changes, so that it can be told who has taken them over.
	epoch int64
	// closed says that the end is being written: nothing can be asked any more.
	closed bool
	// resumed is called at every resume.
	resumed func()
}

func (c *control) pause(reason string) {
	if c.closed || c.stop != "" || c.paused {
		return
	}
	c.paused, c.reason = true, reason
	c.epoch++
}

func (c *control) resume() {
	if c.closed || c.stop != "" || !c.paused {
		return
	}
	c.paused, c.reason = false, ""
	c.epoch++
	if c.resumed != nil {
		c.resumed()
	}
}

func (c *control) requestStop(mode contract.StopMode) {
	if c.closed || c.stop == contract.StopCancel || c.stop == mode {
		return
	}
	c.stop, c.paused, c.reason = mode, false, ""
	c.epoch++
}

func (c *control) setConcurrency(value int) {
	if c.closed {
		return
	}
	value = contract.ClampConcurrency(value)
	if c.chosen && c.concurrency == value {
		return
	}
	c.concurrency, c.chosen = value, true
	c.epoch++
}

// controlChannel carries every control signal in the order of arrival. Signals of
// different names have channels of their own in the SDK, so that a pause and a
// resume that arrive within one workflow task would be seen in no particular order;
// the interceptor puts them on one channel instead.
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
		c.pause("")
	case contract.SignalResume:
		c.resume()
	case contract.SignalStop:
		request := contract.StopRequest{}
		if err := decode(payload, &request); err != nil {
			logger.Warn("ignored a stop signal with an unreadable payload", "error", err)
			return
		}
		mode, ok := stopMode(request)
		if !ok {
			logger.Warn("ignored a stop signal with an unknown mode", "mode", request.Mode)
			return
		}
		c.requestStop(mode)
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

// stopMode reads the mode of a request; none means to drain.
func stopMode(request contract.StopRequest) (mode contract.StopMode, ok bool) {
	switch request.Mode {
	case contract.StopDrain, "":
		return contract.StopDrain, true
	case contract.StopCancel:
		return contract.StopCancel, true
	}
	return "", false
}

// decode reads a signal's payload; an absent one leaves the zero value.
func decode(payload *commonpb.Payloads, into any) error {
	if len(payload.GetPayloads()) == 0 {
		return nil
	}
	return converter.GetDefaultDataConverter().FromPayloads(payload, into)
}

// receive applies one signal from the control channel: the first payload is its name.
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
