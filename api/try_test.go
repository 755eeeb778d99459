package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// setupTry starts an API whose executions are done by do as they are started, and which
// hears of their ends.
func setupTry(t *testing.T, change func(*api.Config), do func(b *bundle, e *models.Execution)) *bundle {
	t.Helper()
	b := setupNews(t, change)
	b.orch.begun = func(e *models.Execution) {
		if do != nil {
			do(b, e)
		}
	}
	return b
}

// attemptTry begins the attempt at the job of a try.
func (b *bundle) attemptTry(e *models.Execution) *store.Attempt {
	b.t.Helper()
	_, err := b.store.BeginExecution(context.Background(), e.OrganisationID, e.ID, e.Workflow())
	require.NoError(b.t, err)
	jobs, err := b.store.QueuedJobs(context.Background(), e.OrganisationID, e.ID, models.QueuePage{Limit: 9})
	require.NoError(b.t, err)
	require.Len(b.t, jobs, 1)
	a, _, err := b.store.BeginAttempt(context.Background(), e.OrganisationID, e.ID, jobs[0].ID, "worker-1")
	require.NoError(b.t, err)
	return a
}

// endTry ends a try, and numbers its events as the API's sweep does.
func (b *bundle) endTry(e *models.Execution, status models.ExecutionStatus, reason string) {
	b.t.Helper()
	_, err := b.store.FinishExecution(context.Background(), e.OrganisationID, e.ID, status, reason)
	require.NoError(b.t, err)
	b.orch.end(e.ID)
	_, err = b.store.SequenceEvents(context.Background(), e.ID)
	require.NoError(b.t, err)
}

// right does a try well.
func right(b *bundle, e *models.Execution) {
	b.t.Helper()
	a := b.attemptTry(e)
	require.NoError(b.t, b.store.KeepFiles(context.Background(), a, []models.SessionFile{
		{Kind: executors.KindScreenshot, ContentType: "image/png", Data: []byte("a picture")},
	}))
	share := 1.0
	require.NoError(b.t, b.store.CompleteAttempt(context.Background(), a, store.Success{
		Result: map[string]any{"price": "10"}, Raw: []byte(`{"found": "10 EUR"}`), Note: "as it should be",
		Score: scoring.Score{Verdict: scoring.Correct, Matched: 1, Compared: 1, Accuracy: &share, Fields: map[string]scoring.FieldResult{
			"price": {Match: true, Comparer: "money", Expected: []string{"10"}, Actual: "10"},
		}},
		Used: store.Used{Steps: 3, CostMicros: 48_000, CostCurrency: "USD", Evidence: []byte(`{"sources": {"price": "json-ld"}}`)},
	}))
	b.endTry(e, models.ExecutionCompleted, "")
}

func tryPath(p wire.Project) string { return "/api/projects/" + p.ID.String() + "/try" }

