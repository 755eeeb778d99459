package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/client"
)

// askExitHelp is what --help of the commands that ask and answer says of exit codes.
const askExitHelp = `Exit codes:

  0    done
  1    wrong usage, a file that cannot be read, not confirmed, any other error
  2    the API could not be reached or is unavailable
  3    the API refused: it is not there, not valid, or not possible now
  130  interrupted`

// Remote is what every command of one question to the API has.
type Remote struct {
	JSON bool `name:"json" help:"Print JSON on standard output, and nothing else: a list as one object a line, anything else as one document."`

	Connection
}

// Help is what --help says beneath the flags.
func (*Remote) Help() string { return askExitHelp }

// with gives do a client and a context that Ctrl-C ends, and its error an exit code.
func (r *Remote) with(
	ctx context.Context, streams Streams, do func(ctx context.Context, api *client.Client) error,
) error {
	api, err := r.client()
	if err != nil {
		return withCode(err)
	}
	ctx, release := untilInterrupted(ctx, streams.Interrupts)
	defer release()
	return withCode(do(ctx, api))
}

// print prints a document as JSON, or as lines for people.
func (r *Remote) print(streams Streams, document any, lines func() []string) error {
	if r.JSON {
		return printJSON(streams, document)
	}
	return printLines(streams, lines())
}

func printJSON(streams Streams, document any) error {
	encoder := json.NewEncoder(streams.Out)
	encoder.SetEscapeHTML(false) // addresses hold &
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

// Confirm is what commands have that destroy something.
type Confirm struct {
	Yes bool `short:"y" help:"Do it without asking."`
}

// errNotConfirmed says that nothing was done.
var errNotConfirmed = &ExitError{Code: ExitOther, Err: errors.New("not confirmed; nothing was deleted")}

// ask asks whether to go on. Where there is nobody to ask it refuses: a script says
// --yes.
func (c *Confirm) ask(ctx context.Context, streams Streams, question string) error {
	if c.Yes {
		return nil
	}
	if !streams.Interactive {
		return &ExitError{Code: ExitOther, Err: errors.New("there is no terminal to ask on whether to delete: pass --yes")}
	}
	_, _ = fmt.Fprintf(streams.Err, "%s [y/N] ", question)
	answers := answers{in: streams.In}
	select {
	case <-ctx.Done():
		return asked(ctx.Err(), "ask whether to delete")
	case line := <-answers.next():
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return errNotConfirmed
	}
}

// deleted reports a deletion: the ids as a document, or a line on standard error.
func (r *Remote) deleted(streams Streams, what string, id uuid.UUID) error {
	if r.JSON {
		return printJSON(streams, map[string]uuid.UUID{"deleted": id})
	}
	say(streams, "Deleted %s", what)
	return nil
}
