package testkit

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

func TestMain(m *testing.M) { Main(m) }

func TestDatabase(t *testing.T) {
	t.Parallel()

	t.Run("IsMigrated", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, migrations.Check(t.Context(), Database(t)))
	})

	t.Run("EmptyOneIsNot", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, migrations.Check(t.Context(), EmptyDatabase(t)), migrations.ErrPending)
	})

	t.Run("IsTheTestsOwn", func(t *testing.T) {
		t.Parallel()
		one, other := Database(t), Database(t)
		_, err := one.ExecContext(t.Context(), "CREATE TABLE mine ()")
		require.NoError(t, err)
		_, err = other.ExecContext(t.Context(), "SELECT FROM mine")
		require.ErrorContains(t, err, "42P01") // undefined_table
	})

	t.Run("URLIsTheSameDatabase", func(t *testing.T) {
		t.Parallel()
		address := DatabaseURL(t)
		_, err := OpenDatabase(t, address).ExecContext(t.Context(), "CREATE TABLE mine ()")
		require.NoError(t, err)
		_, err = OpenDatabase(t, address).ExecContext(t.Context(), "SELECT FROM mine")
		require.NoError(t, err)
	})
}

// The database must be gone after the test, so this looks from outside of it.
//
//nolint:tparallel // the inner test has to be over before the rest
func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var address string
	var left *bun.DB
	t.Run("EvenWithAConnectionLeftOpen", func(t *testing.T) {
		address = EmptyDatabaseURL(t)
		var err error
		left, err = store.OpenOwner(address, maxConnections)
		require.NoError(t, err)
		require.NoError(t, left.PingContext(t.Context()))
	})
	db, err := store.OpenOwner(address, maxConnections)
	require.NoError(t, err)
	require.ErrorContains(t, db.PingContext(t.Context()), "3D000") // invalid_catalog_name
	require.NoError(t, db.Close())
	require.NoError(t, left.Close())
}

func TestTemporal(t *testing.T) {
	t.Parallel()
	server := Temporal(t)

	run := func(t *testing.T, c client.Client) {
		t.Helper()
		queue := TaskQueue(t)
		w := worker.New(c, queue, WorkerOptions())
		w.RegisterWorkflowWithOptions(func(workflow.Context) (string, error) { return "done", nil },
			workflow.RegisterOptions{Name: "Test"})
		require.NoError(t, w.Start())
		t.Cleanup(w.Stop)
		attributes := make(map[string]any)
		for _, name := range contract.SearchAttributes() {
			attributes[name] = "x"
		}
		started, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: queue, TaskQueue: queue,
			SearchAttributes: attributes, //nolint:staticcheck // by name, as they are registered
		}, "Test")
		require.NoError(t, err)
		var result string
		require.NoError(t, started.Get(t.Context(), &result))
		require.Equal(t, "done", result)
	}

	t.Run("RunsWorkflowsWithSearchAttributes", func(t *testing.T) {
		t.Parallel()
		run(t, server.Client(t))
	})

	t.Run("RunsThemInANewNamespace", func(t *testing.T) {
		t.Parallel()
		namespace := server.Namespace(t)
		require.NotEqual(t, namespace, server.Namespace(t))
		run(t, server.ClientOf(t, namespace))
	})

	t.Run("TaskQueuesDiffer", func(t *testing.T) {
		t.Parallel()
		one, other := TaskQueue(t), TaskQueue(t)
		require.NotEqual(t, one, other)
	})
}

//nolint:tparallel // the inner test has to be over before the rest
func TestLogger(t *testing.T) {
	t.Parallel()
	logged := make(chan struct{})
	ended := make(chan struct{})
	t.Run("ToleratesLateMessages", func(t *testing.T) {
		logger := Logger(t)
		logger.Info("in time")
		go func() {
			defer close(logged)
			<-ended
			logger.Info("too late")
		}()
	})
	close(ended)
	<-logged
}

// recorder is a test that notes failures instead of having them.
type recorder struct {
	testing.TB

	failed  bool
	cleanup []func()
}

func (r *recorder) Cleanup(f func())      { r.cleanup = append(r.cleanup, f) }
func (r *recorder) Error(...any)          { r.failed = true }
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) end() (failed bool) {
	for _, f := range r.cleanup {
		f()
	}
	return r.failed
}

//nolint:paralleltest // it looks at all goroutines of the process
func TestRequireNoLeaks(t *testing.T) {
	t.Run("FindsALeak", func(t *testing.T) {
		record := &recorder{TB: t}
		RequireNoLeaks(record)
		release := make(chan struct{})
		go func() { <-release }()
		require.True(t, record.end())
		close(release)
	})

	t.Run("AcceptsAGoroutineThatEnds", func(t *testing.T) {
		record := &recorder{TB: t}
		RequireNoLeaks(record)
		ended := make(chan struct{})
		go func() { close(ended) }()
		<-ended
		require.False(t, record.end())
	})
}

func TestSweep(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	t.Setenv("TMPDIR", t.TempDir())
	dir := func(t *testing.T, changed time.Time) string {
		t.Helper()
		dir, err := os.MkdirTemp("", dirPattern)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600))
		require.NoError(t, os.Chtimes(dir, changed, changed))
		return dir
	}
	abandoned, fresh, used := dir(t, old), dir(t, time.Now()), dir(t, old)
	lock, err := lockedFile(used)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, lock.Close()) })

	sweep()
	require.NoDirExists(t, abandoned)
	require.DirExists(t, fresh)
	require.DirExists(t, used)
}

func TestCleanupsGoBackwardsOnce(t *testing.T) {
	t.Parallel()
	var c cleanups
	var order []int
	for i := range 3 {
		c.add(func(context.Context) error { order = append(order, i); return nil })
	}
	require.NoError(t, c.stop(t.Context()))
	require.NoError(t, c.stop(t.Context()))
	require.Equal(t, []int{2, 1, 0}, order)
}
