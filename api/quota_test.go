package api_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// limited is an owner of an organisation with limits.
func (b *bundle) limited(limits models.Limits) *bundle {
	b.t.Helper()
	o := testfactory.Organisation(b.t, b.store, func(o *models.Organisation) { o.Limits = limits })
	return b.as(b.key(o.ID, access.Owner, nil))
}

func TestQuotasAreTold(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	one, most := 1, int64(3)

	t.Run("RunningExecutions", func(t *testing.T) {
		t.Parallel()
		us := b.limited(models.Limits{MaxRunningExecutions: &one})
		p := us.project()
		us.execution(us.batch(p, 1))
		got := us.post(executePath(us.batch(p, 1)), `{"type": "production"}`)
		refused := got.problem(http.StatusTooManyRequests, wire.CodeQuotaExceeded)
		require.Equal(t, wire.FieldExceeded, at(t, refused, "max_running_executions").Code)
		require.Empty(t, got.header.Get("Retry-After"), "nobody knows when one ends")
		b.execution(b.batch(b.project(), 1)) // another organisation's
	})

	t.Run("ConcurrentJobs", func(t *testing.T) {
		t.Parallel()
		us := b.limited(models.Limits{MaxConcurrentJobs: &one})
		batch := us.batch(us.project(), 1)
		refused := us.post(executePath(batch), `{"type": "production", "concurrency": 2}`).problem(http.StatusTooManyRequests, wire.CodeQuotaExceeded)
		at(t, refused, "max_concurrent_jobs")
		e := read[wire.Execution](us.post(executePath(batch), `{"type": "production", "concurrency": 1}`), http.StatusAccepted)
		refused = us.post(executionPath(e)+"/concurrency", `{"value": 2}`).problem(http.StatusTooManyRequests, wire.CodeQuotaExceeded)
		at(t, refused, "max_concurrent_jobs")
	})

	t.Run("JobsOnADay", func(t *testing.T) {
		t.Parallel()
		us := b.limited(models.Limits{MaxJobsPerDay: &most})
		p := us.project()
		us.execution(us.batch(p, 2))
		got := us.post(executePath(us.batch(p, 2)), `{"type": "production"}`)
		at(t, got.problem(http.StatusTooManyRequests, wire.CodeQuotaExceeded), "max_jobs_per_day")
		seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
		require.NoError(t, err)
		day := 24 * time.Hour
		midnight := time.Now().UTC().Truncate(day).Add(day)
		require.InDelta(t, time.Until(midnight).Seconds(), seconds, time.Minute.Seconds())
		more := us.post(executePath(us.batch(p, 4)), `{"type": "production"}`)
		at(t, more.problem(http.StatusTooManyRequests, wire.CodeQuotaExceeded), "max_jobs_per_day")
		require.Empty(t, more.header.Get("Retry-After"), "it is more than a day's")
	})
}
