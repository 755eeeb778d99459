package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/workflows/contract"
)

// victim is an API whose line to Temporal can be held.
type victim struct {
	line *rig.Proxy
	proc *rig.Process
	api  *client.Client
}

func (s *system) victim() victim {
	s.t.Helper()
	line := rig.NewProxy(s.t, s.address)
	return victim{line: line, proc: rig.Start(s.t, append(slices.Clip(s.env), "TEMPORAL_ADDRESS="+line.Address()), "api")}
}

// TestAPIKilledBeforeTheStart kills API processes that have written the row of an
// execution and have not heard from Temporal: half of them before Temporal has heard of
// the run, half of them after. Each run takes place, once, though two others sweep at
// the same time.
func TestAPIKilledBeforeTheStart(t *testing.T) {
	t.Parallel()
	const rows = 2
	s := newSystem(t, rig.FarSideConfig{})
	var batches []wire.Batch
	for i := range form(6, 100) {
		batches = append(batches, s.upload(fmt.Sprintf("batch-%d", i), rows))
	}
	s.apiProc.Kill(t)

	random := rand.New(rand.NewPCG(seed, 5))
	next := s.victim()
	for i, b := range batches {
		v := next
		next = s.victim() // it starts meanwhile
		v.api = v.proc.Client(t)
		v.line.Hold([]rig.Direction{rig.Requests, rig.Answers}[i%2])
		answer := make(chan error, 1)
		go func() {
			_, err := v.api.Execute(t.Context(), s.project.ID, b.ID, wire.ExecuteRequest{Type: "production"})
			answer <- err
		}()
		eventually(t, "the row is written", func() bool {
			return s.number(`SELECT count(*) FROM executions WHERE batch_id = ?`, b.ID) == 1
		})
		pass(t, time.Duration(random.IntN(30))*time.Millisecond)
		v.proc.Kill(t)
		s.kills++
		require.Error(t, <-answer, "nobody was told that it had started")
		v.line.Break()
	}
	next.proc.Kill(t)

	s.worker()
	other := rig.Start(t, s.env, "api")
	s.api = rig.Start(t, s.env, "api").Client(t)
	other.Client(t)
	var started []uuid.UUID
	require.NoError(t, s.db.NewRaw(`SELECT id FROM executions ORDER BY id`).Scan(t.Context(), &started))
	require.Len(t, started, len(batches))
	for _, id := range started {
		e := wire.Execution{ID: id}
		require.Equal(t, rows, s.completed(e).Total)
		eventually(t, "Temporal lists the run", func() bool { return s.runs(e) > 0 })
		require.Equal(t, 1, s.runs(e), "each is started exactly once")
	}
	came, _, _ := s.far.Counts()
	require.Equal(t, rows*len(batches), came, "each row is called once")
	t.Logf("API killed between row and start: %d kills · %d runs · %d calls for %d jobs · %v",
		s.kills, len(started), came, rows*len(batches), time.Since(s.begun).Round(time.Second))
}

// runs counts the runs of an execution's BatchWorkflow in Temporal.
func (s *system) runs(e wire.Execution) int {
	s.t.Helper()
	found, err := s.temporal.ListWorkflow(s.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("%s = '%s' AND WorkflowType = '%s'", contract.SearchAttributeExecution, e.ID, contract.BatchWorkflow),
	})
	require.NoError(s.t, err)
	return len(found.GetExecutions())
}
