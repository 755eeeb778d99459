package metrics_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/internal/metrics"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	jobs := metrics.NewJobs()
	jobs.JobRetried(activities.Retry{Executor: "fetch", Class: failure.RateLimit, Delay: 7 * time.Second, Took: time.Second})
	jobs.JobRetried(activities.Retry{Executor: "fetch", Class: failure.Transient, Lost: true})
	jobs.JobEnded(activities.End{Executor: "fetch", Status: models.JobCompleted, Verdict: scoring.Correct})
	jobs.JobEnded(activities.End{Executor: "agent", Status: models.JobFailed, Class: failure.Permanent})
	jobs.Streams().StreamOpened("sse")
	jobs.Streams().StreamOpened("sse")
	jobs.Streams().StreamClosed("sse", "too_slow")

	server, err := metrics.Serve("127.0.0.1:0", jobs)
	require.NoError(t, err)
	text := scrape(t, server)
	for _, line := range []string{
		`mino_job_retries_total{class="rate_limit",executor="fetch",lost="false"} 1`,
		`mino_job_retries_total{class="transient",executor="fetch",lost="true"} 1`,
		`mino_jobs_ended_total{class="",executor="fetch",status="completed",verdict="correct"} 1`,
		`mino_jobs_ended_total{class="permanent",executor="agent",status="failed",verdict=""} 1`,
		`mino_retry_delay_seconds_bucket{class="rate_limit",executor="fetch",le="5"} 0`,
		`mino_retry_delay_seconds_bucket{class="rate_limit",executor="fetch",le="10"} 1`,
		`mino_attempt_duration_seconds_count{executor="fetch"} 3`,
		`mino_streams_open{kind="sse"} 1`,
		`mino_streams_closed_total{kind="sse",reason="too_slow"} 1`,
	} {
		require.Contains(t, text, line)
	}
	require.NoError(t, server.Stop(t.Context()))
	_, err = http.Get("http://" + server.Address() + "/metrics") //nolint:noctx // it fails
	require.Error(t, err)
}

func TestServeRefusesAnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	server, err := metrics.Serve("127.0.0.1:0", metrics.NewJobs())
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop(t.Context())) }()
	_, err = metrics.Serve(server.Address(), metrics.NewJobs())
	require.ErrorContains(t, err, "--metrics-listen")
}

func scrape(t *testing.T, server *metrics.Server) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Address()+"/metrics", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	return string(text)
}
