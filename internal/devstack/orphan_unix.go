//go:build unix && !linux

package devstack

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// processesWithArg finds the processes that were started with this argument. ps does
// not tell where an argument begins and ends, so the argument must be long and ours,
// as the absolute path of a data directory is.
func processesWithArg(ctx context.Context, arg string) ([]int, error) {
	out, err := exec.CommandContext(ctx, "ps", "-A", "-ww", "-o", "pid=,args=").Output()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		first, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		pid, err := strconv.Atoi(first)
		if err == nil && !self(pid) && strings.Contains(args+" ", " "+arg+" ") {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// worksIn would tell whether a process has dir as its working directory, which cannot
// be learned here by simple means. A PostgreSQL that was started by hand under another
// spelling of the path is then missed, but harms nothing: the shared memory that it
// holds keeps a second one from its data.
func worksIn(int, string) bool { return false }

func zombie(pid int) bool {
	out, err := exec.CommandContext(context.Background(), "ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}
