package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/models/retry"
)

// ExecutionsStartCmd is `mino executions start`.
type ExecutionsStartCmd struct {
	Remote

	Batch       uuid.UUID `arg:"" help:"Id of the batch."`
	Test        bool      `help:"Run a test of some rows, the same ones every time, instead of all rows."`
	Sample      *int      `placeholder:"N" help:"Rows of the test, 1 to 1,000; 10 unless given."`
	Concurrency *int      `placeholder:"N" help:"Jobs that run at once (1 to 50)."`
	Preset      string    `placeholder:"PRESET" complete:"FAST,STANDARD,PATIENT,AGGRESSIVE" help:"How failed jobs are retried: FAST, STANDARD, PATIENT or AGGRESSIVE."`
	Wait        bool      `help:"Watch until the execution has ended, as mino watch does."`
}

// Help is what --help says beneath the flags.
func (*ExecutionsStartCmd) Help() string {
	return `Starts an execution and prints it. With --wait it is watched, and --json prints
{execution, stats} as mino watch does.

` + exitHelp
}

// Run starts.
func (c *ExecutionsStartCmd) Run(ctx context.Context, streams Streams) error {
	var run started
	err := c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		if err := c.check(); err != nil {
			return &ExitError{Code: ExitRefused, Err: err}
		}
		batch, err := api.Batch(ctx, c.Batch)
		if err != nil {
			return asked(err, "find the batch")
		}
		run.title = batch.Name
		run.execution, err = api.Execute(ctx, batch.ProjectID, batch.ID, c.request())
		return asked(err, "start the execution")
	})
	if err != nil {
		return err
	}
	if !c.Wait {
		return withCode(c.print(streams, run.execution, func() []string { return renderExecution(run.execution) }))
	}
	say(streams, "Execution %s", run.execution.ID)
	return c.follow(ctx, streams, run)
}

// follow watches what a command started, and listens to Ctrl-C itself.
func (r *Remote) follow(ctx context.Context, streams Streams, run started) error {
	api, err := r.client()
	if err != nil {
		return withCode(err)
	}
	return withCode(follow(ctx, streams, api, run, r.JSON))
}

// check refuses options that the API would refuse, in the words of the command line.
func (c *ExecutionsStartCmd) check() error {
	var sample error
	if c.Sample != nil && !c.Test {
		sample = errors.New("--sample: is for a test, add --test")
	}
	return errors.Join(sample, inRange("--sample", c.Sample, wire.MaxSampleSize),
		inRange("--concurrency", c.Concurrency, wire.MaxConcurrency), checkPreset(c.Preset))
}

func (c *ExecutionsStartCmd) request() wire.ExecuteRequest {
	req := wire.ExecuteRequest{Type: "production", Concurrency: c.Concurrency, Preset: presetOf(c.Preset)}
	if c.Test {
		req.Type, req.SampleSize = "test", c.Sample
	}
	return req
}

// inRange refuses a flag that is given and not between 1 and most.
func inRange(flag string, value *int, most int) error {
	if value == nil || (*value >= 1 && *value <= most) {
		return nil
	}
	return fmt.Errorf("%s: must be 1 to %s, is %d", flag, grouped(most), *value)
}

// inShare refuses a flag that is given and not between 0 and 1.
func inShare(flag string, value *float64) error {
	if value == nil || (*value >= 0 && *value <= 1 && !math.IsNaN(*value)) {
		return nil
	}
	return fmt.Errorf("%s: must be 0 to 1, is %g", flag, *value)
}

func checkPreset(text string) error {
	if preset := presetOf(text); preset != nil {
		if _, known := preset.Policy(); !known {
			return fmt.Errorf("--preset: must be one of %v, is %q", retry.Presets(), text)
		}
	}
	return nil
}

// presetOf reads a preset in any case; nil when none is given.
func presetOf(text string) *retry.Preset {
	if text == "" {
		return nil
	}
	preset := retry.Preset(strings.ToUpper(text))
	return &preset
}
