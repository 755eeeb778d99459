package workflows

import (
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

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
