package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit/rig"
)

// TestPoliteness has two workers share what a site takes, and changes that under the run.
func TestPoliteness(t *testing.T) {
	t.Parallel()
	s := newSystem(t, rig.FarSideConfig{Pace: rig.Pace{Least: 100 * time.Millisecond, Most: time.Second}})
	polite := func(most int) {
		p, err := s.api.Project(t.Context(), s.project.ID)
		require.NoError(t, err)
		_, err = s.api.PatchProject(t.Context(), p.ID, p.Version, wire.ProjectPatch{
			Politeness: wire.Given(wire.Politeness{MaxConcurrentPerHost: most}),
		})
		require.NoError(t, err)
	}
	polite(3)
	s.far.Lower(3)
	s.worker()
	s.worker()
	rows := form(90, 1_000)
	e := s.start("rows", rows, 40)
	eventually(t, "some are done", func() bool { _, answered, _ := s.far.Counts(); return answered >= rows/3 })
	s.requireUnderway(e)
	require.Empty(t, s.far.Excess())
	s.far.Raise(8)
	polite(8)
	eventually(t, "more run at once", func() bool { _, _, inFlight := s.far.Counts(); return inFlight > 3 })
	s.requireUnderway(e)
	stats := s.ended(e)
	require.Equal(t, rows, stats.Completed, "%+v", stats)
	require.Empty(t, s.far.Excess())
	require.Zero(t, s.number(`SELECT count(*) FROM host_leases`))
	require.Equal(t, rows, s.number(`SELECT count(*) FROM sessions WHERE execution_id = ?`, e.ID), "to wait is no attempt")
	s.figures(e, "a polite run")
}
