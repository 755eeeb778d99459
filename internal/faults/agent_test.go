package faults

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/standin"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
)

// agents is a system whose jobs are done by a web agent, and that agent.
type agents struct {
	*system

	agent *standin.Listening
	// rows are the addresses of the batch.
	rows []string
}

func newAgents(t *testing.T) *agents {
	t.Helper()
	agent, err := standin.Serve(t.Context(), "127.0.0.1:0", standin.Config{Seed: seed})
	require.NoError(t, err)
	t.Cleanup(agent.Stop)
	s := newSystem(t, rig.FarSideConfig{},
		"MINO_AGENT_URL="+agent.URL(), "MINO_AGENT_API_KEY="+standin.DefaultAPIKey, "MINO_AGENT_CREATE_SPACING=10ms",
		// As a worker that is killed leaves them: handed to nobody.
		"MINO_WORKER_STOP_TIMEOUT=5s")
	s.project, err = s.api.CreateProject(t.Context(), wire.ProjectRequest{
		Name: t.Name() + " " + uuid.NewString(), Instruction: "Find the price of {{product}}.", Executor: "agent",
		Fields: []field.Field{{Name: "price", Type: field.TypeMoney}},
		Defaults: wire.ExecutionDefaults{
			JobTimeoutMS: (5 * time.Minute).Milliseconds(),
			Retry:        &retry.Policy{MaxAttempts: 30, InitialIntervalMS: 200, BackoffCoefficient: 1.5, MaxIntervalMS: 2_000},
		},
	})
	require.NoError(t, err)
	return &agents{system: s, agent: agent}
}

// start starts a run over rows with addresses of their own, each scripted by its number.
func (a *agents) start(rows, concurrency int, script func(row int) standin.Behaviour) wire.Execution {
	a.t.Helper()
	var csv bytes.Buffer
	csv.WriteString("site_url,product\n")
	for row := range rows {
		address := fmt.Sprintf("https://shop-%d.example/%s", row, uuid.NewString())
		a.rows = append(a.rows, address)
		a.agent.Script(address, script(row))
		fmt.Fprintf(&csv, "%s,chair %d\n", address, row)
	}
	b, err := a.api.CreateBatchCSV(a.t.Context(), a.project.ID, "rows", &csv, "rows.csv")
	require.NoError(a.t, err)
	e, err := a.api.Execute(a.t.Context(), a.project.ID, b.ID, wire.ExecuteRequest{Type: "production", Concurrency: &concurrency})
	require.NoError(a.t, err)
	return e
}

// paidOnce holds the runs that the agent counted against the records: one for every job,
// and one more for every run that failed by itself. It returns how many those are.
func (a *agents) paidOnce() (failed int) {
	a.t.Helper()
	for _, address := range a.rows {
		open := 0
		for _, run := range a.agent.RunsOf(address) {
			if run.Status == standin.StatusFailed {
				failed++
				continue
			}
			open++
		}
		require.LessOrEqual(a.t, open, 1, "%s was run twice: %+v", address, a.agent.RunsOf(address))
	}
	return failed
}

// settled waits until no run is open, at the agent and in the records.
func (a *agents) settled() {
	a.t.Helper()
	eventually(a.t, "every run has ended", func() bool { return a.agent.Stats().Running == 0 })
	eventually(a.t, "the records know", func() bool {
		return a.number(`SELECT count(*) FROM remote_runs WHERE ended_at IS NULL`) == 0
	})
}

// misfortune is what befalls a row's runs: everything that can, in turn.
func misfortune(row int) standin.Behaviour {
	b := standin.Behaviour{Median: time.Second, Cap: 20 * time.Second}
	fault := func(kind standin.FaultKind) []standin.Fault { return []standin.Fault{{Kind: kind, RetryAfter: 1}} }
	switch row % 16 {
	case 0:
		b.Create = fault(standin.CutAfter)
	case 1:
		b.Create = fault(standin.CutBefore)
	case 2:
		b.Create = fault(standin.RateLimited)
	case 3:
		b.Create = fault(standin.Busy)
	case 4:
		b.Create = fault(standin.Internal)
	case 5:
		b.Create = fault(standin.Gateway)
	case 6:
		b.Create = fault(standin.Timeout)
	case 7:
		b.Create = fault(standin.Garbled)
	case 8:
		b.Outcomes = []standin.Outcome{{Kind: standin.Failed, Error: &standin.RunError{Message: "it fell over", Category: "SYSTEM_FAILURE"}}, {Kind: standin.Completed}}
	case 9:
		b.Outcomes = []standin.Outcome{{Kind: standin.Blocked}}
	case 10:
		b.Poll = []standin.Fault{{Kind: standin.Internal}, {Kind: standin.Busy}, {Kind: standin.CutBefore}, {Kind: standin.Garbled}}
	case 11:
		b.Outcomes = []standin.Outcome{{Kind: standin.AllNull}}
	case 12:
		b.Outcomes = []standin.Outcome{{Kind: standin.SchemaInvalid}}
	}
	return b
}

