package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/childtest"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/workflows/child"
	"github.com/minohq/mino/workflows/contract"
)

// parents run childtest.Parent on a worker of their own, as another module would.
type parents struct {
	*system
	queue string
}

func newParents(t *testing.T, o options) *parents {
	t.Helper()
	p := &parents{system: newSystem(t, o), queue: testkit.TaskQueue(t)}
	w := sdkworker.New(p.temporal, p.queue, testkit.WorkerOptions())
	w.RegisterWorkflow(childtest.Parent)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return p
}

// of gives the same to a subtest.
func (p *parents) of(t *testing.T) *parents {
	t.Helper()
	s := *p.system
	s.t = t
	return &parents{system: &s, queue: p.queue}
}

// start starts a parent of a batch whose workflow id is childID.
func (p *parents) start(in contract.BatchInput, childID string, onCancel contract.StopMode) sdkclient.WorkflowRun {
	p.t.Helper()
	run, err := p.temporal.ExecuteWorkflow(p.t.Context(),
		sdkclient.StartWorkflowOptions{ID: "parent-" + uuid.NewString(), TaskQueue: p.queue}, childtest.Parent,
		childtest.Input{Batch: in, Options: child.Options{WorkflowID: childID, TaskQueue: p.system.queue, OnCancel: onCancel}})
	require.NoError(p.t, err)
	return run
}

func (p *parents) result(run sdkclient.WorkflowRun) childtest.Output {
	p.t.Helper()
	var out childtest.Output
	require.NoError(p.t, run.Get(p.t.Context(), &out))
	return out
}

// run runs a parent to its end.
func (p *parents) run(in contract.BatchInput) childtest.Output {
	p.t.Helper()
	return p.result(p.start(in, "", ""))
}

// execution waits for the execution that a child runs and reads it through the API.
func (p *parents) execution(childID string) wire.Execution {
	p.t.Helper()
	var id uuid.UUID
	eventually(p.t, "the execution is there", func() bool {
		err := p.db.NewRaw(`SELECT id FROM executions WHERE workflow_id = ?`, childID).Scan(p.t.Context(), &id)
		return err == nil
	})
	e, err := p.client.Execution(p.t.Context(), id)
	require.NoError(p.t, err)
	require.Equal(p.t, childID, e.WorkflowID)
	return e
}

// requireNothing requires that no batch and no execution is in the database.
func (p *parents) requireNothing() {
	p.t.Helper()
	var rows int
	require.NoError(p.t, p.db.NewRaw(
		`SELECT (SELECT count(*) FROM batches) + (SELECT count(*) FROM jobs) + (SELECT count(*) FROM executions)`).Scan(p.t.Context(), &rows))
	require.Zero(p.t, rows)
}

// itemsOf are pages of a site; every tenth has another truth than the page.
func itemsOf(base string, n int) []contract.Item {
	items := make([]contract.Item, n)
	for i := range items {
		truth := "10.00"
		if i%10 == 9 {
			truth = "11.00"
		}
		items[i] = contract.Item{
			SiteURL: fmt.Sprintf("%s/p/%d", base, i+1), Input: map[string]string{"sku": strconv.Itoa(i + 1)},
			GroundTruth: map[string][]string{"price": {truth}},
		}
	}
	return items
}

func inline(project wire.Project, items []contract.Item) contract.BatchInput {
	return contract.BatchInput{
		Version: contract.InputVersion, ProjectID: project.ID.String(), Items: items, IncludeResults: true,
		Options: &contract.Options{Name: "Orders", Concurrency: 10},
	}
}

