package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
)

func TestWritingAgain(t *testing.T) {
	t.Parallel()

	t.Run("FindsTheBatch", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		err := f.store.CreateBatch(t.Context(), f.batch, testfactory.Jobs(3, nil))
		require.ErrorIs(t, err, models.ErrExists)
		require.ErrorIs(t, err, models.ErrConflict)
		n, err := f.store.CountJobs(t.Context(), f.batch.OrganisationID, models.JobFilter{BatchID: f.batch.ID})
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
	})

	t.Run("FindsTheExecutionWhetherItRunsOrHasEnded", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		again := testfactory.NewExecution(f.project, f.batch)
		again.ID = f.execution.ID
		require.ErrorIs(t, f.store.CreateExecution(t.Context(), again), models.ErrExists)
		_, err := f.store.FinishExecution(t.Context(), again.OrganisationID, again.ID, models.ExecutionStopped, "")
		require.NoError(t, err)
		require.ErrorIs(t, f.store.CreateExecution(t.Context(), again), models.ErrExists)
		require.Equal(t, models.JobCancelled, f.job(t, 0).Status, "its jobs are left alone")
		again.ID = models.NewID()
		require.NoError(t, f.store.CreateExecution(t.Context(), again))
	})

	t.Run("FindsWhatIsWrittenAtTheSameTime", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		b := testfactory.Batch(t, s, p, 5, nil)
		one := testfactory.NewExecution(p, b)
		one.WorkflowID = "nightly"
		const racers = 6
		errs := make(chan error, racers)
		for range racers {
			same := *one
			go func() { errs <- s.CreateExecution(context.WithoutCancel(t.Context()), &same) }()
		}
		written := 0
		for range racers {
			if err := <-errs; err == nil {
				written++
			} else {
				require.ErrorIs(t, err, models.ErrExists)
			}
		}
		require.Equal(t, 1, written)
	})

	t.Run("LeavesOneRetryThoughBothWritesAreUnderWay", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		const racers = 6
		errs := make(chan error, racers)
		for range racers {
			go func() {
				errs <- f.store.FailAttempt(context.WithoutCancel(t.Context()), a, store.Failure{Class: failure.Timeout, Retry: true, Delay: time.Minute})
			}()
		}
		for range racers {
			require.NoError(t, <-errs)
		}
		require.Len(t, f.events(t), 2)
	})

	t.Run("LeavesOneOutcomeOfSeveralUnderWay", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		a := f.begin(t, 0)
		ctx := context.WithoutCancel(t.Context())
		writes := []func() error{
			func() error { return f.store.CompleteAttempt(ctx, a, success(true)) },
			func() error { return f.store.CancelAttempt(ctx, a, store.Used{}) },
			func() error { return f.store.FailAttempt(ctx, a, store.Failure{Class: failure.Timeout}) },
			func() error { return f.store.FailAttempt(ctx, a, store.Failure{Class: failure.Timeout, Retry: true}) },
		}
		errs := make(chan error, len(writes))
		for _, write := range writes {
			go func() { errs <- write() }()
		}
		written := 0
		for range writes {
			if err := <-errs; err == nil {
				written++
			} else {
				require.ErrorIs(t, err, models.ErrStaleAttempt)
			}
		}
		require.Equal(t, 1, written)
		require.Len(t, f.events(t), 2)
		require.Len(t, f.sessions(t, 0), 1)
		require.NotEqual(t, models.SessionRunning, f.sessions(t, 0)[0].Status)
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, nil)
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 8, nil), nil)
	begun(t, s, e)
	jobs := queued(t, s, e, 8)
	for _, row := range []int{2, 5} {
		_, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, jobs[row-1].ID, "worker")
		require.NoError(t, err)
	}
	a, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, jobs[3].ID, "worker")
	require.NoError(t, err)
	require.NoError(t, s.CompleteAttempt(t.Context(), a, success(true)))
	for name, c := range map[string]struct {
		page models.QueuePage
		want []int
	}{
		"All":               {models.QueuePage{Limit: 10}, []int{1, 3, 6, 7, 8}},
		"UntilARow":         {models.QueuePage{UntilRow: 6, Limit: 10}, []int{1, 3, 6}},
		"BetweenRows":       {models.QueuePage{AfterRow: 3, UntilRow: 7, Limit: 10}, []int{6, 7}},
		"SomeAtATime":       {models.QueuePage{AfterRow: 1, Limit: 2}, []int{3, 6}},
		"WithTheRunning":    {models.QueuePage{AfterRow: 1, UntilRow: 6, Limit: 10, Running: true}, []int{2, 3, 5, 6}},
		"NoneAfterTheLast":  {models.QueuePage{AfterRow: 8, Limit: 10, Running: true}, nil},
		"RunningBeforeThem": {models.QueuePage{UntilRow: 2, Limit: 10, Running: true}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := s.QueuedJobs(t.Context(), e.OrganisationID, e.ID, c.page)
			require.NoError(t, err)
			var rows []int
			for _, j := range page {
				rows = append(rows, j.RowNumber)
			}
			require.Equal(t, c.want, rows)
		})
	}
}

