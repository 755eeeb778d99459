package cli

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/shop"
)

// demoAPI answers as MINO does when it reads the shop without fault; change may spoil
// a job.
func demoAPI(t *testing.T, change func(shop.Product, *wire.Job)) *fakeAPI {
	t.Helper()
	api := newFakeAPI(t, runningStats(10, 0), endedStats("completed"))
	goods := shop.New(shop.Config{Seed: demoSeed})
	api.onUpload = func(rows [][]string) {
		api.jobs = nil
		for i, row := range rows[1:] {
			address, err := url.Parse(row[0])
			require.NoError(t, err)
			product, ok := goods.Product(address.Path)
			require.True(t, ok)
			job := wire.Job{Row: i + 1, SiteURL: row[0], Status: "completed", Verdict: string(product.Expect), Attempts: 1}
			if class, failed := strings.CutPrefix(string(product.Expect), "failed: "); failed {
				job.Status, job.Verdict, job.Error = "failed", "", &wire.JobError{Class: class}
			}
			if product.Kind == shop.Flaky {
				job.Attempts = 2
			}
			if change != nil {
				change(product, &job)
			}
			api.jobs = append(api.jobs, job)
		}
	}
	return api
}

func demoParams(api *fakeAPI, out *locked) DemoParams {
	return DemoParams{
		APIURL: api.URL, TemporalUIURL: "http://ui.test", Namespace: "mino", Out: out, Once: true,
		shopAddress: anyAddress, delay: time.Millisecond, every: time.Millisecond,
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()

	t.Run("ToldFromOpeningToAddresses", func(t *testing.T) {
		t.Parallel()
		api, out := demoAPI(t, nil), &locked{}
		require.NoError(t, Demo(t.Context(), demoParams(api, out)))
		text := out.String()
		for _, want := range []string{
			"The example shop with its 62 pages is open at http://127.0.0.1:",
			`Project "Example shop": created`,
			": 62 rows uploaded as CSV",
			"1m35s  completed · 60/60 100%",
			"price          44   50  88.0%    76.2–94.4%",
			"verdicts  correct 40",
			"failures  transient 3 · permanent 3",
			"correct × 26               as expected\n    Ordinary pages:",
			"correct × 4, at attempt 2  as expected\n    The first request is answered 503.",
			"All 62 pages were read as expected.",
			"This run     " + api.URL + "/api/executions/" + runID.String(),
			"http://ui.test/namespaces/mino/workflows/",
		} {
			require.Contains(t, text, want)
		}
		require.NotContains(t, text, "Ctrl-C")
		require.Equal(t, "test", api.request.Type)
		require.Equal(t, 62, *api.request.SampleSize)
		require.Equal(t, demoConcurrency, *api.request.Concurrency)
	})

	t.Run("AgainOnTheSameDatabase", func(t *testing.T) {
		t.Parallel()
		api, out := demoAPI(t, nil), &locked{}
		require.NoError(t, Demo(t.Context(), demoParams(api, out)))
		api.step = 0
		require.NoError(t, Demo(t.Context(), demoParams(api, out)))
		require.Contains(t, out.String(), `Project "Example shop": used as it is`)
		require.Len(t, api.projects, 1)
	})

	t.Run("APageReadOtherwiseIsShown", func(t *testing.T) {
		t.Parallel()
		api, out := demoAPI(t, func(p shop.Product, job *wire.Job) {
			switch p.Kind {
			case shop.Malformed:
				job.Verdict = "partial"
				job.Comparison = map[string]wire.FieldResult{
					"name":  {Match: true},
					"price": {Expected: []string{"9.00 EUR", "9,00 €"}, Actual: map[string]any{"amount": "4.95"}},
				}
			case shop.Gone:
				job.Error = &wire.JobError{Class: "network", Code: "DNS", Message: "the name could not be resolved"}
			default:
			}
		}), &locked{}
		require.NoError(t, Demo(t.Context(), demoParams(api, out)), "it is shown, and no error")
		text := out.String()
		require.Contains(t, text, "partial × 4                NOT AS EXPECTED")
		require.Contains(t, text, "Read otherwise than expected:")
		require.Contains(t, text, "(malformed): expected correct, was partial\n    price: expected 9.00 EUR or 9,00 €, found {\"amount\":\"4.95\"}\n")
		require.Contains(t, text, "(gone): expected failed: permanent, was failed: network\n    DNS the name could not be resolved\n")
		require.NotContains(t, text, "were read as expected")
	})

	t.Run("ItStaysOpenUntilItIsLeft", func(t *testing.T) {
		t.Parallel()
		api, out := demoAPI(t, nil), &locked{}
		params := demoParams(api, out)
		params.Once = false
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Demo(ctx, params) }()
		require.Eventually(t, func() bool { return strings.Contains(out.String(), "until Ctrl-C") }, 10*time.Second, time.Millisecond)
		_, rest, _ := strings.Cut(out.String(), "is open at ")
		shopURL, _, _ := strings.Cut(rest, "\n")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shopURL, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.Empty(t, ended)
		cancel()
		require.NoError(t, <-ended)
	})

	t.Run("LeavingInTheMiddle", func(t *testing.T) {
		t.Parallel()
		api, out := newFakeAPI(t, runningStats(1, 0)), &locked{}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-api.asked
			cancel()
		}()
		requireCode(t, ExitInterrupted, Demo(ctx, demoParams(api, out)))
	})

	t.Run("ARunThatFailsIsAnError", func(t *testing.T) {
		t.Parallel()
		api, out := demoAPI(t, nil), &locked{}
		api.script = []wire.Stats{endedStats("failed")}
		requireCode(t, ExitRunFailed, Demo(t.Context(), demoParams(api, out)))
		require.Contains(t, out.String(), "because: too many jobs failed")
	})

	t.Run("WhereThePortIsTakenAnotherOneServes", func(t *testing.T) {
		t.Parallel()
		api, out := demoAPI(t, nil), &locked{}
		params := demoParams(api, out)
		params.shopAddress = strings.TrimPrefix(api.URL, "http://")
		require.NoError(t, Demo(t.Context(), params))
		require.NotContains(t, out.String(), "is open at "+api.URL+"\n")
	})

	t.Run("WithoutAnAPI", func(t *testing.T) {
		t.Parallel()
		api, out := newFakeAPI(t, runningStats(1, 0)), &locked{}
		api.Close()
		requireCode(t, ExitUnreachable, Demo(t.Context(), demoParams(api, out)))
	})
}