func TestChild(t *testing.T) {
	t.Parallel()

	t.Run("RunsInlineItemsAndReturnsWhatEachCameTo", func(t *testing.T) {
		t.Parallel()
		p, web := newParents(t, options{}), newSite(t)
		childID := "orders-" + uuid.NewString()
		run := p.start(inline(p.project(priceProject()), itemsOf(web.URL, 200)), childID, "")
		e := p.execution(childID)
		eventually(t, "ten jobs run", func() bool { return web.inFlight() == 10 })

		stats, err := p.client.Pause(t.Context(), e.ID)
		require.NoError(t, err, "the API finds the run under the id that the parent chose")
		require.Equal(t, "paused", stats.Status)
		web.letGo(10)
		p.await(e, "what ran has ended", func(stats wire.Stats) bool { return stats.Completed == 10 && stats.Running == 0 })
		require.True(t, web.holds(10, 0), "nothing starts while it is paused")
		_, err = p.client.Resume(t.Context(), e.ID)
		require.NoError(t, err)
		web.release()

		out := p.result(run)
		require.Equal(t, "completed", out.Result.Status)
		require.Equal(t, e.ID.String(), out.Result.ExecutionID)
		require.Equal(t, e.BatchID.String(), out.Result.BatchID)
		require.Equal(t, 200, out.Result.Stats.Completed)
		require.Equal(t, map[string]int{"correct": 180, "wrong": 20}, out.Result.Stats.Verdicts)
		require.Equal(t, contract.FieldStat{Matched: 180, Compared: 200}, out.Result.Stats.Fields["price"])
		require.Nil(t, out.Result.MoreResults)
		require.Len(t, out.Result.Results, 200)
		for i, r := range out.Result.Results {
			require.Equal(t, i+1, r.Row)
			require.Equal(t, fmt.Sprintf("%s/p/%d", web.URL, i+1), r.SiteURL)
			require.Equal(t, "completed", r.Status)
			require.Equal(t, map[string]any{"amount": "10.00", "currency": "EUR"}, r.Fields["price"])
			require.Equal(t, map[bool]string{true: "wrong", false: "correct"}[i%10 == 9], r.Verdict)
			require.Equal(t, 1, r.Attempts)
		}
		jobs := p.jobs(wire.Batch{ID: e.BatchID})
		require.Len(t, jobs, 200)
		require.Equal(t, out.Result.Results[41].JobID, jobs[41].ID.String())
		require.Equal(t, map[string]string{"sku": "42"}, jobs[41].Input)
		final := p.ended(e)
		require.Equal(t, 200, final.Completed)
		rig.RequireSound(t, p.db, e.ID)
		p.requireReplays(e)
	})

	t.Run("ObeysItsParent", func(t *testing.T) {
		t.Parallel()
		p, web := newParents(t, options{}), newSite(t)
		childID := "orders-" + uuid.NewString()
		in := inline(p.project(priceProject()), itemsOf(web.URL, 60))
		in.Options.Concurrency = 2
		run := p.start(in, childID, "")
		e := p.execution(childID)
		eventually(t, "two jobs run", func() bool { return web.inFlight() == 2 })
		ask := func(what string) {
			require.NoError(t, p.temporal.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), childtest.SignalAsk, what))
		}
		ask(contract.SignalSetConcurrency)
		eventually(t, "fifty jobs run", func() bool { return web.holds(50, 50) })
		ask(contract.SignalPause)
		p.await(e, "it is paused", func(stats wire.Stats) bool { return stats.Status == "paused" })
		ask(contract.SignalResume)
		p.await(e, "it goes on", func(stats wire.Stats) bool { return stats.Status == "running" })
		ask(string(contract.StopDrain))
		p.await(e, "it is stopping", func(stats wire.Stats) bool { return stats.Status == "stopping" })
		web.release()
		out := p.result(run)
		require.False(t, out.Cancelled, "a stop is no cancellation")
		require.Equal(t, "stopped", out.Result.Status)
		require.Equal(t, "stopped by request", out.Result.Reason)
		require.Equal(t, 50, out.Result.Stats.Completed)
		require.Equal(t, 10, out.Result.Stats.Cancelled)
		rig.RequireSound(t, p.db, e.ID)
	})

	t.Run("HasRoomForLongNames", func(t *testing.T) {
		t.Parallel()
		p, web := newParents(t, options{}), newSite(t)
		web.release()
		project := priceProject()
		project.Name = uuid.NewString() + strings.Repeat("京", 160)
		in := inline(p.project(project), itemsOf(web.URL, 2))
		in.Options.Name = strings.Repeat("東", 300)
		out := p.run(in)
		require.Equal(t, 2, out.Result.Stats.Completed)
		e, err := p.client.Execution(t.Context(), uuid.MustParse(out.Result.ExecutionID))
		require.NoError(t, err)
		again := p.execute(wire.Batch{ID: e.BatchID, ProjectID: e.ProjectID}, nil)
		require.Equal(t, 2, p.ended(again).Completed, "through the API too")
		rig.RequireSound(t, p.db, again.ID)
	})

	t.Run("IsFoundInTheUIFromItsStart", func(t *testing.T) {
		t.Parallel()
		p := newParents(t, options{noWorker: true})
		project, childID := p.project(priceProject()), "orders-"+uuid.NewString()
		p.start(inline(project, itemsOf("https://shop.example", 1)), childID, "")
		eventually(t, "the child is started", func() bool {
			described, err := p.temporal.DescribeWorkflow(t.Context(), childID, "")
			if err != nil {
				return false
			}
			attributes := described.TypedSearchAttributes
			summary, err := described.GetStaticSummary()
			require.NoError(t, err)
			require.Equal(t, "Orders", summary)
			require.Contains(t, fmt.Sprint(attributes.GetUntypedValues()), project.ID.String())
			return true
		})
	})
}

func TestChildCancelled(t *testing.T) {
	t.Parallel()
	for mode, completed := range map[contract.StopMode]int{contract.StopCancel: 3, contract.StopDrain: 7} {
		t.Run("By"+strings.ToUpper(string(mode[:1]))+string(mode[1:])+"GivesTheParentResultAndError", func(t *testing.T) {
			t.Parallel()
			p, web := newParents(t, options{activities: activities.Config{HeartbeatInterval: 200 * time.Millisecond}}), newSite(t)
			childID := "orders-" + uuid.NewString()
			in := inline(p.project(priceProject()), itemsOf(web.URL, 20))
			in.Options.Concurrency = 4
			run := p.start(in, childID, mode)
			e := p.execution(childID)
			eventually(t, "four jobs run", func() bool { return web.holds(4, 4) })
			web.letGo(3)
			eventually(t, "three have ended", func() bool { return web.holds(7, 4) })
			p.await(e, "three are written", func(stats wire.Stats) bool { return stats.Completed == 3 })

			require.NoError(t, p.temporal.CancelWorkflow(t.Context(), run.GetID(), run.GetRunID()))
			if mode == contract.StopDrain {
				p.await(e, "it is stopping", func(stats wire.Stats) bool { return stats.Status == "stopping" })
				require.Equal(t, 4, web.inFlight(), "what runs is left to finish")
				web.release()
			}
			out := p.result(run)
			require.True(t, out.Cancelled)
			require.Equal(t, "stopped", out.Result.Status)
			require.Equal(t, "the workflow was cancelled", out.Result.Reason)
			require.Equal(t, completed, out.Result.Stats.Completed)
			require.Equal(t, 20-completed, out.Result.Stats.Cancelled)
			require.Len(t, out.Result.Results, 20)
			described, err := p.temporal.DescribeWorkflowExecution(t.Context(), childID, "")
			require.NoError(t, err)
			require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, described.GetWorkflowExecutionInfo().GetStatus())
			final := p.ended(e)
			require.Equal(t, "stopped", final.Status)
			rig.RequireSound(t, p.db, e.ID)
			p.requireReplays(e)
		})
	}
}
