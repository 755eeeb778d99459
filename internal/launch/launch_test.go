package launch_test

import (
	"testing"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/retry"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	policy, _ := retry.Fast.Policy()
	for name, test := range map[string]struct {
		options launch.Options
		names   string // the member that is wrong; empty when none is
	}{
		"TakesProduction":      {launch.Options{Type: models.ExecutionProduction}, ""},
		"TakesASample":         {launch.Options{Type: models.ExecutionTest, SampleSize: new(1000), SampleSeed: 4}, ""},
		"TakesAPolicy":         {launch.Options{Type: models.ExecutionProduction, Retry: &policy, Concurrency: new(50)}, ""},
		"NeedsAType":           {launch.Options{}, "type"},
		"KnowsTwoTypes":        {launch.Options{Type: "trial"}, "type"},
		"BoundsTheSample":      {launch.Options{Type: models.ExecutionTest, SampleSize: new(0)}, "sample_size"},
		"SamplesTestsAlone":    {launch.Options{Type: models.ExecutionProduction, SampleSize: new(5)}, "sample_size"},
		"SeedsTestsAlone":      {launch.Options{Type: models.ExecutionProduction, SampleSeed: 5}, "sample_seed"},
		"BoundsTheConcurrency": {launch.Options{Type: models.ExecutionProduction, Concurrency: new(51)}, "concurrency"},
		"TakesZeroForAValue":   {launch.Options{Type: models.ExecutionProduction, Concurrency: new(0)}, "concurrency"},
		"KnowsThePresets":      {launch.Options{Type: models.ExecutionProduction, Preset: new(retry.Preset("SLOW"))}, "preset"},
		"TakesOneSettingOfRetries": {
			launch.Options{Type: models.ExecutionProduction, Preset: new(retry.Fast), Retry: &policy}, "retry",
		},
		"ChecksThePolicy":    {launch.Options{Type: models.ExecutionProduction, Retry: &retry.Policy{}}, "retry"},
		"ChecksTheTolerance": {launch.Options{Type: models.ExecutionProduction, Tolerance: &models.Tolerance{MaxFailed: new(-1)}}, "failure_tolerance"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.options.Validate()
			if test.names == "" {
				require.NoError(t, err)
				return
			}
			var errs validation.Errors
			require.ErrorAs(t, err, &errs)
			require.Contains(t, errs, test.names)
			require.Len(t, errs, 1)
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	id := models.NewID()
	patient, _ := retry.Patient.Policy()
	standard, _ := retry.Standard.Policy()
	batch := &models.Batch{ID: models.NewID(), Name: "rows.csv"}
	project := func(d models.ExecutionDefaults) *models.Project {
		return &models.Project{ID: models.NewID(), OrganisationID: models.DefaultOrganisationID, Name: "Shop", Executor: "fetch", Defaults: d}
	}
	full := models.ExecutionDefaults{
		Concurrency: 4, Preset: retry.Patient, JobTimeoutMS: 9_000, Tolerance: &models.Tolerance{MaxFailed: new(3)},
	}

	t.Run("HasDefaultsOfItsOwn", func(t *testing.T) {
		t.Parallel()
		e := launch.New(id, project(models.ExecutionDefaults{}), batch, launch.Options{Type: models.ExecutionTest})
		require.Equal(t, id, e.ID)
		require.Equal(t, models.ExecutionPending, e.Status)
		require.Equal(t, launch.DefaultConcurrency, e.Concurrency)
		require.Equal(t, launch.DefaultSampleSize, e.SampleSize)
		require.Equal(t, retry.Standard, e.Preset)
		require.Equal(t, standard, e.Retry)
		require.Equal(t, launch.DefaultJobTimeout.Milliseconds(), e.Snapshot.JobTimeoutMS)
		require.Equal(t, "rows.csv", e.Snapshot.BatchName)
		require.Nil(t, e.Tolerance)
	})

	t.Run("TakesTheProjectsBeforeThem", func(t *testing.T) {
		t.Parallel()
		e := launch.New(id, project(full), batch, launch.Options{Type: models.ExecutionProduction})
		require.Equal(t, 4, e.Concurrency)
		require.Equal(t, patient, e.Retry)
		require.EqualValues(t, 9_000, e.Snapshot.JobTimeoutMS)
		require.Equal(t, 3, *e.Tolerance.MaxFailed)
		require.NotEmpty(t, e.Tolerance.Action, "the tolerance is written in full")
		require.Zero(t, e.SampleSize)
	})

	t.Run("TakesWhatIsAskedForBeforeBoth", func(t *testing.T) {
		t.Parallel()
		own := retry.Policy{MaxAttempts: 2, InitialIntervalMS: 1, BackoffCoefficient: 1, MaxIntervalMS: 1}
		e := launch.New(id, project(full), batch, launch.Options{
			Type: models.ExecutionProduction, Concurrency: new(50), Retry: &own, Tolerance: &models.Tolerance{MaxFailed: new(0)},
		})
		require.Equal(t, 50, e.Concurrency)
		require.Empty(t, e.Preset, "a policy stands in the place of a preset")
		require.Equal(t, own, e.Retry)
		require.Zero(t, *e.Tolerance.MaxFailed)
		require.Equal(t, 3, *full.Tolerance.MaxFailed, "the project is left as it is")
	})
}
