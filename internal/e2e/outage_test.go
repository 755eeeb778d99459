package e2e

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/migrations"
)

// TestOutages takes PostgreSQL, and then Temporal, away in the middle of a run and
// brings them back.
func TestOutages(t *testing.T) {
	t.Parallel()
	s, web := rig.NewServers(t, nil), newSite(t)
	db := testkit.OpenDatabase(t, s.DatabaseURL())
	_, err := migrations.Up(t.Context(), db)
	require.NoError(t, err)
	env := []string{
		"DATABASE_URL=" + s.DatabaseURL(), "TEMPORAL_ADDRESS=" + s.TemporalAddress(),
		"MINO_ALLOWED_NETWORKS=127.0.0.0/8", "MINO_LISTEN=127.0.0.1:0",
	}
	api := rig.Start(t, env, "api").Client(t)
	rig.Start(t, env, "worker")

	project, err := api.CreateProject(t.Context(), func() wire.ProjectRequest { p := priceProject(); p.Name = "Outages"; return p }())
	require.NoError(t, err)
	batch, err := api.CreateBatchCSV(t.Context(), project.ID, "rows.csv", bytes.NewReader(web.csv(40)), "rows.csv")
	require.NoError(t, err)
	five := 5
	execution, err := api.Execute(t.Context(), project.ID, batch.ID, wire.ExecuteRequest{Type: "production", Concurrency: &five})
	require.NoError(t, err)
	eventually(t, "five jobs run", func() bool { return web.holds(5, 5) })

	// The jobs that run end while there is no PostgreSQL to write to.
	s.KillPostgres()
	web.letGo(5)
	rig.RequireUnavailable(t, func() error { _, err := api.Execution(t.Context(), execution.ID); return err })
	rig.RequireUnavailable(t, func() error {
		_, err := api.Execute(t.Context(), project.ID, batch.ID, wire.ExecuteRequest{Type: "production"})
		return err
	})
	s.StartPostgres()
	eventually(t, "their outcomes are written and five more run", func() bool { return web.holds(10, 5) })

	s.KillTemporal()
	rig.RequireUnavailable(t, func() error { _, err := api.Pause(t.Context(), execution.ID); return err })
	web.release() // some end while there is no Temporal to tell
	s.StartTemporal()

	var stats wire.Stats
	require.Eventually(t, func() bool {
		stats, err = api.Stats(t.Context(), execution.ID)
		return err == nil && stats.Status == "completed"
	}, 2*time.Minute, 100*time.Millisecond, "the run completes")
	require.Equal(t, 40, stats.Completed)
	rig.RequireSound(t, db, execution.ID)
	_, byPath := web.requests()
	require.Len(t, byPath, 40)
	for path, n := range byPath {
		require.LessOrEqual(t, n, 2, "%s: done again at most where Temporal lost sight of it", path)
	}
}
