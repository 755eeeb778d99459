package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// reapTime bounds how long a process may take to go after SIGKILL, and after a signal
// that is a last warning before it.
const reapTime = 5 * time.Second

// program says what to run and how.
type program struct {
	path    string
	args    []string
	env     []string
	dir     string
	account *account // nil: our own
	// stdout and stderr may be the same. A server's are files, or else its end would
	// be noticed only when its own children have closed them too.
	stdout, stderr io.Writer
	// onParentDeath is the signal that the process gets when ours ends.
	onParentDeath syscall.Signal
}

// command builds the command. Nothing but the signals sent here ends it: a server
// outlives the context of its start.
func (p program) command(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), p.path, p.args...)
	cmd.Env = p.env
	cmd.Dir = p.dir
	cmd.Stdout, cmd.Stderr = p.stdout, p.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// Its own group keeps it out of reach of the terminal's Ctrl-C.
		Setpgid:    true,
		Credential: p.account.credential(),
	}
	return cmd
}

// process is a child that runs, or has ended.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // what Wait returned; to be read after done
}

func startProcess(ctx context.Context, p program) (*process, error) {
	proc := &process{cmd: p.command(ctx), done: make(chan struct{})}
	guard, err := newGuard(p.onParentDeath)
	if err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	go func() {
		// Linux sends the parent-death signal when the thread ends that forked, so
		// that thread is kept for this goroutine alone and lives as long as the child.
		runtime.LockOSThread()
		guard.prepare(proc.cmd)
		err := proc.cmd.Start()
		if err == nil {
			err = guard.watch(ctx, proc.cmd.Process)
		}
		started <- err
		if proc.cmd.Process != nil {
			proc.err = proc.cmd.Wait()
		}
		guard.release()
		close(proc.done)
	}()
	if err := <-started; err != nil {
		proc.signal(syscall.SIGKILL)
		<-proc.done
		return nil, fmt.Errorf("run %s: %w", p.path, err)
	}
	return proc, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal sends a signal if the process is still there.
func (p *process) signal(sig syscall.Signal) {
	if p.cmd.Process != nil {
		// The only failures are a process that has ended, which is what signals are
		// for here, and one that is not ours, which a child always is.
		_ = p.cmd.Process.Signal(sig)
	}
}

// stop asks with the first signal and waits until the context is done, then insists
// with each of the others, giving the process a few seconds for each, and at last
// kills it. It returns an error when asking was not enough.
func (p *process) stop(ctx context.Context, ask syscall.Signal, insist ...syscall.Signal) error {
	p.signal(ask)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	for _, sig := range append(insist, syscall.SIGKILL) {
		p.signal(sig)
		if p.endsWithin(reapTime) {
			return fmt.Errorf("had to be ended by %s: %w", sig, context.Cause(ctx))
		}
	}
	return errors.New("does not end, even by SIGKILL")
}

// abandon ends a process that is not wanted any more, whatever the reason: usually the
// context that it was started under is done.
func (p *process) abandon(ask syscall.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), reapTime)
	defer cancel()
	return p.stop(ctx, ask)
}

func (p *process) endsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// run runs a program to its end and kills it when the context is done.
func run(ctx context.Context, p program) error {
	proc, err := startProcess(ctx, p)
	if err != nil {
		return err
	}
	select {
	case <-proc.done:
	case <-ctx.Done():
		proc.signal(syscall.SIGKILL)
		<-proc.done
		return context.Cause(ctx)
	}
	if proc.err != nil {
		return fmt.Errorf("%s: %w", p.path, proc.err)
	}
	return nil
}

// environment is ours without the variables that would change how a server behaves,
// plus those given.
func environment(drop func(name string) bool, add ...string) []string {
	var env []string
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); !drop(name) {
			env = append(env, entry)
		}
	}
	return append(env, add...)
}
