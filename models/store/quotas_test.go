package store_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// ofLimits makes an organisation with limits, a project and batches of a number of rows.
func ofLimits(t *testing.T, s *store.Store, limits models.Limits, batches, rows int) (*models.Project, []*models.Batch) {
	t.Helper()
	o := testfactory.Organisation(t, s, func(o *models.Organisation) { o.Limits = limits })
	p := testfactory.Project(t, s, func(p *models.Project) { p.OrganisationID = o.ID })
	out := make([]*models.Batch, batches)
	for i := range out {
		out[i] = testfactory.Batch(t, s, p, rows, nil)
	}
	return p, out
}

// refusedFor requires that an error is a limit's refusal, and gives it.
func refusedFor(t *testing.T, err error, limit string) *models.QuotaError {
	t.Helper()
	var quota *models.QuotaError
	require.ErrorAs(t, err, &quota)
	require.ErrorIs(t, err, models.ErrQuota)
	require.Equal(t, limit, quota.Limit)
	return quota
}

// newTry makes a row to be tried.
func newTry(p *models.Project) (*models.Batch, *models.Job, *models.Execution) {
	b := &models.Batch{ID: models.NewID(), OrganisationID: p.OrganisationID, ProjectID: p.ID, Name: "try", Columns: []models.Column{}}
	e := testfactory.NewExecution(p, b)
	e.Type = models.ExecutionTry
	return b, &models.Job{ID: models.NewID(), SiteURL: "https://shop.example", Input: map[string]string{}}, e
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)

	t.Run("BoundExecutionsThatHaveNotEnded", func(t *testing.T) {
		t.Parallel()
		p, batches := ofLimits(t, s, models.Limits{MaxRunningExecutions: ptr(2)}, 3, 1)
		first := testfactory.Execution(t, s, p, batches[0], nil)
		b, j, try := newTry(p)
		require.NoError(t, s.CreateTry(t.Context(), b, j, try, nil))
		third := testfactory.NewExecution(p, batches[1])
		refused := refusedFor(t, s.CreateExecution(t.Context(), third), "max_running_executions")
		require.Equal(t, models.QuotaError{Limit: "max_running_executions", Most: 2, Used: 2, Wanted: 1}, *refused)
		require.ErrorIs(t, s.CreateExecution(t.Context(), first), models.ErrExists, "it is there, whatever the limit")
		b, j, e := newTry(p)
		refusedFor(t, s.CreateTry(t.Context(), b, j, e, nil), "max_running_executions")
		_, err := s.Batch(t.Context(), p.OrganisationID, b.ID)
		require.ErrorIs(t, err, models.ErrBatchNotFound)

		begun(t, s, first)
		_, err = s.FinishExecution(t.Context(), p.OrganisationID, first.ID, models.ExecutionStopped, "")
		require.NoError(t, err)
		require.NoError(t, s.CreateExecution(t.Context(), third))
	})

	t.Run("BoundWhatRunsAgainTogether", func(t *testing.T) {
		t.Parallel()
		p, batches := ofLimits(t, s, models.Limits{MaxRunningExecutions: ptr(2)}, 3, 1)
		again := func(batches ...*models.Batch) []*models.Execution {
			out := make([]*models.Execution, len(batches))
			for i, b := range batches {
				out[i] = testfactory.NewExecution(p, b)
				out[i].Selection = &models.JobSelection{Filter: &models.JobFilter{}}
			}
			return out
		}
		refusedFor(t, s.Rerun(t.Context(), again(batches...), make([]error, 3), nil), "max_running_executions")
		n, err := s.CountExecutions(t.Context(), p.OrganisationID, models.ExecutionFilter{})
		require.NoError(t, err)
		require.Zero(t, n, "all of them or none")

		t.Log("one that has nothing to run takes nothing")
		idle := again(batches...)
		idle[0].Selection = &models.JobSelection{IDs: []uuid.UUID{models.NewID()}}
		refused := make([]error, 3)
		require.NoError(t, s.Rerun(t.Context(), idle, refused, nil))
		require.ErrorIs(t, refused[0], models.ErrNoJobs)
		used, err := s.Usage(t.Context(), p.OrganisationID)
		require.NoError(t, err)
		require.Equal(t, models.Usage{RunningExecutions: 2, ConcurrentJobs: 20, JobsToday: 2}, used)
	})

	t.Run("BoundJobsAtOnce", func(t *testing.T) {
		t.Parallel()
		p, batches := ofLimits(t, s, models.Limits{MaxConcurrentJobs: ptr(25)}, 3, 1)
		first := testfactory.Execution(t, s, p, batches[0], nil)
		testfactory.Execution(t, s, p, batches[1], nil)
		third := testfactory.NewExecution(p, batches[2])
		refused := refusedFor(t, s.CreateExecution(t.Context(), third), "max_concurrent_jobs")
		require.Equal(t, models.QuotaError{Limit: "max_concurrent_jobs", Most: 25, Used: 20, Wanted: 10}, *refused)
		require.ErrorContains(t, refused, "max_concurrent_jobs is 25, of which 20")
		third.Concurrency = 5
		require.NoError(t, s.CreateExecution(t.Context(), third))

		org := p.OrganisationID
		refused = refusedFor(t, s.CheckConcurrency(t.Context(), org, first.ID, 11), "max_concurrent_jobs")
		require.Equal(t, models.QuotaError{Limit: "max_concurrent_jobs", Most: 25, Used: 15, Wanted: 11}, *refused)
		require.NoError(t, s.CheckConcurrency(t.Context(), org, first.ID, 10))
		o, err := s.Organisation(t.Context(), org)
		require.NoError(t, err)
		o.MaxConcurrentJobs = ptr(3)
		require.NoError(t, s.UpdateOrganisation(t.Context(), o))
		require.NoError(t, s.CheckConcurrency(t.Context(), org, first.ID, 9), "less is never refused")
		o.MaxConcurrentJobs = nil
		require.NoError(t, s.UpdateOrganisation(t.Context(), o))
		require.NoError(t, s.CheckConcurrency(t.Context(), org, first.ID, 1000))
		require.ErrorIs(t, s.CheckConcurrency(t.Context(), org, uuid.New(), 1), models.ErrExecutionNotFound)
	})

	t.Run("BoundJobsOfADay", func(t *testing.T) {
		t.Parallel()
		p, batches := ofLimits(t, s, models.Limits{MaxJobsPerDay: ptr(int64(5))}, 3, 2)
		testfactory.Execution(t, s, p, batches[0], nil)
		testfactory.Execution(t, s, p, batches[1], nil)
		refused := refusedFor(t, s.CreateExecution(t.Context(), testfactory.NewExecution(p, batches[2])), "max_jobs_per_day")
		require.Equal(t, models.QuotaError{Limit: "max_jobs_per_day", Most: 5, Used: 4, Wanted: 2}, *refused)
		b, j, e := newTry(p)
		require.NoError(t, s.CreateTry(t.Context(), b, j, e, nil))
		refusedFor(t, s.CreateExecution(t.Context(), testfactory.NewExecution(p, batches[2])), "max_jobs_per_day")
		used, err := s.Usage(t.Context(), p.OrganisationID)
		require.NoError(t, err)
		require.EqualValues(t, 5, used.JobsToday)

		_, err = db.ExecContext(t.Context(), `UPDATE organisation_usage SET day = day - 1 WHERE organisation_id = ?`, p.OrganisationID)
		require.NoError(t, err)
		testfactory.Execution(t, s, p, batches[2], nil)
		used, err = s.Usage(t.Context(), p.OrganisationID)
		require.NoError(t, err)
		require.EqualValues(t, 2, used.JobsToday)
	})

	t.Run("CountJobsWithoutLimitsToo", func(t *testing.T) {
		t.Parallel()
		p, batches := ofLimits(t, s, models.Limits{}, 4, 3)
		var wg sync.WaitGroup
		errs := make([]error, len(batches))
		for i, b := range batches {
			wg.Go(func() { errs[i] = s.CreateExecution(t.Context(), testfactory.NewExecution(p, b)) })
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		used, err := s.Usage(t.Context(), p.OrganisationID)
		require.NoError(t, err)
		require.Equal(t, models.Usage{RunningExecutions: 4, ConcurrentJobs: 40, JobsToday: 12}, used)
	})
}

