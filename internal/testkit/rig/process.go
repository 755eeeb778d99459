package rig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit"
)

const (
	command = "github.com/minohq/mino/cmd/mino"
	// startTime bounds the start of a process on a machine that does other things too.
	startTime = time.Minute
	// shownLines is how much of a process's output a failed test shows.
	shownLines = 150
)

// binary builds the command once for all tests that need processes of their own.
var binary = sync.OnceValues(func() (string, error) { return build("mino") })

func build(name string, args ...string) (string, error) {
	dir, err := testkit.Dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	args = append(append([]string{"build", "-o", path}, args...), command)
	if out, err := exec.CommandContext(context.Background(), "go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build mino: %w\n%s", err, out)
	}
	return path, nil
}

// Output collects what a process prints and can be read meanwhile.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to it.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is all of it.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tail is the end of it, without an empty last line.
func (o *Output) tail() string {
	lines := strings.Split(strings.TrimSpace(o.String()), "\n")
	return strings.Join(lines[max(len(lines)-shownLines, 0):], "\n")
}

// Process is a mino process that a test started.
type Process struct {
	*exec.Cmd

	// Done is closed when it has ended.
	Done chan struct{}
	// Out is what it prints.
	Out *Output
}

// Start starts a mino process; it is killed at the end of the test. The last of
// several variables of one name counts.
func Start(tb testing.TB, env []string, args ...string) *Process {
	tb.Helper()
	path, err := binary()
	require.NoError(tb, err)
	return start(tb, path, env, args...)
}

func start(tb testing.TB, path string, env []string, args ...string) *Process {
	tb.Helper()
	p := &Process{Cmd: exec.CommandContext(context.Background(), path, args...), Done: make(chan struct{}), Out: &Output{}}
	// What tests ask of processes is mostly not about who asks; they listen on loopback.
	p.Env = append(append(os.Environ(), "MINO_AUTH=off"), env...)
	p.Stdout, p.Stderr = p.Out, p.Out
	require.NoError(tb, p.Start())
	go func() {
		defer close(p.Done)
		_ = p.Wait() // a process that was killed is an error to Wait
	}()
	tb.Cleanup(func() {
		p.Kill(tb)
		if tb.Failed() {
			tb.Logf("%v, process %d:\n%s", args, p.Process.Pid, p.Out.tail())
		}
	})
	return p
}

// Kill ends the process as kill -9 does.
func (p *Process) Kill(tb testing.TB) {
	tb.Helper()
	select {
	case <-p.Done:
	default:
		require.NoError(tb, p.Process.Signal(syscall.SIGKILL))
		<-p.Done
	}
}

// Interrupt ends the process as Ctrl-C does and gives its exit code.
func (p *Process) Interrupt(tb testing.TB) int { tb.Helper(); return p.end(tb, os.Interrupt) }

// Terminate ends the process as an orchestrator of containers does and gives its exit
// code.
func (p *Process) Terminate(tb testing.TB) int { tb.Helper(); return p.end(tb, syscall.SIGTERM) }

func (p *Process) end(tb testing.TB, sig os.Signal) int {
	tb.Helper()
	require.NoError(tb, p.Process.Signal(sig))
	<-p.Done
	return p.ProcessState.ExitCode()
}

// Says waits until the process has printed something of a pattern, and gives the
// submatches of the first.
func (p *Process) Says(tb testing.TB, pattern *regexp.Regexp) []string {
	tb.Helper()
	var found []string
	require.Eventually(tb, func() bool {
		found = pattern.FindStringSubmatch(p.Out.String())
		return found != nil || p.ended()
	}, startTime, 10*time.Millisecond, "the process says %s", pattern)
	require.NotNil(tb, found, "the process has ended and has not said %s", pattern)
	return found
}

func (p *Process) ended() bool {
	select {
	case <-p.Done:
		return true
	default:
		return false
	}
}

var (
	listens = regexp.MustCompile(`the API listens.*?(127\.0\.0\.1:\d+)`)
	polls   = regexp.MustCompile(`the worker polls`)
)

// URL is where an API process listens, once it does.
func (p *Process) URL(tb testing.TB) string {
	tb.Helper()
	return "http://" + p.Says(tb, listens)[1]
}

// Client is a client of an API process, once it listens. It sends everything once.
func (p *Process) Client(tb testing.TB) *client.Client {
	tb.Helper()
	api, err := client.New(client.Config{BaseURL: p.URL(tb), MaxRetries: -1})
	require.NoError(tb, err)
	return api
}

// Polls waits until a worker process takes jobs.
func (p *Process) Polls(tb testing.TB) {
	tb.Helper()
	p.Says(tb, polls)
}
