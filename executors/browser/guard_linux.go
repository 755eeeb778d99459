package browser

import "syscall"

// dieWithUs has the kernel end a child when this process ends, however it ends. The
// library that starts it keeps the thread, on whose life this depends.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
