package devstack

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startParent runs this test binary as a process that starts both servers, and returns
// it with the ids of its children.
func startParent(t *testing.T, dir string) (*exec.Cmd, children) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	parent := exec.CommandContext(context.WithoutCancel(t.Context()), exe)
	parent.Env = append(os.Environ(), parentVariable+"="+dir)
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	t.Cleanup(func() { _ = parent.Process.Kill(); _ = parent.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var pids children
	require.NoError(t, json.Unmarshal(line, &pids))
	require.True(t, alive(pids.Postgres))
	require.True(t, alive(pids.Temporal))
	return parent, pids
}

func TestParentDies(t *testing.T) {
	t.Parallel()

	t.Run("KilledParentLeavesNoOrphans", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		parent, pids := startParent(t, dir)
		require.NoError(t, parent.Process.Kill())
		require.Eventually(t, func() bool { return !alive(pids.Postgres) && !alive(pids.Temporal) },
			20*time.Second, 10*time.Millisecond)
		for _, path := range []string{filepath.Join(dir, "postgres", "data"), filepath.Join(dir, "temporal", "cli.yaml")} {
			left, err := processesWithArg(t.Context(), path)
			require.NoError(t, err)
			require.Empty(t, left)
		}
	})

	t.Run("NextStartGoesOnAtOnce", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		parent, pids := startParent(t, dir)
		require.NoError(t, parent.Process.Kill())
		_ = parent.Wait() // only so that its locks are gone for sure; the servers may still be ending

		startPostgres(t, filepath.Join(dir, "postgres"))
		startTemporal(t, filepath.Join(dir, "temporal"))
		require.False(t, alive(pids.Postgres))
		require.False(t, alive(pids.Temporal))
	})

	t.Run("TerminalInterruptReachesOnlyTheParent", func(t *testing.T) {
		t.Parallel()
		pg := startPostgres(t, openDir(t))
		temporal := startTemporal(t, openDir(t))
		for _, pid := range []int{pg.Pid(), temporal.Pid()} {
			group, err := syscall.Getpgid(pid)
			require.NoError(t, err)
			require.Equal(t, pid, group)
			require.NotEqual(t, syscall.Getpgrp(), group)
		}
	})
}

func TestWatchdog(t *testing.T) {
	t.Parallel()

	t.Run("SignalsWhenThePipeCloses", func(t *testing.T) {
		t.Parallel()
		child := exec.CommandContext(t.Context(), "sleep", "600")
		require.NoError(t, child.Start())
		dog, err := startWatchdog(t.Context(), child.Process.Pid, syscall.SIGINT)
		require.NoError(t, err)
		require.NoError(t, dog.pipe.Close()) // as the kernel does for a process that ended
		require.EqualError(t, child.Wait(), "signal: interrupt")
		require.NoError(t, dog.cmd.Wait())
	})

	t.Run("DismissedItSignalsNobody", func(t *testing.T) {
		t.Parallel()
		child := exec.CommandContext(t.Context(), "sleep", "600")
		require.NoError(t, child.Start())
		dog, err := startWatchdog(t.Context(), child.Process.Pid, syscall.SIGINT)
		require.NoError(t, err)
		dog.dismiss()
		require.NoError(t, child.Process.Signal(syscall.SIGTERM))
		require.EqualError(t, child.Wait(), "signal: terminated")
	})
}

func TestProcess(t *testing.T) {
	t.Parallel()

	shell := func(t *testing.T, script string) *process {
		t.Helper()
		proc, err := startProcess(t.Context(), program{path: "/bin/sh", args: []string{"-c", script}, onParentDeath: syscall.SIGKILL})
		require.NoError(t, err)
		t.Cleanup(func() { proc.signal(syscall.SIGKILL); <-proc.done })
		return proc
	}

	t.Run("ReportsAProgramThatCannotBeRun", func(t *testing.T) {
		t.Parallel()
		_, err := startProcess(t.Context(), program{path: filepath.Join(t.TempDir(), "missing"), onParentDeath: syscall.SIGKILL})
		require.ErrorIs(t, err, os.ErrNotExist)
	})

	t.Run("OutlivesTheContextOfItsStart", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		proc, err := startProcess(ctx, program{path: "/bin/sh", args: []string{"-c", "sleep 600"}, onParentDeath: syscall.SIGKILL})
		require.NoError(t, err)
		cancel()
		require.False(t, proc.endsWithin(100*time.Millisecond))
		require.NoError(t, proc.stop(t.Context(), syscall.SIGTERM))
	})

	t.Run("StopEscalatesToKill", func(t *testing.T) {
		t.Parallel()
		ready := newFirstWrite(&strings.Builder{})
		proc, err := startProcess(t.Context(), program{
			path: "/bin/sh", args: []string{"-c", "trap '' INT QUIT; echo ready; while :; do sleep 1; done"},
			stdout: ready, onParentDeath: syscall.SIGKILL,
		})
		require.NoError(t, err)
		<-ready.happened
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorContains(t, proc.stop(ctx, syscall.SIGINT), "had to be ended by killed")
	})

	t.Run("StoppingAnEndedProcessIsNothing", func(t *testing.T) {
		t.Parallel()
		proc := shell(t, "exit 3")
		<-proc.done
		require.EqualError(t, proc.err, "exit status 3")
		require.NoError(t, proc.stop(t.Context(), syscall.SIGTERM))
	})

	t.Run("ZombieIsNotAlive", func(t *testing.T) {
		t.Parallel()
		child := exec.CommandContext(t.Context(), "/bin/sh", "-c", "exit 0")
		require.NoError(t, child.Start())
		require.Eventually(t, func() bool { return zombie(child.Process.Pid) }, 10*time.Second, time.Millisecond)
		require.False(t, alive(child.Process.Pid))
		require.NoError(t, child.Wait())
	})

	t.Run("IsFoundByItsArgument", func(t *testing.T) {
		t.Parallel()
		mark := filepath.Join(t.TempDir(), "mark")
		proc, err := startProcess(t.Context(), program{
			path: "/bin/sh", args: []string{"-c", "sleep 600; :", mark}, onParentDeath: syscall.SIGKILL,
		})
		require.NoError(t, err)
		t.Cleanup(func() { proc.signal(syscall.SIGKILL); <-proc.done })
		requireFound(t, mark) // the arguments of a process show a little after its start
		found, err := processesWithArg(t.Context(), mark)
		require.NoError(t, err)
		require.Equal(t, []int{proc.pid()}, found)
		if runtime.GOOS == "linux" {
			found, err = processesWithArg(t.Context(), strings.TrimSuffix(mark, "k"))
			require.NoError(t, err)
			require.Empty(t, found)
		}
	})
}
