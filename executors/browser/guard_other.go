//go:build !linux

package browser

import "syscall"

// dieWithUs has nothing to do: Chromium ends when the pipe ends by which it is told what
// to do.
func dieWithUs(*syscall.SysProcAttr) {}
