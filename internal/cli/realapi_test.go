package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
)

// realAPI is the API with a database of its own; in the place of Temporal stands what
// takes every run and ends none.
type realAPI struct {
	t      *testing.T
	store  *store.Store
	runs   *idleRuns
	vault  *vault.Vault
	url    string
	client *client.Client
}

func newRealAPI(t *testing.T) *realAPI {
	t.Helper()
	return newRealAPIWith(t, func(*api.Config, authn.Records) {})
}

// newRealAPIWith has change edit the configuration before.
func newRealAPIWith(t *testing.T, change func(*api.Config, authn.Records)) *realAPI {
	t.Helper()
	fetcher := fetch.New(fetch.Config{})
	t.Cleanup(fetcher.Close)
	key, err := vault.NewKey()
	require.NoError(t, err)
	keys, err := vault.ParseKeys(key)
	require.NoError(t, err)
	r := &realAPI{t: t, store: testkit.Store(t, testkit.Database(t)), runs: newIdleRuns()}
	r.vault = vault.New(keys, r.store)
	settings := api.Config{
		Store: r.store, Orchestrator: r.runs, Secrets: r.vault, TryGrace: tick,
		Executors: executors.NewRegistry(fetcher), Logger: zap.NewNop(),
	}
	change(&settings, r.store)
	app := api.New(settings)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener) }()
	r.url = "http://" + listener.Addr().String()
	r.client, err = client.New(client.Config{BaseURL: r.url})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, app.ShutdownWithContext(ctx))
		require.NoError(t, <-served)
	})
	require.NoError(t, r.client.Ready(t.Context())) // the first answer shows that it listens
	return r
}

// spoken is what a command said.
type spoken struct {
	t         *testing.T
	out, errs string
	err       error
}

// mino runs a command line against the API.
func (r *realAPI) mino(args ...string) spoken {
	r.t.Helper()
	return commandLineOf(r.t, Streams{In: strings.NewReader("")}, append(args, "--api", r.url)...)
}

// commandLineOf runs a command line as main does.
func commandLineOf(t *testing.T, streams Streams, args ...string) spoken {
	t.Helper()
	var out, errs locked
	streams.Out, streams.Err, streams.every = &out, &errs, 5*time.Millisecond
	var line Commands
	parser, err := kong.New(&line, kong.Name("mino"), kong.Bind(streams), kong.BindTo(t.Context(), (*context.Context)(nil)))
	require.NoError(t, err)
	parsed, err := parser.Parse(args)
	if err == nil {
		err = parsed.Run()
	}
	return spoken{t, out.String(), errs.String(), err}
}

// ok requires that the command did what it was told.
func (s spoken) ok() spoken {
	s.t.Helper()
	require.NoError(s.t, s.err)
	return s
}

// fails requires an exit code and words of the error, and nothing on standard output.
func (s spoken) fails(code int, words ...string) spoken {
	s.t.Helper()
	requireCode(s.t, code, s.err)
	for _, word := range words {
		require.ErrorContains(s.t, s.err, word)
	}
	require.Empty(s.t, s.out)
	return s
}

// misused requires that the command line was not understood.
func (s spoken) misused(words string) {
	s.t.Helper()
	require.ErrorContains(s.t, s.err, words)
	var exit *ExitError
	require.NotErrorAs(s.t, s.err, &exit)
}

// noEnv is an environment in which nothing is set.
func noEnv(string) (string, bool) { return "", false }

// one reads the one document of standard output.
func one[T any](s spoken) (document T) {
	s.t.Helper()
	documents := many[T](s)
	require.Len(s.t, documents, 1)
	return documents[0]
}

// many reads standard output, on which is nothing but JSON.
func many[T any](s spoken) (documents []T) {
	s.t.Helper()
	s.ok()
	decoder := json.NewDecoder(strings.NewReader(s.out))
	decoder.DisallowUnknownFields()
	for {
		var next T
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			return documents
		}
		require.NoError(s.t, err, "%s", s.out)
		documents = append(documents, next)
	}
}

