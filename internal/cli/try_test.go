package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// tried has every try end as do says of its attempt.
func (r *realAPI) tried(do func(ctx context.Context, a *store.Attempt) error) {
	r.runs.begun = func(e *models.Execution) {
		ctx := context.Background()
		_, err := r.store.BeginExecution(ctx, e.OrganisationID, e.ID, e.Workflow())
		require.NoError(r.t, err)
		jobs, err := r.store.QueuedJobs(ctx, e.OrganisationID, e.ID, models.QueuePage{Limit: 1})
		require.NoError(r.t, err)
		a, _, err := r.store.BeginAttempt(ctx, e.OrganisationID, e.ID, jobs[0].ID, "worker-1")
		require.NoError(r.t, err)
		require.NoError(r.t, do(ctx, a))
		_, err = r.store.FinishExecution(ctx, e.OrganisationID, e.ID, models.ExecutionCompleted, "")
		require.NoError(r.t, err)
		_, err = r.store.SequenceEvents(ctx, e.ID)
		require.NoError(r.t, err)
	}
}

func TestTry(t *testing.T) {
	t.Parallel()

	t.Run("ShowsWhatWasFoundAndWhere", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		api.tried(func(ctx context.Context, a *store.Attempt) error {
			if err := api.store.KeepFiles(ctx, a, []models.SessionFile{{Kind: executors.KindScreenshot, ContentType: "image/png", Data: []byte("a picture")}}); err != nil {
				return err
			}
			none := 0.0
			return api.store.CompleteAttempt(ctx, a, store.Success{
				Result: map[string]any{"price": "9.00"}, Note: "one of one differs",
				Score: scoring.Score{Verdict: scoring.Wrong, Compared: 1, Accuracy: &none, Fields: map[string]scoring.FieldResult{
					"price": {Comparer: "money", Expected: []string{"10.00"}, Actual: "9.00", Reason: "differs"},
				}},
				Used: store.Used{Steps: 3, CostMicros: 48_000, CostCurrency: "USD", Evidence: []byte(
					`{"final_url": "https://one.example/b\u001b[31m", "sources": {"price": "json-ld offers.price"}}`)},
			})
		})
		picture := filepath.Join(t.TempDir(), "page.png")
		said := api.mino("try", p.Name, "one.example/a", "--input", "shelf=left", "--truth", "price=10.00|11.00", "--screenshot", picture).ok()
		for _, want := range []string{
			"status     completed\n", "verdict    wrong\n", "because    one of one differs\n", "steps      3\n", "cost       0.048 USD\n",
			"field  value  source                right          match\n",
			"price  9.00   json-ld offers.price  10.00 | 11.00  no: differs\n",
		} {
			require.Contains(t, said.out, want)
		}
		require.NotContains(t, said.out, "\x1b", "what comes from a page does not colour the terminal")
		require.Contains(t, said.errs, picture)
		content, err := os.ReadFile(picture)
		require.NoError(t, err)
		require.Equal(t, "a picture", string(content))

		try := one[wire.Try](api.mino("try", p.ID.String(), "https://one.example/a", "--json", "--timeout", "5s"))
		require.Equal(t, "completed", try.Status)
		job, err := api.client.Job(t.Context(), try.JobID)
		require.NoError(t, err)
		require.Equal(t, "https://one.example/a", job.SiteURL)
		require.Empty(t, many[wire.Batch](api.mino("batches", "list", "--json")))
	})

	t.Run("ExitsAsItsJobEnded", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		api.tried(func(ctx context.Context, a *store.Attempt) error {
			return api.store.FailAttempt(ctx, a, store.Failure{Class: failure.Permanent, Code: "HTTP_404", Message: "not\x1b[31m there"})
		})
		picture := filepath.Join(t.TempDir(), "page.png")
		said := api.mino("try", p.Name, "one.example/a", "--screenshot", picture)
		requireCode(t, ExitRunFailed, said.err)
		require.Contains(t, said.out, "failure    permanent (HTTP_404): not")
		require.Contains(t, said.errs, "There is no screenshot")
		require.NoFileExists(t, picture)

		api.runs.begun = nil
		said = api.mino("try", p.Name, "one.example/a", "--timeout", "1s")
		requireCode(t, ExitRunStopped, said.err)
	})

	t.Run("SaysWhatIsWrongWithIt", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		api.mino("try", p.Name, "ftp://one.example").fails(ExitRefused, "(VALIDATION_ERROR)", "site_url")
		api.mino("try", p.Name, "one.example", "--truth", "size=1").fails(ExitRefused, `"size" is no field`)
		api.mino("try", p.Name, "one.example", "--timeout", "6m").fails(ExitRefused, "--timeout")
		api.mino("try", "no such", "one.example").fails(ExitRefused, "there is no project")
		api.mino("try", p.Name).misused("<url>")
	})
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for micros, want := range map[int64]string{
		1: "0.000001 USD", 48_000: "0.048 USD", 500_000: "0.50 USD", 1_000_000: "1.00 USD", 12_345_678: "12.345678 USD",
	} {
		require.Equal(t, want, money(micros, "USD"))
	}
	require.Equal(t, "0.10", money(100_000, ""))
	require.Equal(t, "0.016 USD · 1 step", costText(1, 16_000, "USD"))
	require.Empty(t, costText(0, 0, "USD"))
}

func TestSummaryShowsTheCost(t *testing.T) {
	t.Parallel()
	stats := wire.Stats{Completed: 1, Steps: 4, CostMicros: 64_000, CostCurrency: "USD"}
	require.Contains(t, renderSummary("x", wire.Execution{}, stats, style{}), "cost      0.064 USD · 4 steps")
	for _, line := range renderSummary("x", wire.Execution{}, wire.Stats{Completed: 1}, style{}) {
		require.NotContains(t, line, "cost")
	}
}
