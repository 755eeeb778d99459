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

// WatchCmd is `mino watch`: it follows an execution that somebody started.
type WatchCmd struct {
	Execution uuid.UUID `arg:"" help:"Id of the execution."`
	JSON      bool      `name:"json" help:"Print one JSON document {execution, stats} on standard output; progress goes to standard error."`

	Connection
}

// Help is what --help says beneath the flags.
func (*WatchCmd) Help() string {
	return "Shows what mino run shows, from where the execution stands now.\n\n" + exitHelp
}

// Run does it; see RunCmd.Run for ctx and errors.
func (c *WatchCmd) Run(ctx context.Context, streams Streams) error {
	api, err := c.client()
	if err != nil {
		return withCode(err)
	}
	execution, err := api.Execution(ctx, c.Execution)
	if err != nil {
		return withCode(asked(err, "find the execution"))
	}
	return withCode(follow(ctx, streams, api, started{execution, "Execution " + execution.ID.String()}, c.JSON))
}

// follow watches an execution to its end, prints what came of it, and turns its
// status into the command's.
func follow(ctx context.Context, streams Streams, api *client.Client, run started, asJSON bool) error {
	w := watcher{client: api, streams: streams, id: run.execution.ID, title: run.title}
	execution, stats, err := w.watch(ctx)
	switch {
	case errors.Is(err, errStoppedWatching):
		return &ExitError{Code: ExitInterrupted, Err: leftRunning(api, run.execution)}
	case err != nil:
		return asked(err, "watch the execution "+run.execution.ID.String())
	}
	if asJSON {
		err = printJSON(streams, document{execution, &stats})
	} else {
		err = printLines(streams, append([]string{""},
			renderSummary(run.title, execution, stats, style{colour: streams.ColourOut})...))
	}
	return errors.Join(err, statusError(execution))
}

// leftRunning tells whoever leaves how to come back and how to stop the run.
func leftRunning(api *client.Client, execution wire.Execution) error {
	at := execution.ID.String() + " --api " + api.BaseURL()
	return fmt.Errorf("%w; the run goes on\n"+
		"  watch it again:  mino watch %s\n"+
		"  where it stands: mino executions show %s\n"+
		"  stop it:         mino executions stop %s   (or pause, resume)",
		errStoppedWatching, at, at, at)
}

func statusError(execution wire.Execution) error {
	because := ""
	if execution.Reason != "" {
		because = ": " + execution.Reason
	}
	switch execution.Status {
	case statusFailed:
		return &ExitError{Code: ExitRunFailed, Err: fmt.Errorf("the execution failed%s", because)}
	case statusStopped:
		return &ExitError{Code: ExitRunStopped, Err: fmt.Errorf("the execution was stopped%s", because)}
	}
	return nil
}

func printLines(streams Streams, lines []string) error {
	_, err := fmt.Fprintln(streams.Out, strings.Join(lines, "\n"))
	return err
}
