package faults

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/field"
)

// seed decides what happens on the far side.
const seed = 20261124

// system is MINO as processes.
type system struct {
	t        *testing.T
	db       *bun.DB
	temporal sdkclient.Client
	address  string // of Temporal
	env      []string
	queue    string
	far      *rig.FarSide
	api      *client.Client
	apiProc  *rig.Process
	project  wire.Project
	begun    time.Time
	kills    int
}

// newSystem is a system on the servers that the tests share, with an API and no worker.
func newSystem(t *testing.T, far rig.FarSideConfig, env ...string) *system {
	t.Helper()
	address := testkit.Temporal(t).Address()
	s := &system{t: t, temporal: rig.TemporalClient(t, address), address: address}
	s.open(testkit.DatabaseURL(t), far, env)
	return s
}

// newSystemOn is a system on servers of its own.
func newSystemOn(t *testing.T, servers *rig.Servers, far rig.FarSideConfig, env ...string) *system {
	t.Helper()
	s := &system{t: t, temporal: rig.TemporalClient(t, servers.TemporalAddress()), address: servers.TemporalAddress()}
	db := testkit.OpenDatabase(t, servers.DatabaseURL())
	_, err := migrations.Up(t.Context(), db)
	require.NoError(t, err)
	s.open(servers.DatabaseURL(), far, env)
	return s
}

func (s *system) open(database string, far rig.FarSideConfig, env []string) {
	s.t.Helper()
	far.Seed = seed
	s.db = testkit.OpenDatabase(s.t, database)
	s.far = rig.NewFarSide(s.t, far)
	s.queue = testkit.TaskQueue(s.t)
	s.env = append([]string{
		"DATABASE_URL=" + database, "TEMPORAL_ADDRESS=" + s.address, "MINO_TASK_QUEUE=" + s.queue,
		"MINO_ALLOWED_NETWORKS=127.0.0.0/8", "MINO_LISTEN=127.0.0.1:0", "MINO_DATABASE_MAX_CONNECTIONS=15",
	}, env...)
	s.apiProc = rig.Start(s.t, s.env, "api")
	s.api = s.apiProc.Client(s.t)
	var err error
	s.project, err = s.api.CreateProject(s.t.Context(), wire.ProjectRequest{
		Name: s.t.Name() + " " + uuid.NewString(), Instruction: "The price.", Executor: "fetch",
		Fields:   []field.Field{{Name: "price", Type: field.TypeMoney}},
		Settings: []byte(`{"timeout_ms": 60000}`),
		Defaults: wire.ExecutionDefaults{JobTimeoutMS: (30 * time.Second).Milliseconds()},
	})
	require.NoError(s.t, err)
	s.begun = time.Now()
}

// worker starts a worker and waits until it takes jobs.
func (s *system) worker(env ...string) *rig.Process {
	s.t.Helper()
	p := rig.Start(s.t, append(slices.Clip(s.env), env...), "worker")
	p.Polls(s.t)
	return p
}

// upload makes a batch of the far side's rows.
func (s *system) upload(name string, rows int) wire.Batch {
	s.t.Helper()
	b, err := s.api.CreateBatchCSV(s.t.Context(), s.project.ID, name, bytes.NewReader(s.far.CSV(name, rows)), name+".csv")
	require.NoError(s.t, err)
	require.Equal(s.t, rows, b.RowCount)
	return b
}

// start starts a run over a batch of its own.
func (s *system) start(name string, rows, concurrency int, changes ...func(*wire.ExecuteRequest)) wire.Execution {
	s.t.Helper()
	req := wire.ExecuteRequest{Type: "production", Concurrency: &concurrency}
	for _, change := range changes {
		change(&req)
	}
	e, err := s.api.Execute(s.t.Context(), s.project.ID, s.upload(name, rows).ID, req)
	require.NoError(s.t, err)
	return e
}

// status is where the row of an execution stands.
func (s *system) status(e wire.Execution) string {
	row, err := s.api.Execution(s.t.Context(), e.ID)
	if err != nil {
		return "" // an outage is not the end of it
	}
	return row.Status
}

