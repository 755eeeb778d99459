package models_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models"
)

func TestTolerance(t *testing.T) {
	t.Parallel()
	number := func(n int) *int { return &n }
	percent := func(p float64) *float64 { return &p }

	t.Run("IsRefusedByTheNameOfWhatIsWrong", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			tolerance models.Tolerance
			wrong     []string
		}{
			"WithoutAMaximum":   {models.Tolerance{Action: "pause"}, []string{"max_failed"}},
			"BelowNone":         {models.Tolerance{MaxFailed: number(-1)}, []string{"max_failed"}},
			"BelowNoneInAPart":  {models.Tolerance{MaxFailedPercent: percent(-0.1)}, []string{"max_failed_percent"}},
			"AboveAll":          {models.Tolerance{MaxFailedPercent: percent(100.1)}, []string{"max_failed_percent"}},
			"BeforeTheStart":    {models.Tolerance{MaxFailed: number(1), After: -1}, []string{"after"}},
			"WithAnOddAction":   {models.Tolerance{MaxFailed: number(1), Action: "shrug"}, []string{"action"}},
			"WithSeveralFaults": {models.Tolerance{MaxFailed: number(-1), After: -1, Action: "x"}, []string{"action", "after", "max_failed"}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var errs validation.Errors
				require.ErrorAs(t, c.tolerance.Validate(), &errs)
				require.Equal(t, c.wrong, slices.Sorted(maps.Keys(errs)))
			})
		}
	})

	t.Run("MayBearNothingAtAll", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, models.Tolerance{MaxFailed: number(0)}.Validate())
		require.NoError(t, models.Tolerance{MaxFailedPercent: percent(0)}.Validate())
		require.NoError(t, models.Tolerance{MaxFailed: number(3), MaxFailedPercent: percent(100), After: 10, Action: "fail"}.Validate())
	})

	t.Run("PausesUnlessItSaysOtherwise", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, models.TolerancePause, models.Tolerance{}.InFull().Action)
		require.Equal(t, models.ToleranceFail, models.Tolerance{Action: models.ToleranceFail}.InFull().Action)
	})
}
