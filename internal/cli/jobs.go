package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// JobsCmd is `mino jobs`.
type JobsCmd struct {
	List   JobsListCmd   `cmd:"" help:"List the jobs of a batch or a project by any filter."`
	Show   JobsShowCmd   `cmd:"" help:"Show a job with its result and the attempts at it."`
	Rerun  JobsRerunCmd  `cmd:"" help:"Run jobs again: those named, or those of a batch that the filters find."`
	Edit   JobsEditCmd   `cmd:"" help:"Change the page, inputs or right values of a job."`
	Delete JobsDeleteCmd `cmd:"" help:"Delete jobs with the attempts at them."`
}

// JobsListCmd is `mino jobs list`.
type JobsListCmd struct {
	Listing
	JobFilters

	Batch   *uuid.UUID `short:"b" xor:"where" required:"" placeholder:"ID" help:"The batch, or else --project."`
	Project string     `short:"p" xor:"where" required:"" placeholder:"ID|NAME" help:"The project, or else --batch."`
}

// Run lists.
func (c *JobsListCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		if err := c.check(); err != nil {
			return &ExitError{Code: ExitRefused, Err: err}
		}
		if c.Batch != nil {
			return list(streams, c.Listing, api.Jobs(ctx, *c.Batch, c.query()), jobColumns())
		}
		project, err := findProject(ctx, api, c.Project)
		if err != nil {
			return asked(err, "find the project")
		}
		columns := slices.Insert(jobColumns(), len(jobColumns())-1, column[wire.Job]{
			title: "batch", cell: func(j wire.Job) string { return j.BatchID.String() },
		})
		return list(streams, c.Listing, api.ProjectJobs(ctx, project.ID, c.query()), columns)
	})
}

func jobColumns() []column[wire.Job] {
	return []column[wire.Job]{
		{title: "row", right: true, cell: func(j wire.Job) string { return strconv.Itoa(j.Row) }},
		{title: "id", cell: func(j wire.Job) string { return j.ID.String() }},
		{title: "status", cell: func(j wire.Job) string { return j.Status }},
		{title: "verdict", cell: func(j wire.Job) string { return j.Verdict }},
		{title: "accuracy", right: true, cell: func(j wire.Job) string { return shareText(j.Accuracy) }},
		{title: "attempts", right: true, cell: func(j wire.Job) string { return strconv.Itoa(j.Attempts) }},
		{title: "failure", cell: func(j wire.Job) string {
			if j.Error == nil {
				return ""
			}
			return j.Error.Class
		}},
		{title: "page", cell: func(j wire.Job) string { return j.SiteURL }},
	}
}

func shareText(accuracy *float64) string {
	if accuracy == nil {
		return ""
	}
	return percent(*accuracy)
}

// JobsShowCmd is `mino jobs show`.
type JobsShowCmd struct {
	Remote

	Job uuid.UUID `arg:"" help:"Id of the job."`
}

// Run shows.
func (c *JobsShowCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		job, err := api.Job(ctx, c.Job)
		if err != nil {
			return asked(err, "find the job")
		}
		return c.print(streams, job, func() []string { return renderJob(job, style{colour: streams.ColourOut}) })
	})
}

