package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// orphanTime is what an orphan gets to end after each signal.
const orphanTime = 10 * time.Second

// stopOrphans ends the processes that were started with the given argument, a path
// that is ours alone. The caller holds the lock of the directory, so whoever started
// them is gone.
func stopOrphans(ctx context.Context, log *zap.Logger, arg string, signals ...syscall.Signal) error {
	pids, err := processesWithArg(ctx, arg)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		log.Warn("stopping a server left over from an earlier run", zap.Int("pid", pid), zap.String("for", arg))
		if err := endProcess(ctx, pid, signals...); err != nil {
			return err
		}
	}
	return nil
}

// endProcess sends the signals in order, one every ten seconds, until the process is
// gone. It is not our child, so the only way to learn of its end is to ask.
func endProcess(ctx context.Context, pid int, signals ...syscall.Signal) error {
	for _, sig := range append(signals, syscall.SIGKILL) {
		if err := syscall.Kill(pid, sig); errors.Is(err, syscall.ESRCH) {
			return nil
		} else if err != nil {
			return fmt.Errorf("stop the left-over process %d: %w", pid, err)
		}
		gone := func() bool { return !alive(pid) }
		if err := poll(ctx, orphanTime, gone); err == nil {
			return nil
		} else if ctx.Err() != nil {
			return fmt.Errorf("stop the left-over process %d: %w", pid, err)
		}
	}
	return fmt.Errorf("the left-over process %d does not end, even by SIGKILL", pid)
}

// alive tells whether a process runs. One that has ended and waits for its parent to
// take note (a zombie) does not.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && !zombie(pid)
}

// poll asks until the answer is yes, the limit has passed or the context is done.
func poll(ctx context.Context, limit time.Duration, yes func() bool) error {
	return pollEvery(ctx, 10*time.Millisecond, limit, yes)
}

func pollEvery(ctx context.Context, interval, limit time.Duration, yes func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for !yes() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	return nil
}

// pause waits before a thing is tried again of which nobody tells when it will succeed.
func pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// self is never an orphan, whatever our own arguments say.
func self(pid int) bool { return pid == os.Getpid() }
