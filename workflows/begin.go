package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// prepare gives the id of the execution: the input's, or that of one which is made of
// the batch or the items that the input names.
func (b *batch) prepare(alive workflow.Context) (executionID string, err error) {
	if err := checkInput(b.in); err != nil {
		return "", err
	}
	if b.in.ExecutionID != "" {
		return b.in.ExecutionID, nil
	}
	in := contract.PrepareInput{
		BatchID: b.in.BatchID, ProjectID: b.in.ProjectID, Items: b.in.Items, Options: b.in.Options,
		WorkflowID: workflow.GetInfo(alive).WorkflowExecution.ID,
	}
	// The items are in the database from here on; this run need not keep them.
	b.in.Items = nil
	var out contract.PrepareResult
	options := wholeOptions(alive, b.plan, "make the execution")
	err = workflow.ExecuteActivity(options, contract.ActivityPrepare, in).Get(alive, &out)
	return out.ExecutionID, err
}

// checkInput refuses an input that says nothing that can be run, naming the member.
// What needs the database to be checked is checked there.
func checkInput(in contract.BatchInput) error {
	named := 0
	for _, is := range []bool{in.ExecutionID != "", in.BatchID != "", len(in.Items) > 0} {
		if is {
			named++
		}
	}
	switch {
	case in.Version != contract.InputVersion:
		return invalid("version: must be %d, is %d", contract.InputVersion, in.Version)
	case named != 1:
		return invalid("execution_id, batch_id, items: exactly one of them must be given")
	case len(in.Items) > 0 && in.ProjectID == "":
		return invalid("project_id: is required with items")
	case len(in.Items) > contract.MaxItems:
		return invalid("items: %d are the most, there are %d", contract.MaxItems, len(in.Items))
	case in.ExecutionID != "" && in.Options != nil:
		return invalid("options: an execution that is in the database has its own")
	case in.OnCancel != "" && in.OnCancel != contract.StopCancel && in.OnCancel != contract.StopDrain:
		return invalid("on_cancel: must be cancel or drain, is %q", in.OnCancel)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), contract.ErrorTypeInvalidInput, nil)
}
