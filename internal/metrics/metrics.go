// Package metrics counts what happens to jobs and to streams of events, for Prometheus.
//
// The records are authoritative; these counters live as long as their process and count
// what it did. A Jobs hears of attempts as an activities.Observer, the Streams in it of the
// API's streams as its StreamObserver; both are served by a
// Server, on an address of its own, so that who may read metrics need not be who may use
// the API.
//
// Failure: an address that cannot be listened on is an error at start. Counting never
// fails and never blocks.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/minohq/mino/activities"
)

// Jobs counts attempts and jobs. It implements activities.Observer.
type Jobs struct {
	registry *prometheus.Registry
	retries  *prometheus.CounterVec
	ended    *prometheus.CounterVec
	attempts *prometheus.HistogramVec
	delays   *prometheus.HistogramVec
	streams  *Streams
}

// NewJobs makes the counters, with those of the process beside them.
func NewJobs() *Jobs {
	// From a page that answers at once to the longest deadline of a job.
	seconds := []float64{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}
	j := &Jobs{
		registry: prometheus.NewRegistry(),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mino_job_retries_total", Help: "Attempts that failed or were lost and are followed by another.",
		}, []string{"executor", "class", "lost"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mino_jobs_ended_total", Help: "Jobs that have come to their end, by status, verdict of completed and class of failed ones.",
		}, []string{"executor", "status", "verdict", "class"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mino_attempt_duration_seconds", Help: "How long attempts took, whatever came of them.", Buckets: seconds,
		}, []string{"executor"}),
		delays: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mino_retry_delay_seconds", Help: "How long jobs wait for their next attempt.", Buckets: seconds,
		}, []string{"executor", "class"}),
		streams: newStreams(),
	}
	j.registry.MustRegister(j.streams.open, j.streams.closed, j.retries, j.ended, j.attempts, j.delays,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return j
}

// JobRetried implements activities.Observer.
func (j *Jobs) JobRetried(r activities.Retry) {
	j.retries.WithLabelValues(r.Executor, string(r.Class), strconv.FormatBool(r.Lost)).Inc()
	j.delays.WithLabelValues(r.Executor, string(r.Class)).Observe(r.Delay.Seconds())
	j.attempts.WithLabelValues(r.Executor).Observe(r.Took.Seconds())
}

// JobEnded implements activities.Observer.
func (j *Jobs) JobEnded(e activities.End) {
	j.ended.WithLabelValues(e.Executor, string(e.Status), string(e.Verdict), string(e.Class)).Inc()
	j.attempts.WithLabelValues(e.Executor).Observe(e.Took.Seconds())
}

// Touched implements activities.Observer.
func (j *Jobs) Touched(uuid.UUID) {}

// Streams counts the streams of events of this process.
func (j *Jobs) Streams() *Streams { return j.streams }

// Handler serves the metrics in Prometheus's text format.
func (j *Jobs) Handler() http.Handler {
	return promhttp.HandlerFor(j.registry, promhttp.HandlerOpts{Registry: j.registry})
}

// Server serves metrics at /metrics.
type Server struct {
	server   *http.Server
	listener net.Listener
	served   chan error
}

// Serve listens on an address and serves until Stop.
func Serve(address string, j *Jobs) (*Server, error) {
	listener, err := net.Listen("tcp", address) //nolint:noctx // bound once at start, closed by the server
	if err != nil {
		return nil, fmt.Errorf("listen on %s (--metrics-listen): %w", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", j.Handler())
	s := &Server{
		server: &http.Server{
			Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
			WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		},
		listener: listener, served: make(chan error, 1),
	}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Stop lets requests under way finish until the context ends.
func (s *Server) Stop(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