// However many come at once, and whatever they make, what they make together is within
// every limit, and no less than it allows.
func TestQuotasHoldWhenManyComeAtOnce(t *testing.T) {
	t.Parallel()
	const creators = 12
	s := testkit.Store(t, testkit.Database(t))
	for name, test := range map[string]struct {
		limits models.Limits
		want   int
	}{
		"RunningExecutions": {models.Limits{MaxRunningExecutions: ptr(5)}, 5},
		"ConcurrentJobs":    {models.Limits{MaxConcurrentJobs: ptr(45)}, 4},
		"JobsPerDay":        {models.Limits{MaxJobsPerDay: ptr(int64(3))}, 3},
		"All":               {models.Limits{MaxRunningExecutions: ptr(9), MaxConcurrentJobs: ptr(70), MaxJobsPerDay: ptr(int64(8))}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, batches := ofLimits(t, s, test.limits, creators, 1)
			var wg sync.WaitGroup
			errs := make([]error, creators)
			for i, b := range batches {
				wg.Go(func() {
					switch e := testfactory.NewExecution(p, b); i % 3 {
					case 0:
						errs[i] = s.CreateExecution(t.Context(), e)
					case 1:
						errs[i] = s.Rerun(t.Context(), []*models.Execution{e}, make([]error, 1), nil)
					default:
						b, j, e := newTry(p)
						errs[i] = s.CreateTry(t.Context(), b, j, e, nil)
					}
				})
			}
			wg.Wait()
			made := 0
			for _, err := range errs {
				if err == nil {
					made++
				} else {
					require.ErrorIs(t, err, models.ErrQuota)
				}
			}
			require.Equal(t, test.want, made)
			used, err := s.Usage(t.Context(), p.OrganisationID)
			require.NoError(t, err)
			require.Equal(t, models.Usage{RunningExecutions: made, ConcurrentJobs: 10 * made, JobsToday: int64(made)}, used)
		})
	}
}
