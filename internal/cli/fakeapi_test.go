package cli

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

// fakeAPI answers as the real API does, over real HTTP, as far as the commands use
// it. A run is a script: each question for stats is answered with the next step, and
// the last step is repeated.
type fakeAPI struct {
	*httptest.Server

	mu       sync.Mutex
	projects []wire.Project
	patches  []wire.ProjectPatch
	batch    wire.Batch
	upload   [][]string
	request  wire.ExecuteRequest
	jobs     []wire.Job
	// onUpload sees the rows of an upload, the header first.
	onUpload func(rows [][]string)

	script []wire.Stats
	step   int
	// recordLags is how many more times the execution's record says running.
	recordLags int
	// sick answers the next requests for stats instead of the script.
	sick []http.HandlerFunc
	// refuse answers requests instead of the fake, by method and path.
	refuse map[string]http.HandlerFunc
	// stops are the modes of the stops that came; stopped is what follows one.
	stops   chan string
	stopped []wire.Stats
	// asked gets a token for every question for stats that was answered.
	asked chan struct{}
}

var (
	startedAt  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	finishedAt = startedAt.Add(95 * time.Second)
	runID      = uuid.MustParse("0190a1b2-c3d4-7000-8000-0000000000ee")
)

func newFakeAPI(t *testing.T, script ...wire.Stats) *fakeAPI {
	t.Helper()
	f := &fakeAPI{
		script: script, stops: make(chan string, 10), refuse: map[string]http.HandlerFunc{},
		asked: make(chan struct{}, 10_000),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/projects", f.listProjects)
	mux.HandleFunc("POST /api/projects", f.createProject)
	mux.HandleFunc("PATCH /api/projects/{id}", f.patchProject)
	mux.HandleFunc("POST /api/batches", f.createBatch)
	mux.HandleFunc("GET /api/batches/{id}/jobs", f.listJobs)
	mux.HandleFunc("POST /api/projects/{id}/batches/{batch}/execute", f.execute)
	mux.HandleFunc("GET /api/executions/{id}", f.execution)
	mux.HandleFunc("GET /api/executions/{id}/stats", f.stats)
	mux.HandleFunc("POST /api/executions/{id}/stop", f.stop)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if refuse := f.refuse[r.Method+" "+r.URL.Path]; refuse != nil {
			refuse(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

// problem answers with a problem document.
func problem(status int, code, detail string, errs ...wire.FieldError) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(wire.Problem{Status: status, Code: code, Detail: detail, Errors: errs})
	}
}

// cut breaks the connection without an answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // types of package wire
}

func (f *fakeAPI) listProjects(w http.ResponseWriter, r *http.Request) {
	page := wire.Page[wire.Project]{Data: []wire.Project{}}
	for _, project := range f.projects {
		if name := r.URL.Query().Get("name"); name == "" || strings.EqualFold(name, project.Name) {
			page.Data = append(page.Data, project)
		}
	}
	reply(w, http.StatusOK, page)
}

func (f *fakeAPI) createProject(w http.ResponseWriter, r *http.Request) {
	var req wire.ProjectRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&req); err != nil {
		problem(http.StatusBadRequest, "INVALID_JSON", err.Error())(w, r)
		return
	}
	project := wire.Project{
		ID: uuid.New(), Name: req.Name, Instruction: req.Instruction, Fields: req.Fields,
		Executor: req.Executor, Settings: req.Settings, Defaults: req.Defaults, Version: 1,
	}
	f.projects = append(f.projects, project)
	reply(w, http.StatusCreated, project)
}

func (f *fakeAPI) patchProject(w http.ResponseWriter, r *http.Request) {
	project := &f.projects[0]
	var patch wire.ProjectPatch
	if r.Header.Get("If-Match") != `"1"` || json.NewDecoder(r.Body).Decode(&patch) != nil {
		problem(http.StatusPreconditionFailed, "PRECONDITION_FAILED", "The project was edited.")(w, r)
		return
	}
	f.patches = append(f.patches, patch)
	project.Version++
	reply(w, http.StatusOK, project)
}

func (f *fakeAPI) createBatch(w http.ResponseWriter, r *http.Request) {
	file, _, err := r.FormFile("file")
	if err != nil {
		problem(http.StatusBadRequest, "VALIDATION_ERROR", err.Error())(w, r)
		return
	}
	f.upload, err = csv.NewReader(file).ReadAll()
	if err != nil {
		problem(http.StatusBadRequest, "VALIDATION_ERROR", err.Error())(w, r)
		return
	}
	if f.onUpload != nil {
		f.onUpload(f.upload)
	}
	f.batch = wire.Batch{
		ID: uuid.New(), ProjectID: uuid.MustParse(r.FormValue("project_id")), Name: r.FormValue("name"),
		RowCount: len(f.upload) - 1,
		Columns: []wire.Column{
			{Name: "site_url", Role: "site_url"}, {Name: "shelf", Role: "input"},
			{Name: "gt_price", Role: "ground_truth", Field: "price"},
		},
	}
	reply(w, http.StatusCreated, f.batch)
}

