package orchestrator_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/orchestrator"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

func TestSweep(t *testing.T) {
	t.Parallel()

	t.Run("EndsAnExecutionWhoseWorkflowWasTerminatedBeforeItBegan", func(t *testing.T) {
		t.Parallel()
		s, temporal := testkit.Store(t, testkit.Database(t)), testkit.Temporal(t).Client(t)
		p := testfactory.Project(t, s, nil)
		b := testfactory.Batch(t, s, p, 2, nil)
		abandoned := testfactory.Execution(t, s, p, b, nil)
		waiting := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 1, nil), nil)
		o := orchestrator.New(temporal, testkit.TaskQueue(t)) // which nobody polls
		require.NoError(t, o.Start(t.Context(), abandoned))
		require.NoError(t, o.Start(t.Context(), waiting))
		require.NoError(t, temporal.TerminateWorkflow(t.Context(), contract.WorkflowID(abandoned.ID.String()), "", "by an operator"))

		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go orchestrator.NewSweep(o, s, zap.NewNop(), 10*time.Millisecond, time.Nanosecond).Run(ctx)
		var e *models.Execution
		require.Eventually(t, func() bool {
			var err error
			e, err = s.ExecutionByID(ctx, abandoned.ID)
			return err == nil && e.Status.Terminal()
		}, 20*time.Second, 20*time.Millisecond)
		require.Equal(t, models.ExecutionFailed, e.Status)
		require.Equal(t, 2, e.CancelledJobs)
		require.NoError(t, s.CreateExecution(t.Context(), testfactory.NewExecution(p, b)), "the batch is free again")
		e, err := s.ExecutionByID(t.Context(), waiting.ID)
		require.NoError(t, err)
		require.Equal(t, models.ExecutionPending, e.Status, "an open workflow only waits for a worker")
	})
}
