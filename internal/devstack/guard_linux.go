package devstack

import (
	"context"
	"os"
	"os/exec"
	"syscall"
)

// guard ends a child when this process ends. On Linux the kernel does it.
type guard struct{ sig syscall.Signal }

func newGuard(sig syscall.Signal) (*guard, error) { return &guard{sig: sig}, nil }

// prepare must be called on the thread that starts the command.
func (g *guard) prepare(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = g.sig }

func (g *guard) watch(context.Context, *os.Process) error { return nil }

func (g *guard) release() {}
