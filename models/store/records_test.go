package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
)

func TestProjects(t *testing.T) {
	t.Parallel()

	t.Run("ComeBackAsTheyWereWritten", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, func(p *models.Project) {
			p.Fields = []field.Field{{Name: "stock", Type: field.TypeEnum, Values: []string{"InStock", "OutOfStock"}, Required: true}}
			p.Settings = []byte(`{"timeout_ms": 5000}`)
			p.Defaults = models.ExecutionDefaults{Concurrency: 5, Preset: "FAST"}
		})
		got, err := s.Project(t.Context(), p.OrganisationID, p.ID)
		require.NoError(t, err)
		require.Equal(t, p.Fields, got.Fields)
		require.JSONEq(t, string(p.Settings), string(got.Settings))
		require.Equal(t, p.Defaults, got.Defaults)
		require.EqualValues(t, 1, got.Version)
		require.False(t, got.CreatedAt.IsZero())
	})

	t.Run("HaveNamesOfTheirOwnWhateverTheCase", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, func(p *models.Project) { p.Name = "Shops" })
		twin := *p
		twin.ID, twin.Name = models.NewID(), "SHOPS"
		require.ErrorIs(t, s.CreateProject(t.Context(), &twin), models.ErrNameTaken)
		found, err := s.ListProjects(t.Context(), p.OrganisationID, models.ProjectFilter{Name: "shops"}, models.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, found, 1)
	})

	t.Run("AreEditedOnlyAsTheyWereRead", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		p := testfactory.Project(t, s, nil)
		stale := *p
		p.Instruction = "Find the price and the SKU."
		require.NoError(t, s.UpdateProject(t.Context(), p, models.SecretEdit{}))
		require.EqualValues(t, 2, p.Version)
		stale.Instruction = "Something else."
		require.ErrorIs(t, s.UpdateProject(t.Context(), &stale, models.SecretEdit{}), models.ErrVersionMismatch)
		got, err := s.Project(t.Context(), p.OrganisationID, p.ID)
		require.NoError(t, err)
		require.Equal(t, p.Instruction, got.Instruction)
		stale.ID = models.NewID()
		require.ErrorIs(t, s.UpdateProject(t.Context(), &stale, models.SecretEdit{}), models.ErrProjectNotFound)
	})

	t.Run("AreListedNewestFirstInPages", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		var newest []string
		for i := range 5 {
			p := testfactory.Project(t, s, func(p *models.Project) { p.Name = fmt.Sprintf("Project %d", i) })
			newest = append([]string{p.Name}, newest...)
		}
		var names []string
		page := models.Page{Limit: 2}
		for {
			got, err := s.ListProjects(t.Context(), models.DefaultOrganisationID, models.ProjectFilter{}, page)
			require.NoError(t, err)
			if len(got) == 0 {
				break
			}
			for _, p := range got {
				names = append(names, p.Name)
			}
			page.After = got[len(got)-1].ID
		}
		require.Equal(t, newest, names)
		n, err := s.CountProjects(t.Context(), models.DefaultOrganisationID, models.ProjectFilter{})
		require.NoError(t, err)
		require.EqualValues(t, 5, n)
	})
}

func TestBatches(t *testing.T) {
	t.Parallel()

	t.Run("AreWrittenWholeOrNotAtAll", func(t *testing.T) {
		t.Parallel()
		db := testkit.Database(t)
		s := testkit.Store(t, db)
		p := testfactory.Project(t, s, nil)
		refused := errors.New("row 3: bad URL")
		b := &models.Batch{ID: models.NewID(), OrganisationID: p.OrganisationID, ProjectID: p.ID, Name: "rows.csv", Columns: []models.Column{}}
		err := s.CreateBatch(t.Context(), b, func(yield func(*models.Job, error) bool) {
			for j, err := range testfactory.Jobs(2, nil) {
				if !yield(j, err) {
					return
				}
			}
			yield(nil, refused)
		})
		require.ErrorIs(t, err, refused)
		for _, table := range []string{"batches", "jobs"} {
			n, err := db.NewSelect().TableExpr(table).Count(t.Context())
			require.NoError(t, err)
			require.Zero(t, n, table)
		}
		require.NoError(t, s.CreateBatch(t.Context(), b, testfactory.Jobs(2, nil)), "the connection is fit for use")
		require.Equal(t, 2, b.RowCount)
	})

	t.Run("NeedTheirProject", func(t *testing.T) {
		t.Parallel()
		s := testkit.Store(t, testkit.Database(t))
		b := &models.Batch{ID: models.NewID(), OrganisationID: models.DefaultOrganisationID, ProjectID: models.NewID(), Name: "rows.csv", Columns: []models.Column{}}
		require.ErrorIs(t, s.CreateBatch(t.Context(), b, testfactory.Jobs(1, nil)), models.ErrProjectNotFound)
	})

	t.Run("ListTheirJobsInRowOrderByFilter", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		require.NoError(t, f.store.CompleteAttempt(t.Context(), f.begin(t, 1), success(true)))
		list := func(filter models.JobFilter, page models.JobPage) []int {
			filter.BatchID = f.batch.ID
			jobs, err := f.store.ListJobs(t.Context(), f.batch.OrganisationID, filter, page)
			require.NoError(t, err)
			rows := []int{}
			for _, j := range jobs {
				rows = append(rows, j.RowNumber)
			}
			return rows
		}
		require.Equal(t, []int{1, 2, 3}, list(models.JobFilter{}, models.JobPage{Limit: 10}))
		require.Equal(t, []int{2, 3}, list(models.JobFilter{}, models.JobPage{AfterRow: 1, Limit: 2}))
		require.Equal(t, []int{2}, list(models.JobFilter{Status: []models.JobStatus{models.JobCompleted, models.JobFailed}}, models.JobPage{Limit: 10}))
		require.Equal(t, []int{1, 3}, list(models.JobFilter{Status: []models.JobStatus{models.JobQueued}}, models.JobPage{Limit: 10}))
		n, err := f.store.CountJobs(t.Context(), f.batch.OrganisationID, models.JobFilter{BatchID: f.batch.ID})
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
	})

	t.Run("DoNotExistForOtherOrganisations", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		other := models.NewID()
		_, err := f.store.Batch(t.Context(), other, f.batch.ID)
		require.ErrorIs(t, err, models.ErrBatchNotFound)
		_, err = f.store.Project(t.Context(), other, f.project.ID)
		require.ErrorIs(t, err, models.ErrProjectNotFound)
		_, err = f.store.Execution(t.Context(), other, f.execution.ID)
		require.ErrorIs(t, err, models.ErrExecutionNotFound)
		_, err = f.store.Job(t.Context(), other, f.jobs[0].ID)
		require.ErrorIs(t, err, models.ErrJobNotFound)
		jobs, err := f.store.ListJobs(t.Context(), other, models.JobFilter{BatchID: f.batch.ID}, models.JobPage{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, jobs)
	})
}