// TestAgentRunsPaidOnce has an agent that fails in every way it can and dies now and then,
// and workers that are killed: no job is paid for twice, and no run goes on for nobody.
func TestAgentRunsPaidOnce(t *testing.T) {
	t.Parallel()
	a := newAgents(t)
	var workers [3]*rig.Process
	for i := range workers {
		workers[i] = a.worker()
	}
	rows, kills := form(128, 1_000), form(4, 30)
	e := a.start(rows, 50, misfortune)
	for ; a.kills < kills; a.kills++ {
		pass(t, form(3*time.Second, 4*time.Second))
		a.requireUnderway(e)
		if a.kills%3 == 1 {
			a.agent.Down(true)
			pass(t, 2*time.Second)
			a.agent.Down(false)
		}
		victim := &workers[a.kills%len(workers)]
		(*victim).Polls(t)
		(*victim).Kill(t)
		*victim = rig.Start(t, a.env, "worker")
	}
	stats := a.ended(e)
	require.Equal(t, "completed", stats.Status)
	require.Equal(t, rows, stats.Completed, "%+v", stats)
	require.Positive(t, stats.Verdicts["blocked"], "an agent that was turned away has not done it")
	require.Positive(t, stats.Verdicts["empty"])
	a.settled()
	failed, counted := a.paidOnce(), a.agent.Stats()
	require.Equal(t, rows+failed, counted.Created)
	require.Positive(t, failed)
	require.Positive(t, a.lost(e), "the kills interrupted something")
	steps := 0
	for _, run := range a.agent.Runs() {
		steps += run.Steps
	}
	require.Equal(t, steps, a.number(`SELECT COALESCE(sum(steps), 0) FROM sessions WHERE execution_id = ?`, e.ID), "every step is in the records")
	// Only completed runs are billed.
	require.Equal(t, counted.Steps*16_000, a.number(`SELECT (tally->>'cost_micros')::bigint FROM executions WHERE id = ?`, e.ID))
	t.Logf("%d jobs · %d kills · %d attempts lost · %d runs, %d of which failed by themselves · %v",
		rows, a.kills, a.lost(e), counted.Created, failed, time.Since(a.begun).Round(time.Second))
}

// TestAgentRunsAreEnded stops runs that would never end, with a worker and without one.
func TestAgentRunsAreEnded(t *testing.T) {
	t.Parallel()
	endless := func(int) standin.Behaviour {
		return standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.NeverEnds}}}
	}
	for name, alive := range map[string]bool{"By the worker that waits for them": true, "By the sweep, when that is dead": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAgents(t)
			worker := a.worker()
			e := a.start(20, 20, endless)
			eventually(t, "all run", func() bool { return a.agent.Stats().Running == 20 })
			eventually(t, "the records know", func() bool {
				return a.number(`SELECT count(*) FROM remote_runs WHERE run_id IS NOT NULL`) == 20
			})
			if !alive {
				worker.Kill(t)
				require.NoError(t, a.temporal.TerminateWorkflow(t.Context(), "mino-execution-"+e.ID.String(), "", "an operator"))
				a.worker()
			} else {
				_, err := a.api.Stop(t.Context(), e.ID, "cancel")
				require.NoError(t, err)
			}
			a.ended(e)
			a.settled()
			require.Equal(t, 20, a.agent.Stats().Cancelled)
			require.Equal(t, 20, a.agent.Stats().Created)
		})
	}
}

// TestAgentWithoutCredits runs out of money in the middle: nothing fails, the execution
// pauses and says why, and goes on where it stopped.
func TestAgentWithoutCredits(t *testing.T) {
	t.Parallel()
	a := newAgents(t)
	a.worker()
	e := a.start(60, 10, func(int) standin.Behaviour { return standin.Behaviour{Median: time.Second} })
	eventually(t, "some are done", func() bool { return a.agent.Stats().Completed >= 10 })
	a.agent.SetCredits(false)
	eventually(t, "it has paused", func() bool { return a.status(e) == "paused" })
	eventually(t, "nothing runs", func() bool { return a.agent.Stats().Running == 0 })
	row, err := a.api.Execution(t.Context(), e.ID)
	require.NoError(t, err)
	require.Contains(t, row.Reason, "INSUFFICIENT_CREDITS")
	stats, err := a.api.Stats(t.Context(), e.ID)
	require.NoError(t, err)
	require.Zero(t, stats.Failed)
	a.agent.SetCredits(true)
	_, err = a.api.Resume(t.Context(), e.ID)
	require.NoError(t, err)
	stats = a.ended(e)
	require.Equal(t, 60, stats.Completed, "%+v", stats)
	a.settled()
	require.Equal(t, 60, a.agent.Stats().Created)
}
