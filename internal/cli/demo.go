package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/shop"
	"github.com/minohq/mino/models/retry"
)

// What the demo runs with.
const (
	demoSeed        = 1
	demoConcurrency = 10
	// demoShopAddress is taken when it is free: a demo that is started again then
	// serves the pages that a run of the one before may still be asking for.
	demoShopAddress = "127.0.0.1:8090"
	anyAddress      = "127.0.0.1:0"
)

// DemoParams say where the running stack is.
type DemoParams struct {
	// APIURL is the base URL of the API, whose worker may reach this machine.
	APIURL string
	// Key is an API key for it, which is in KeyFile; empty when it asks for none.
	Key, KeyFile string
	// TemporalUIURL and Namespace lead to the run in the Web UI; without the URL it is
	// not mentioned.
	TemporalUIURL, Namespace string
	// Out gets everything; standard output when nil. On a terminal progress is drawn
	// in place.
	Out io.Writer
	// Once ends the demo after the result; otherwise the shop stays open until the
	// context ends.
	Once bool

	// For tests: where the shop opens if it can, how slow its slow pages are, and the
	// time between two looks at the run.
	shopAddress  string
	delay, every time.Duration
}

// Demo opens the example shop, takes all of its pages through the API and prints
// what came of them beside what was to be expected. It may be started any number of
// times on one database: the project is used again, each time with a batch of its
// own. A page that MINO read otherwise than expected is shown and is no error; a run
// that failed or was stopped is.
func Demo(ctx context.Context, p DemoParams) error {
	return withCode(p.run(ctx))
}

func (p DemoParams) run(ctx context.Context) error {
	streams := p.streams()
	api, err := client.New(client.Config{BaseURL: p.APIURL, Key: p.Key})
	if err != nil {
		return err
	}
	s := shop.New(shop.Config{Seed: demoSeed, Delay: p.delay})
	defer s.Stop()
	shopURL, err := openShop(ctx, s, cmp.Or(p.shopAddress, demoShopAddress))
	if err != nil {
		return err
	}
	say(streams, "The example shop with its %d pages is open at %s", len(s.Products()), shopURL)
	run, err := startDemo(ctx, streams, api, s, shopURL)
	if err != nil {
		return err
	}
	say(streams, "")
	w := watcher{client: api, streams: streams, id: run.execution.ID, title: run.title}
	execution, stats, err := w.watch(ctx)
	if err != nil {
		return asked(err, "watch the run")
	}
	jobs, err := collectJobs(ctx, api, run.execution)
	if err != nil {
		return asked(err, "read the results")
	}
	st := style{columns: columnsOf(streams), colour: streams.ColourOut}
	lines := append([]string{""}, renderSummary(run.title, execution, stats, st)...)
	lines = append(append(lines, ""), renderShop(s, jobs, st)...)
	lines = append(append(lines, ""), p.addresses(api, shopURL, execution)...)
	if err := errors.Join(printLines(streams, lines), statusError(execution)); err != nil || p.Once {
		return err
	}
	<-ctx.Done()
	return nil
}

func (p DemoParams) streams() Streams {
	out := p.Out
	if out == nil {
		out = os.Stdout
	}
	streams := Streams{Out: out, Err: out, every: p.every}
	if file, ok := out.(*os.File); ok {
		streams.onTerminal(file)
	}
	return streams
}

func openShop(ctx context.Context, s *shop.Shop, address string) (baseURL string, err error) {
	if baseURL, err = s.Start(ctx, address); err == nil {
		return baseURL, nil
	}
	return s.Start(ctx, anyAddress)
}

// startDemo writes the project, uploads the shop's CSV and starts the run.
func startDemo(ctx context.Context, streams Streams, api *client.Client, s *shop.Shop, shopURL string) (started, error) {
	project, did, err := ensureProject(ctx, api, s.Project())
	if err != nil {
		return started{}, asked(err, "write the project")
	}
	say(streams, "Project %q: %s", project.Name, did)
	name := "shop " + time.Now().Format("2006-01-02 15:04:05")
	batch, err := api.CreateBatchCSV(ctx, project.ID, name, bytes.NewReader(s.CSV(shopURL)), "shop.csv")
	if err != nil {
		return started{}, asked(err, "upload the shop's CSV")
	}
	say(streams, "Batch %q: %s uploaded as CSV", batch.Name, plural(batch.RowCount, "row", "rows"))
	sample, concurrency, preset := batch.RowCount, demoConcurrency, retry.Fast
	execution, err := api.Execute(ctx, project.ID, batch.ID, wire.ExecuteRequest{
		Type: "test", SampleSize: &sample, Concurrency: &concurrency, Preset: &preset,
	})
	if err != nil {
		return started{}, asked(err, "start the run")
	}
	say(streams, "Execution %s: a test of all rows, %d at once, preset %s", execution.ID, concurrency, preset)
	return started{execution, project.Name}, nil
}

func collectJobs(ctx context.Context, api *client.Client, execution wire.Execution) ([]wire.Job, error) {
	var jobs []wire.Job
	for job, err := range api.Jobs(ctx, execution.BatchID, url.Values{"execution_id": {execution.ID.String()}}) {
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

func (p DemoParams) addresses(api *client.Client, shopURL string, execution wire.Execution) []string {
	at := executionURL(api, execution)
	rows := [][]string{
		{"The shop", shopURL},
		{"The API", api.BaseURL() + "  (for reading: " + api.BaseURL() + "/docs)"},
	}
	if p.Key != "" {
		rows = append(rows, []string{"Its key", "in " + p.KeyFile + ":  curl -H \"Authorization: Bearer $(cat " + p.KeyFile + ")\" " + api.BaseURL() + "/api/me"})
	}
	rows = append(rows,
		[]string{"This run", at + "  (…/stats)"},
		[]string{"Its jobs", api.BaseURL() + "/api/batches/" + execution.BatchID.String() + "/jobs"})
	if p.TemporalUIURL != "" {
		namespace := p.Namespace
		if namespace == "" {
			namespace = "default"
		}
		rows = append(rows, []string{"In Temporal", fmt.Sprintf("%s/namespaces/%s/workflows/%s", p.TemporalUIURL, namespace, execution.WorkflowID)})
	}
	lines := table(rows)
	if !p.Once {
		lines = append(lines, "", "All of it stays up until Ctrl-C.")
	}
	return lines
}