// renderJob writes a job, its values beside the right ones, and the attempts at it.
func renderJob(j wire.Job, s style) []string {
	execution := ""
	if j.ExecutionID != nil {
		execution = j.ExecutionID.String()
	}
	inputs := make([]string, 0, len(j.Input))
	for _, name := range slices.Sorted(maps.Keys(j.Input)) {
		inputs = append(inputs, name+"="+j.Input[name])
	}
	lines := record(
		[2]string{"id", j.ID.String()},
		[2]string{"project", j.ProjectID.String()},
		[2]string{"batch", j.BatchID.String()},
		[2]string{"execution", execution},
		[2]string{"row", strconv.Itoa(j.Row)},
		[2]string{"page", j.SiteURL},
		[2]string{"input", strings.Join(inputs, ", ")},
		[2]string{"status", j.Status},
		[2]string{"verdict", j.Verdict},
		[2]string{"accuracy", shareText(j.Accuracy)},
		[2]string{"failure", errorText(j.Error)},
		[2]string{"attempts", strconv.Itoa(j.Attempts)},
		[2]string{"cost", costText(j.Steps, j.CostMicros, j.CostCurrency)},
		[2]string{"next at", whenever(j.NextAttemptAt)},
		[2]string{"version", strconv.FormatInt(j.Version, 10)},
		[2]string{"started", whenever(j.StartedAt)},
		[2]string{"finished", whenever(j.FinishedAt)},
	)
	lines = append(lines, titled(s, renderValues(j))...)
	return append(lines, titled(s, renderSessions(j.Sessions))...)
}

// titled lays out rows under titles, after a blank line; nothing when there are none.
func titled(s style, rows [][]string) []string {
	if len(rows) < 2 {
		return nil
	}
	for _, row := range rows {
		for i := range row {
			row[i] = plain(row[i])
		}
	}
	lines := table(rows)
	lines[0] = s.paint(dim, lines[0])
	return append([]string{""}, lines...)
}

func renderValues(j wire.Job) [][]string {
	fields := map[string]bool{}
	for name := range j.Result {
		fields[name] = true
	}
	for name := range j.GroundTruth {
		fields[name] = true
	}
	rows := [][]string{{"field", "value", "right", "match"}}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		rows = append(rows, []string{name, value(j.Result[name]), strings.Join(j.GroundTruth[name], " | "), matchText(j.Comparison, name)})
	}
	return rows
}

// matchText says whether a field matched, and why not; nothing when it was not compared.
func matchText(comparison map[string]wire.FieldResult, name string) string {
	switch compared, ok := comparison[name]; {
	case !ok:
		return ""
	case compared.Match:
		return "yes"
	default:
		return "no: " + compared.Reason
	}
}

func renderSessions(sessions []wire.Session) [][]string {
	rows := [][]string{{"attempt", "status", "started", "took", "verdict", "failure"}}
	for _, s := range sessions {
		took := ""
		if s.FinishedAt != nil {
			took = clock(s.FinishedAt.Sub(s.StartedAt))
		}
		rows = append(rows, []string{strconv.Itoa(s.Attempt), s.Status, when(s.StartedAt), took, s.Verdict, errorText(s.Error)})
	}
	return rows
}

func errorText(e *wire.JobError) string {
	if e == nil {
		return ""
	}
	text := e.Class
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// JobsDeleteCmd is `mino jobs delete`.
type JobsDeleteCmd struct {
	Remote
	Confirm

	Jobs []uuid.UUID `arg:"" help:"Ids of the jobs."`
}

// Help is what --help says beneath the flags.
func (*JobsDeleteCmd) Help() string {
	return "Every job is deleted by itself: when some are refused the others are gone, and the\nexit code is 3.\n\n" + askExitHelp
}

// Run deletes, as many at once as the API takes.
func (c *JobsDeleteCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		if err := c.ask(ctx, streams, "Delete "+plural(len(c.Jobs), "job", "jobs")+"?"); err != nil {
			return err
		}
		all := wire.BulkResponse{Results: []wire.BulkResult{}}
		var failed error
		for ids := range slices.Chunk(c.Jobs, wire.MaxBulkJobs) {
			some, err := api.DeleteJobs(ctx, ids)
			if err != nil {
				failed = asked(err, "delete the jobs")
				break
			}
			all.Results = append(all.Results, some.Results...)
			all.Done, all.Refused = all.Done+some.Done, all.Refused+some.Refused
		}
		if c.JSON {
			failed = errors.Join(printJSON(streams, all), failed)
		} else {
			say(streams, "Deleted %s", plural(all.Done, "job", "jobs"))
		}
		if failed != nil {
			return failed
		}
		return refusals(all.Results)
	})
}
