package faults

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
)

// long says that the tests are to take their time.
var long = os.Getenv("MINO_FAULTS") == "long"

// atOnce is how many tests run at a time: they wait for most of theirs, so it is more
// than there are processors.
const atOnce = "6"

func TestMain(m *testing.M) {
	// Before the flags are read, so that -parallel wins.
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	testkit.Main(m)
}

// form picks what a test does in its two forms.
func form[T any](inShort, inLong T) T {
	if long {
		return inLong
	}
	return inShort
}

// pass lets time pass.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal("the test ended")
	}
}

// eventually waits for something that others bring about.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 2*time.Minute, 20*time.Millisecond, "%s", what)
}
