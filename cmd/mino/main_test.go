package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/cli"
)

// TestClientCommands holds that they are given what they need of the process, and that
// their exit codes become its own.
func TestClientCommands(t *testing.T) {
	t.Parallel()
	const nowhere = "http://127.0.0.1:1"
	require.Equal(t, cli.ExitUnreachable, run([]string{"projects", "list", "--api", nowhere}))
	require.Equal(t, cli.ExitUnreachable, run([]string{"watch", "0190a1b2-c3d4-7000-8000-0000000000ee", "--api", nowhere}))
	require.Equal(t, cli.ExitOther, run([]string{"projects", "delete"}))
	require.Equal(t, cli.ExitCompleted, run([]string{"completion", "bash"}))
	require.Equal(t, cli.ExitCompleted, run([]string{"__complete", "--", "pro"}))
}
