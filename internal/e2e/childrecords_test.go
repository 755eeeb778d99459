package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/workflows/contract"
)

func TestChildOfRecords(t *testing.T) {
	t.Parallel()

	t.Run("RunsABatchWithOptions", func(t *testing.T) {
		t.Parallel()
		p, web := newParents(t, options{}), newSite(t)
		web.release()
		b := p.upload(p.project(priceProject()), web.csv(30))
		in := contract.BatchInput{BatchID: b.ID.String(), Options: &contract.Options{
			Type: "test", SampleSize: 7, SampleSeed: 3, Concurrency: 2, Preset: "FAST",
		}}
		out := p.run(in)
		require.Empty(t, out.Message)
		require.Equal(t, "completed", out.Result.Status)
		require.Equal(t, 7, out.Result.Stats.Completed)
		require.Empty(t, out.Result.Results, "they were not asked for")
		e, err := p.client.Execution(t.Context(), uuid.MustParse(out.Result.ExecutionID))
		require.NoError(t, err)
		require.Equal(t, "test", e.Type)
		require.Equal(t, "FAST", e.Preset)
		require.Equal(t, 2, e.Concurrency)
		rig.RequireSound(t, p.db, e.ID)
	})

	t.Run("IsRefusedWhatAnotherWorkflowRuns", func(t *testing.T) {
		t.Parallel()
		p, web := newParents(t, options{}), newSite(t)
		b := p.upload(p.project(priceProject()), web.csv(3))
		e := p.execute(b, withConcurrency(1))
		eventually(t, "a job runs", func() bool { return web.inFlight() == 1 })

		out := p.result(p.start(contract.BatchInput{ExecutionID: e.ID.String()}, "thief-"+uuid.NewString(), ""))
		require.Equal(t, contract.ErrorTypeClaimed, out.ErrorType)
		require.Contains(t, out.Message, e.ID.String())
		require.True(t, p.run(contract.BatchInput{ExecutionID: e.ID.String()}).Refused, "its own id is taken")
		out = p.run(contract.BatchInput{BatchID: b.ID.String()})
		require.Equal(t, contract.ErrorTypeInvalidInput, out.ErrorType)
		require.Contains(t, out.Message, "batch_id: ")
		web.release()
		require.Equal(t, 3, p.ended(e).Completed)
		rig.RequireSound(t, p.db, e.ID)
	})

	t.Run("RunsOnceUnderOneWorkflowID", func(t *testing.T) {
		t.Parallel()
		p, web := newParents(t, options{}), newSite(t)
		childID := "orders-" + uuid.NewString()
		in := inline(p.project(priceProject()), itemsOf(web.URL, 4))
		first := p.start(in, childID, "")
		e := p.execution(childID)
		require.True(t, p.result(p.start(in, childID, "")).Refused, "while the first runs")
		web.release()
		require.Equal(t, 4, p.result(first).Result.Stats.Completed)
		require.True(t, p.result(p.start(in, childID, "")).Refused, "when the first has ended")

		// Somebody whose policy lets the id be used again is refused by the records.
		run, err := p.temporal.ExecuteWorkflow(t.Context(),
			sdkclient.StartWorkflowOptions{ID: childID, TaskQueue: p.system.queue}, contract.BatchWorkflow, in)
		require.NoError(t, err)
		err = run.Get(t.Context(), nil)
		require.ErrorContains(t, err, contract.ErrorTypeClaimed)
		total, _ := web.requests()
		require.Equal(t, 4, total)
		var batches, executions int
		require.NoError(t, p.db.NewRaw(`SELECT (SELECT count(*) FROM batches), (SELECT count(*) FROM executions)`).
			Scan(t.Context(), &batches, &executions))
		require.Equal(t, [2]int{1, 1}, [2]int{batches, executions})
		rig.RequireSound(t, p.db, e.ID)
	})

	t.Run("PointsAtTheResultsThatItHasNoRoomFor", func(t *testing.T) {
		t.Parallel()
		p := newParents(t, options{})
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, `<html><body><p class="text">%s</p></body></html>`, strings.Repeat("word ", 20_000))
		}))
		t.Cleanup(web.Close)
		project := p.project(wire.ProjectRequest{
			Instruction: "The text.", Executor: "fetch",
			Fields: []field.Field{{Name: "text", Type: field.TypeText, Extract: &field.Extract{CSS: ".text"}}},
		})
		in := inline(project, itemsOf(web.URL, 15))
		for i := range in.Items {
			in.Items[i].GroundTruth = nil
		}
		out := p.run(in)
		require.Equal(t, 15, out.Result.Stats.Completed)
		some := len(out.Result.Results)
		require.Positive(t, some)
		require.Less(t, some, 15)
		more := out.Result.MoreResults
		require.NotNil(t, more)
		require.Equal(t, some, more.AfterRow)

		path, err := url.Parse(more.Path)
		require.NoError(t, err)
		require.Equal(t, "/api/batches/"+more.BatchID+"/jobs", path.Path)
		row := more.AfterRow
		for j, err := range p.client.Jobs(t.Context(), uuid.MustParse(more.BatchID), path.Query()) {
			require.NoError(t, err)
			row++
			require.Equal(t, row, j.Row, "the rest, without a gap")
			require.NotEmpty(t, j.Result["text"])
		}
		require.Equal(t, 15, row)
		rig.RequireSound(t, p.db, uuid.MustParse(out.Result.ExecutionID))
	})
}

