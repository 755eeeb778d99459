package orchestrator_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/minohq/mino/internal/orchestrator"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// losing is a Temporal that loses the first answers.
type losing struct {
	client.Client

	lost, asked int
}

func (*losing) SignalWorkflow(context.Context, string, string, string, any) error { return nil }

func (l *losing) QueryWorkflow(ctx context.Context, _, _, _ string, _ ...any) (converter.EncodedValue, error) {
	if l.asked++; l.asked <= l.lost {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(contract.Overview{Settled: true, Stats: contract.Stats{State: "paused"}})
	return client.NewValue(payloads), err
}

func TestLostAnswer(t *testing.T) {
	t.Parallel()

	t.Run("IsAskedForAgain", func(t *testing.T) {
		t.Parallel()
		temporal := &losing{lost: 1}
		stats, err := orchestrator.New(temporal, "").Pause(t.Context(), "any")
		require.NoError(t, err)
		require.Equal(t, "paused", stats.State)
		require.Equal(t, 2, temporal.asked)
	})

	t.Run("IsUnavailabilityInTheEnd", func(t *testing.T) {
		t.Parallel()
		temporal := &losing{lost: 100}
		_, err := orchestrator.New(temporal, "").Pause(t.Context(), "any")
		require.ErrorIs(t, err, models.ErrUnavailable)
		require.Greater(t, temporal.asked, 2)
		require.Less(t, temporal.asked, 10)
	})
}