func TestTryAnswersWithWhatCameOfIt(t *testing.T) {
	t.Parallel()
	b := setupTry(t, nil, right)
	p := b.project()
	a := b.post(tryPath(p), `{"site_url": "shop.example/p/1", "input": {"sku": "5"}, "ground_truth": {"price": [" 10 "]}, "timeout_ms": 60000}`)
	got := read[wire.Try](a, http.StatusOK)
	require.Equal(t, "completed", got.Status)
	require.Equal(t, "correct", got.Verdict)
	require.Equal(t, "as it should be", got.VerdictNote)
	require.Equal(t, map[string]any{"price": "10"}, got.Result)
	require.True(t, got.Comparison["price"].Match)
	require.Nil(t, got.Error)
	require.JSONEq(t, `{"found": "10 EUR"}`, string(got.Session.Raw))
	require.JSONEq(t, `{"sources": {"price": "json-ld"}}`, string(got.Session.Evidence))
	require.Equal(t, []string{"screenshot"}, got.Session.Files)
	require.Equal(t, []any{3, int64(48_000), "USD"}, []any{got.Session.Steps, got.Session.CostMicros, got.Session.CostCurrency})
	require.Equal(t, got.Session.FinishedAt.Sub(got.Session.StartedAt).Milliseconds(), got.DurationMS)
	require.Equal(t, "/api/executions/"+got.ExecutionID.String(), a.header.Get("Location"))

	// Its records are those of any execution, and are found by their ids alone.
	e := read[wire.Execution](b.get("/api/executions/"+got.ExecutionID.String()), http.StatusOK)
	require.Equal(t, []any{"try", "completed", 1, 1, 1}, []any{e.Type, e.Status, e.Concurrency, e.Retry.MaxAttempts, e.TotalJobs})
	job := read[wire.Job](b.get("/api/jobs/"+got.JobID.String()), http.StatusOK)
	require.Equal(t, "https://shop.example/p/1", job.SiteURL)
	require.Equal(t, map[string]string{"sku": "5"}, job.Input)
	require.Equal(t, map[string][]string{"price": {"10"}}, job.GroundTruth)
	batch := read[wire.Batch](b.get("/api/batches/"+e.BatchID.String()), http.StatusOK)
	require.Equal(t, []wire.Column{
		{Name: "site_url", Role: "site_url"}, {Name: "sku", Role: "input"}, {Name: "gt_price", Role: "ground_truth", Field: "price"},
	}, batch.Columns)
	row, err := b.store.Execution(t.Context(), models.DefaultOrganisationID, e.ID)
	require.NoError(t, err)
	require.EqualValues(t, 60_000, row.Snapshot.JobTimeoutMS)

	require.Empty(t, read[wire.Page[wire.Batch]](b.get("/api/batches"), http.StatusOK).Data)
	require.Empty(t, read[wire.Page[wire.Execution]](b.get("/api/executions"), http.StatusOK).Data)
	require.Empty(t, read[wire.Page[wire.Job]](b.get("/api/projects/"+p.ID.String()+"/jobs?include_total=true"), http.StatusOK).Data)
	require.Equal(t, []wire.Execution{e}, read[wire.Page[wire.Execution]](b.get("/api/executions?type=try"), http.StatusOK).Data)
	require.Empty(t, read[wire.Page[wire.Execution]](b.get("/api/executions?type=test"), http.StatusOK).Data)
	metrics := read[wire.ProjectMetrics](b.get("/api/projects/"+p.ID.String()+"/metrics"), http.StatusOK)
	require.Zero(t, metrics.Jobs.Ended)
	b.post("/api/projects/"+p.ID.String()+"/batches/"+e.BatchID.String()+"/execute", `{"type": "try"}`).
		problem(http.StatusBadRequest, wire.CodeValidation)
}

func TestTryTellsHowItFailed(t *testing.T) {
	t.Parallel()
	b := setupTry(t, nil, func(b *bundle, e *models.Execution) {
		require.NoError(b.t, b.store.FailAttempt(context.Background(), b.attemptTry(e), store.Failure{
			Class: failure.Permanent, Code: "HTTP_404", Message: "not there",
		}))
		b.endTry(e, models.ExecutionCompleted, "")
	})
	got := read[wire.Try](b.post(tryPath(b.project()), `{"site_url": "https://shop.example/"}`), http.StatusOK)
	require.Equal(t, "failed", got.Status)
	require.Equal(t, &wire.JobError{Class: "permanent", Code: "HTTP_404", Message: "not there"}, got.Error)
	require.Equal(t, "failed", got.Session.Status)
	require.Empty(t, got.Verdict)
}

func TestTryUnderAKeyRunsOnce(t *testing.T) {
	t.Parallel()
	b := setupTry(t, nil, right)
	p := b.project()
	send := func(key, body string) *answer {
		req := b.request(http.MethodPost, tryPath(p), "application/json", strings.NewReader(body))
		req.Header.Set("Idempotency-Key", key)
		return b.send(req)
	}
	body := `{"site_url": "https://shop.example/"}`
	first := read[wire.Try](send("k", body), http.StatusOK)
	again := send("k", body)
	require.Equal(t, first, read[wire.Try](again, http.StatusOK))
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Equal(t, 1, b.orch.started())
	send("k", `{"site_url": "https://other.example/"}`).problem(http.StatusUnprocessableEntity, wire.CodeIdempotencyMismatch)
	require.NotEqual(t, first.ExecutionID, read[wire.Try](send("k2", body), http.StatusOK).ExecutionID)
}

