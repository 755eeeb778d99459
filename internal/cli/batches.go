package cli

import (
	"context"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// BatchesCmd is `mino batches`.
type BatchesCmd struct {
	List    BatchesListCmd    `cmd:"" help:"List batches, newest first."`
	Show    BatchesShowCmd    `cmd:"" help:"Show a batch."`
	Upload  BatchesUploadCmd  `cmd:"" help:"Upload a file as a batch."`
	Preview BatchesPreviewCmd `cmd:"" help:"Say what an upload would come to, and make nothing."`
	Rename  BatchesRenameCmd  `cmd:"" help:"Give a batch another name."`
	Delete  BatchesDeleteCmd  `cmd:"" help:"Delete a batch with its jobs."`
}

// BatchesListCmd is `mino batches list`.
type BatchesListCmd struct {
	Listing

	Project string `short:"p" placeholder:"ID|NAME" help:"Of this project only."`
}

// Run lists.
func (c *BatchesListCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		filter := url.Values{}
		if err := filterProject(ctx, api, filter, c.Project); err != nil {
			return err
		}
		return list(streams, c.Listing, api.Batches(ctx, filter), []column[wire.Batch]{
			{title: "id", cell: func(b wire.Batch) string { return b.ID.String() }},
			{title: "name", most: nameWidth, cell: func(b wire.Batch) string { return b.Name }},
			{title: "rows", right: true, cell: func(b wire.Batch) string { return grouped(b.RowCount) }},
			{title: "created", cell: func(b wire.Batch) string { return when(b.CreatedAt) }},
			{title: "project", cell: func(b wire.Batch) string { return b.ProjectID.String() }},
		})
	})
}

// filterProject has a list show those of a project, named by id or name, only.
func filterProject(ctx context.Context, api *client.Client, filter url.Values, ref string) error {
	if ref == "" {
		return nil
	}
	project, err := findProject(ctx, api, ref)
	if err != nil {
		return asked(err, "find the project")
	}
	filter.Set("project_id", project.ID.String())
	return nil
}

// BatchesShowCmd is `mino batches show`.
type BatchesShowCmd struct {
	Remote

	Batch uuid.UUID `arg:"" help:"Id of the batch."`
}

// Run shows.
func (c *BatchesShowCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		batch, err := api.Batch(ctx, c.Batch)
		if err != nil {
			return asked(err, "find the batch")
		}
		return c.print(streams, batch, func() []string { return renderBatch(batch) })
	})
}

// BatchesRenameCmd is `mino batches rename`.
type BatchesRenameCmd struct {
	Remote

	Batch uuid.UUID `arg:"" help:"Id of the batch."`
	Name  string    `arg:"" help:"The new name."`
}

// Run renames.
func (c *BatchesRenameCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		batch, err := api.RenameBatch(ctx, c.Batch, c.Name)
		if err != nil {
			return asked(err, "rename the batch")
		}
		return c.print(streams, batch, func() []string { return renderBatch(batch) })
	})
}

// BatchesDeleteCmd is `mino batches delete`.
type BatchesDeleteCmd struct {
	Remote
	Confirm

	Batch   uuid.UUID `arg:"" help:"Id of the batch."`
	Cascade bool      `help:"Delete its executions too; without it a batch that was executed is refused."`
}

// Run deletes.
func (c *BatchesDeleteCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		batch, err := api.Batch(ctx, c.Batch)
		if err != nil {
			return asked(err, "find the batch")
		}
		what := "the batch " + strconv.Quote(batch.Name) + " (" + batch.ID.String() + ") of " +
			plural(batch.RowCount, "row", "rows")
		if c.Cascade {
			what += " with its executions"
		}
		if err := c.ask(ctx, streams, "Delete "+what+"?"); err != nil {
			return err
		}
		if err := api.DeleteBatch(ctx, c.Batch, c.Cascade); err != nil {
			return asked(err, "delete the batch")
		}
		return c.deleted(streams, what, c.Batch)
	})
}

func renderBatch(b wire.Batch) []string {
	return record(
		[2]string{"id", b.ID.String()},
		[2]string{"project", b.ProjectID.String()},
		[2]string{"name", b.Name},
		[2]string{"rows", grouped(b.RowCount)},
		[2]string{"columns", columnsText(b.Columns)},
		[2]string{"duplicates", duplicatesText(b.Duplicates)},
		[2]string{"version", strconv.FormatInt(b.Version, 10)},
		[2]string{"created", when(b.CreatedAt)},
		[2]string{"updated", when(b.UpdatedAt)},
	)
}
