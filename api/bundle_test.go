package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// bundle is an API that listens, with a database of its own and a fake in the place
// of Temporal.
type bundle struct {
	t      *testing.T
	dbURL  string
	db     *bun.DB // its owner's, for looks at all of it
	scoped *bun.DB // the API's
	store  *store.Store
	orch   *fakeOrchestrator
	logs   *observer.ObservedLogs
	config api.Config
	url    string
	client *http.Client

	// token is sent with every request; keys make such tokens.
	token string
	keys  *apikey.Keys
}

// setup starts an API; change edits its configuration before.
func setup(t *testing.T, change func(*api.Config)) *bundle {
	t.Helper()
	dbURL := testkit.DatabaseURL(t)
	db := testkit.OpenDatabase(t, dbURL)
	core, logs := observer.New(zap.DebugLevel)
	scoped := testkit.Scoped(t, db)
	b := &bundle{t: t, dbURL: dbURL, db: db, scoped: scoped, store: store.New(scoped), orch: newFakeOrchestrator(), logs: logs}
	fetcher := fetch.New(fetch.Config{})
	t.Cleanup(fetcher.Close)
	cfg := api.Config{
		Store: b.store, Orchestrator: b.orch, Executors: executors.NewRegistry(fetcher, referring{}), Logger: zap.New(core),
		Secrets: vault.New(newKeys(t), b.store),
	}
	if change != nil {
		change(&cfg)
	}
	b.config = cfg
	b.serve(cfg)
	return b
}

func (b *bundle) serve(cfg api.Config) {
	b.t.Helper()
	_, b.url = b.listen(cfg)
	b.client = &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	b.t.Cleanup(b.client.CloseIdleConnections)
	// The first answer shows that it listens.
	b.get("/livez").is(http.StatusOK)
}

// listen starts an API, which is shut down at the end of the test at the latest.
func (b *bundle) listen(cfg api.Config) (app *fiber.App, url string) {
	b.t.Helper()
	app = api.New(cfg)
	listener, err := (&net.ListenConfig{}).Listen(b.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b.t, err)
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener) }()
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(b.t, app.ShutdownWithContext(ctx))
		require.NoError(b.t, <-served)
	})
	return app, "http://" + listener.Addr().String()
}

// answer is an answer of the API.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (b *bundle) send(req *http.Request) *answer {
	b.t.Helper()
	sent := keep(b.t, req)
	resp, err := b.client.Do(req)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	checkDocumented(b.t, sent, resp, body)
	return &answer{t: b.t, status: resp.StatusCode, header: resp.Header, body: body}
}

func (b *bundle) request(method, path, contentType string, body io.Reader) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	require.NoError(b.t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	b.identify(req.Header)
	return req
}

func (b *bundle) get(path string) *answer {
	b.t.Helper()
	return b.send(b.request(http.MethodGet, path, "", nil))
}

// post sends a body: a string as it is, anything else as its JSON.
func (b *bundle) post(path string, body any) *answer {
	b.t.Helper()
	return b.send(b.request(http.MethodPost, path, "application/json", jsonBody(b.t, body)))
}

func (b *bundle) patch(path string, body any, headers ...string) *answer {
	b.t.Helper()
	req := b.request(http.MethodPatch, path, "application/json", jsonBody(b.t, body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.send(req)
}

func jsonBody(t *testing.T, body any) io.Reader {
	t.Helper()
	if text, ok := body.(string); ok {
		return strings.NewReader(text)
	}
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	return bytes.NewReader(raw)
}

// is requires a status.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", a.body)
	return a
}

// read decodes the body of an answer that must be of a status.
func read[T any](a *answer, status int) T {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, "application/json", a.header.Get("Content-Type"))
	var out T
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	require.NoError(a.t, dec.Decode(&out), "%s", a.body)
	return out
}

// problem requires a problem document of a status and a code.
func (a *answer) problem(status int, code string) wire.Problem {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	var p wire.Problem
	require.NoError(a.t, json.Unmarshal(a.body, &p))
	require.Equal(a.t, code, p.Code, "%s", a.body)
	require.Equal(a.t, status, p.Status)
	require.Equal(a.t, http.StatusText(status), p.Title)
	require.NotEmpty(a.t, p.Type)
	require.NotEmpty(a.t, p.Detail)
	require.Equal(a.t, a.header.Get("X-Request-Id"), p.RequestID)
	require.NotEmpty(a.t, p.RequestID)
	return p
}

// at requires an error of a path and returns it.
func at(t *testing.T, p wire.Problem, field string) wire.FieldError {
	t.Helper()
	for _, e := range p.Errors {
		if e.Field == field {
			require.NotEmpty(t, e.Code)
			require.NotEmpty(t, e.Message)
			return e
		}
	}
	require.Failf(t, "the error is missing", "no error of %q in %+v", field, p.Errors)
	return wire.FieldError{}
}

// fieldsOf lists the paths of a problem's errors.
func fieldsOf(p wire.Problem) []string {
	out := make([]string, len(p.Errors))
	for i, e := range p.Errors {
		out[i] = e.Field
	}
	return out
}

const shopProject = `{
	"name": "Shop prices", "instruction": "Find the price.", "executor": "fetch",
	"fields": [{"name": "price", "type": "money"}, {"name": "sku"}]
}`

// project creates a project.
func (b *bundle) project() wire.Project {
	b.t.Helper()
	body := strings.Replace(shopProject, "Shop prices", "Shop prices "+uuid.NewString(), 1)
	return read[wire.Project](b.post("/api/projects", body), http.StatusCreated)
}

// batch uploads a batch of some rows.
func (b *bundle) batch(p wire.Project, rows int) wire.Batch {
	b.t.Helper()
	csv := "site_url,gt_price\n" + strings.Repeat("https://shop.example/,10.00\n", rows)
	req := b.request(http.MethodPost, "/api/batches?project_id="+p.ID.String(), "text/csv", strings.NewReader(csv))
	batch := read[wire.Batch](b.send(req), http.StatusCreated)
	batch.Duplicates = nil // as every other answer has it
	return batch
}

// execution starts an execution of all rows of a batch.
func (b *bundle) execution(batch wire.Batch) wire.Execution {
	b.t.Helper()
	return read[wire.Execution](b.post(executePath(batch), `{"type": "production"}`), http.StatusAccepted)
}

func executePath(batch wire.Batch) string {
	return "/api/projects/" + batch.ProjectID.String() + "/batches/" + batch.ID.String() + "/execute"
}

func executionPath(e wire.Execution) string { return "/api/executions/" + e.ID.String() }

// stored counts the batches and the jobs there are.
func (b *bundle) stored() (batches, jobs int64) {
	b.t.Helper()
	return int64(b.count((*models.Batch)(nil))), int64(b.count((*models.Job)(nil)))
}

// waitTime and tick bound the wait for what happens on its own.
const (
	waitTime = 10 * time.Second
	tick     = 10 * time.Millisecond
)
