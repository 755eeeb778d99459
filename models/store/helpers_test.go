package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// begun claims an execution as its own workflow does.
func begun(tb testing.TB, s *store.Store, e *models.Execution) {
	tb.Helper()
	_, err := s.BeginExecution(context.Background(), e.OrganisationID, e.ID, e.Workflow())
	require.NoError(tb, err)
}

// queued lists the jobs that an execution has still to begin.
func queued(tb testing.TB, s *store.Store, e *models.Execution, limit int) []models.Job {
	tb.Helper()
	jobs, err := s.QueuedJobs(context.Background(), e.OrganisationID, e.ID, models.QueuePage{Limit: limit})
	require.NoError(tb, err)
	return jobs
}
