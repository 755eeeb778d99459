package bench

import (
	"context"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	sdkclient "go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/api"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/logging"
	"github.com/minohq/mino/internal/orchestrator"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/worker"
	"github.com/minohq/mino/workflows/contract"
)

// window is how many jobs run at once: the most that an execution may.
const window = contract.MaxConcurrency

// jobs is how many jobs a benchmark runs; MINO_BENCH_JOBS lowers it for a quick look.
func jobs(b *testing.B, usually int) int {
	b.Helper()
	text := os.Getenv("MINO_BENCH_JOBS")
	if text == "" {
		return usually
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err, "MINO_BENCH_JOBS")
	return min(n, usually)
}

// system is MINO in this process, with one worker, as `mino dev` wires it.
type system struct {
	b        *testing.B
	url      string
	db       *bun.DB
	store    *store.Store
	temporal sdkclient.Client
	queue    string
	runs     *orchestrator.Orchestrator
}

// newSystem starts MINO over an executor that stands in for sites.
func newSystem(b *testing.B, execute executor) *system {
	b.Helper()
	return newSystemOf(b, execute)
}

// newSystemOf starts MINO with an executor.
func newSystemOf(b *testing.B, execute executors.Executor) *system {
	b.Helper()
	url := testkit.DatabaseURL(b)
	db := testkit.OpenDatabase(b, url)
	s := &system{b: b, url: url, db: db, store: testkit.Store(b, db), temporal: quietClient(b), queue: testkit.TaskQueue(b)}
	s.runs = orchestrator.New(s.temporal, s.queue)
	w := worker.New(s.temporal, worker.Config{TaskQueue: s.queue, Identity: s.queue, StopTimeout: 10 * time.Second},
		activities.New(activities.Config{Identity: s.queue, StopGrace: time.Second, Observer: numbering(b, s.store)}, s.store, executors.NewRegistry(execute), zap.NewNop()))
	require.NoError(b, w.Start())
	b.Cleanup(w.Stop)
	return s
}

// quietClient is connected as `mino` connects to a service in the clear. It logs nothing:
// what a benchmark logs costs time, and shows.
func quietClient(b *testing.B) sdkclient.Client {
	b.Helper()
	return clientWith(b, sdkclient.ConnectionOptions{GrpcCompression: &sdkclient.GrpcCompressionNone{}})
}

func clientWith(b *testing.B, connection sdkclient.ConnectionOptions) sdkclient.Client {
	b.Helper()
	temporal, err := sdkclient.DialContext(b.Context(), sdkclient.Options{
		HostPort: testkit.Temporal(b).Address(), Namespace: testkit.DefaultNamespace, Logger: logging.ForTemporal(zap.NewNop()),
		ConnectionOptions: connection,
	})
	require.NoError(b, err)
	b.Cleanup(temporal.Close)
	return temporal
}

// execution makes an execution over a new batch; change edits each job before.
func (s *system) execution(rows int, change func(*models.Job)) *models.Execution {
	s.b.Helper()
	return s.executionOf(rows, nil, change)
}

// executionOf is execution for a project of its own kind.
func (s *system) executionOf(rows int, project func(*models.Project), change func(*models.Job)) *models.Execution {
	s.b.Helper()
	p := testfactory.Project(s.b, s.store, project)
	batch := testfactory.Batch(s.b, s.store, p, rows, change)
	e := testfactory.Execution(s.b, s.store, p, batch, func(e *models.Execution) {
		e.Concurrency, e.Snapshot.JobTimeoutMS = window, time.Hour.Milliseconds()
	})
	// The test server leaves to us what autovacuum does.
	_, err := s.db.ExecContext(s.b.Context(), "VACUUM (ANALYZE)")
	require.NoError(s.b, err)
	return e
}

func (s *system) start(e *models.Execution) {
	s.b.Helper()
	require.NoError(s.b, s.runs.Start(s.b.Context(), e))
}

// run takes an execution from its start to its end in the records.
func (s *system) run(e *models.Execution) time.Duration {
	s.b.Helper()
	begun := time.Now()
	s.start(e)
	var result contract.BatchResult
	require.NoError(s.b, s.temporal.GetWorkflow(s.b.Context(), contract.WorkflowID(e.ID.String()), "").Get(s.b.Context(), &result))
	took := time.Since(begun)
	require.Equal(s.b, e.TotalJobs, result.Stats.Completed)
	return took
}

// api serves the REST API and gives a client of it.
func (s *system) api() *client.Client {
	s.b.Helper()
	notices, err := store.NewNotices(s.url)
	require.NoError(s.b, err)
	app := api.New(api.Config{Store: s.store, Orchestrator: s.runs, Logger: zap.NewNop(), Notices: notices})
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	require.NoError(s.b, err)
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener) }()
	s.b.Cleanup(func() {
		require.NoError(s.b, app.ShutdownWithTimeout(10*time.Second))
		require.NoError(s.b, <-served)
	})
	c, err := client.New(client.Config{BaseURL: "http://" + listener.Addr().String()})
	require.NoError(s.b, err)
	return c
}

// executor does a job by a function, and finds the same in every page.
type executor func(context.Context, executors.Request) error

func (executor) Name() string                  { return "fetch" }
func (executor) Validate(executors.Spec) error { return nil }

func (executor) Needs(executors.Spec) executors.Needs { return executors.Needs{} }

func (f executor) Execute(ctx context.Context, r executors.Request) (executors.Outcome, error) {
	if err := f(ctx, r); err != nil {
		return executors.Outcome{}, err
	}
	return executors.Outcome{Fields: map[string]any{"price": map[string]any{"amount": "10.00", "currency": "EUR"}}}, nil
}

func noop(context.Context, executors.Request) error { return nil }

// quantile is the value that the share of all values does not exceed.
func quantile[T ~int64 | ~float64](values []T, share float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

func median[T ~int64 | ~float64](values []T) T { return quantile(values, 0.5) }