func TestTriesAtOnceUnderAKeyAreOne(t *testing.T) {
	t.Parallel()
	b := setupTry(t, nil, nil)
	p := b.project()
	started := make(chan *models.Execution, 4)
	b.orch.begun = func(e *models.Execution) { started <- e }
	answers := make(chan string, 4)
	for range cap(answers) {
		req := b.request(http.MethodPost, tryPath(p), "application/json", strings.NewReader(`{"site_url": "https://shop.example/"}`))
		req.Header.Set("Idempotency-Key", "k")
		go func() { answers <- b.executionOf(req) }()
	}
	e := <-started
	right(b, e)
	for range cap(answers) {
		require.Equal(t, e.ID.String(), <-answers)
	}
	require.Empty(t, started)
}

// executionOf sends a request for a try and gives its execution, or what went wrong.
func (b *bundle) executionOf(req *http.Request) string {
	resp, err := b.client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return strings.TrimPrefix(resp.Header.Get("Location"), "/api/executions/")
}

func TestTryThatDoesNotEndIsStopped(t *testing.T) {
	t.Parallel()
	soon := func(cfg *api.Config) { cfg.TryGrace = 50 * time.Millisecond }
	body := `{"site_url": "https://shop.example/", "timeout_ms": 1000}`
	t.Run("AndWaitedFor", func(t *testing.T) {
		t.Parallel()
		b := setupTry(t, func(cfg *api.Config) { cfg.TryGrace = 2 * time.Second }, nil)
		b.orch.stopped = func(e uuid.UUID) {
			row, err := b.store.Execution(context.Background(), models.DefaultOrganisationID, e)
			require.NoError(b.t, err)
			b.endTry(row, models.ExecutionStopped, "stopped by request")
		}
		got := read[wire.Try](b.post(tryPath(b.project()), body), http.StatusOK)
		require.Equal(t, "cancelled", got.Status)
		require.Equal(t, "stopped by request", got.Reason)
		require.Nil(t, got.Session)
		require.Zero(t, got.DurationMS)
	})
	t.Run("AndToldAsItStands", func(t *testing.T) {
		t.Parallel()
		b := setupTry(t, soon, func(b *bundle, e *models.Execution) { b.attemptTry(e) })
		got := read[wire.Try](b.post(tryPath(b.project()), body), http.StatusOK)
		require.Equal(t, "running", got.Status)
		require.Equal(t, "running", got.Session.Status)
		stats := read[wire.Stats](b.get("/api/executions/"+got.ExecutionID.String()+"/stats"), http.StatusOK)
		require.Equal(t, "stopped", stats.Status, "the run was told")
	})
	t.Run("OrEndedWhereItHasNoRun", func(t *testing.T) {
		t.Parallel()
		for name, away := range map[string]error{"TemporalIsAway": models.ErrUnavailable, "ItIsLost": models.ErrRunEnded} {
			b := setupTry(t, soon, nil)
			p := b.project()
			b.orch.fail(away)
			got := read[wire.Try](b.post(tryPath(p), body), http.StatusOK)
			require.Equal(t, "cancelled", got.Status, name)
			require.NotEmpty(t, got.Reason)
			pending, err := b.store.UnstartedExecutions(t.Context(), 0, 9)
			require.NoError(t, err)
			require.Empty(t, pending, "nothing is left to start")
		}
	})
	t.Run("UnlessNobodyCanBeAsked", func(t *testing.T) {
		t.Parallel()
		b := setupTry(t, soon, func(b *bundle, e *models.Execution) {
			b.attemptTry(e)
			b.orch.fail(models.ErrUnavailable)
		})
		b.post(tryPath(b.project()), body).problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
	})
}