// TestClocks has a job whose attempts were made by workers with clocks far apart.
func TestClocks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.begin(t, 0)
	f.begin(t, 0)
	sessions := f.sessions(t, 0)
	require.Equal(t, 2, sessions[0].Attempt)
	_, err := f.db.NewUpdate().Model((*models.Session)(nil)).
		Set("id = ?", "ffffffff-ffff-7fff-bfff-ffffffffffff").Where("id = ?", sessions[1].ID).Exec(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, f.sessions(t, 0)[0].Attempt, "the newest comes first whatever its id")
	require.NoError(t, f.store.FailAttempt(t.Context(), &store.Attempt{
		SessionID: sessions[0].ID, OrganisationID: f.execution.OrganisationID, ExecutionID: f.execution.ID, JobID: f.jobs[0].ID, Number: 2,
	}, store.Failure{Class: failure.Timeout, Retry: true, Delay: 90 * time.Second}))
	j, s := f.job(t, 0), f.sessions(t, 0)[0]
	require.Equal(t, 90*time.Second, j.NextAttemptAt.Sub(j.UpdatedAt))
	require.True(t, j.NextAttemptAt.Equal(*s.RetryAt))
}

// TestPlans holds the queries to the indexes that were made for them.
func TestPlans(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)
	p := testfactory.Project(t, s, nil)
	var e *models.Execution
	for range 3 {
		e = testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 2_000, nil), nil)
		begun(t, s, e)
		_, err := db.NewRaw(`
			INSERT INTO execution_events (organisation_id, execution_id, type, data)
			SELECT ?, ?, 'concurrency_changed', '{}' FROM generate_series(1, 5000)`, e.OrganisationID, e.ID).Exec(t.Context())
		require.NoError(t, err)
		_, err = s.SequenceEvents(t.Context(), e.ID)
		require.NoError(t, err)
		_, err = db.NewRaw(`
			INSERT INTO sessions (id, organisation_id, execution_id, job_id, attempt, status, finished_at)
			SELECT gen_random_uuid(), organisation_id, execution_id, id, 1, CASE WHEN row_number % 50 = 0 THEN 'cancelled' ELSE 'succeeded' END, now()
			FROM jobs WHERE execution_id = ?`, e.ID).Exec(t.Context())
		require.NoError(t, err)
	}
	_, err := db.ExecContext(t.Context(), "ANALYZE")
	require.NoError(t, err)
	for name, c := range map[string]struct{ index, query string }{
		"TheEventsAfterANumber": {"execution_events_order_key", "SELECT * FROM execution_events WHERE execution_id = ? AND seq > 4000 ORDER BY seq LIMIT 100"},
		"TheEventsWithoutOne":   {"execution_events_order_key", "SELECT id FROM execution_events WHERE execution_id = ? AND seq IS NULL"},
		"TheQueue":              {"jobs_open_idx", "SELECT id FROM jobs WHERE execution_id = ? AND status IN ('queued') AND row_number > 500 ORDER BY row_number LIMIT 100"},
		"TheSessions":           {"sessions_execution_id_idx", "SELECT * FROM sessions WHERE execution_id = ? AND id < 'f0000000-0000-0000-0000-000000000000' ORDER BY id DESC LIMIT 50"},
		"TheSessionsOfAStatus":  {"sessions_execution_status_idx", "SELECT * FROM sessions WHERE execution_id = ? AND status IN ('cancelled') ORDER BY id DESC LIMIT 10"},
		"TheQueueAndTheRunning": {"jobs_open_idx", "SELECT id FROM jobs WHERE execution_id = ? AND status IN ('queued', 'running') AND row_number > 500 AND row_number <= 900 ORDER BY row_number LIMIT 100"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, explain(t, db, c.query, e.ID), c.index)
		})
	}
}

func explain(t *testing.T, db *bun.DB, query string, args ...any) string {
	t.Helper()
	var lines []string
	require.NoError(t, db.NewRaw("EXPLAIN "+query, args...).Scan(t.Context(), &lines))
	return strings.Join(lines, "\n")
}

// TestTolerance is kept with what it belongs to.
func TestTolerance(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	none, percent := 0, 2.5
	p := testfactory.Project(t, s, func(p *models.Project) {
		p.Defaults.Tolerance = &models.Tolerance{MaxFailedPercent: &percent, After: 10}
	})
	stored, err := s.Project(t.Context(), p.OrganisationID, p.ID)
	require.NoError(t, err)
	require.Equal(t, p.Defaults, stored.Defaults)
	b := testfactory.Batch(t, s, p, 1, nil)
	with := testfactory.Execution(t, s, p, b, func(e *models.Execution) {
		e.Tolerance = &models.Tolerance{MaxFailed: &none, Action: models.ToleranceFail}
	})
	e, err := s.Execution(t.Context(), with.OrganisationID, with.ID)
	require.NoError(t, err)
	require.Equal(t, with.Tolerance, e.Tolerance)
	_, err = s.FinishExecution(t.Context(), e.OrganisationID, e.ID, models.ExecutionStopped, "")
	require.NoError(t, err)
	without := testfactory.Execution(t, s, p, b, nil)
	e, err = s.Execution(t.Context(), without.OrganisationID, without.ID)
	require.NoError(t, err)
	require.Nil(t, e.Tolerance)
}
