package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

func TestBodyIsDecodedStrictly(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	tests := []struct {
		name   string
		body   string
		code   string
		fields []string
		detail string
	}{
		{name: "NotJSON", body: `{"name": "x"`, code: wire.CodeInvalidJSON, detail: "line 1, column 12"},
		{name: "ASyntaxErrorHasItsPlace", body: "{\n  \"name\": x\n}", code: wire.CodeInvalidJSON, detail: "line 2, column 11"},
		{name: "TrailingData", body: `{} {}`, code: wire.CodeInvalidJSON, detail: "after top-level value"},
		{name: "InvalidUTF8", body: "{\"name\": \"\xff\"}", code: wire.CodeInvalidJSON, detail: "UTF-8"},
		{name: "TooDeep", body: strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), code: wire.CodeInvalidJSON, detail: "depth"},
		{name: "NotAnObject", body: `[]`, code: wire.CodeValidation, fields: []string{"body"}},
		{name: "Null", body: `null`, code: wire.CodeValidation, fields: []string{"body"}},
		{
			name: "EverythingThatIsWrongIsNamed",
			body: `{"name": 1, "Instruction": "x", "fields": [{"name": "a", "type": 5}, {"required": "yes"}, 7], "id": "x",
				"defaults": {"concurrency": 1.5, "job_timeout_ms": "1", "retry": {"max_attempts": 1e2}}, "executor": null, "executor": "fetch"}`,
			code: wire.CodeValidation,
			fields: []string{
				"name", "Instruction", "fields[0].type", "fields[1].required", "fields[2]", "id", "defaults.concurrency",
				"defaults.job_timeout_ms", "defaults.retry.max_attempts", "executor", "executor",
			},
		},
		{
			name: "NumbersOutOfRange", body: `{"defaults": {"concurrency": 99999999999999999999, "retry": {"backoff_coefficient": 1e999}}}`,
			code: wire.CodeValidation, fields: []string{"defaults.concurrency", "defaults.retry.backoff_coefficient"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := b.post("/api/projects", test.body).problem(http.StatusBadRequest, test.code)
			require.Contains(t, p.Detail, test.detail)
			require.Equal(t, append([]string{}, test.fields...), fieldsOf(p))
		})
	}
}

func TestMediaTypeIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	send := func(contentType, contentEncoding string) *answer {
		req := b.request(http.MethodPost, "/api/projects", contentType, strings.NewReader(`{"x": 1}`))
		if contentEncoding != "" {
			req.Header.Set("Content-Encoding", contentEncoding)
		}
		return b.send(req)
	}
	for _, taken := range []string{"", "application/json", "application/json; charset=utf-8", "application/merge-patch+json"} {
		send(taken, "").problem(http.StatusBadRequest, wire.CodeValidation)
	}
	for _, refused := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json;;"} {
		send(refused, "").problem(http.StatusUnsupportedMediaType, wire.CodeUnsupportedMediaType)
	}
	send("application/json", "gzip").problem(http.StatusUnsupportedMediaType, wire.CodeUnsupportedMediaType)
}

func TestParametersAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	id := uuid.NewString()
	tests := []struct {
		name   string
		path   string
		fields []string
	}{
		{"MalformedID", "/api/projects/42", []string{"id"}},
		{"UUIDInAnotherForm", "/api/projects/" + strings.ReplaceAll(id, "-", ""), []string{"id"}},
		{"UnknownParameters", "/api/projects?page=2&offset=3", []string{"offset", "page"}},
		{"ParameterOfNoList", "/api/projects/" + id + "?limit=2", []string{"limit"}},
		{"LimitTooSmall", "/api/projects?limit=0", []string{"limit"}},
		{"LimitTooLarge", "/api/projects?limit=101", []string{"limit"}},
		{"LimitThatIsNoNumber", "/api/projects?limit=ten", []string{"limit"}},
		{"LimitTwice", "/api/projects?limit=10&limit=20", []string{"limit"}},
		{"FlagThatIsNone", "/api/projects?include_total=yes", []string{"include_total"}},
		{"NUL", "/api/projects?name=a%00b", []string{"name"}},
		{"InvalidUTF8", "/api/projects?name=%ff", []string{"name"}},
		{"NoCursor", "/api/projects?cursor=abc", []string{"cursor"}},
		{"AllAtOnce", "/api/projects?limit=x&cursor=%21&include_total=1&x=1", []string{"cursor", "include_total", "limit", "x"}},
		{"MalformedProjectID", "/api/batches?project_id=7", []string{"project_id"}},
		{"UnknownStatusOfExecutions", "/api/executions?status=running,done", []string{"status"}},
		{"UnknownStatusOfJobs", "/api/batches/" + id + "/jobs?status=done&verdict=right&error_class=5xx", []string{"error_class", "status", "verdict"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := b.get(test.path).problem(http.StatusBadRequest, wire.CodeInvalidParams)
			require.Equal(t, test.fields, fieldsOf(p))
		})
	}
}

func TestUnknownRecordsAreNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	id := uuid.NewString()
	for path, code := range map[string]string{
		"/api/projects/" + id:              wire.CodeProjectNotFound,
		"/api/batches/" + id:               wire.CodeBatchNotFound,
		"/api/batches/" + id + "/jobs":     wire.CodeBatchNotFound,
		"/api/executions/" + id:            wire.CodeExecutionNotFound,
		"/api/executions/" + id + "/stats": wire.CodeExecutionNotFound,
		"/api/jobs/" + id:                  wire.CodeJobNotFound,
		"/api/jobs/" + id + "/sessions":    wire.CodeJobNotFound,
	} {
		b.get(path).problem(http.StatusNotFound, code)
	}
	for _, verb := range []string{"pause", "resume", "stop"} {
		b.post("/api/executions/"+id+"/"+verb, "").problem(http.StatusNotFound, wire.CodeExecutionNotFound)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, path := range []string{"/", "/api", "/api/nothing", "/API/projects", "/api/projects/" + uuid.NewString() + "/nothing"} {
		b.get(path).problem(http.StatusNotFound, wire.CodeNotFound)
	}
	notAllowed := b.send(b.request(http.MethodDelete, "/api/projects", "", nil))
	notAllowed.problem(http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed)
	require.Contains(t, notAllowed.header.Get("Allow"), http.MethodPost)
	b.send(b.request("BREW", "/api/projects", "", nil)).problem(http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed)
	head := b.send(b.request(http.MethodHead, "/api/projects", "", nil))
	head.is(http.StatusOK)
	require.Empty(t, head.body)
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	send := func(id string) string {
		req := b.request(http.MethodGet, "/api/projects", "", nil)
		req.Header.Set("X-Request-Id", id)
		return b.send(req).is(http.StatusOK).header.Get("X-Request-Id")
	}
	require.Equal(t, "abc-123_x.y:z", send("abc-123_x.y:z"))
	require.Len(t, b.logs.FilterField(zap.String("request_id", "abc-123_x.y:z")).FilterMessage("request").All(), 1)
	for _, malformed := range []string{"", "a b", strings.Repeat("x", 129), "a\"b"} {
		got := send(malformed)
		require.NotEqual(t, malformed, got)
		_, err := uuid.Parse(got)
		require.NoError(t, err)
	}
}

// brokenStore fails, or worse, where a project is read.
type brokenStore struct {
	api.Store

	project func() error
}

func (s brokenStore) Project(context.Context, uuid.UUID, uuid.UUID) (*models.Project, error) {
	return nil, s.project()
}

// sqlError is an error as a driver has it.
type sqlError struct{}

func (sqlError) Error() string    { return "relation \"secret\" does not exist" }
func (sqlError) SQLState() string { return "42P01" }

