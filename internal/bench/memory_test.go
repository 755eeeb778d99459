package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// watchMemory looks at the memory of this process until the function that it returns is
// called: the heap in use at its highest, and at the end when what is no longer needed is
// gone; and the resident memory at its highest, 0 where the system does not say.
func watchMemory(b *testing.B) (stop func() (heapPeak, heapEnd, rss uint64)) {
	b.Helper()
	runtime.GC()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200) // the highest counts from here
	done, seen := make(chan struct{}), make(chan uint64)
	go func() {
		var highest uint64
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			highest = max(highest, heapInUse())
			select {
			case <-ticker.C:
			case <-done:
				seen <- highest
				return
			}
		}
	}()
	return func() (heapPeak, heapEnd, rss uint64) {
		close(done)
		heapPeak = <-seen
		runtime.GC()
		return heapPeak, heapInUse(), residentPeak(b)
	}
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func residentPeak(b *testing.B) uint64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for entry := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(entry, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseUint(strings.Fields(value)[0], 10, 64)
			require.NoError(b, err)
			return kilobytes << 10
		}
	}
	return 0
}
