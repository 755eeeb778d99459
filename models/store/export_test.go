package store_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
)

func TestExportIsOfTheOrganisationAlone(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, nil)
	batch := testfactory.Batch(t, s, p, 3, nil)
	e := testfactory.Execution(t, s, p, batch, nil)
	begun(t, s, e)
	for _, j := range queued(t, s, e, 3) {
		_, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, j.ID, "worker")
		require.NoError(t, err)
	}
	jobs := func(org, id uuid.UUID, refuse, fail error) (rows []int, err error) {
		err = s.ExportJobs(t.Context(), org, models.JobFilter{BatchID: id},
			func(head *models.ExportHead) (models.JobParts, error) {
				require.Equal(t, batch.Name, head.Batch.Name)
				require.Equal(t, p.Fields, head.Fields)
				return models.JobParts{}, refuse
			},
			func(j *models.ExportedJob) error {
				require.Empty(t, j.Input, "it was not asked for")
				rows = append(rows, j.RowNumber)
				return fail
			})
		return rows, err
	}
	sessions := func(org, id uuid.UUID) (rows []int, err error) {
		err = s.ExportSessions(t.Context(), org, models.SessionFilter{ExecutionID: id},
			func(*models.ExportHead) (models.SessionParts, error) { return models.SessionParts{}, nil },
			func(r *models.ExportedSession) error {
				rows = append(rows, r.RowNumber)
				return nil
			})
		return rows, err
	}
	rows, err := jobs(p.OrganisationID, batch.ID, nil, nil)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 3}, rows)
	rows, err = sessions(p.OrganisationID, e.ID)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 3}, rows)
	listed, err := s.ListSessions(t.Context(), uuid.New(), models.SessionFilter{ExecutionID: e.ID}, models.Page{Limit: 5})
	require.NoError(t, err)
	require.Empty(t, listed)

	_, err = jobs(uuid.New(), batch.ID, nil, nil)
	require.ErrorIs(t, err, models.ErrBatchNotFound)
	_, err = jobs(p.OrganisationID, uuid.New(), nil, nil)
	require.ErrorIs(t, err, models.ErrBatchNotFound)
	_, err = sessions(uuid.New(), e.ID)
	require.ErrorIs(t, err, models.ErrExecutionNotFound)

	enough := errors.New("enough")
	rows, err = jobs(p.OrganisationID, batch.ID, enough, nil)
	require.Equal(t, enough, err)
	require.Empty(t, rows)
	rows, err = jobs(p.OrganisationID, batch.ID, nil, enough)
	require.Equal(t, enough, err)
	require.Equal(t, []int{1}, rows)
}