func TestFaultsOfOursAreLoggedAndNotShown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		project func() error
		status  int
		code    string
	}{
		{"AnyError", func() error { return errors.New("the secret is out") }, http.StatusInternalServerError, wire.CodeInternal},
		{"ADatabaseError", func() error { return fmt.Errorf("select: %w", sqlError{}) }, http.StatusInternalServerError, wire.CodeDatabase},
		{"APanic", func() error { panic("the secret is out") }, http.StatusInternalServerError, wire.CodeInternal},
		{
			"TheDatabaseIsAway", func() error { return fmt.Errorf("%w: secret host", models.ErrUnavailable) },
			http.StatusServiceUnavailable, wire.CodeUnavailable,
		},
		{
			"TheDeadlinePassed", func() error { return fmt.Errorf("secret query: %w", context.DeadlineExceeded) },
			http.StatusServiceUnavailable, wire.CodeUnavailable,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(cfg *api.Config) { cfg.Store = brokenStore{Store: cfg.Store, project: test.project} })
			a := b.get("/api/projects/" + uuid.NewString())
			p := a.problem(test.status, test.code)
			require.NotContains(t, string(a.body), "secret")
			logged := b.logs.FilterField(zap.String("request_id", p.RequestID)).All()
			require.Len(t, logged, 2, "the fault and the access log")
			require.Contains(t, fmt.Sprint(logged[0].ContextMap()["error"]), "secret")
			require.Equal(t, test.status == http.StatusServiceUnavailable, a.header.Get("Retry-After") != "")
		})
	}
}

// slowStore answers when the request is given up.
type slowStore struct{ api.Store }

func (s slowStore) Project(ctx context.Context, _, _ uuid.UUID) (*models.Project, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestRequestHasADeadline(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *api.Config) {
		cfg.Store, cfg.RequestTimeout = slowStore{cfg.Store}, 50*time.Millisecond
	})
	b.get("/api/projects/"+uuid.NewString()).problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
}

func TestRequestMustArriveInTime(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *api.Config) { cfg.ReadTimeout = 200 * time.Millisecond })
	tests := map[string]string{
		"Headers": "POST /api/projects HTTP/1.1\r\nHost: localhost\r\n",
		"Body":    "POST /api/projects HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 50_000),
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := b.raw(t, request)
			require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
		})
	}
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	req := b.request(http.MethodGet, "/api/projects", "", nil)
	req.Header.Set("X-Large", strings.Repeat("x", 20_000))
	b.send(req).problem(http.StatusRequestHeaderFieldsTooLarge, wire.CodeHeadersTooLarge)
}

// raw sends bytes and reads the answer to them.
func (b *bundle) raw(t *testing.T, request string) *http.Response {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write([]byte(request))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestShutdownDoesNotWaitForIdleConnections(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *api.Config) { cfg.IdleTimeout, cfg.ReadTimeout = time.Hour, time.Hour })
	// A connection that is kept alive and never used again; setup's cleanup shuts the
	// API down and fails when that takes longer than its deadline.
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	t.Run("AllIsWell", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		require.Equal(t, wire.Health{Status: "ok"}, read[wire.Health](b.get("/livez"), http.StatusOK))
		require.Equal(t, wire.Health{Status: "ok", Parts: map[string]string{"database": "ok", "orchestrator": "ok"}},
			read[wire.Health](b.get("/readyz"), http.StatusOK))
	})
	t.Run("TemporalIsAway", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.orch.fail(fmt.Errorf("%w: secret address", models.ErrUnavailable))
		a := b.get("/readyz")
		p := a.problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		require.Equal(t, []string{"orchestrator"}, fieldsOf(p))
		require.NotEmpty(t, a.header.Get("Retry-After"))
		require.NotContains(t, string(a.body), "secret")
		b.get("/livez").is(http.StatusOK)
	})
	t.Run("TheDatabaseIsAway", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		require.NoError(t, b.scoped.Close())
		p := b.get("/readyz").problem(http.StatusServiceUnavailable, wire.CodeUnavailable)
		require.Equal(t, []string{"database"}, fieldsOf(p))
	})
}