func (f *fakeAPI) listJobs(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, wire.Page[wire.Job]{Data: f.jobs})
}

func (f *fakeAPI) execute(w http.ResponseWriter, r *http.Request) {
	if json.NewDecoder(r.Body).Decode(&f.request) != nil {
		problem(http.StatusBadRequest, "INVALID_JSON", "no JSON")(w, r)
		return
	}
	w.Header().Set("Location", "/api/executions/"+runID.String())
	reply(w, http.StatusAccepted, f.record("pending"))
}

func (f *fakeAPI) record(status string) wire.Execution {
	execution := wire.Execution{ID: runID, BatchID: f.batch.ID, Status: status, Concurrency: 10}
	if ended(status) {
		execution.StartedAt, execution.FinishedAt = &startedAt, &finishedAt
	}
	if status == statusFailed {
		execution.Reason = "too many jobs failed"
	}
	return execution
}

func (f *fakeAPI) execution(w http.ResponseWriter, _ *http.Request) {
	status := f.script[min(f.step, len(f.script)-1)].Status
	if f.recordLags > 0 {
		f.recordLags--
		status = "running"
	}
	reply(w, http.StatusOK, f.record(status))
}

func (f *fakeAPI) stats(w http.ResponseWriter, r *http.Request) {
	defer func() {
		select {
		case f.asked <- struct{}{}:
		default:
		}
	}()
	if len(f.sick) > 0 {
		sick := f.sick[0]
		f.sick = f.sick[1:]
		sick(w, r)
		return
	}
	f.step = min(f.step, len(f.script)-1)
	reply(w, http.StatusOK, f.script[f.step])
	if f.step < len(f.script)-1 {
		f.step++
	}
}

func (f *fakeAPI) stop(w http.ResponseWriter, r *http.Request) {
	var req wire.StopRequest
	if json.NewDecoder(r.Body).Decode(&req) != nil {
		problem(http.StatusBadRequest, "INVALID_JSON", "no JSON")(w, r)
		return
	}
	f.script, f.step = f.stopped, 0
	reply(w, http.StatusOK, f.script[0])
	f.stops <- req.Mode
}

// refuseOnce answers one request of a kind in another way.
func (f *fakeAPI) refuseOnce(what string, handler http.HandlerFunc) {
	f.refuse[what] = func(w http.ResponseWriter, r *http.Request) {
		delete(f.refuse, what)
		handler(w, r)
	}
}

// The moments of a run.
func runningStats(completed, failed int) wire.Stats {
	return wire.Stats{
		ExecutionID: runID, Status: "running", Concurrency: 10, Total: 60, Completed: completed, Failed: failed,
		Running: 10, Queued: 50 - completed - failed,
	}
}

func endedStats(status string) wire.Stats {
	return wire.Stats{
		ExecutionID: runID, Status: status, Source: "database", Total: 60, Completed: 54, Failed: 6, Retries: 11,
		Verdicts:     map[string]int{"correct": 40, "partial": 6, "wrong": 4, "blocked": 4},
		ErrorClasses: map[string]int{"transient": 3, "permanent": 3},
		Accuracy:     &wire.Accuracy{Value: 0.9, Low: 0.843, High: 0.937, Matched: 135, Compared: 150},
		JobAccuracy:  &wire.Accuracy{Value: 0.8, Low: 0.67, High: 0.888, Matched: 40, Compared: 50},
		Fields: map[string]wire.Accuracy{
			"price": {Value: 0.88, Low: 0.762, High: 0.944, Matched: 44, Compared: 50},
			"sku":   {Value: 0.91, Low: 0.846, High: 0.949, Matched: 91, Compared: 100},
		},
		StartedAt: &startedAt, FinishedAt: &finishedAt,
	}
}

// fast gives streams without a terminal that ask often.
func fast(out, err io.Writer) Streams {
	return Streams{In: strings.NewReader(""), Out: out, Err: err, every: 5 * time.Millisecond}
}

func requireCode(t *testing.T, code int, err error) {
	t.Helper()
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, code, exit.Code, "%v", err)
}

// locked is a buffer that may be read while it is written.
type locked struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
