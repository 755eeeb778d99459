package e2e

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	sdkclient "go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/activity"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/orchestrator"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/worker"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// system is the whole of MINO in this process, on servers of its own.
type system struct {
	t         *testing.T
	url       string
	db        *bun.DB
	store     *store.Store
	temporal  sdkclient.Client
	queue     string
	client    *client.Client
	sweeper   *orchestrator.Orchestrator
	executors executors.Registry
}

// options are what a test wants otherwise.
type options struct {
	activities activities.Config
	noWorker   bool
	sweep      bool
}

func newSystem(t *testing.T, o options) *system {
	t.Helper()
	url := testkit.DatabaseURL(t)
	db := testkit.OpenDatabase(t, url)
	s := &system{t: t, url: url, db: db, store: testkit.Store(t, db), queue: testkit.TaskQueue(t)}
	s.temporal = testkit.Temporal(t).Client(t)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	fetcher := fetch.New(fetch.Config{AllowedPrefixes: loopback})
	t.Cleanup(fetcher.Close)
	s.executors = executors.NewRegistry(fetcher, activity.New())
	s.sweeper = orchestrator.New(s.temporal, s.queue)
	if !o.noWorker {
		s.startWorker(o.activities)
	}
	s.client = s.startAPI()
	if o.sweep {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			orchestrator.NewSweep(s.sweeper, s.store, zap.NewNop(), 50*time.Millisecond, time.Millisecond).Run(ctx)
		}()
		t.Cleanup(func() { cancel(); <-done })
	}
	return s
}

func (s *system) startWorker(config activities.Config) *worker.Worker {
	s.t.Helper()
	if config.Identity == "" {
		config.Identity = "worker-" + uuid.NewString()
	}
	w := worker.New(s.temporal, worker.Config{TaskQueue: s.queue, Identity: config.Identity, StopTimeout: 10 * time.Second},
		activities.New(config, s.store, s.executors, zap.NewNop()))
	require.NoError(s.t, w.Start())
	s.t.Cleanup(w.Stop)
	return w
}

func (s *system) startAPI() *client.Client {
	s.t.Helper()
	app := api.New(api.Config{Store: s.store, Orchestrator: s.sweeper, Executors: s.executors, Logger: zap.NewNop()})
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	require.NoError(s.t, err)
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener) }()
	s.t.Cleanup(func() {
		require.NoError(s.t, app.ShutdownWithTimeout(10*time.Second))
		require.NoError(s.t, <-served)
	})
	c, err := client.New(client.Config{BaseURL: "http://" + listener.Addr().String()})
	require.NoError(s.t, err)
	return c
}

// project creates a project.
func (s *system) project(req wire.ProjectRequest) wire.Project {
	s.t.Helper()
	if req.Name == "" {
		req.Name = "Project " + uuid.NewString()
	}
	p, err := s.client.CreateProject(s.t.Context(), req)
	require.NoError(s.t, err)
	return p
}

// upload creates a batch from a CSV.
func (s *system) upload(p wire.Project, csv []byte) wire.Batch {
	s.t.Helper()
	b, err := s.client.CreateBatchCSV(s.t.Context(), p.ID, "rows.csv", bytes.NewReader(csv), "rows.csv")
	require.NoError(s.t, err)
	return b
}

// execute starts a production run over a batch.
func (s *system) execute(b wire.Batch, change func(*wire.ExecuteRequest)) wire.Execution {
	s.t.Helper()
	req := wire.ExecuteRequest{Type: "production"}
	if change != nil {
		change(&req)
	}
	e, err := s.client.Execute(s.t.Context(), b.ProjectID, b.ID, req)
	require.NoError(s.t, err)
	return e
}

// await waits until the stats of an execution are as wanted.
func (s *system) await(e wire.Execution, what string, wanted func(wire.Stats) bool) wire.Stats {
	s.t.Helper()
	var last wire.Stats
	require.Eventually(s.t, func() bool {
		stats, err := s.client.Stats(s.t.Context(), e.ID)
		if err != nil {
			return false
		}
		last = stats
		return wanted(stats)
	}, 90*time.Second, 50*time.Millisecond, "%s", what)
	return last
}

// ended waits for the end of an execution.
func (s *system) ended(e wire.Execution) wire.Stats {
	s.t.Helper()
	return s.await(e, "the execution ends", func(stats wire.Stats) bool {
		return stats.Status == "completed" || stats.Status == "stopped" || stats.Status == "failed"
	})
}

// jobs lists the jobs of a batch in row order.
func (s *system) jobs(b wire.Batch) []wire.Job {
	s.t.Helper()
	var all []wire.Job
	for j, err := range s.client.Jobs(s.t.Context(), b.ID, nil) {
		require.NoError(s.t, err)
		all = append(all, j)
	}
	return all
}
