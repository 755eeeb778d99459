package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// ProjectsSetSecretCmd is `mino projects set-secret`.
type ProjectsSetSecretCmd struct {
	Remote

	Project string `arg:"" help:"Id or name of the project."`
	Name    string `arg:"" help:"Name of the secret."`
	FromEnv string `placeholder:"VARIABLE" help:"Take the value from this environment variable instead of standard input."`
}

// Help is what --help says beneath the flags.
func (*ProjectsSetSecretCmd) Help() string {
	return `The value is asked for on a terminal, without showing it, and else read from standard
input; one line break at its end is left out. It is never an argument: those can be
seen by others, and stay in the history of the shell.

` + askExitHelp
}

// Run sets.
func (c *ProjectsSetSecretCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		project, err := findProject(ctx, api, c.Project)
		if err != nil {
			return asked(err, "find the project")
		}
		value, err := c.value(ctx, streams)
		if err != nil {
			return err
		}
		return c.edit(ctx, streams, api, project, map[string]wire.Nullable[string]{c.Name: wire.Given(value)})
	})
}

// value finds the value of the secret.
func (c *ProjectsSetSecretCmd) value(ctx context.Context, streams Streams) (string, error) {
	if c.FromEnv != "" {
		value := os.Getenv(c.FromEnv)
		if value == "" {
			return "", fmt.Errorf("--from-env: the environment variable %s is not set", c.FromEnv)
		}
		return value, nil
	}
	var raw []byte
	var err error
	file, isFile := streams.In.(*os.File)
	if streams.Interactive && isFile {
		_, _ = fmt.Fprintf(streams.Err, "Value of %s: ", c.Name)
		raw, err = unseen(ctx, int(file.Fd()))
		_, _ = fmt.Fprintln(streams.Err)
	} else {
		// One byte more than is taken has the API say that it is too much.
		raw, err = io.ReadAll(io.LimitReader(streams.In, wire.MaxSecretBytes+int64(len("\r\n"))+1))
	}
	if err != nil {
		return "", asked(err, "read the secret")
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if value == "" {
		return "", errors.New("read the secret: there is nothing on standard input")
	}
	return value, nil
}

// unseen reads a line of a terminal, which does not show it. The read cannot be called
// off; when the context ends, the terminal is left as it was.
func unseen(ctx context.Context, terminal int) ([]byte, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	var line []byte
	read := make(chan error, 1)
	go func() {
		var err error
		line, err = term.ReadPassword(terminal)
		read <- err
	}()
	select {
	case err := <-read:
		return line, err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}

// ProjectsDropSecretCmd is `mino projects drop-secret`.
type ProjectsDropSecretCmd struct {
	Remote

	Project string `arg:"" help:"Id or name of the project."`
	Name    string `arg:"" help:"Name of the secret; one that is not there is nothing to drop."`
}

// Run drops.
func (c *ProjectsDropSecretCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		project, err := findProject(ctx, api, c.Project)
		if err != nil {
			return asked(err, "find the project")
		}
		return c.edit(ctx, streams, api, project, map[string]wire.Nullable[string]{c.Name: wire.Null[string]()})
	})
}

// edit changes secrets of a project that was read before, and shows it.
func (r *Remote) edit(
	ctx context.Context, streams Streams, api *client.Client, project wire.Project, secrets map[string]wire.Nullable[string],
) error {
	edited, err := api.PatchProject(ctx, project.ID, project.Version, wire.ProjectPatch{Secrets: secrets})
	if err != nil {
		return asked(err, "edit the project")
	}
	return r.print(streams, edited, func() []string { return renderProject(edited) })
}