// rows are the cells of a table, its titles first.
func (s spoken) rows() (rows [][]string) {
	s.t.Helper()
	s.ok()
	for line := range strings.Lines(s.out) {
		rows = append(rows, strings.Fields(line))
	}
	return rows
}

// file writes a file and gives its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// project makes a project with a name of its own.
func (r *realAPI) project() wire.Project {
	r.t.Helper()
	project, err := parseProject("shop.yaml", []byte(strings.Replace(shopYAML, "name: Shop", "name: Shop "+uuid.NewString(), 1)), noEnv)
	require.NoError(r.t, err)
	made, err := r.client.CreateProject(r.t.Context(), project)
	require.NoError(r.t, err)
	return made
}

const fourRows = `site_url,shelf,gt_price
https://one.example/a,left,10.00
https://one.example/b,left,10.00
https://two.example/a,right,10.00
https://two.example/b,right,
`

// batch uploads fourRows.
func (r *realAPI) batch(p wire.Project) (wire.Batch, []wire.Job) {
	r.t.Helper()
	batch, err := r.client.CreateBatchCSV(r.t.Context(), p.ID, "four", strings.NewReader(fourRows), "four.csv")
	require.NoError(r.t, err)
	return batch, r.jobs(batch)
}

func (r *realAPI) jobs(batch wire.Batch) (jobs []wire.Job) {
	r.t.Helper()
	for job, err := range r.client.Jobs(r.t.Context(), batch.ID, nil) {
		require.NoError(r.t, err)
		jobs = append(jobs, job)
	}
	return jobs
}

// executed takes the first three jobs of fourRows to their ends: right, wrong, failed;
// the last one is cancelled.
func (r *realAPI) executed(batch wire.Batch, jobs []wire.Job) wire.Execution {
	r.t.Helper()
	ctx, org := r.t.Context(), models.DefaultOrganisationID
	execution, err := r.client.Execute(ctx, batch.ProjectID, batch.ID, wire.ExecuteRequest{Type: "production"})
	require.NoError(r.t, err)
	begin := func(row int) *store.Attempt {
		attempt, ended, err := r.store.BeginAttempt(ctx, org, execution.ID, jobs[row-1].ID, "worker-1")
		require.NoError(r.t, err)
		require.Nil(r.t, ended)
		return attempt
	}
	complete := func(row int, amount string, verdict scoring.Verdict, matched int) {
		share := float64(matched)
		compared := scoring.FieldResult{Match: matched == 1, Comparer: field.CompareMoney, Expected: []string{"10.00"}, Actual: amount}
		if !compared.Match {
			compared.Reason = "differs"
		}
		require.NoError(r.t, r.store.CompleteAttempt(ctx, begin(row), store.Success{
			Result: map[string]any{"price": map[string]any{"amount": amount, "currency": "EUR"}}, Raw: []byte(`{}`),
			Score: scoring.Score{
				Verdict: verdict, Matched: matched, Compared: 1, Accuracy: &share,
				Fields: map[string]scoring.FieldResult{"price": compared},
			},
		}))
	}
	complete(1, "10.00", scoring.Correct, 1)
	complete(2, "9.00", scoring.Wrong, 0)
	require.NoError(r.t, r.store.FailAttempt(ctx, begin(3), store.Failure{
		Class: failure.Permanent, Code: "HTTP_404", Message: "not\x1b[31m there",
	}))
	r.end(execution)
	return execution
}

// end ends an execution as its workflow would.
func (r *realAPI) end(execution wire.Execution) {
	r.t.Helper()
	_, err := r.store.FinishExecution(r.t.Context(), models.DefaultOrganisationID, execution.ID, models.ExecutionStopped, "")
	require.NoError(r.t, err)
}

// waitTime and tick bound the wait for what happens on its own.
const (
	waitTime = 10 * time.Second
	tick     = 10 * time.Millisecond
)