func TestTryEndsWithoutNotices(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.orch.begun = func(e *models.Execution) { right(b, e) }
	require.Equal(t, "completed", read[wire.Try](b.post(tryPath(b.project()), `{"site_url": "https://shop.example/"}`), http.StatusOK).Status)
}

// hangingStore has nobody answer for batches.
type hangingStore struct{ api.Store }

func (hangingStore) Batch(ctx context.Context, _, _ uuid.UUID) (*models.Batch, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestTryTakesLongerThanARequestMay(t *testing.T) {
	t.Parallel()
	b := setupTry(t, func(cfg *api.Config) {
		cfg.RequestTimeout, cfg.ReadTimeout, cfg.Store = 2*time.Second, 2*time.Second, hangingStore{cfg.Store}
	}, nil)
	started := make(chan *models.Execution, 1)
	b.orch.begun = func(e *models.Execution) { started <- e }
	answered := make(chan *answer, 1)
	p := b.project()
	go func() { answered <- b.post(tryPath(p), `{"site_url": "https://shop.example/"}`) }()
	e := <-started
	// What began after the try has had its time.
	b.get("/api/batches/"+uuid.NewString()).problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
	right(b, e)
	require.Equal(t, "completed", read[wire.Try](<-answered, http.StatusOK).Status)
}

func TestTryIsRefused(t *testing.T) {
	t.Parallel()
	b := setupTry(t, nil, nil)
	p := read[wire.Project](b.post("/api/projects", referringProject("{{sku}}", "")), http.StatusCreated)
	for name, test := range map[string]struct {
		body   string
		fields []string
	}{
		"WithoutASite":         {`{"input": {"sku": "1"}}`, []string{"site_url"}},
		"WithASiteThatIsNone":  {`{"site_url": "ftp://x", "input": {"sku": "1"}}`, []string{"site_url"}},
		"WithoutANeededColumn": {`{"site_url": "shop.example", "input": {"SKU": "1"}}`, []string{"input.sku"}},
		"WithANumber":          {`{"site_url": "shop.example", "input": {"sku": 1}}`, []string{"input.sku"}},
		"WithABlankColumn":     {`{"site_url": "shop.example", "input": {"sku": "1", "": "2"}}`, []string{"input."}},
		"WithAnUnknownField":   {`{"site_url": "shop.example", "input": {"sku": "1"}, "ground_truth": {"size": ["1"]}}`, []string{"ground_truth.size"}},
		"WithABlankTruth":      {`{"site_url": "shop.example", "input": {"sku": "1"}, "ground_truth": {"price": [" "]}}`, []string{"ground_truth.price[0]"}},
		"WithAShortTime":       {`{"site_url": "shop.example", "input": {"sku": "1"}, "timeout_ms": 999}`, []string{"timeout_ms"}},
		"WithALongTime":        {`{"site_url": "shop.example", "input": {"sku": "1"}, "timeout_ms": 300001}`, []string{"timeout_ms"}},
		"WithTheSiteTwice":     {`{"site_url": "shop.example", "input": {"sku": "1", "Site_URL": "x"}}`, []string{"input.Site_URL"}},
		"WithAll":              {`{"site_url": "", "timeout_ms": 0}`, []string{"site_url", "timeout_ms", "input.sku"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.fields, fieldsOf(b.post(tryPath(p), test.body).problem(http.StatusBadRequest, wire.CodeValidation)))
		})
	}
	t.Run("OfAnUnknownProject", func(t *testing.T) {
		t.Parallel()
		path := fmt.Sprintf("/api/projects/%s/try", uuid.New())
		b.post(path, `{"site_url": "shop.example"}`).problem(http.StatusNotFound, wire.CodeProjectNotFound)
		at(t, b.post("/api/projects/x/try", `{"site_url": "shop.example"}`).problem(http.StatusBadRequest, wire.CodeInvalidParams), "id")
	})
	batches, jobs := b.stored()
	require.Zero(t, batches+jobs)
	require.Zero(t, b.orch.started())
}
