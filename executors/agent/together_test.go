package agent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/internal/standin"
	"github.com/minohq/mino/models/failure"
)

// The jobs of a key are looked at together, and each has its own outcome.
func TestJobsOfOneKeyShareTheirLooks(t *testing.T) {
	t.Parallel()
	const jobs = 60
	for name, test := range map[string]struct {
		refuse int // what questions about several runs are answered with; 0 answers them
		faults []standin.Fault
	}{
		"Answered": {},
		"AnsweredWithTrouble": {faults: []standin.Fault{
			{Kind: standin.Internal}, {Kind: standin.CutBefore}, {Kind: standin.RateLimited}, {Kind: standin.Garbled},
			{Kind: standin.Busy}, {Kind: standin.CutAfter}, {Kind: standin.Gateway}, {Kind: standin.Timeout}, {Kind: standin.BadRequest},
		}},
		"NotFound":       {refuse: http.StatusNotFound},
		"NotAllowed":     {refuse: http.StatusMethodNotAllowed},
		"NotImplemented": {refuse: http.StatusNotImplemented},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := standin.New(standin.Config{Seed: 7, APIKey: operatorKey})
			t.Cleanup(server.Close)
			var refused atomic.Int64
			served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.refuse != 0 && r.Method == http.MethodPost && r.URL.Path == "/v1/runs/batch" {
					refused.Add(1)
					w.WriteHeader(test.refuse)
					return
				}
				server.ServeHTTP(w, r)
			}))
			t.Cleanup(served.Close)
			server.FailNext(standin.EndpointGetBatch, test.faults...)
			e := newExecutor(t, nil, func(c *agent.Config) {
				c.BaseURL, c.ReadSpacing = served.URL, 5*time.Millisecond
			})

			outs, errs := make([]executors.Outcome, jobs), make([]error, jobs)
			told := make([]records, jobs)
			var all sync.WaitGroup
			for n := range jobs {
				url := fmt.Sprintf("https://shop.example/%d", n)
				behaviour := standin.Behaviour{
					Duration: 200 * time.Millisecond, Queued: time.Millisecond, Steps: 5 + n,
					Result: []byte(fmt.Sprintf(`{"name":"Lamp %d"}`, n)),
				}
				if n%3 == 1 {
					behaviour.Outcomes = []standin.Outcome{{Kind: standin.Failed}}
				}
				server.Script(url, behaviour)
				all.Go(func() {
					outs[n], errs[n] = e.Execute(t.Context(), request(&told[n], func(r *executors.Request) { r.URL = url }))
				})
			}
			all.Wait()

			looks := 0
			for n := range jobs {
				require.Equal(t, 5+n, outs[n].Usage.Steps)
				require.True(t, outs[n].RemoteEnded)
				for _, progress := range told[n].progress {
					if follows(progress) || strings.HasPrefix(progress, "COMPLETED") || strings.HasPrefix(progress, "FAILED") {
						looks++
					}
				}
				if n%3 == 1 {
					requireFailure(t, errs[n], failure.Permanent, "TASK_FAILED")
					continue
				}
				require.NoError(t, errs[n])
				require.Equal(t, fmt.Sprintf("Lamp %d", n), outs[n].Fields["name"])
				require.Equal(t, int64(16_000*(5+n)), outs[n].Usage.CostMicros)
				require.NotEmpty(t, outs[n].Evidence.RunURL)
			}
			calls := server.Stats().Calls
			if test.refuse != 0 {
				require.Positive(t, refused.Load())
				require.Zero(t, calls[standin.EndpointGetBatch])
				require.Equal(t, looks, calls[standin.EndpointGet])
				return
			}
			require.Greater(t, calls[standin.EndpointGetBatch], len(test.faults))
			if test.faults == nil {
				require.Less(t, calls[standin.EndpointGet]+calls[standin.EndpointGetBatch], looks)
			}
		})
	}
}
