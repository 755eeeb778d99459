package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
)

// binary builds the command once for all tests that need processes of their own.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := testkit.Dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "mino")
	build := exec.Command("go", "build", "-o", path, "../../cmd/mino")
	if out, err := build.CombinedOutput(); err != nil {
		return "", &buildError{err, out}
	}
	return path, nil
})

type buildError struct {
	err    error
	output []byte
}

func (b *buildError) Error() string { return b.err.Error() + "\n" + string(b.output) }

// output collects what a process prints and can be read meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a mino process that a test started.
type process struct {
	*exec.Cmd
	done chan struct{}
	out  *output
}

// start starts a mino process; it is killed at the end of the test.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	p := &process{Cmd: exec.CommandContext(context.Background(), path, args...), done: make(chan struct{}), out: &output{}}
	p.Env = append(os.Environ(), env...)
	p.Stdout, p.Stderr = p.out, p.out
	require.NoError(t, p.Start())
	go func() {
		defer close(p.done)
		_ = p.Wait() // a process that was killed is an error to Wait
	}()
	t.Cleanup(func() {
		p.kill(t)
		if t.Failed() {
			t.Logf("%v:\n%s", args, p.out)
		}
	})
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
	default:
		require.NoError(t, p.Process.Signal(syscall.SIGKILL))
		<-p.done
	}
}

// interrupt ends the process as Ctrl-C does and gives its exit code.
func (p *process) interrupt(t *testing.T) int {
	t.Helper()
	require.NoError(t, p.Process.Signal(os.Interrupt))
	<-p.done
	return p.ProcessState.ExitCode()
}
