package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/worker"
	"github.com/minohq/mino/workflows"
	"github.com/minohq/mino/workflows/contract"
)

const (
	volumeJobs = 100_000
	// replays are how often a history is replayed; what else the machine does can only
	// lengthen one, so the shortest counts.
	replays = 5
)

// BenchmarkVolume runs a large execution and looks at the histories of all of its runs,
// and at the memory of the process that runs them. The name has it run last: it leaves
// much behind in the memory of the Temporal server.
func BenchmarkVolume(b *testing.B) {
	n := jobs(b, volumeJobs)
	for b.Loop() {
		s := newSystem(b, noop)
		e := s.execution(n, nil)
		memory := watchMemory(b)
		took := s.run(e)
		heapPeak, heapEnd, rss := memory()
		runs, chunks := s.histories(e)
		events, bytes := 0, 0
		largest := runs[0]
		for _, run := range runs {
			events, bytes = max(events, int(run.GetHistoryLength())), max(bytes, int(run.GetHistorySizeBytes()))
			if run.GetHistoryLength() > largest.GetHistoryLength() {
				largest = run
			}
		}
		b.Logf("%d jobs in %.0f s: %d runs, %d of them chunks", n, took.Seconds(), len(runs), chunks)
		historyEvents.record(b, float64(events))
		historyBytes.record(b, megabytes(bytes))
		historyReplay.record(b, s.replay(largest).Seconds())
		workerHeapPeak.record(b, megabytes(heapPeak))
		workerHeapEnd.record(b, megabytes(heapEnd))
		workerRSS.record(b, megabytes(rss))
	}
}

func megabytes[T int | uint64](bytes T) float64 { return float64(bytes) / (1 << 20) }

// histories lists every run of every workflow of an execution: the chain of its
// BatchWorkflow, and the chunks, which it counts.
func (s *system) histories(e *models.Execution) (runs []*workflowpb.WorkflowExecutionInfo, chunks int) {
	s.b.Helper()
	query := fmt.Sprintf("%s = '%s'", contract.SearchAttributeExecution, e.ID)
	// What has ended shows in lists a little later.
	require.Eventually(s.b, func() bool {
		runs, chunks = nil, 0
		for token := []byte(nil); ; {
			page, err := s.temporal.ListWorkflow(s.b.Context(), &workflowservice.ListWorkflowExecutionsRequest{
				Query: query, PageSize: 500, NextPageToken: token,
			})
			require.NoError(s.b, err)
			for _, run := range page.GetExecutions() {
				if run.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
					return false
				}
				runs = append(runs, run)
				if run.GetType().GetName() == contract.BatchChunk {
					chunks++
				}
			}
			if token = page.GetNextPageToken(); len(token) == 0 {
				return chunks > 0
			}
		}
	}, time.Minute, 100*time.Millisecond, "all runs have ended")
	return runs, chunks
}

// replay gives the time that a worker takes to get a run back into its memory, once the
// history is there.
func (s *system) replay(run *workflowpb.WorkflowExecutionInfo) time.Duration {
	s.b.Helper()
	execution, history := run.GetExecution(), &historypb.History{}
	events := s.temporal.GetWorkflowHistory(context.Background(), execution.GetWorkflowId(), execution.GetRunId(), false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(s.b, err)
		history.Events = append(history.GetEvents(), event)
	}
	var times []time.Duration
	for range replays {
		replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{
			Interceptors: []interceptor.WorkerInterceptor{workflows.Interceptor()},
		})
		require.NoError(s.b, err)
		worker.RegisterWorkflows(replayer)
		begun := time.Now()
		require.NoError(s.b, replayer.ReplayWorkflowHistory(nil, history))
		times = append(times, time.Since(begun))
	}
	return slices.Min(times)
}