func TestChildRefusesBadInput(t *testing.T) {
	t.Parallel()
	p := newParents(t, options{})
	project := p.project(priceProject())
	items := func(change func([]contract.Item)) contract.BatchInput {
		in := inline(project, itemsOf("https://shop.example", 5))
		change(in.Items)
		return in
	}
	with := func(o contract.Options) contract.BatchInput {
		in := inline(project, itemsOf("https://shop.example", 5))
		in.Options = &o
		return in
	}
	percent := 101.0
	for name, test := range map[string]struct {
		in    contract.BatchInput
		names string
	}{
		"Nothing":            {contract.BatchInput{}, "execution_id, batch_id, items: "},
		"TwoOfThree":         {contract.BatchInput{ExecutionID: uuid.NewString(), BatchID: uuid.NewString()}, "execution_id, batch_id, items: "},
		"AnotherVersion":     {contract.BatchInput{Version: 9, BatchID: uuid.NewString()}, "version: "},
		"NoProject":          {contract.BatchInput{Items: itemsOf("https://shop.example", 1)}, "project_id: "},
		"NoUUID":             {contract.BatchInput{ExecutionID: "42"}, "execution_id: "},
		"AnUnknownExecution": {contract.BatchInput{ExecutionID: uuid.NewString()}, "execution_id: "},
		"AnUnknownBatch":     {contract.BatchInput{BatchID: uuid.NewString()}, "batch_id: "},
		"AnUnknownProject":   {contract.BatchInput{ProjectID: uuid.NewString(), Items: itemsOf("https://shop.example", 1)}, "project_id: "},
		"ABadMode":           {contract.BatchInput{BatchID: uuid.NewString(), OnCancel: "abort"}, "on_cancel: "},
		"ABadURL":            {items(func(all []contract.Item) { all[3].SiteURL = "ftp://shop.example" }), "items[3].site_url: "},
		"AnUnknownField": {
			items(func(all []contract.Item) { all[2].GroundTruth = map[string][]string{"colour": {"red"}} }), "items[2].ground_truth.colour: ",
		},
		"AnInputWithoutAName": {items(func(all []contract.Item) { all[1].Input = map[string]string{"": "x"} }), "items[1].input: "},
		"TooManyItems":        {inline(project, itemsOf("https://shop.example", contract.MaxItems+1)), "items: "},
		"TooMuchConcurrency":  {with(contract.Options{Concurrency: 51}), "concurrency: "},
		"AnUnknownType":       {with(contract.Options{Type: "trial"}), "type: "},
		"ASampleOfProduction": {with(contract.Options{SampleSize: 3}), "sample_size: "},
		"AnUnknownPreset":     {with(contract.Options{Preset: "SLOW"}), "preset: "},
		"ABadPolicy":          {with(contract.Options{Retry: &contract.RetryPolicy{MaxAttempts: 1000}}), "max_attempts: "},
		"ABadTolerance":       {with(contract.Options{FailureTolerance: &contract.Tolerance{MaxFailedPercent: &percent}}), "max_failed_percent: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := p.of(t)
			out := p.run(test.in)
			require.Equal(t, contract.ErrorTypeInvalidInput, out.ErrorType, "%+v", out)
			require.Contains(t, out.Message, test.names)
			p.requireNothing()
		})
	}
}
