package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/migrations"
)

// cluster is MINO as it runs in production: a Temporal server with PostgreSQL persistence,
// several APIs and workers. Everything in it may be killed.
type cluster struct {
	t        *testing.T
	dir      string
	postgres *devstack.Postgres
	temporal *devstack.Cluster
	db       *bun.DB
	env      []string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	if _, _, err := devstack.FindCluster(); errors.Is(err, devstack.ErrNotInstalled) {
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "mino-cluster-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // PostgreSQL's user has to pass through
	c := &cluster{t: t, dir: dir}
	t.Cleanup(c.remove)
	c.startPostgres()
	c.startTemporal()
	c.db = testkit.OpenDatabase(t, c.postgres.URL())
	_, err = migrations.Up(t.Context(), c.db)
	require.NoError(t, err)
	c.env = []string{
		"DATABASE_URL=" + c.postgres.URL(), "TEMPORAL_ADDRESS=" + c.temporal.Address(),
		"MINO_ALLOWED_NETWORKS=127.0.0.0/8", "MINO_LISTEN=127.0.0.1:0",
	}
	return c
}

func (c *cluster) startPostgres() {
	c.t.Helper()
	pg, err := devstack.StartPostgres(c.t.Context(), devstack.PostgresConfig{
		Dir: filepath.Join(c.dir, "postgres"),
		// Temporal takes 60, and each of MINO's processes has a pool.
		Settings: map[string]string{"max_connections": "300"},
	})
	require.NoError(c.t, err)
	c.postgres = pg
}

func (c *cluster) startTemporal() {
	c.t.Helper()
	temporal, err := devstack.StartCluster(c.t.Context(), devstack.ClusterConfig{
		Dir: filepath.Join(c.dir, "temporal"), PostgresURL: c.postgres.URL(), SearchAttributes: rig.SearchAttributes(),
	})
	require.NoError(c.t, err)
	c.temporal = temporal
}

// remove ends the servers and deletes what they wrote.
func (c *cluster) remove() {
	if c.temporal != nil {
		require.NoError(c.t, c.temporal.Kill())
	}
	if c.postgres != nil {
		require.NoError(c.t, c.postgres.Remove(context.Background()))
	}
	require.NoError(c.t, os.RemoveAll(c.dir))
}

// clusterRun is one execution on a cluster, watched from the side of the sites.
type clusterRun struct {
	*cluster
	web       *site
	apis      [2]*client.Client
	batch     wire.Batch
	execution wire.Execution
}

// run starts a batch of so many rows.
func (c *cluster) run(rows, concurrency int) *clusterRun {
	c.t.Helper()
	r := &clusterRun{cluster: c, web: newSite(c.t)}
	r.web.release()
	for i := range r.apis {
		r.apis[i] = rig.Start(c.t, c.env, "api").Client(c.t)
	}
	request := priceProject()
	request.Name = "Cluster"
	project, err := r.apis[0].CreateProject(c.t.Context(), request)
	require.NoError(c.t, err)
	r.batch, err = r.apis[0].CreateBatchCSV(c.t.Context(), project.ID, "rows.csv", bytes.NewReader(r.web.csv(rows)), "rows.csv")
	require.NoError(c.t, err)
	r.execution, err = r.apis[1].Execute(c.t.Context(), project.ID, r.batch.ID,
		wire.ExecuteRequest{Type: "production", Concurrency: &concurrency})
	require.NoError(c.t, err)
	return r
}

// reaches waits until so many requests have come to the sites.
func (r *clusterRun) reaches(requests int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		total, _ := r.web.requests()
		return total >= requests
	}, 3*time.Minute, 10*time.Millisecond, "the run goes on to %d requests", requests)
}

// await asks an API until the answer is as wanted. Right after an outage it may say that it
// cannot serve.
func (r *clusterRun) await(api int, what string, wanted func(wire.Stats) bool) wire.Stats {
	r.t.Helper()
	return r.insist(what, wanted, func(ctx context.Context) (wire.Stats, error) {
		return r.apis[api].Stats(ctx, r.execution.ID)
	})
}

