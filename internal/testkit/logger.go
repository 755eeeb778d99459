package testkit

import (
	"sync"
	"testing"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
)

// Logger returns a logger that writes to the test's log. What is logged after the test
// has ended, as workers and servers do that are still stopping, is dropped.
func Logger(tb testing.TB) *zap.Logger {
	tb.Helper()
	target := &testLog{TB: tb}
	tb.Cleanup(target.close)
	return zaptest.NewLogger(target)
}

// testLog is a test that can be logged to after its end, which otherwise panics.
type testLog struct {
	testing.TB

	mu    sync.Mutex
	ended bool
}

func (l *testLog) Logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.TB.Logf(format, args...)
	}
}

func (l *testLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// RequireNoLeaks fails the test if goroutines that it started are left when it ends.
// Call it first, so that what the test cleans up is gone by then. It needs the process
// for itself: a test that calls it must not be parallel, and panics if it is.
func RequireNoLeaks(tb testing.TB) {
	tb.Helper()
	tb.Setenv("MINO_TEST_NOT_PARALLEL", "1")
	before := goleak.IgnoreCurrent()
	tb.Cleanup(func() { goleak.VerifyNone(tb, before) })
}
