package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// try inserts a try of a project.
func try(t *testing.T, s *store.Store, p *models.Project) (*models.Batch, *models.Job, *models.Execution) {
	t.Helper()
	b := &models.Batch{
		ID: models.NewID(), OrganisationID: p.OrganisationID, ProjectID: p.ID, Name: "try",
		Columns: []models.Column{{Name: "site_url", Role: models.RoleSiteURL}, {Name: "sku", Role: models.RoleInput}},
	}
	j := &models.Job{
		ID: models.NewID(), SiteURL: "https://shop.example/1", Input: map[string]string{"sku": "5"},
		GroundTruth: map[string][]string{"price": {"1"}},
	}
	e := testfactory.NewExecution(p, b)
	e.Type = models.ExecutionTry
	require.NoError(t, s.CreateTry(t.Context(), b, j, e, nil))
	return b, j, e
}

func TestTry(t *testing.T) {
	t.Parallel()

	t.Run("HasABatchOfOneRow", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		b, j, e := try(t, s, p)
		require.Equal(t, 1, e.TotalJobs)
		batch, err := s.Batch(t.Context(), p.OrganisationID, b.ID)
		require.NoError(t, err)
		require.Equal(t, models.BatchTry, batch.Kind)
		require.Equal(t, 1, batch.RowCount)
		job, err := s.Job(t.Context(), p.OrganisationID, j.ID)
		require.NoError(t, err)
		require.Equal(t, e.ID, *job.ExecutionID)
		require.Equal(t, models.JobQueued, job.Status)
		require.Equal(t, j.Input, job.Input)
		require.Equal(t, j.GroundTruth, job.GroundTruth)
		require.Equal(t, "shop.example", job.Host)
	})

	t.Run("IsLeftOutOfListsAndMetrics", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		org := p.OrganisationID
		uploaded := testfactory.Batch(t, s, p, 2, nil)
		b, j, e := try(t, s, p)
		a, _, err := s.BeginAttempt(t.Context(), org, e.ID, j.ID, "worker")
		require.NoError(t, err)
		require.NoError(t, s.CompleteAttempt(t.Context(), a, store.Success{Result: map[string]any{}, Score: scoring.Score{Verdict: scoring.Unverified}}))
		_, err = s.FinishExecution(t.Context(), org, e.ID, models.ExecutionStopped, "")
		require.NoError(t, err)

		batches, err := s.ListBatches(t.Context(), org, models.BatchFilter{ProjectID: p.ID}, models.Page{Limit: 9})
		require.NoError(t, err)
		require.Len(t, batches, 1)
		jobs, err := s.ListJobs(t.Context(), org, models.JobFilter{ProjectID: p.ID}, models.JobPage{Limit: 9})
		require.NoError(t, err)
		require.Len(t, jobs, 2)
		require.Equal(t, uploaded.ID, jobs[0].BatchID)
		n, err := s.CountJobs(t.Context(), org, models.JobFilter{ProjectID: p.ID})
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		n, err = s.CountJobs(t.Context(), org, models.JobFilter{BatchID: b.ID})
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		ofType := func(f models.ExecutionFilter) (ids []uuid.UUID) {
			executions, err := s.ListExecutions(t.Context(), org, f, models.Page{Limit: 9})
			require.NoError(t, err)
			for _, e := range executions {
				ids = append(ids, e.ID)
			}
			return ids
		}
		require.Empty(t, ofType(models.ExecutionFilter{}))
		require.Equal(t, []uuid.UUID{e.ID}, ofType(models.ExecutionFilter{Type: models.ExecutionTry}))
		require.Equal(t, []uuid.UUID{e.ID}, ofType(models.ExecutionFilter{BatchID: b.ID}))

		day := models.MetricsQuery{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour), Bucket: models.BucketHour, Hosts: 5}
		m, err := s.ProjectMetrics(t.Context(), org, p.ID, day)
		require.NoError(t, err)
		require.Empty(t, m.Executions)
		require.Zero(t, m.Completed)
		require.Empty(t, m.Hosts)
	})

	t.Run("GoesWithItsProject", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		_, _, e := try(t, s, p)
		require.ErrorIs(t, s.DeleteProject(t.Context(), p.OrganisationID, p.ID, false, nil), models.ErrBatchBusy)
		_, err := s.FinishExecution(t.Context(), p.OrganisationID, e.ID, models.ExecutionStopped, "")
		require.NoError(t, err)
		require.NoError(t, s.DeleteProject(t.Context(), p.OrganisationID, p.ID, false, nil))
	})

	t.Run("IsWrittenWholeOrNotAtAll", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		b, j, e := try(t, s, p)
		again := *b
		again.ID = models.NewID()
		row := *j
		row.ID = models.NewID()
		require.Error(t, s.CreateTry(t.Context(), &again, &row, e, nil), "the execution is there")
		_, err := s.Batch(t.Context(), p.OrganisationID, again.ID)
		require.ErrorIs(t, err, models.ErrBatchNotFound)
	})
}

// TestListsPassTriesOver: however many tries there are, no list goes through them.
func TestListsPassTriesOver(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)
	p := testfactory.Project(t, s, nil)
	testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 1, nil), nil)
	_, _, e := try(t, s, p)
	_, err := db.NewRaw(`
		WITH b AS (
			INSERT INTO batches (id, organisation_id, project_id, name, columns, row_count, kind)
			SELECT gen_random_uuid(), organisation_id, project_id, name, columns, 1, 'try' FROM batches, generate_series(1, 5000) WHERE kind = 'try'
			RETURNING id
		)
		INSERT INTO executions (id, organisation_id, project_id, batch_id, type, status, concurrency, retry, snapshot, finished_at)
		SELECT gen_random_uuid(), e.organisation_id, e.project_id, e.batch_id, 'try', 'completed', 1, e.retry, e.snapshot, now()
		FROM executions AS e, b WHERE e.id = ?`, e.ID).Exec(t.Context())
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "ANALYZE")
	require.NoError(t, err)
	for index, query := range map[string]string{
		"batches_uploads_idx":           "SELECT * FROM batches WHERE organisation_id = ?0 AND kind = 'upload' AND project_id = ?1 ORDER BY id DESC LIMIT 50",
		"executions_listed_idx":         "SELECT * FROM executions WHERE organisation_id = ?0 AND type <> 'try' ORDER BY id DESC LIMIT 50",
		"executions_project_listed_idx": "SELECT * FROM executions WHERE organisation_id = ?0 AND project_id = ?1 AND type <> 'try' ORDER BY id DESC LIMIT 50",
	} {
		require.Contains(t, explain(t, db, query, p.OrganisationID, p.ID), index)
	}
	// And where there are few, they are found.
	const tries = "SELECT * FROM executions WHERE organisation_id = ?0 AND type = 'try' ORDER BY id DESC LIMIT 50"
	_, err = db.ExecContext(t.Context(), `
		UPDATE executions SET type = 'production' WHERE type = 'try' AND status = 'completed'`)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "VACUUM ANALYZE")
	require.NoError(t, err)
	require.Contains(t, explain(t, db, tries, p.OrganisationID), "executions_tries_idx")
}
