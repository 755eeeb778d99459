package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// TestRunsSayWhoseTheyAre: every run of an execution has its organisation in the search
// attributes and in the memo, so that operators can tell them apart and Temporal can be
// told to keep them apart.
func TestRunsSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	s, web := newSystem(t, options{}), newSite(t)
	web.release()
	e := s.execute(s.upload(s.project(priceProject()), web.csv(3)), withConcurrency(2))
	require.Equal(t, "completed", s.ended(e).Status)
	org := models.DefaultOrganisationID.String()
	var list *workflowservice.ListWorkflowExecutionsResponse
	eventually(t, "the run and its chunk are listed under the organisation", func() bool {
		var err error
		list, err = s.temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: contract.SearchAttributeOrganisation + " = '" + org + "' AND " + contract.SearchAttributeExecution + " = '" + e.ID.String() + "'",
		})
		return err == nil && len(list.GetExecutions()) == 2
	})
	for _, run := range list.GetExecutions() {
		var whose string
		memo := run.GetMemo().GetFields()[contract.MemoOrganisation]
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(memo, &whose), run.GetType().GetName())
		require.Equal(t, org, whose)
	}
}
