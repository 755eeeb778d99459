package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/generatedclient"
)

// TestGeneratedClient goes the main path with a client that a generator made of the
// OpenAPI document.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<p class="price">10.00 EUR</p>`))
	}))
	t.Cleanup(shop.Close)
	s, ctx := newSystem(t, options{}), t.Context()
	c, err := generatedclient.NewClientWithResponses(s.client.BaseURL())
	require.NoError(t, err)

	css, money := ".price", generatedclient.FieldType("money")
	project, err := c.CreateProjectWithResponse(ctx, nil, generatedclient.ProjectRequest{
		Name: "Shop " + uuid.NewString(), Instruction: "The price.", Executor: "fetch",
		Fields: []generatedclient.Field{{Name: "price", Type: &money, Extract: &generatedclient.Extract{Css: &css}}},
	})
	require.NoError(t, err)
	require.NotNil(t, project.JSON201, "%s", project.Body)
	id := project.JSON201.Id

	batch, err := c.CreateBatchWithResponse(ctx, &generatedclient.CreateBatchParams{ProjectId: &id}, generatedclient.BatchRequest{
		Rows: []map[string]any{
			{"site_url": shop.URL + "/1", "gt_price": "10.00 EUR"},
			{"site_url": shop.URL + "/2", "gt_price": []string{"11.00 EUR", "12.00 EUR"}},
		},
	})
	require.NoError(t, err)
	require.NotNil(t, batch.JSON201, "%s", batch.Body)

	started, err := c.ExecuteWithResponse(ctx, id, batch.JSON201.Id, nil, generatedclient.ExecuteRequest{Type: generatedclient.ExecuteRequestTypeProduction})
	require.NoError(t, err)
	require.NotNil(t, started.JSON202, "%s", started.Body)
	execution := started.JSON202.Id
	require.Eventually(t, func() bool {
		stats, err := c.GetStatsWithResponse(ctx, execution)
		return err == nil && stats.JSON200 != nil && stats.JSON200.Status == "completed"
	}, 90*time.Second, 50*time.Millisecond)

	jobs, err := c.ListJobsWithResponse(ctx, batch.JSON201.Id, &generatedclient.ListJobsParams{
		Status: &[]generatedclient.JobStatus{"completed", "failed"},
	})
	require.NoError(t, err)
	require.NotNil(t, jobs.JSON200, "%s", jobs.Body)
	require.Len(t, jobs.JSON200.Data, 2)
	require.EqualValues(t, "correct", *jobs.JSON200.Data[0].Verdict)
	require.EqualValues(t, "wrong", *jobs.JSON200.Data[1].Verdict)

	metrics, err := c.GetExecutionMetricsWithResponse(ctx, execution, nil)
	require.NoError(t, err)
	require.NotNil(t, metrics.JSON200, "%s", metrics.Body)
	require.Equal(t, 2, metrics.JSON200.Jobs.Completed)
	require.Equal(t, 1, metrics.JSON200.Accuracy.Matched)

	missing, err := c.GetProjectMetricsWithResponse(ctx, uuid.New(), nil)
	require.NoError(t, err)
	require.NotNil(t, missing.ApplicationproblemJSON404)
	require.EqualValues(t, "PROJECT_NOT_FOUND", missing.ApplicationproblemJSON404.Code)
}
