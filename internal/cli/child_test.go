package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// childCommands makes this test binary the client commands, for shells to call.
const childCommands = "MINO_TEST_COMMANDS"

// actAsCommand runs a command line and exits when this process is a command, not a test.
func actAsCommand() {
	if os.Getenv(childCommands) == "" {
		return
	}
	streams, stop := OSStreams()
	defer stop()
	var line Commands
	parsed := kong.Parse(&line, kong.Name("mino"), kong.Bind(streams), kong.BindTo(context.Background(), (*context.Context)(nil)))
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "mino:", err)
		os.Exit(1) //nolint:gocritic // the streams end with the process
	}
	os.Exit(0)
}
