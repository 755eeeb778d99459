package activities_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap/zaptest"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// lossy is a store whose answers to the first writes of a kind are lost: they are
// written, and whoever asked hears that the database was away.
type lossy struct {
	*store.Store

	mu      sync.Mutex
	batches int
	created int
}

// lose reports whether this answer is lost, and counts it down.
func (l *lossy) lose(n *int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	*n--
	return *n >= 0
}

// CreateBatch writes a batch.
func (l *lossy) CreateBatch(ctx context.Context, b *models.Batch, jobs iter.Seq2[*models.Job, error]) error {
	err := l.Store.CreateBatch(ctx, b, jobs)
	if err == nil && l.lose(&l.batches) {
		return models.ErrUnavailable
	}
	return err
}

// CreateExecution writes an execution.
func (l *lossy) CreateExecution(ctx context.Context, e *models.Execution) error {
	err := l.Store.CreateExecution(ctx, e)
	if err == nil && l.lose(&l.created) {
		return models.ErrUnavailable
	}
	return err
}

// preparing is a workflow that does nothing but prepare, tries again included.
type preparing struct {
	t     *testing.T
	store *lossy
}

func newPreparing(t *testing.T) *preparing {
	t.Helper()
	return &preparing{t: t, store: &lossy{Store: testkit.Store(t, testkit.Database(t))}}
}

func (p *preparing) run(in contract.PrepareInput) (contract.PrepareResult, error) {
	p.t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	a := activities.New(activities.Config{}, p.store, executors.NewRegistry(), zaptest.NewLogger(p.t))
	env.RegisterActivityWithOptions(a.Prepare, activity.RegisterOptions{Name: contract.ActivityPrepare})
	env.ExecuteWorkflow(func(ctx workflow.Context) (contract.PrepareResult, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 5},
		})
		var out contract.PrepareResult
		err := workflow.ExecuteActivity(ctx, contract.ActivityPrepare, in).Get(ctx, &out)
		return out, err
	})
	var out contract.PrepareResult
	return out, env.GetWorkflowResult(&out)
}

func (p *preparing) executions() []models.Execution {
	p.t.Helper()
	all, err := p.store.ListExecutions(p.t.Context(), models.DefaultOrganisationID, models.ExecutionFilter{}, models.Page{Limit: 10})
	require.NoError(p.t, err)
	return all
}

