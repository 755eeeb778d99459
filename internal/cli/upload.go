package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// RowsFile is a file of rows, the project that they are for, and how they are read.
type RowsFile struct {
	File       string            `arg:"" name:"file" complete:"@files" help:"CSV with a site_url column, or JSON lines when its name ends in .jsonl or .ndjson; - reads a CSV from standard input."`
	Project    string            `short:"p" required:"" placeholder:"ID|NAME" help:"The project that the rows are for."`
	Column     map[string]string `mapsep:"none" placeholder:"HEADER=ROLE" help:"What a column is, where its header does not say so: site_url, input, ignored or ground_truth:<field>. May be given several times."`
	Charset    string            `placeholder:"NAME" help:"Encoding of the file, such as windows-1252, where it does not say."`
	Delimiter  string            `placeholder:"CHAR" complete:"tab" help:"What separates cells, where it cannot be told: a comma, a semicolon, a bar or the word tab."`
	Duplicates string            `placeholder:"RULE" complete:"keep,skip,refuse" help:"What becomes of rows with the page and inputs of an earlier one: keep, skip or refuse."`
}

// open opens the file before anything is asked of the API: a wrong name costs nothing.
func (f *RowsFile) open(streams Streams) (io.ReadCloser, error) {
	if f.File == "-" {
		return io.NopCloser(streams.In), nil
	}
	return os.Open(f.File)
}

// name is the file's own.
func (f *RowsFile) name() string {
	if f.File == "-" {
		return "stdin.csv"
	}
	return filepath.Base(f.File)
}

// stem is the name that a batch of the file has unless it is given one.
func (f *RowsFile) stem() string { return strings.TrimSuffix(f.name(), filepath.Ext(f.name())) }

// send has do send the file for the project that is named.
func (f *RowsFile) send(ctx context.Context, streams Streams, api *client.Client, do func(client.Upload) error) error {
	content, err := f.open(streams)
	if err != nil {
		return asked(err, "read the rows")
	}
	defer func() { _ = content.Close() }()
	project, err := findProject(ctx, api, f.Project)
	if err != nil {
		return asked(err, "find the project")
	}
	return do(client.Upload{
		ProjectID: project.ID, Content: content, Filename: f.name(),
		Columns: f.Column, Charset: f.Charset, Delimiter: f.Delimiter, Duplicates: f.Duplicates,
	})
}

// BatchesUploadCmd is `mino batches upload`.
type BatchesUploadCmd struct {
	Remote
	RowsFile

	Name string `placeholder:"BATCH" help:"Name of the batch; the file's name unless given."`
}

// Run uploads.
func (c *BatchesUploadCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		return c.send(ctx, streams, api, func(up client.Upload) error {
			if up.Name = c.Name; up.Name == "" {
				up.Name = c.stem()
			}
			batch, err := api.CreateBatch(ctx, up)
			if err != nil {
				return asked(err, "upload "+c.name())
			}
			return c.print(streams, batch, func() []string { return renderBatch(batch) })
		})
	})
}

// BatchesPreviewCmd is `mino batches preview`.
type BatchesPreviewCmd struct {
	Remote
	RowsFile

	Rows int `default:"10" placeholder:"N" help:"Rows that are shown, 1 to 100."`
}

// Help is what --help says beneath the flags.
func (*BatchesPreviewCmd) Help() string {
	return `Says what an upload would come to, and makes nothing. The exit code is 3 when the upload
would be refused.

` + askExitHelp
}

// Run asks.
func (c *BatchesPreviewCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		if err := inRange("--rows", &c.Rows, wire.MaxPreviewRows); err != nil {
			return &ExitError{Code: ExitRefused, Err: err}
		}
		return c.send(ctx, streams, api, func(up client.Upload) error {
			preview, err := api.PreviewBatch(ctx, up, c.Rows)
			if err != nil {
				return asked(err, "preview "+c.name())
			}
			err = c.print(streams, preview, func() []string { return renderPreview(preview, style{colour: streams.ColourOut}) })
			if err != nil || preview.CanBeCreated {
				return err
			}
			return &ExitError{Code: ExitRefused, Err: refusedPreview(preview)}
		})
	})
}
