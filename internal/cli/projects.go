package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// ProjectsCmd is `mino projects`.
type ProjectsCmd struct {
	List   ProjectsListCmd   `cmd:"" help:"List projects, newest first."`
	Show   ProjectsShowCmd   `cmd:"" help:"Show a project."`
	Create ProjectsCreateCmd `cmd:"" help:"Create a project from a project file."`
	Delete ProjectsDeleteCmd `cmd:"" help:"Delete a project."`

	SetSecret  ProjectsSetSecretCmd  `cmd:"" help:"Give a project a secret, such as the key of an API, or change it."`
	DropSecret ProjectsDropSecretCmd `cmd:"" help:"Take a secret from a project."`
}

// nameWidth is how much of a name a list shows.
const nameWidth = 40

// findProject finds a project that must be there by its id or its name.
func findProject(ctx context.Context, api *client.Client, ref string) (wire.Project, error) {
	if id, err := uuid.Parse(ref); err == nil {
		project, err := api.Project(ctx, id)
		var refusal *client.Error
		if !errors.As(err, &refusal) || refusal.Status != http.StatusNotFound {
			return project, err
		}
		// A name may look like an id.
	}
	return projectByName(ctx, api, ref)
}

// ProjectsListCmd is `mino projects list`.
type ProjectsListCmd struct {
	Listing
}

// Run lists.
func (c *ProjectsListCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		return list(streams, c.Listing, api.Projects(ctx), []column[wire.Project]{
			{title: "id", cell: func(p wire.Project) string { return p.ID.String() }},
			{title: "name", most: nameWidth, cell: func(p wire.Project) string { return p.Name }},
			{title: "executor", most: nameWidth, cell: func(p wire.Project) string { return p.Executor }},
			{title: "fields", right: true, cell: func(p wire.Project) string { return strconv.Itoa(len(p.Fields)) }},
			{title: "updated", cell: func(p wire.Project) string { return when(p.UpdatedAt) }},
		})
	})
}

// ProjectsShowCmd is `mino projects show`.
type ProjectsShowCmd struct {
	Remote

	Project string `arg:"" help:"Id or name of the project."`
}

// Run shows.
func (c *ProjectsShowCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		project, err := findProject(ctx, api, c.Project)
		if err != nil {
			return asked(err, "find the project")
		}
		return c.print(streams, project, func() []string { return renderProject(project) })
	})
}

// ProjectsCreateCmd is `mino projects create`.
type ProjectsCreateCmd struct {
	Remote

	File string `arg:"" complete:"@files" help:"Project file, YAML or JSON, as mino run reads it."`
}

// Run creates.
func (c *ProjectsCreateCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		want, err := loadProject(c.File)
		if err != nil {
			return err
		}
		project, err := api.CreateProject(ctx, want)
		if err != nil {
			return asked(err, "create the project "+want.Name)
		}
		return c.print(streams, project, func() []string { return renderProject(project) })
	})
}

// ProjectsDeleteCmd is `mino projects delete`.
type ProjectsDeleteCmd struct {
	Remote
	Confirm

	Project string `arg:"" help:"Id or name of the project."`
	Cascade bool   `help:"Delete its batches too, with their jobs and executions; without it a project that has batches is refused."`
}

// Run deletes.
func (c *ProjectsDeleteCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		project, err := findProject(ctx, api, c.Project)
		if err != nil {
			return asked(err, "find the project")
		}
		what := "the project " + strconv.Quote(project.Name) + " (" + project.ID.String() + ")"
		if c.Cascade {
			what += " with all its batches, jobs and executions"
		}
		if err := c.ask(ctx, streams, "Delete "+what+"?"); err != nil {
			return err
		}
		if err := api.DeleteProject(ctx, project.ID, c.Cascade); err != nil {
			return asked(err, "delete the project")
		}
		return c.deleted(streams, what, project.ID)
	})
}

func renderProject(p wire.Project) []string {
	fields := make([]string, len(p.Fields))
	for i, f := range p.Fields {
		fields[i] = f.Name + " (" + string(typed(f).Type) + ")"
	}
	politeness := ""
	if p.Politeness != nil {
		politeness = unlessBlank(mustJSON(p.Politeness))
	}
	return record(
		[2]string{"id", p.ID.String()},
		[2]string{"name", p.Name},
		[2]string{"executor", p.Executor},
		[2]string{"instruction", p.Instruction},
		[2]string{"fields", strings.Join(fields, ", ")},
		[2]string{"settings", unlessBlank(p.Settings)},
		[2]string{"defaults", unlessBlank(mustJSON(p.Defaults))},
		[2]string{"inputs", strings.Join(p.Inputs, ", ")},
		[2]string{"politeness", politeness},
		[2]string{"secrets", strings.Join(p.SecretNames, ", ")},
		[2]string{"version", strconv.FormatInt(p.Version, 10)},
		[2]string{"created", when(p.CreatedAt)},
		[2]string{"updated", when(p.UpdatedAt)},
	)
}

func unlessBlank(raw json.RawMessage) string {
	if isBlank(raw) {
		return ""
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

// mustJSON is for types of package wire, which always have a JSON form.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}
