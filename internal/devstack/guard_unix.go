//go:build unix && !linux

package devstack

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

// guard ends a child when this process ends, with the help of a watchdog.
type guard struct {
	sig syscall.Signal
	dog *watchdog
}

func newGuard(sig syscall.Signal) (*guard, error) { return &guard{sig: sig}, nil }

func (g *guard) prepare(*exec.Cmd) {}

func (g *guard) watch(ctx context.Context, child *os.Process) (err error) {
	g.dog, err = startWatchdog(ctx, child.Pid, g.sig)
	return err
}

func (g *guard) release() {
	if g.dog != nil {
		g.dog.dismiss()
	}
}
