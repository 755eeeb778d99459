// Package testfactory makes records for tests: every member has a sensible value, the
// ones that a test cares about are given.
package testfactory

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/models/store"
)

// Project inserts a project; change edits it before.
func Project(tb testing.TB, s *store.Store, change func(*models.Project)) *models.Project {
	tb.Helper()
	p := NewProject(change)
	require.NoError(tb, s.CreateProject(context.Background(), p))
	return p
}

// NewProject makes a project that is not inserted.
func NewProject(change func(*models.Project)) *models.Project {
	p := &models.Project{
		ID: models.NewID(), OrganisationID: models.DefaultOrganisationID,
		Name: "Project " + uuid.NewString(), Instruction: "Find the price.",
		Fields: []field.Field{
			{Name: "price", Type: field.TypeMoney},
			{Name: "sku", Type: field.TypeText},
		},
		Executor: "fetch", Settings: []byte(`{}`),
	}
	if change != nil {
		change(p)
	}
	return p
}

// Batch inserts a batch with a number of jobs; change edits each of them before.
func Batch(tb testing.TB, s *store.Store, p *models.Project, rows int, change func(*models.Job)) *models.Batch {
	tb.Helper()
	b := &models.Batch{
		ID: models.NewID(), OrganisationID: p.OrganisationID, ProjectID: p.ID, Name: "rows.csv",
		Columns: []models.Column{{Name: "site_url", Role: models.RoleSiteURL}, {Name: "gt_price", Role: models.RoleGroundTruth, Field: "price"}},
	}
	require.NoError(tb, s.CreateBatch(context.Background(), b, Jobs(rows, change)))
	return b
}

// Jobs yields jobs with a row number, a URL and a truth; change edits each of them.
func Jobs(rows int, change func(*models.Job)) iter.Seq2[*models.Job, error] {
	return func(yield func(*models.Job, error) bool) {
		for row := 1; row <= rows; row++ {
			j := &models.Job{
				ID: models.NewID(), RowNumber: row, SiteURL: fmt.Sprintf("https://shop.example/%d", row),
				Input: map[string]string{"category": "chairs"}, GroundTruth: map[string][]string{"price": {"10.00"}},
			}
			if change != nil {
				change(j)
			}
			if !yield(j, nil) {
				return
			}
		}
	}
}

// Execution inserts an execution over all jobs of a batch; change edits it before.
func Execution(tb testing.TB, s *store.Store, p *models.Project, b *models.Batch, change func(*models.Execution)) *models.Execution {
	tb.Helper()
	e := NewExecution(p, b)
	if change != nil {
		change(e)
	}
	require.NoError(tb, s.CreateExecution(context.Background(), e))
	return e
}

// NewExecution makes an execution that is not inserted.
func NewExecution(p *models.Project, b *models.Batch) *models.Execution {
	policy, _ := retry.Fast.Policy()
	return &models.Execution{
		ID: models.NewID(), OrganisationID: p.OrganisationID, ProjectID: p.ID, BatchID: b.ID,
		Type: models.ExecutionProduction, Concurrency: 10, Preset: retry.Fast, Retry: policy,
		Snapshot: models.Snapshot{
			ProjectName: p.Name, BatchName: b.Name, Instruction: p.Instruction, Fields: p.Fields,
			Executor: p.Executor, Settings: p.Settings, JobTimeoutMS: 30_000,
		},
	}
}
