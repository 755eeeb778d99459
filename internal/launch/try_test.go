package launch_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/retry"
)

func TestNewTry(t *testing.T) {
	t.Parallel()
	batch := &models.Batch{ID: models.NewID(), Name: "try"}
	project := func(timeoutMS int64) *models.Project {
		return &models.Project{ID: models.NewID(), Name: "Shop", Executor: "fetch", Defaults: models.ExecutionDefaults{
			Concurrency: 20, Preset: retry.Patient, JobTimeoutMS: timeoutMS, Tolerance: &models.Tolerance{MaxFailed: new(3)},
		}}
	}
	for name, test := range map[string]struct {
		projects int64
		asked    time.Duration
		want     int64
	}{
		"TakesTheProjectsTimeout":         {9_000, 0, 9_000},
		"ButNoLongerThanAnybodyWaits":     {600_000, 0, launch.DefaultTryTimeout.Milliseconds()},
		"HasADefaultOfItsOwn":             {0, 0, launch.DefaultTryTimeout.Milliseconds()},
		"TakesWhatIsAskedForBeforeThem":   {9_000, 5 * time.Minute, 300_000},
		"AndLessThanTheProjectsIsNoFault": {9_000, time.Second, 1_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := models.NewID()
			e := launch.NewTry(id, project(test.projects), batch, test.asked)
			require.Equal(t, id, e.ID)
			require.Equal(t, models.ExecutionTry, e.Type)
			require.Equal(t, test.want, e.Snapshot.JobTimeoutMS)
			require.Equal(t, 1, e.Concurrency)
			require.Equal(t, 1, e.Retry.MaxAttempts)
			require.NoError(t, e.Retry.Validate())
			require.Empty(t, e.Preset)
			require.Nil(t, e.Tolerance)
		})
	}
	require.Error(t, launch.Options{Type: models.ExecutionTry}.Validate(), "callers cannot start one")
}
