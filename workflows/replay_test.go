package workflows_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows"
	"github.com/minohq/mino/workflows/contract"
)

// TestReplay replays recorded histories with the present code: a run that is under way
// when a new build comes must go on as it began. `make histories` records new ones;
// those of a release stay.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "there are no recorded histories")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{
				Interceptors: []interceptor.WorkerInterceptor{workflows.Interceptor()},
			})
			require.NoError(t, err)
			for name, f := range registered() {
				replayer.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
			}
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(quiet{}, file))
		})
	}
}

// registered are the workflows by name.
func registered() map[string]any {
	return map[string]any{
		contract.BatchWorkflow: workflows.BatchWorkflow,
		contract.BatchChunk:    workflows.BatchChunk,
		contract.ActivityJob:   workflows.ActivityJob,
	}
}
