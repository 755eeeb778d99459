package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/workflows/contract"
)

// servers are a PostgreSQL and a Temporal of one test's own, which it may kill.
type servers struct {
	t        *testing.T
	dir      string
	postgres *devstack.Postgres
	temporal *devstack.Temporal
}

func newServers(t *testing.T) *servers {
	t.Helper()
	dir, err := os.MkdirTemp("", "mino-outage-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) // PostgreSQL's user has to pass through
	s := &servers{t: t, dir: dir}
	s.startPostgres()
	s.startTemporal()
	t.Cleanup(func() {
		ctx := context.Background()
		require.NoError(t, s.temporal.Stop(ctx))
		require.NoError(t, s.postgres.Remove(ctx))
		require.NoError(t, os.RemoveAll(dir))
	})
	return s
}

func (s *servers) startPostgres() {
	s.t.Helper()
	pg, err := devstack.StartPostgres(s.t.Context(), devstack.PostgresConfig{Dir: filepath.Join(s.dir, "postgres")})
	require.NoError(s.t, err)
	s.postgres = pg
}

func (s *servers) startTemporal() {
	s.t.Helper()
	binary, err := devstack.FindTemporal(devstack.CheckoutBin())
	require.NoError(s.t, err)
	temporal, err := devstack.StartTemporal(s.t.Context(), devstack.TemporalConfig{
		Binary: binary, Dir: filepath.Join(s.dir, "temporal"), Headless: true, SearchAttributes: searchAttributes(),
	})
	require.NoError(s.t, err)
	s.temporal = temporal
}

func searchAttributes() map[string]enumspb.IndexedValueType {
	attributes := map[string]enumspb.IndexedValueType{}
	for _, name := range contract.SearchAttributes() {
		attributes[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	return attributes
}

// end waits until a server that was killed is gone.
func (s *servers) end(kill func() error, done <-chan struct{}) {
	s.t.Helper()
	require.NoError(s.t, kill())
	<-done
}

var listens = regexp.MustCompile(`"the API listens"?.*?(127\.0\.0\.1:\d+)|the API listens.*?(127\.0\.0\.1:\d+)`)

// apiOf is a client of an API process, once it listens.
func apiOf(t *testing.T, p *process) *client.Client {
	t.Helper()
	eventually(t, "the API listens", func() bool { return listens.MatchString(p.out.String()) })
	found := listens.FindStringSubmatch(p.out.String())
	api, err := client.New(client.Config{BaseURL: "http://" + found[1] + found[2], MaxRetries: -1})
	require.NoError(t, err)
	return api
}

// requireUnavailable waits until the API says that it cannot serve, and never gives an
// answer that is not true.
func requireUnavailable(t *testing.T, ask func() error) {
	t.Helper()
	require.Eventually(t, func() bool {
		var refusal *client.Error
		return errors.As(ask(), &refusal) && refusal.Status == http.StatusServiceUnavailable &&
			refusal.Problem.Code == "UNAVAILABLE" && refusal.RetryAfter > 0
	}, 30*time.Second, 100*time.Millisecond)
}

// TestOutages takes PostgreSQL, and then Temporal, away in the middle of a run and
// brings them back.
func TestOutages(t *testing.T) {
	t.Parallel()
	s, web := newServers(t), newSite(t)
	db := testkit.OpenDatabase(t, s.postgres.URL())
	_, err := migrations.Up(t.Context(), db)
	require.NoError(t, err)
	env := []string{
		"DATABASE_URL=" + s.postgres.URL(), "TEMPORAL_ADDRESS=" + s.temporal.Address(),
		"MINO_ALLOWED_NETWORKS=127.0.0.0/8", "MINO_LISTEN=127.0.0.1:0",
	}
	api := apiOf(t, start(t, env, "api"))
	start(t, env, "worker")

	project, err := api.CreateProject(t.Context(), func() wire.ProjectRequest { p := priceProject(); p.Name = "Outages"; return p }())
	require.NoError(t, err)
	batch, err := api.CreateBatchCSV(t.Context(), project.ID, "rows.csv", bytes.NewReader(web.csv(40)), "rows.csv")
	require.NoError(t, err)
	five := 5
	execution, err := api.Execute(t.Context(), project.ID, batch.ID, wire.ExecuteRequest{Type: "production", Concurrency: &five})
	require.NoError(t, err)
	eventually(t, "five jobs run", func() bool { return web.holds(5, 5) })

	// The jobs that run end while there is no PostgreSQL to write to.
	s.end(s.postgres.Kill, s.postgres.Done())
	web.letGo(5)
	requireUnavailable(t, func() error { _, err := api.Execution(t.Context(), execution.ID); return err })
	requireUnavailable(t, func() error {
		_, err := api.Execute(t.Context(), project.ID, batch.ID, wire.ExecuteRequest{Type: "production"})
		return err
	})
	s.startPostgres()
	eventually(t, "their outcomes are written and five more run", func() bool { return web.holds(10, 5) })

	s.end(s.temporal.Kill, s.temporal.Done())
	requireUnavailable(t, func() error { _, err := api.Pause(t.Context(), execution.ID); return err })
	web.release() // some end while there is no Temporal to tell
	s.startTemporal()

	var stats wire.Stats
	require.Eventually(t, func() bool {
		stats, err = api.Stats(t.Context(), execution.ID)
		return err == nil && stats.Status == "completed"
	}, 2*time.Minute, 100*time.Millisecond, "the run completes")
	require.Equal(t, 40, stats.Completed)
	requireSound(t, db, execution.ID)
	_, byPath := web.requests()
	require.Len(t, byPath, 40)
	for path, n := range byPath {
		require.LessOrEqual(t, n, 2, "%s: done again at most where Temporal lost sight of it", path)
	}
}
