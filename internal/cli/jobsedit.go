package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// JobsEditCmd is `mino jobs edit`.
type JobsEditCmd struct {
	Remote

	Job     uuid.UUID         `arg:"" help:"Id of the job."`
	SiteURL *string           `name:"site-url" placeholder:"URL" help:"The page."`
	Input   map[string]string `mapsep:"none" placeholder:"COLUMN=VALUE" help:"The value of an input column; may be given several times. Other columns keep theirs."`
	Truth   map[string]string `mapsep:"none" placeholder:"FIELD=VALUE" help:"The right value of a field, several accepted ones apart by |; FIELD= removes it. May be given several times; other fields keep theirs."`
}

// Help is what --help says beneath the flags.
func (*JobsEditCmd) Help() string {
	return `Reads the job, changes what is given and writes it back. When somebody else has edited
the job in between nothing is changed, and the exit code is 3.

` + askExitHelp
}

// Run edits.
func (c *JobsEditCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		if c.SiteURL == nil && len(c.Input)+len(c.Truth) == 0 {
			return &ExitError{Code: ExitOther, Err: errors.New("nothing to change: give --site-url, --input or --truth")}
		}
		job, err := api.Job(ctx, c.Job)
		if err != nil {
			return asked(err, "find the job")
		}
		patch, err := c.patch(ctx, api, job)
		if err != nil {
			return err
		}
		edited, err := api.PatchJob(ctx, job.ID, job.Version, patch)
		if err != nil {
			return asked(err, "edit the job")
		}
		return c.print(streams, edited, func() []string { return renderJob(edited, style{colour: streams.ColourOut}) })
	})
}

// patch is the job's inputs and truth with what is given in their places: the API
// replaces either as a whole.
func (c *JobsEditCmd) patch(ctx context.Context, api *client.Client, job wire.Job) (wire.JobPatch, error) {
	patch := wire.JobPatch{SiteURL: c.SiteURL}
	if len(c.Input) > 0 {
		input := maps.Clone(job.Input)
		if input == nil {
			input = map[string]string{}
		}
		maps.Copy(input, c.Input)
		patch.Input = &input
	}
	if len(c.Truth) == 0 {
		return patch, nil
	}
	project, err := api.Project(ctx, job.ProjectID)
	if err != nil {
		return patch, asked(err, "find the job's project")
	}
	truth := maps.Clone(job.GroundTruth)
	if truth == nil {
		truth = map[string][]string{}
	}
	for name, cell := range c.Truth {
		f, ok := fieldNamed(project, name)
		if !ok {
			return patch, &ExitError{Code: ExitRefused, Err: fmt.Errorf(
				"--truth: %q is no field of the project; there are: %s", name, fieldNames(project))}
		}
		if values := acceptedValues(cell, f); len(values) > 0 {
			truth[name] = values
		} else {
			delete(truth, name)
		}
	}
	patch.GroundTruth = &truth
	return patch, nil
}