func (r *clusterRun) insist(
	what string, wanted func(wire.Stats) bool, ask func(context.Context) (wire.Stats, error),
) (stats wire.Stats) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		var err error
		stats, err = ask(r.t.Context())
		return err == nil && wanted(stats)
	}, 5*time.Minute, 50*time.Millisecond, "%s", what)
	return stats
}

// requireBounded holds the requests to each site against its attempts, and those that were
// in vain against what was interrupted.
func (r *clusterRun) requireBounded(interruptions, concurrency int) {
	r.t.Helper()
	total, byPath := r.web.requests()
	require.Len(r.t, byPath, r.batch.RowCount)
	for j, err := range r.apis[0].Jobs(r.t.Context(), r.batch.ID, nil) {
		require.NoError(r.t, err)
		site, err := url.Parse(j.SiteURL)
		require.NoError(r.t, err)
		requests := byPath[site.Path]
		require.LessOrEqual(r.t, requests, j.Attempts, "row %d: one request to an attempt", j.Row)
		require.LessOrEqual(r.t, requests, 1+interruptions, "row %d", j.Row)
	}
	again := total - r.batch.RowCount
	r.t.Logf("%d rows took %d requests", r.batch.RowCount, total)
	require.LessOrEqual(r.t, again, interruptions*concurrency, "only what ran at an interruption is asked for again")
}

// TestCluster takes a batch through the death of a worker, of Temporal and of PostgreSQL,
// and a pause by way of another API than the one that says so.
func TestCluster(t *testing.T) {
	t.Parallel()
	const rows, concurrency, interruptions = 1_000, 50, 3
	c := newCluster(t)
	workers := [3]*rig.Process{}
	for i := range workers {
		workers[i] = rig.Start(t, c.env, "worker")
	}
	r := c.run(rows, concurrency)
	begun := time.Now()
	step := func(what string) { t.Logf("%6.1f s: %s", time.Since(begun).Seconds(), what) }

	r.reaches(100)
	workers[0].Kill(t)
	rig.Start(t, c.env, "worker")
	step("a worker was killed and another one started")

	r.reaches(250)
	require.NoError(t, c.temporal.Kill())
	step("Temporal was killed")
	c.startTemporal()
	step("Temporal is back")

	r.reaches(450)
	require.NoError(t, c.postgres.Kill())
	step("PostgreSQL was killed")
	c.startPostgres()
	step("PostgreSQL is back")

	r.reaches(600)
	paused := func(stats wire.Stats) bool { return stats.Status == "paused" }
	r.insist("the run is paused", paused, func(ctx context.Context) (wire.Stats, error) {
		return r.apis[0].Pause(ctx, r.execution.ID)
	})
	r.await(1, "the other API says that it is paused", paused)
	r.await(1, "what ran has ended", func(stats wire.Stats) bool { return paused(stats) && stats.Running == 0 })
	before, _ := r.web.requests()
	require.Less(t, r.await(0, "both APIs say so", paused).Completed, rows)
	step("the run is paused and stands still")
	after, _ := r.web.requests()
	require.Equal(t, before, after, "nothing starts while it is paused")

	running := func(stats wire.Stats) bool { return stats.Status == "running" }
	r.insist("the run goes on", running, func(ctx context.Context) (wire.Stats, error) {
		return r.apis[1].Resume(ctx, r.execution.ID)
	})
	stats := r.await(0, "the run completes", func(stats wire.Stats) bool { return stats.Status == "completed" })
	step("the run has completed")
	require.Equal(t, rows, stats.Completed)
	require.Equal(t, rows, stats.Verdicts["correct"])
	rig.RequireSound(t, c.db, r.execution.ID)
	r.requireBounded(interruptions, concurrency)
}
