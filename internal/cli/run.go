package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// RunCmd is `mino run`: a CSV is uploaded to a project, executed and watched.
type RunCmd struct {
	File             string   `arg:"" name:"file" complete:"@files" help:"CSV with a site_url column; - reads it from standard input."`
	Project          string   `short:"p" required:"" placeholder:"NAME|ID|FILE.yaml" complete:"@files" help:"A project's name or id, or a project file: the project in it is made, or brought up to date."`
	Test             *int     `placeholder:"N" help:"Run a test of N rows, the same ones every time (1 to 1,000), instead of all rows."`
	Concurrency      *int     `placeholder:"N" help:"Jobs that run at once (1 to 50)."`
	Preset           string   `placeholder:"PRESET" complete:"FAST,STANDARD,PATIENT,AGGRESSIVE" help:"How failed jobs are retried: FAST, STANDARD, PATIENT or AGGRESSIVE."`
	MaxFailed        *int     `placeholder:"N" help:"Fail the run when more than N jobs have failed."`
	MaxFailedPercent *float64 `placeholder:"P" help:"Fail the run when more than P percent of the jobs that have ended have failed."`
	Name             string   `placeholder:"BATCH" help:"Name of the batch; the file's name unless given."`
	Wait             bool     `negatable:"" default:"true" help:"Watch until the run has ended (the default). With --no-wait the command ends when the run has been started."`
	JSON             bool     `name:"json" help:"Print one JSON document {execution, stats} on standard output; progress goes to standard error."`

	Connection
}

// Help is what --help says beneath the flags.
func (*RunCmd) Help() string {
	return `Uploads the CSV as a batch of the project, starts an execution of it and watches.

Columns: site_url is the page; gt_<field> holds the right value of a field, several
accepted ones apart by "|"; every other column is an input of the row.

Ctrl-C asks on a terminal whether to stop the run or only the watching. Elsewhere it
only stops the watching.

` + exitHelp
}

// Run does it. ctx must not end with SIGINT, which arrives by streams.Interrupts; when
// ctx ends the watching does. Every error holds an *ExitError.
func (c *RunCmd) Run(ctx context.Context, streams Streams) error {
	return withCode(c.run(ctx, streams))
}

func (c *RunCmd) run(ctx context.Context, streams Streams) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return &ExitError{Code: ExitRefused, Err: err}
	}
	content, err := c.open(streams)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	started, err := c.start(ctx, streams, api, content)
	if err != nil {
		return err
	}
	if !c.Wait {
		return c.report(streams, api, started.execution)
	}
	if c.File == "-" {
		streams.Interactive = false // the input is spent on the CSV
	}
	return follow(ctx, streams, api, started, c.JSON)
}

// check refuses options that the API would refuse, before the CSV is uploaded for
// nothing.
func (c *RunCmd) check() error {
	var tolerance error
	if c.MaxFailed != nil && *c.MaxFailed < 0 {
		tolerance = fmt.Errorf("--max-failed: must be 0 or more, is %d", *c.MaxFailed)
	}
	if p := c.MaxFailedPercent; p != nil && !(*p >= 0 && *p <= 100) { // NaN too
		tolerance = errors.Join(tolerance, fmt.Errorf("--max-failed-percent: must be 0 to 100, is %g", *p))
	}
	return errors.Join(
		tolerance, inRange("--test", c.Test, wire.MaxSampleSize),
		inRange("--concurrency", c.Concurrency, wire.MaxConcurrency), checkPreset(c.Preset))
}

// open opens the CSV before anything is asked of the API: a wrong name costs nothing.
func (c *RunCmd) open(streams Streams) (io.ReadCloser, error) {
	if c.File == "-" {
		return io.NopCloser(streams.In), nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("read the CSV: %w", err)
	}
	return file, nil
}

// started is an execution that has been started, and what it is called.
type started struct {
	execution wire.Execution
	title     string
}

