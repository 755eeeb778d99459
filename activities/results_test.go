package activities_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
	"github.com/minohq/mino/workflows/contract"
)

func TestResults(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, nil)
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 4, nil), nil)
	_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, e.Workflow())
	require.NoError(t, err)
	jobs, err := s.QueuedJobs(t.Context(), e.OrganisationID, e.ID, models.QueuePage{Limit: 4})
	require.NoError(t, err)
	begin := func(i int) *store.Attempt {
		attempt, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, jobs[i].ID, "worker-1")
		require.NoError(t, err)
		return attempt
	}
	for _, i := range []int{0, 2} {
		require.NoError(t, s.CompleteAttempt(t.Context(), begin(i), store.Success{
			Result: map[string]any{"sku": strings.Repeat("x", 200)}, Score: scoring.Score{Verdict: scoring.Unverified},
		}))
	}
	require.NoError(t, s.FailAttempt(t.Context(), begin(1), store.Failure{Class: failure.Permanent, Code: "HTTP_404", Message: "gone"}))
	_, err = s.FinishExecution(t.Context(), e.OrganisationID, e.ID, models.ExecutionStopped, "")
	require.NoError(t, err)

	a := activities.New(activities.Config{}, s, executors.NewRegistry(), zaptest.NewLogger(t))
	collect := func(most int) contract.ResultsResult {
		out, err := a.Results(t.Context(), contract.ResultsInput{
			ExecutionID: e.ID.String(), OrganisationID: e.OrganisationID.String(), BatchID: e.BatchID.String(), MaxBytes: most,
		})
		require.NoError(t, err)
		return out
	}
	whole := collect(contract.MaxResultBytes)

	t.Run("SaysWhatEachItemCameTo", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, whole.More)
		require.Len(t, whole.Results, 4)
		require.Equal(t, "unverified", whole.Results[0].Verdict)
		require.Equal(t, &contract.ItemError{Class: "permanent", Code: "HTTP_404", Message: "gone"}, whole.Results[1].Error)
		require.Equal(t, "cancelled", whole.Results[3].Status)
		require.Zero(t, whole.Results[3].Attempts)
	})

	t.Run("StopsWhereThereIsNoMoreRoom", func(t *testing.T) {
		t.Parallel()
		two, err := json.Marshal(whole.Results[:2])
		require.NoError(t, err)
		out := collect(len(two))
		require.Equal(t, whole.Results[:2], out.Results)
		require.Equal(t, &contract.ResultsPage{
			BatchID: e.BatchID.String(), AfterRow: 2,
			Path: "/api/batches/" + e.BatchID.String() + "/jobs?execution_id=" + e.ID.String() + "&after_row=2",
		}, out.More)
	})

	t.Run("PointsAtTheBeginningWhenThereIsRoomForNone", func(t *testing.T) {
		t.Parallel()
		out := collect(1)
		require.NotNil(t, out.Results)
		require.Empty(t, out.Results)
		require.Zero(t, out.More.AfterRow)
	})

	t.Run("RefusesWhatIsNoID", func(t *testing.T) {
		t.Parallel()
		_, err := a.Results(t.Context(), contract.ResultsInput{ExecutionID: "x", OrganisationID: uuid.NewString(), BatchID: uuid.NewString()})
		require.Equal(t, contract.ErrorTypePermanent, applicationError(t, err).Type())
	})
}
