package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit/rig"
)

// skew is how wrong clocks are: half of what two of them differ by.
const skew = 150 * time.Second

// TestClocks has processes whose clocks are five minutes apart. It has the machine for
// itself: heartbeats that a busy one delays would look like the fault that it looks for.
//
//nolint:paralleltest,tparallel // see above
func TestClocks(t *testing.T) {
	if !long {
		t.Skip("in the long form only: it compiles the standard library with another clock, which takes minutes")
	}
	for name, shift := range map[string]time.Duration{"APIAheadAndWorkerBehind": skew, "APIBehindAndWorkerAhead": -skew} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const asked = 7 * time.Second
			s := newSystem(t, rig.FarSideConfig{
				Pace:   rig.Pace{Least: 200 * time.Millisecond, Most: 6 * time.Second},
				Unwell: 0.1, Limited: 0.1, RetryAfter: asked,
			})
			usual := s.api
			s.apiProc = rig.StartShifted(t, shift, s.env, "api")
			s.api = s.apiProc.Client(t)
			s.requireShifted(shift)
			behind := rig.StartShifted(t, -shift, s.env, "api").Client(t)
			rig.StartShifted(t, -shift, s.env, "worker").Polls(t)
			s.worker()
			e := s.start("rows", 600, 20, patient)
			eventually(t, "the run is in the middle", func() bool { _, answered, _ := s.far.Counts(); return answered > 20 })
			s.walkLists(e, usual, s.api, behind)
			s.completed(e)
			require.Equal(t, 2, s.number(`SELECT count(DISTINCT worker) FROM sessions WHERE execution_id = ?`, e.ID), "both workers had a share")
			s.requireNoEarlyRetry(e, 400*time.Millisecond)
			require.Zero(t, s.number(`SELECT count(*) FROM sessions WHERE execution_id = ? AND error_class = 'timeout'`, e.ID), "nothing timed out early")
			require.Zero(t, s.lost(e), "no attempt was given up")
			require.Zero(t, s.number(`SELECT count(*) FROM sessions WHERE execution_id = ? AND finished_at < started_at`, e.ID), "time goes forward")
			s.figures(e, "clocks apart")
		})
	}
}

// requireShifted requires that the API's clock is as wrong as it should be.
func (s *system) requireShifted(shift time.Duration) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.api.BaseURL()+"/livez", http.NoBody)
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	response.Body.Close()
	date, err := http.ParseTime(response.Header.Get("Date"))
	require.NoError(s.t, err)
	require.WithinDuration(s.t, time.Now().Add(shift), date, 10*time.Second)
}

// walkLists goes through lists page by page while processes with different clocks
// write to them: what was there before is seen once.
func (s *system) walkLists(e wire.Execution, apis ...*client.Client) {
	s.t.Helper()
	ctx := s.t.Context()
	turn := 0
	next := func() *client.Client { turn++; return apis[turn%len(apis)] }
	newProject := func() wire.Project {
		p, err := next().CreateProject(ctx, wire.ProjectRequest{
			Name: uuid.NewString(), Instruction: "The price.", Executor: "fetch", Fields: s.project.Fields,
		})
		require.NoError(s.t, err)
		return p
	}
	newExecution := func() wire.Execution {
		b := s.upload("list-"+uuid.NewString(), 1)
		started, err := next().Execute(ctx, s.project.ID, b.ID, wire.ExecuteRequest{Type: "production"})
		require.NoError(s.t, err)
		return started
	}
	projects, executions := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for range 40 {
		projects[newProject().ID] = true
	}
	for range 25 {
		executions[newExecution().ID] = true
	}
	jobs := map[uuid.UUID]bool{}
	for j, err := range s.api.Jobs(ctx, e.BatchID, nil) {
		require.NoError(s.t, err)
		jobs[j.ID] = true
	}
	for _, api := range apis {
		s.walk(api, "projects", projects, func() { newProject() })
		s.walk(api, "executions", executions, func() { newExecution() })
		s.walk(api, fmt.Sprintf("batches/%s/jobs", e.BatchID), jobs, func() {}) // the workers write
	}
}

// walk reads a list in small pages, with somebody writing between them.
func (s *system) walk(api *client.Client, list string, before map[uuid.UUID]bool, write func()) {
	s.t.Helper()
	seen := map[uuid.UUID]int{}
	query := url.Values{"limit": {"5"}}
	for {
		request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, api.BaseURL()+"/api/"+list+"?"+query.Encode(), http.NoBody)
		require.NoError(s.t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(s.t, err)
		var page wire.Page[struct {
			ID uuid.UUID `json:"id"`
		}]
		err = json.NewDecoder(response.Body).Decode(&page)
		response.Body.Close()
		require.NoError(s.t, err)
		require.Equal(s.t, http.StatusOK, response.StatusCode)
		for _, item := range page.Data {
			seen[item.ID]++
		}
		if !page.Pagination.HasMore {
			break
		}
		query.Set("cursor", page.Pagination.NextCursor)
		if len(seen) < len(before) { // else the list may grow faster than it is read
			write()
		}
	}
	for id := range before {
		require.Equal(s.t, 1, seen[id], "%s: what was there before is seen once", list)
	}
	for id, n := range seen {
		require.Equal(s.t, 1, n, "%s: %s is seen once", list, id)
	}
}
