package browser

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryOf is how many bytes the processes of a group take, without what they share with
// others.
func memoryOf(group int) int64 {
	var pages int64
	for _, pid := range groupMembers(group) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(text))
		if len(fields) < 3 {
			continue
		}
		resident, _ := strconv.ParseInt(fields[1], 10, 64) // the kernel writes numbers
		shared, _ := strconv.ParseInt(fields[2], 10, 64)
		pages += resident - shared
	}
	return pages * int64(os.Getpagesize())
}

// groupMembers are the processes of a group that have not ended.
func groupMembers(group int) []int {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil // of a bad pattern, which this is not
	}
	var pids []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// "pid (name) state parent group …", and the name may hold anything.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 3 || string(fields[2]) != strconv.Itoa(group) || fields[0][0] == 'Z' || fields[0][0] == 'X' {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