// requireUnderway requires that a run is in the middle: a fault at its end proves
// nothing.
func (s *system) requireUnderway(e wire.Execution) {
	s.t.Helper()
	require.Contains(s.t, []string{"pending", "running", "paused"}, s.status(e), "the run was over before the faults were")
}

// ended waits for the end of an execution, checks everything, and returns where it
// stands.
func (s *system) ended(e wire.Execution) wire.Stats {
	s.t.Helper()
	var status string
	require.Eventually(s.t, func() bool {
		status = s.status(e)
		return status == "completed" || status == "stopped" || status == "failed"
	}, form(4*time.Minute, 30*time.Minute), 100*time.Millisecond, "the run ends")
	rig.RequireSound(s.t, s.db, e.ID)
	stats, err := s.api.Stats(s.t.Context(), e.ID)
	require.NoError(s.t, err)
	require.Equal(s.t, status, stats.Status)
	return stats
}

// completed is ended for a run in which every job must succeed, and holds what the far
// side counted against the records: a row is called once, and once more for every
// attempt that was lost or failed. After a reset of a connection that had been used
// before, the HTTP transport itself may repeat a call within an attempt.
func (s *system) completed(e wire.Execution) wire.Stats {
	s.t.Helper()
	stats := s.ended(e)
	require.Equal(s.t, "completed", stats.Status)
	require.Equal(s.t, stats.Total, stats.Completed, "%+v", stats)
	calls := s.far.Calls()
	for _, j := range s.attempts(e) {
		n, resets := len(calls[j.Path]), 0
		for _, call := range calls[j.Path] {
			if call.Reset {
				resets++
			}
		}
		require.GreaterOrEqual(s.t, n, 1, "%s was never called", j.Path)
		require.LessOrEqual(s.t, n, 1+j.Lost+j.Failed+resets, "%s was called more often than its attempts explain", j.Path)
	}
	return stats
}

// jobAttempts is what the records say of the attempts at a job.
type jobAttempts struct {
	Path         string
	Lost, Failed int
}

func (s *system) attempts(e wire.Execution) []jobAttempts {
	s.t.Helper()
	var all []jobAttempts
	require.NoError(s.t, s.db.NewRaw(`
		SELECT j.site_url AS path, count(*) FILTER (WHERE s.status = 'lost') AS lost, count(*) FILTER (WHERE s.status = 'failed') AS failed
		FROM jobs j JOIN sessions s ON s.job_id = j.id AND s.execution_id = j.execution_id
		WHERE j.execution_id = ? GROUP BY j.id`, e.ID).Scan(s.t.Context(), &all))
	for i := range all {
		all[i].Path = strings.TrimPrefix(all[i].Path, s.far.URL)
	}
	return all
}

// number asks the database for a number.
func (s *system) number(query string, args ...any) int {
	s.t.Helper()
	var n int
	require.NoError(s.t, s.db.NewRaw(query, args...).Scan(s.t.Context(), &n))
	return n
}

// clock is PostgreSQL's.
func (s *system) clock() time.Time {
	s.t.Helper()
	var now time.Time
	require.NoError(s.t, s.db.NewRaw(`SELECT clock_timestamp()`).Scan(s.t.Context(), &now))
	return now
}

// lost counts the attempts of an execution that were lost.
func (s *system) lost(e wire.Execution) int {
	s.t.Helper()
	return s.number(`SELECT count(*) FROM sessions WHERE execution_id = ? AND status = 'lost'`, e.ID)
}

// figures says what was done.
func (s *system) figures(e wire.Execution, what string) {
	s.t.Helper()
	calls := s.far.Calls()
	jobs, came, most := 0, 0, 0
	for _, j := range s.attempts(e) {
		jobs++
		came += len(calls[j.Path])
		most = max(most, len(calls[j.Path]))
	}
	s.t.Logf("%s: %d kills · %d jobs · %d interruptions · %.3f calls per job, at most %d · %v",
		what, s.kills, jobs, s.lost(e), float64(came)/float64(max(jobs, 1)), most, time.Since(s.begun).Round(time.Second))
}