// start does everything up to the start. Ctrl-C ends it at once: until the last step
// there is nothing to stop.
func (c *RunCmd) start(ctx context.Context, streams Streams, api *client.Client, content io.Reader) (started, error) {
	ctx, release := untilInterrupted(ctx, streams.Interrupts)
	defer release()
	project, err := c.project(ctx, streams, api)
	if err != nil {
		return started{}, err
	}
	batch, err := api.CreateBatchCSV(ctx, project.ID, c.batchName(), content, c.fileName())
	if err != nil {
		return started{}, asked(err, "upload "+c.fileName())
	}
	say(streams, "Batch %q: %s", batch.Name, plural(batch.RowCount, "row", "rows"))
	say(streams, "  columns: %s", columnsText(batch.Columns))
	execution, err := api.Execute(ctx, project.ID, batch.ID, c.request())
	if err != nil {
		return started{}, asked(err, "start the run")
	}
	say(streams, "Execution %s: %s", execution.ID, executionURL(api, execution))
	return started{execution, project.Name + " · " + batch.Name}, nil
}

func (c *RunCmd) project(ctx context.Context, streams Streams, api *client.Client) (wire.Project, error) {
	if !isProjectFile(c.Project) {
		project, err := findProject(ctx, api, c.Project)
		return project, asked(err, "find the project")
	}
	want, err := loadProject(c.Project)
	if err != nil {
		return wire.Project{}, err
	}
	project, did, err := ensureProject(ctx, api, want)
	if err != nil {
		return wire.Project{}, asked(err, "write the project "+want.Name)
	}
	say(streams, "Project %q: %s", project.Name, did)
	return project, nil
}

func (c *RunCmd) fileName() string {
	if c.File == "-" {
		return "stdin.csv"
	}
	return filepath.Base(c.File)
}

func (c *RunCmd) batchName() string {
	if c.Name != "" {
		return c.Name
	}
	return strings.TrimSuffix(c.fileName(), filepath.Ext(c.fileName()))
}

func (c *RunCmd) request() wire.ExecuteRequest {
	req := wire.ExecuteRequest{Type: "production", Concurrency: c.Concurrency, Preset: presetOf(c.Preset)}
	if c.Test != nil {
		req.Type, req.SampleSize = "test", c.Test
	}
	if c.MaxFailed != nil || c.MaxFailedPercent != nil {
		// Not a pause, in which a script would wait for somebody to look.
		req.FailureTolerance = &wire.Tolerance{MaxFailed: c.MaxFailed, MaxFailedPercent: c.MaxFailedPercent, Action: "fail"}
	}
	return req
}

// report ends a command that does not wait.
func (c *RunCmd) report(streams Streams, api *client.Client, execution wire.Execution) error {
	if c.JSON {
		return printJSON(streams, document{Execution: execution})
	}
	_, err := fmt.Fprintln(streams.Out, executionURL(api, execution))
	return err
}

// document is what --json prints.
type document struct {
	Execution wire.Execution `json:"execution"`
	// Stats is absent when nobody waited for them.
	Stats *wire.Stats `json:"stats,omitempty"`
}

func say(streams Streams, format string, args ...any) {
	_, _ = fmt.Fprintf(streams.Err, format+"\n", args...)
}

// asked says what was being done when an error came.
func asked(err error, doing string) error {
	if err == nil {
		return nil
	}
	var exit *ExitError
	if errors.As(err, &exit) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return &ExitError{Code: ExitInterrupted, Err: fmt.Errorf("interrupted while trying to %s", doing)}
	}
	return fmt.Errorf("could not %s: %w", doing, err)
}

func columnsText(columns []wire.Column) string {
	parts := make([]string, len(columns))
	for i, column := range columns {
		parts[i] = column.Name
		switch column.Role {
		case "site_url":
			parts[i] += " (page)"
		case "ground_truth":
			parts[i] += " (truth of " + column.Field + ")"
		case "ignored":
			parts[i] += " (ignored)"
		}
	}
	return strings.Join(parts, ", ")
}

func executionURL(api *client.Client, execution wire.Execution) string {
	return api.BaseURL() + "/api/executions/" + execution.ID.String()
}

// untilInterrupted gives a context that Ctrl-C ends. release must be called before
// anybody else listens to the interrupts.
func untilInterrupted(ctx context.Context, interrupts <-chan os.Signal) (interruptible context.Context, release func()) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-stopped
	}
}
