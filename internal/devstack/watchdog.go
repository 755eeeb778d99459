//go:build unix

package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// watchdog is a shell that waits for this process to end and then signals another:
// for systems whose kernel does not do that. It learns of the end because the kernel
// closes the pipe that it reads from, which nobody else holds.
type watchdog struct {
	cmd  *exec.Cmd
	pipe io.Closer
}

func startWatchdog(ctx context.Context, pid int, sig syscall.Signal) (*watchdog, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", `read -r _; kill -"$1" "$2"`,
		"watchdog", strconv.Itoa(int(sig)), strconv.Itoa(pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not end it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a watchdog: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a watchdog: %w", err), pipe.Close())
	}
	return &watchdog{cmd: cmd, pipe: pipe}, nil
}

// dismiss ends the watchdog without a signal sent: first the shell, then the pipe,
// since by now the process id may belong to somebody else.
func (w *watchdog) dismiss() {
	// It was started and not yet waited for, so Kill can only fail when it has ended,
	// and Wait only reports that it was killed.
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
	_ = w.pipe.Close()
}
