package child_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/child"
	"github.com/minohq/mino/workflows/contract"
)

// seen is what a stand-in of BatchWorkflow was started with.
type seen struct {
	id, queue string
	in        contract.BatchInput
}

// run runs a batch whose workflow does what the test says.
func run(t *testing.T, in contract.BatchInput, o child.Options, end func() (contract.BatchResult, error)) (seen, contract.BatchResult, error) {
	t.Helper()
	var (
		suite  testsuite.WorkflowTestSuite
		saw    seen
		result contract.BatchResult
		err    error
	)
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context, in contract.BatchInput) (contract.BatchResult, error) {
		info := workflow.GetInfo(ctx)
		saw = seen{info.WorkflowExecution.ID, info.TaskQueueName, in}
		return end()
	}, workflow.RegisterOptions{Name: contract.BatchWorkflow})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		result, err = child.Run(ctx, in, o)
		return nil
	})
	require.NoError(t, env.GetWorkflowError())
	return saw, result, err
}

func completed() (contract.BatchResult, error) { return contract.BatchResult{Status: "completed"}, nil }

func TestRun(t *testing.T) {
	t.Parallel()
	id := "0190a0b0-0000-7000-8000-000000000001"

	t.Run("HasDefaults", func(t *testing.T) {
		t.Parallel()
		saw, result, err := run(t, contract.BatchInput{ExecutionID: id}, child.Options{}, completed)
		require.NoError(t, err)
		require.Equal(t, "completed", result.Status)
		require.Equal(t, seen{
			contract.WorkflowID(id), contract.TaskQueue, contract.BatchInput{Version: contract.InputVersion, ExecutionID: id},
		}, saw)
	})

	t.Run("TakesWhatIsAskedFor", func(t *testing.T) {
		t.Parallel()
		in := contract.BatchInput{BatchID: id, OnCancel: contract.StopCancel}
		saw, _, err := run(t, in, child.Options{WorkflowID: "orders-1", TaskQueue: "elsewhere", OnCancel: contract.StopDrain}, completed)
		require.NoError(t, err)
		require.Equal(t, "orders-1", saw.id)
		require.Equal(t, "elsewhere", saw.queue)
		require.Equal(t, contract.StopDrain, saw.in.OnCancel)
		require.Equal(t, contract.StopCancel, in.OnCancel, "the caller's input is left as it is")
	})

	t.Run("GivesTheResultOfAChildThatWasCancelled", func(t *testing.T) {
		t.Parallel()
		_, result, err := run(t, contract.BatchInput{BatchID: id}, child.Options{}, func() (contract.BatchResult, error) {
			return contract.BatchResult{}, temporal.NewCanceledError(contract.BatchResult{Status: "stopped"})
		})
		require.True(t, temporal.IsCanceledError(err))
		require.Equal(t, "stopped", result.Status)
	})

	t.Run("GivesNoResultWhereThereIsNone", func(t *testing.T) {
		t.Parallel()
		_, result, err := run(t, contract.BatchInput{BatchID: id}, child.Options{}, func() (contract.BatchResult, error) {
			return contract.BatchResult{}, temporal.NewCanceledError()
		})
		require.True(t, temporal.IsCanceledError(err))
		require.Zero(t, result)
	})

	t.Run("GivesTheErrorOfAChildThatFailed", func(t *testing.T) {
		t.Parallel()
		_, _, err := run(t, contract.BatchInput{}, child.Options{}, func() (contract.BatchResult, error) {
			return contract.BatchResult{}, temporal.NewNonRetryableApplicationError("version: is missing", contract.ErrorTypeInvalidInput, nil)
		})
		var failed *temporal.ApplicationError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, contract.ErrorTypeInvalidInput, failed.Type())
	})
}
