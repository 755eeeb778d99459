package faults

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/workflows/contract"
)

// Where Temporal begins to warn of a long history.
const (
	maxEvents       = 10_240
	maxHistoryBytes = 10 << 20
)

// rowsVariable asks for another number of jobs.
const rowsVariable = "MINO_FAULTS_ROWS"

// TestLength has very many jobs that are done at once, and looks at the history of
// every run that they needed.
func TestLength(t *testing.T) {
	t.Parallel()
	rows := form(600, 100_000)
	if text := os.Getenv(rowsVariable); text != "" {
		var err error
		rows, err = strconv.Atoi(text)
		require.NoError(t, err, rowsVariable)
	}
	env := []string{"MINO_MAX_ROWS=1000000", "MINO_BODY_LIMIT_MIB=256", "MINO_READ_TIMEOUT=10m", "MINO_REQUEST_TIMEOUT=5m", "MINO_LOG_LEVEL=info"}
	var s *system
	if long {
		s = newSystemOn(t, rig.NewServers(t, rig.Quick()), rig.FarSideConfig{}, env...)
	} else {
		s = newSystem(t, rig.FarSideConfig{}, env...)
	}
	s.worker()
	s.worker()
	e := s.start("rows", rows, 50)
	s.begun = time.Now()
	s.completed(e)
	took := time.Since(s.begun)

	runs := s.histories(e)
	require.NotEmpty(t, runs)
	var events, size, all int64
	for _, run := range runs {
		id := fmt.Sprintf("%s %s, run %s", run.GetType().GetName(), run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId())
		require.LessOrEqual(t, run.GetHistoryLength(), int64(maxEvents), id)
		require.LessOrEqual(t, run.GetHistorySizeBytes(), int64(maxHistoryBytes), id)
		events, size, all = max(events, run.GetHistoryLength()), max(size, run.GetHistorySizeBytes()), all+run.GetHistoryLength()
	}
	t.Logf("%d jobs: %d runs · at most %d events and %d KiB in one · %.2f events per job · %v, %.0f jobs/s",
		rows, len(runs), events, size>>10, float64(all)/float64(rows), took.Round(time.Second), float64(rows)/took.Seconds())
	s.figures(e, "very many jobs")
}

// histories are all runs of all workflows of an execution: those that say so in their
// search attributes, and those beneath its BatchWorkflow.
func (s *system) histories(e wire.Execution) []*workflow.WorkflowExecutionInfo {
	s.t.Helper()
	found := map[string]*workflow.WorkflowExecutionInfo{}
	list := func() int {
		for _, query := range []string{
			fmt.Sprintf("%s = '%s'", contract.SearchAttributeExecution, e.ID),
			fmt.Sprintf("RootWorkflowId = '%s'", e.WorkflowID),
			fmt.Sprintf("WorkflowId = '%s'", e.WorkflowID),
		} {
			s.list(query, found)
		}
		return len(found)
	}
	// Temporal lists runs a little after they are there.
	before := -1
	eventually(s.t, "Temporal lists the runs", func() bool {
		n := list()
		settled := n > 0 && n == before
		before = n
		return settled
	})
	all := make([]*workflow.WorkflowExecutionInfo, 0, len(found))
	for _, listed := range found {
		now, err := s.temporal.DescribeWorkflowExecution(s.t.Context(), listed.GetExecution().GetWorkflowId(), listed.GetExecution().GetRunId())
		require.NoError(s.t, err)
		all = append(all, now.GetWorkflowExecutionInfo())
	}
	return all
}

func (s *system) list(query string, found map[string]*workflow.WorkflowExecutionInfo) {
	s.t.Helper()
	var token []byte
	for {
		page, err := s.temporal.ListWorkflow(s.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: token, PageSize: 500})
		require.NoError(s.t, err, query)
		for _, run := range page.GetExecutions() {
			found[run.GetExecution().GetRunId()] = run
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return
		}
	}
}
