package cli

import (
	"context"
	"net/url"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// ExecutionsCmd is `mino executions`.
type ExecutionsCmd struct {
	List        ExecutionsListCmd        `cmd:"" help:"List executions, newest first."`
	Show        ExecutionsShowCmd        `cmd:"" help:"Show an execution and where it stands."`
	Watch       WatchCmd                 `cmd:"" help:"Watch an execution until it has ended."`
	Start       ExecutionsStartCmd       `cmd:"" help:"Start an execution of a batch."`
	Pause       ExecutionsPauseCmd       `cmd:"" help:"Let no new job start; running ones finish."`
	Resume      ExecutionsResumeCmd      `cmd:"" help:"Go on after a pause."`
	Stop        ExecutionsStopCmd        `cmd:"" help:"Stop an execution for good."`
	Concurrency ExecutionsConcurrencyCmd `cmd:"" help:"Change how many jobs run at once."`
}

// ExecutionsListCmd is `mino executions list`.
type ExecutionsListCmd struct {
	Listing

	Project string     `short:"p" placeholder:"ID|NAME" help:"Of this project only."`
	Batch   *uuid.UUID `short:"b" placeholder:"ID" help:"Of this batch only."`
	Status  []string   `placeholder:"STATUS" complete:"pending,running,paused,stopping,stopped,completed,failed" help:"In one of these states only: pending, running, paused, stopping, stopped, completed, failed."`
}

// Run lists.
func (c *ExecutionsListCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		filter := url.Values{}
		if err := filterProject(ctx, api, filter, c.Project); err != nil {
			return err
		}
		if c.Batch != nil {
			filter.Set("batch_id", c.Batch.String())
		}
		if len(c.Status) > 0 {
			filter["status"] = c.Status
		}
		return list(streams, c.Listing, api.Executions(ctx, filter), executionColumns())
	})
}

func executionColumns() []column[wire.Execution] {
	return []column[wire.Execution]{
		{title: "id", cell: func(e wire.Execution) string { return e.ID.String() }},
		{title: "type", cell: func(e wire.Execution) string { return e.Type }},
		{title: "status", cell: func(e wire.Execution) string { return e.Status }},
		{title: "jobs", right: true, cell: func(e wire.Execution) string { return grouped(e.TotalJobs) }},
		{title: "created", cell: func(e wire.Execution) string { return when(e.CreatedAt) }},
		{title: "finished", cell: func(e wire.Execution) string { return whenever(e.FinishedAt) }},
		{title: "batch", cell: func(e wire.Execution) string { return e.BatchID.String() }},
	}
}

// OneExecution is what the commands on one execution have.
type OneExecution struct {
	Remote

	Execution uuid.UUID `arg:"" help:"Id of the execution."`
}

// ExecutionsShowCmd is `mino executions show`.
type ExecutionsShowCmd struct {
	OneExecution
}

// Run shows.
func (c *ExecutionsShowCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		execution, err := api.Execution(ctx, c.Execution)
		if err != nil {
			return asked(err, "find the execution")
		}
		stats, err := api.Stats(ctx, c.Execution)
		if err != nil {
			return asked(err, "learn where the execution stands")
		}
		return c.print(streams, document{execution, &stats}, func() []string {
			return append(append(renderExecution(execution), ""),
				renderSummary("Now", execution, stats, style{colour: streams.ColourOut})...)
		})
	})
}

func renderExecution(e wire.Execution) []string {
	members := [][2]string{
		{"id", e.ID.String()},
		{"project", e.ProjectID.String()},
		{"batch", e.BatchID.String()},
		{"type", e.Type},
		{"status", e.Status},
		{"jobs", grouped(e.TotalJobs)},
		{"concurrency", grouped(e.Concurrency)},
		{"preset", e.Preset},
		{"workflow", e.WorkflowID},
		{"created", when(e.CreatedAt)},
		{"started", whenever(e.StartedAt)},
		{"finished", whenever(e.FinishedAt)},
	}
	if e.Selection != nil {
		members = append(members, [2]string{"runs again", string(mustJSON(e.Selection))})
	}
	return record(members...)
}

// control does something to an execution and says where it stands then.
func (c *OneExecution) control(
	ctx context.Context, streams Streams, doing string, do func(context.Context, *client.Client) (wire.Stats, error),
) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		stats, err := do(ctx, api)
		if err != nil {
			return asked(err, doing)
		}
		return c.print(streams, stats, func() []string {
			return record(
				[2]string{"status", stats.Status},
				[2]string{"concurrency", grouped(stats.Concurrency)},
				[2]string{"jobs", jobsText(stats)},
			)
		})
	})
}

// ExecutionsPauseCmd is `mino executions pause`.
type ExecutionsPauseCmd struct {
	OneExecution
}

// Run pauses.
func (c *ExecutionsPauseCmd) Run(ctx context.Context, streams Streams) error {
	return c.control(ctx, streams, "pause the execution", func(ctx context.Context, api *client.Client) (wire.Stats, error) {
		return api.Pause(ctx, c.Execution)
	})
}

// ExecutionsResumeCmd is `mino executions resume`.
type ExecutionsResumeCmd struct {
	OneExecution
}

// Run resumes.
func (c *ExecutionsResumeCmd) Run(ctx context.Context, streams Streams) error {
	return c.control(ctx, streams, "resume the execution", func(ctx context.Context, api *client.Client) (wire.Stats, error) {
		return api.Resume(ctx, c.Execution)
	})
}

// ExecutionsStopCmd is `mino executions stop`.
type ExecutionsStopCmd struct {
	OneExecution

	Mode string `enum:"drain,cancel" default:"drain" help:"drain lets running jobs finish, cancel cancels them too."`
}

// Run stops.
func (c *ExecutionsStopCmd) Run(ctx context.Context, streams Streams) error {
	return c.control(ctx, streams, "stop the execution", func(ctx context.Context, api *client.Client) (wire.Stats, error) {
		return api.Stop(ctx, c.Execution, c.Mode)
	})
}

// ExecutionsConcurrencyCmd is `mino executions concurrency`.
type ExecutionsConcurrencyCmd struct {
	OneExecution

	Value int `arg:"" help:"Jobs that run at once, 1 to 50."`
}

// Run changes it.
func (c *ExecutionsConcurrencyCmd) Run(ctx context.Context, streams Streams) error {
	return c.control(ctx, streams, "change the concurrency", func(ctx context.Context, api *client.Client) (wire.Stats, error) {
		return api.SetConcurrency(ctx, c.Execution, c.Value)
	})
}
