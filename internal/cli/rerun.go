package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// JobsRerunCmd is `mino jobs rerun`.
type JobsRerunCmd struct {
	Remote
	JobFilters

	Jobs        []uuid.UUID `arg:"" optional:"" help:"Ids of the jobs, up to 100."`
	Batch       *uuid.UUID  `short:"b" placeholder:"ID" help:"Run those jobs of this batch again that the filters find."`
	Concurrency *int        `placeholder:"N" help:"Jobs that run at once (1 to 50)."`
	Preset      string      `placeholder:"PRESET" complete:"FAST,STANDARD,PATIENT,AGGRESSIVE" help:"How failed jobs are retried: FAST, STANDARD, PATIENT or AGGRESSIVE."`
	Wait        bool        `help:"Watch until the executions have ended, one after the other."`
}

// Help is what --help says beneath the flags.
func (*JobsRerunCmd) Help() string {
	return `Makes an execution for each batch that the jobs are of, and prints the executions.
Jobs that are refused are named on standard error, and the exit code is 3 then even if
others run. --json prints {executions, results}; with --wait the executions are as they
ended, and stats has where each came to.

` + exitHelp
}

// rerunDocument is what --json prints.
type rerunDocument struct {
	wire.RerunResponse

	// Stats are those of the executions, in their order, when they were waited for.
	Stats []wire.Stats `json:"stats,omitempty"`
}

// Run runs them again.
func (c *JobsRerunCmd) Run(ctx context.Context, streams Streams) error {
	var out rerunDocument
	err := c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		req, err := c.request()
		if err != nil {
			return &ExitError{Code: ExitRefused, Err: err}
		}
		out.RerunResponse, err = api.Rerun(ctx, req)
		return asked(err, "run the jobs again")
	})
	if err != nil {
		return err
	}
	var watched error
	if c.Wait {
		if watched = c.watch(ctx, streams, &out); errors.Is(watched, errStoppedWatching) {
			return withCode(watched)
		}
	}
	return withCode(errors.Join(c.report(streams, out), refusals(out.Results), watched))
}

// request reads the options.
func (c *JobsRerunCmd) request() (wire.RerunRequest, error) {
	req := wire.RerunRequest{IDs: c.Jobs, BatchID: c.Batch, Concurrency: c.Concurrency, Preset: presetOf(c.Preset)}
	problems := []error{c.check(), inRange("--concurrency", c.Concurrency, wire.MaxConcurrency), checkPreset(c.Preset)}
	switch {
	case len(c.Jobs) > 0 && (c.Batch != nil || c.given()):
		problems = append(problems, errors.New("give the ids of jobs, or --batch and filters, not both"))
	case len(c.Jobs) > wire.MaxRerunJobs:
		problems = append(problems, fmt.Errorf("%d jobs are named; %d are the most: choose them by --batch and filters", len(c.Jobs), wire.MaxRerunJobs))
	case len(c.Jobs) == 0 && c.Batch == nil:
		problems = append(problems, errors.New("give the ids of jobs, or --batch and filters"))
	case len(c.Jobs) == 0 && !c.given():
		problems = append(problems, errors.New("give a filter; mino executions start runs a whole batch"))
	case c.Batch != nil:
		filter := c.body()
		req.Filter = &filter
	}
	return req, errors.Join(problems...)
}

// watch watches the executions to their ends and puts these into out. The runs go on at
// once; only the watching is in turn.
func (c *JobsRerunCmd) watch(ctx context.Context, streams Streams, out *rerunDocument) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var ends []error
	for i, execution := range out.Executions {
		w := watcher{client: api, streams: streams, id: execution.ID, title: "Execution " + execution.ID.String()}
		final, stats, err := w.watch(ctx)
		switch {
		case errors.Is(err, errStoppedWatching):
			return &ExitError{Code: ExitInterrupted, Err: leftRunning(api, execution)}
		case err != nil:
			return asked(err, "watch the execution "+execution.ID.String())
		}
		out.Executions[i] = final
		out.Stats = append(out.Stats, stats)
		ends = append(ends, statusError(final))
	}
	return errors.Join(ends...)
}

// report prints the executions.
func (c *JobsRerunCmd) report(streams Streams, out rerunDocument) error {
	if c.JSON {
		return printJSON(streams, out)
	}
	for i, stats := range out.Stats {
		execution := out.Executions[i]
		lines := renderSummary("Execution "+execution.ID.String(), execution, stats, style{colour: streams.ColourOut})
		if err := printLines(streams, append([]string{""}, lines...)); err != nil {
			return err
		}
	}
	if len(out.Stats) > 0 {
		return nil
	}
	page := sheet{streams: streams}
	page.head(columnTitles(executionColumns()))
	for _, execution := range out.Executions {
		if err := page.add(cells(execution, executionColumns())); err != nil {
			return err
		}
	}
	return page.flush()
}

// refusals is an error that names the jobs that were refused and why; nil when none was.
func refusals(results []wire.BulkResult) error {
	var lines []string
	n := 0
	for _, result := range results {
		if result.Error == nil {
			continue
		}
		n++
		lines = append(lines, fmt.Sprintf("  %s: %s (%s)", result.ID, result.Error.Message, result.Error.Code))
		for _, fe := range result.Error.Errors {
			lines = append(lines, fmt.Sprintf("    %s: %s", fe.Field, fe.Message))
		}
	}
	if n == 0 {
		return nil
	}
	return &ExitError{Code: ExitRefused, Err: fmt.Errorf("%s refused:\n%s",
		plural(n, "job was", "jobs were"), strings.Join(lines, "\n"))}
}
