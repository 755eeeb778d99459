package models_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

func TestWorkflow(t *testing.T) {
	t.Parallel()
	require.Equal(t, contract.WorkflowIDPrefix, models.WorkflowIDPrefix, "records and contract agree though neither knows the other")
	e := &models.Execution{ID: models.NewID()}
	require.Equal(t, contract.WorkflowID(e.ID.String()), e.Workflow())
	e.WorkflowID = "nightly-prices"
	require.Equal(t, "nightly-prices", e.Workflow())
}
