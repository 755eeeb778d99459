package e2e

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/worker"
	"github.com/minohq/mino/workflows"
	"github.com/minohq/mino/workflows/contract"
)

// requireReplays fetches the history of every run of an execution and replays it with
// the present code. With MINO_RECORD_HISTORIES=DIR it also writes the histories there,
// for package workflows to replay with the code to come.
func (s *system) requireReplays(e wire.Execution) {
	s.t.Helper()
	for run := ""; ; {
		history := s.history(e, run)
		replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{
			Interceptors: []interceptor.WorkerInterceptor{workflows.Interceptor()},
		})
		require.NoError(s.t, err)
		worker.RegisterWorkflows(replayer)
		require.NoError(s.t, replayer.ReplayWorkflowHistory(nil, history))
		require.LessOrEqual(s.t, len(history.GetEvents()), 10_240)
		s.record(history)
		first := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
		if run = first.GetContinuedExecutionRunId(); run == "" {
			return
		}
	}
}

func (s *system) history(e wire.Execution, run string) *historypb.History {
	s.t.Helper()
	events := s.temporal.GetWorkflowHistory(s.t.Context(), contract.WorkflowID(e.ID.String()), run, false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	history := &historypb.History{}
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(s.t, err)
		history.Events = append(history.GetEvents(), event)
	}
	return history
}

func (s *system) record(history *historypb.History) {
	dir := os.Getenv("MINO_RECORD_HISTORIES")
	if dir == "" {
		return
	}
	text, err := protojson.MarshalOptions{Multiline: true}.Marshal(history)
	require.NoError(s.t, err)
	run := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()
	name := strings.ReplaceAll(strings.TrimPrefix(s.t.Name(), "Test"), "/", "-") + "-" + run[:8] + ".json"
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o600))
}
