package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/worker"
	"github.com/minohq/mino/workflows"
	"github.com/minohq/mino/workflows/contract"
)

// requireReplays fetches the history of every run of an execution, of its chunks, and of
// its first jobs when these have workflows of their own, and replays it with the present
// code. With MINO_RECORD_HISTORIES=DIR it also writes the
// histories there, for package workflows to replay with the code to come.
func (s *system) requireReplays(e wire.Execution) {
	s.t.Helper()
	s.requireReplaysOf(e.WorkflowID, "batch")
	for n := 1; ; n++ {
		id := fmt.Sprintf("%s-chunk-%d", contract.WorkflowID(e.ID.String()), n)
		if _, err := s.temporal.DescribeWorkflowExecution(s.t.Context(), id, ""); err != nil {
			var none *serviceerror.NotFound
			require.ErrorAs(s.t, err, &none)
			require.Greater(s.t, n, 1, "there was a chunk")
			return
		}
		s.requireReplaysOf(id, fmt.Sprintf("chunk-%d", n))
		for row := 1; row <= maxRecorded; row++ {
			job := fmt.Sprintf("%s-row-%d", id, row)
			if _, err := s.temporal.DescribeWorkflowExecution(s.t.Context(), job, ""); err == nil {
				s.requireReplaysOf(job, fmt.Sprintf("row-%d", row))
			}
		}
	}
}

func (s *system) requireReplaysOf(workflowID, what string) {
	s.t.Helper()
	for run, n := "", 1; ; n++ {
		history := s.history(workflowID, run)
		replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{
			Interceptors: []interceptor.WorkerInterceptor{workflows.Interceptor()},
		})
		require.NoError(s.t, err)
		worker.RegisterWorkflows(replayer)
		require.NoError(s.t, replayer.ReplayWorkflowHistory(nil, history), "%s, run %d from the last", workflowID, n)
		require.LessOrEqual(s.t, len(history.GetEvents()), 10_240)
		s.record(history, fmt.Sprintf("%s-%d", what, n))
		first := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
		if run = first.GetContinuedExecutionRunId(); run == "" {
			return
		}
	}
}

func (s *system) history(workflowID, run string) *historypb.History {
	s.t.Helper()
	events := s.temporal.GetWorkflowHistory(s.t.Context(), workflowID, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	history := &historypb.History{}
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(s.t, err)
		history.Events = append(history.GetEvents(), event)
	}
	return history
}

// maxRecorded is how many chunks and runs of one execution are recorded.
const maxRecorded = 3

func (s *system) record(history *historypb.History, part string) {
	dir := os.Getenv("MINO_RECORD_HISTORIES")
	if number, err := strconv.Atoi(part[strings.LastIndex(part, "-")+1:]); dir == "" || err != nil || number > maxRecorded {
		return
	}
	text, err := protojson.MarshalOptions{Multiline: true}.Marshal(history)
	require.NoError(s.t, err)
	name := strings.ReplaceAll(strings.TrimPrefix(s.t.Name(), "Test"), "/", "-") + "-" + part + ".json"
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o600))
}
