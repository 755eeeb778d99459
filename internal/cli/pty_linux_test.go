package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit"
)

// childAPI makes this test binary a `mino watch` of the run at that API, so that a
// real process can have a real terminal.
const childAPI = "MINO_TEST_WATCH_API"

func TestMain(m *testing.M) {
	actAsCommand()
	if api := os.Getenv(childAPI); api != "" {
		os.Exit(watchAsProcess(api)) // this process is a command, not a test
	}
	testkit.Main(m)
}

func watchAsProcess(api string) int {
	streams, stop := OSStreams()
	defer stop()
	streams.every = 5 * time.Millisecond
	cmd := WatchCmd{Execution: runID, Connection: Connection{API: api}}
	err := cmd.Run(context.Background(), streams)
	var exit *ExitError
	if errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "mino:", err)
		return exit.Code
	}
	return 0
}

// terminal is a process on a terminal of its own.
type terminal struct {
	master *os.File
	screen *locked
	cmd    *exec.Cmd
	ended  chan struct{} // when everything it wrote has been read
}

func startOnTerminal(t *testing.T, api string, environment ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 70}))
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	defer func() { _ = slave.Close() }()

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(append(os.Environ(), childAPI+"="+api, "TERM=xterm", "NO_COLOR="), environment...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())

	term := &terminal{master: master, screen: &locked{}, cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(term.ended)
		_, _ = io.Copy(term.screen, master) // ends with EIO when the process does
	}()
	return term
}

func (term *terminal) shows(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(term.screen.String(), text) },
		20*time.Second, 5*time.Millisecond, "the screen never showed %q", text)
}

func (term *terminal) press(t *testing.T, keys string) {
	t.Helper()
	_, err := io.WriteString(term.master, keys)
	require.NoError(t, err)
}

// exitCode waits for the process.
func (term *terminal) exitCode(t *testing.T) int {
	t.Helper()
	err := term.cmd.Wait()
	<-term.ended
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	require.NoError(t, err)
	return 0
}

const ctrlC = "\x03"

func TestOnATerminal(t *testing.T) {
	t.Parallel()

	t.Run("CtrlCAsksAndTheAnswerCancels", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 1))
		api.stopped = []wire.Stats{{ExecutionID: runID, Status: "stopping", Total: 60}, endedStats("stopped")}
		term := startOnTerminal(t, api.URL)
		term.shows(t, "running, 10 at once")
		term.shows(t, "\x1b[6A\r") // redrawn in place
		term.press(t, ctrlC)
		term.shows(t, "Stop the run?")
		term.press(t, "c\n")
		require.Equal(t, client.StopCancel, <-api.stops)
		require.Equal(t, ExitRunStopped, term.exitCode(t))
		require.Contains(t, term.screen.String(), "mino: the execution was stopped")
		require.Contains(t, term.screen.String(), "\x1b[32m█", "colours")
	})

	t.Run("CtrlCTwiceLeaves", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 1))
		term := startOnTerminal(t, api.URL, "NO_COLOR=1")
		term.shows(t, "running, 10 at once")
		term.press(t, ctrlC)
		term.shows(t, "Stop the run?")
		term.press(t, ctrlC)
		require.Equal(t, ExitInterrupted, term.exitCode(t))
		require.Empty(t, api.stops)
		require.Contains(t, term.screen.String(), "stopped watching; the run goes on")
		require.NotContains(t, term.screen.String(), "\x1b[32m", "NO_COLOR is honoured")
	})

	t.Run("ADumbTerminalGetsLines", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(5, 1), endedStats("completed"))
		term := startOnTerminal(t, api.URL, "TERM=dumb")
		require.Zero(t, term.exitCode(t))
		require.NotContains(t, term.screen.String(), "\x1b")
		require.Contains(t, term.screen.String(), "completed in 1m35s")
	})
}