func (p *preparing) batches() []models.Batch {
	p.t.Helper()
	all, err := p.store.ListBatches(p.t.Context(), models.DefaultOrganisationID, models.BatchFilter{}, models.Page{Limit: 10})
	require.NoError(p.t, err)
	return all
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	items := []contract.Item{
		{SiteURL: " shop.example/1 ", Input: map[string]string{"b": "x\x00y", "a": "1"}, GroundTruth: map[string][]string{"price": {" 10.00 ", ""}}},
		{SiteURL: "https://shop.example/2", GroundTruth: map[string][]string{"sku": {" "}}},
	}

	t.Run("MakesOfItemsWhatAnUploadWould", func(t *testing.T) {
		t.Parallel()
		p := newPreparing(t)
		project := testfactory.Project(t, p.store.Store, nil)
		out, err := p.run(contract.PrepareInput{ProjectID: project.ID.String(), Items: items, WorkflowID: "orders-1"})
		require.NoError(t, err)
		e, err := p.store.ExecutionByID(t.Context(), uuid.MustParse(out.ExecutionID))
		require.NoError(t, err)
		require.Equal(t, "orders-1", e.Workflow())
		require.Equal(t, models.ExecutionPending, e.Status)
		require.Equal(t, 2, e.TotalJobs)
		require.Equal(t, uuid.Version(7), e.ID.Version())
		b, err := p.store.BatchByID(t.Context(), e.BatchID)
		require.NoError(t, err)
		require.Equal(t, 2, b.RowCount)
		require.Equal(t, []models.Column{
			{Name: "site_url", Role: models.RoleSiteURL}, {Name: "a", Role: models.RoleInput}, {Name: "b", Role: models.RoleInput},
			{Name: "gt_price", Role: models.RoleGroundTruth, Field: "price"}, {Name: "gt_sku", Role: models.RoleGroundTruth, Field: "sku"},
		}, b.Columns)
		jobs, err := p.store.ListJobs(t.Context(), e.OrganisationID, models.JobFilter{BatchID: b.ID}, models.JobPage{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, "https://shop.example/1", jobs[0].SiteURL)
		require.Equal(t, map[string]string{"a": "1", "b": "x\uFFFDy"}, jobs[0].Input)
		require.Equal(t, map[string][]string{"price": {"10.00"}}, jobs[0].GroundTruth)
		require.Empty(t, jobs[1].GroundTruth, "a blank truth is none")
	})

	t.Run("MakesItOnceHoweverManyAnswersAreLost", func(t *testing.T) {
		t.Parallel()
		p := newPreparing(t)
		p.store.batches, p.store.created = 2, 2
		project := testfactory.Project(t, p.store.Store, nil)
		out, err := p.run(contract.PrepareInput{ProjectID: project.ID.String(), Items: items, WorkflowID: "orders-1"})
		require.NoError(t, err)
		all := p.executions()
		require.Len(t, all, 1)
		require.Equal(t, out.ExecutionID, all[0].ID.String())
		require.Len(t, p.batches(), 1)
	})

	t.Run("MakesOneOfABatchOnceToo", func(t *testing.T) {
		t.Parallel()
		p := newPreparing(t)
		p.store.created = 1
		project := testfactory.Project(t, p.store.Store, nil)
		batch := testfactory.Batch(t, p.store.Store, project, 5, nil)
		in := contract.PrepareInput{BatchID: batch.ID.String(), WorkflowID: "orders-1", Options: &contract.Options{
			Type: "test", SampleSize: 3, Concurrency: 7, Retry: &contract.RetryPolicy{MaxAttempts: 2, InitialIntervalMS: 5, BackoffCoefficient: 1, MaxIntervalMS: 5},
		}}
		_, err := p.run(in)
		require.NoError(t, err)
		all := p.executions()
		require.Len(t, all, 1)
		require.Equal(t, 3, all[0].TotalJobs)
		require.Equal(t, 7, all[0].Concurrency)
		require.Equal(t, 2, all[0].Retry.MaxAttempts)

		in.WorkflowID = "orders-2"
		_, err = p.run(in)
		require.Equal(t, contract.ErrorTypeInvalidInput, applicationError(t, err).Type(), "the batch is busy")
	})

	t.Run("RefusesWhatLacksAColumnThatTheProjectNeeds", func(t *testing.T) {
		t.Parallel()
		p := newPreparing(t)
		project := testfactory.Project(t, p.store.Store, func(p *models.Project) { p.Inputs = []string{"a", "colour"} })
		for member, in := range map[string]contract.PrepareInput{
			"items":    {ProjectID: project.ID.String(), Items: items, WorkflowID: "orders-1"},
			"batch_id": {BatchID: testfactory.Batch(t, p.store.Store, project, 2, nil).ID.String(), WorkflowID: "orders-2"},
		} {
			_, err := p.run(in)
			failed := applicationError(t, err)
			require.Equal(t, contract.ErrorTypeInvalidInput, failed.Type())
			require.Contains(t, failed.Message(), member+": ")
			require.Contains(t, failed.Message(), "colour")
		}
		require.Empty(t, p.executions())
		require.Len(t, p.batches(), 1)
	})

	t.Run("LeavesNothingBehindOfWhatTheOrganisationMayNotRun", func(t *testing.T) {
		t.Parallel()
		p := newPreparing(t)
		jobs := int64(1)
		o := testfactory.Organisation(t, p.store.Store, func(o *models.Organisation) { o.MaxJobsPerDay = &jobs })
		project := testfactory.Project(t, p.store.Store, func(p *models.Project) { p.OrganisationID = o.ID })
		batch := testfactory.Batch(t, p.store.Store, project, 2, nil)
		for _, in := range []contract.PrepareInput{
			{BatchID: batch.ID.String(), WorkflowID: "orders-1"},
			{ProjectID: project.ID.String(), Items: items, WorkflowID: "orders-2"},
		} {
			_, err := p.run(in)
			failed := applicationError(t, err)
			require.Equal(t, contract.ErrorTypeQuota, failed.Type())
			require.True(t, failed.NonRetryable())
			require.Contains(t, failed.Message(), "max_jobs_per_day is 1")
		}
		left, err := p.store.ListBatches(t.Context(), o.ID, models.BatchFilter{}, models.Page{Limit: 5})
		require.NoError(t, err)
		require.Len(t, left, 1)
		require.Equal(t, batch.ID, left[0].ID)
	})

	t.Run("LeavesNothingBehindOfAWorkflowThatHasRunBefore", func(t *testing.T) {
		t.Parallel()
		p := newPreparing(t)
		project := testfactory.Project(t, p.store.Store, nil)
		in := contract.PrepareInput{ProjectID: project.ID.String(), Items: items, WorkflowID: "orders-1"}
		first, err := p.run(in)
		require.NoError(t, err)
		_, err = p.run(in)
		failed := applicationError(t, err)
		require.Equal(t, contract.ErrorTypeClaimed, failed.Type())
		require.Contains(t, failed.Message(), first.ExecutionID)
		require.Len(t, p.batches(), 1)
	})
}
