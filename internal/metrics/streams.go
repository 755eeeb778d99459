package metrics

import "github.com/prometheus/client_golang/prometheus"

// Streams counts streams of events. It implements api.StreamObserver.
type Streams struct {
	open   *prometheus.GaugeVec
	closed *prometheus.CounterVec
}

func newStreams() *Streams {
	return &Streams{
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "mino_streams_open", Help: "Clients that follow an execution at the moment.",
		}, []string{"kind"}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mino_streams_closed_total", Help: "Streams that have ended, by reason; too_slow are clients that were dropped.",
		}, []string{"kind", "reason"}),
	}
}

// StreamOpened implements api.StreamObserver.
func (s *Streams) StreamOpened(kind string) { s.open.WithLabelValues(kind).Inc() }

// StreamClosed implements api.StreamObserver.
func (s *Streams) StreamClosed(kind, reason string) {
	s.open.WithLabelValues(kind).Dec()
	s.closed.WithLabelValues(kind, reason).Inc()
}
