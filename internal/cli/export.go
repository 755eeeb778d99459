package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/client"
)

// exportFormats are the forms that the API writes.
var exportFormats = []string{"csv", "json", "jsonl", "xlsx"}

// ExportCmd is `mino export`.
type ExportCmd struct {
	JobFilters

	Batch   *uuid.UUID `arg:"" optional:"" help:"Id of the batch whose jobs are exported."`
	Format  string     `placeholder:"FORMAT" complete:"csv,json,jsonl,xlsx" help:"csv, json, jsonl or xlsx; what the name of --output says unless given, else csv."`
	Columns []string   `sep:"none" placeholder:"NAME" help:"A column that is wanted, in this order; may be given several times. All usual ones unless given."`
	Output  string     `short:"o" placeholder:"FILE" complete:"@files" help:"Write to this file, readable by its owner, which is there only when it is whole; standard output unless given."`

	Connection
}

// Help is what --help says beneath the flags.
func (*ExportCmd) Help() string {
	return `With a batch, its jobs are exported, those that the filters find. Without one, --execution
exports the attempts of an execution, and --status, of attempts then, is the only filter.

An export is one snapshot, also of what is running. It is streamed: its size does not
matter. When it breaks off, the exit code is not 0, and what has been written to standard
output is not whole.

` + askExitHelp
}

// Run exports.
func (c *ExportCmd) Run(ctx context.Context, streams Streams) error {
	return (&Remote{Connection: c.Connection}).with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		write, err := c.plan(ctx, api)
		if err != nil {
			return &ExitError{Code: ExitRefused, Err: err}
		}
		if c.Output != "" {
			return c.toFile(streams, write)
		}
		if c.form() == "xlsx" && streams.OutTerminal {
			return &ExitError{Code: ExitOther, Err: errors.New("xlsx is not for a terminal: give --output")}
		}
		_, err = write(streams.Out)
		return asked(err, "export")
	})
}

// plan reads what is to be exported.
func (c *ExportCmd) plan(ctx context.Context, api *client.Client) (func(io.Writer) (int64, error), error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	form := c.form()
	if !slices.Contains(exportFormats, form) {
		return nil, fmt.Errorf("--format: must be one of %s, is %q", strings.Join(exportFormats, ", "), form)
	}
	options := c.query()
	options.Set("format", form)
	if len(c.Columns) > 0 {
		options["columns"] = c.Columns
	}
	if c.Batch != nil {
		return func(to io.Writer) (int64, error) { return api.ExportJobs(ctx, *c.Batch, options, to) }, nil
	}
	if c.Execution == nil {
		return nil, errors.New("give the id of a batch, or --execution")
	}
	if others := c.filtersOfJobs(options); others != "" {
		return nil, fmt.Errorf("%s: not for the attempts of an execution; give a batch", others)
	}
	options.Del("execution_id")
	return func(to io.Writer) (int64, error) { return api.ExportSessions(ctx, *c.Execution, options, to) }, nil
}

// filtersOfJobs names the filters that attempts do not have.
func (c *ExportCmd) filtersOfJobs(options url.Values) string {
	var names []string
	for name := range options {
		switch name {
		case "format", "columns", "status", "execution_id":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// form is the format: the one that is given, that of the file's name, or csv.
func (c *ExportCmd) form() string {
	if c.Format != "" {
		return strings.ToLower(c.Format)
	}
	if ending := strings.TrimPrefix(strings.ToLower(filepath.Ext(c.Output)), "."); slices.Contains(exportFormats, ending) {
		return ending
	}
	return "csv"
}

// toFile writes beside the file first: a file with its name is whole.
func (c *ExportCmd) toFile(streams Streams, write func(io.Writer) (int64, error)) (err error) {
	part, err := os.CreateTemp(filepath.Dir(c.Output), filepath.Base(c.Output)+".*.part")
	if err != nil {
		return asked(err, "write the export")
	}
	defer func() {
		if err != nil {
			_ = part.Close()
			_ = os.Remove(part.Name())
		}
	}()
	n, err := write(part)
	if err != nil {
		return asked(err, "export")
	}
	if err := errors.Join(part.Close(), os.Rename(part.Name(), c.Output)); err != nil {
		return asked(err, "write the export")
	}
	say(streams, "Wrote %s: %s bytes", c.Output, grouped(int(n)))
	return nil
}
