package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// roundTrip is a transport without a network, so that time can be the test's own.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, header map[string]string, body string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range header {
		h.Set(name, value)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// scripted gives the answers in turn, then 200 for ever, and counts the requests.
func scripted(t *testing.T, cfg client.Config, answers ...*http.Response) (*client.Client, *int) {
	t.Helper()
	count := new(int)
	cfg.BaseURL = "http://api.test"
	cfg.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		*count++
		if *count <= len(answers) {
			return answers[*count-1], nil
		}
		return answer(http.StatusOK, nil, "{}"), nil
	})}
	c, err := client.New(cfg)
	require.NoError(t, err)
	return c, count
}

func serve(t *testing.T, handler http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{BaseURL: server.URL})
	require.NoError(t, err)
	return c
}

func TestRetries(t *testing.T) {
	t.Parallel()

	busy := func(after string) *http.Response {
		return answer(http.StatusServiceUnavailable, map[string]string{"Retry-After": after}, "{}")
	}

	t.Run("AReadWaitsAsLongAsTheServerAsks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, count := scripted(t, client.Config{}, busy("7"), answer(http.StatusTooManyRequests, nil, "{}"))
			start := time.Now()
			_, err := c.Stats(t.Context(), uuid.New())
			require.NoError(t, err)
			require.Equal(t, 3, *count)
			require.Equal(t, 7500*time.Millisecond, time.Since(start))
		})
	})

	t.Run("AReadGivesUpAfterTheBound", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, count := scripted(t, client.Config{MaxRetries: 2}, busy(""), busy(""), busy(""), busy(""))
			_, err := c.Stats(t.Context(), uuid.New())
			var refusal *client.Error
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, http.StatusServiceUnavailable, refusal.Status)
			require.Equal(t, 3, *count)
		})
	})

	t.Run("AReadDoesNotWaitLongerThanTheCallerAllows", func(t *testing.T) {
		t.Parallel()
		c, count := scripted(t, client.Config{}, busy("3600"))
		_, err := c.Stats(t.Context(), uuid.New())
		var refusal *client.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, time.Hour, refusal.RetryAfter)
		require.Equal(t, 1, *count)
	})

	t.Run("ControlIsRepeated", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, count := scripted(t, client.Config{}, busy("1"))
			_, err := c.Pause(t.Context(), uuid.New())
			require.NoError(t, err)
			require.Equal(t, 2, *count)
		})
	})

	t.Run("AClientWithoutRetriesSendsOnce", func(t *testing.T) {
		t.Parallel()
		c, count := scripted(t, client.Config{}, busy("0"))
		_, err := c.WithoutRetries().Stats(t.Context(), uuid.New())
		require.Error(t, err)
		require.Equal(t, 1, *count)
	})

	t.Run("CancellingEndsTheWait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, count := scripted(t, client.Config{}, busy("20"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Stats(ctx, uuid.New())
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 1, *count)
		})
	})

	t.Run("ADateIsUnderstood", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			at := time.Now().Add(4 * time.Second).UTC().Format(http.TimeFormat)
			c, _ := scripted(t, client.Config{}, busy(at))
			start := time.Now()
			_, err := c.Stats(t.Context(), uuid.New())
			require.NoError(t, err)
			require.Equal(t, 4*time.Second, time.Since(start))
		})
	})
}

func TestLists(t *testing.T) {
	t.Parallel()

	t.Run("TheCursorIsFollowedWithTheSameFilters", func(t *testing.T) {
		t.Parallel()
		var asked []string
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.RawQuery)
			page := wire.Page[wire.Job]{Data: []wire.Job{{Row: len(asked)*2 - 1}, {Row: len(asked) * 2}}}
			if len(asked) < 3 {
				page.Pagination = wire.Pagination{HasMore: true, NextCursor: fmt.Sprint("c", len(asked))}
			}
			_ = json.NewEncoder(w).Encode(page)
		})
		var rows []int
		for job, err := range c.Jobs(t.Context(), uuid.New(), map[string][]string{"verdict": {"wrong"}}) {
			require.NoError(t, err)
			rows = append(rows, job.Row)
		}
		require.Equal(t, []int{1, 2, 3, 4, 5, 6}, rows)
		require.Equal(t, []string{
			"limit=100&verdict=wrong", "cursor=c1&limit=100&verdict=wrong", "cursor=c2&limit=100&verdict=wrong",
		}, asked)
	})

	t.Run("TheReaderMayLeaveEarly", func(t *testing.T) {
		t.Parallel()
		requests := 0
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			requests++
			_ = json.NewEncoder(w).Encode(wire.Page[wire.Project]{
				Data: []wire.Project{{Name: "a"}, {Name: "b"}}, Pagination: wire.Pagination{HasMore: true, NextCursor: "x"},
			})
		})
		for project, err := range c.Projects(t.Context()) {
			require.NoError(t, err)
			if project.Name == "b" {
				break
			}
		}
		require.Equal(t, 1, requests)
	})

	t.Run("AProjectIsFoundByItsName", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			var page wire.Page[wire.Project]
			if r.URL.Query().Get("name") == "a & b" {
				page.Data = []wire.Project{{Name: "A & B"}}
			}
			_ = json.NewEncoder(w).Encode(page)
		})
		project, found, err := c.FindProject(t.Context(), "a & b")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "A & B", project.Name)
		_, found, err = c.FindProject(t.Context(), "c")
		require.NoError(t, err)
		require.False(t, found)
	})

	t.Run("AnErrorEndsTheList", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		_, _, err := c.FindProject(t.Context(), "b")
		var refusal *client.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, http.StatusForbidden, refusal.Status)
	})
}

func TestRequests(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0190a1b2-0000-7000-8000-000000000001")
	var got *http.Request
	var body string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got, body = r, string(raw)
		_, _ = io.WriteString(w, "{}")
	})
	name, size := "new", 10
	calls := []struct {
		do           func() error
		method, path string
		body         string
	}{
		{func() error { _, err := c.PatchProject(t.Context(), id, 3, wire.ProjectPatch{Name: &name}); return err },
			"PATCH", "/api/projects/" + id.String(), `{"name":"new"}`},
		{func() error {
			_, err := c.Execute(t.Context(), id, id, wire.ExecuteRequest{Type: "test", SampleSize: &size})
			return err
		}, "POST", "/api/projects/" + id.String() + "/batches/" + id.String() + "/execute", `{"type":"test","sample_size":10}`},
		{func() error { _, err := c.Execution(t.Context(), id); return err }, "GET", "/api/executions/" + id.String(), ""},
		{func() error { _, err := c.Stats(t.Context(), id); return err }, "GET", "/api/executions/" + id.String() + "/stats", ""},
		{func() error { _, err := c.Resume(t.Context(), id); return err }, "POST", "/api/executions/" + id.String() + "/resume", ""},
		{func() error { _, err := c.Stop(t.Context(), id, client.StopCancel); return err },
			"POST", "/api/executions/" + id.String() + "/stop", `{"mode":"cancel"}`},
		{func() error { _, err := c.SetConcurrency(t.Context(), id, 7); return err },
			"POST", "/api/executions/" + id.String() + "/concurrency", `{"value":7}`},
		{func() error { _, err := c.Job(t.Context(), id); return err }, "GET", "/api/jobs/" + id.String(), ""},
	}
	for _, want := range calls {
		require.NoError(t, want.do())
		require.Equal(t, want.method, got.Method)
		require.Equal(t, want.path, got.URL.Path)
		require.Equal(t, want.body, body)
		if want.method == http.MethodPatch {
			require.Equal(t, `"3"`, got.Header.Get("If-Match"))
		}
	}
}
