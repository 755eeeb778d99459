package cli

import "time"

// rateWindow is how far back the rate looks: long enough to be steady, short enough
// to follow a change of concurrency.
const rateWindow = 10 * time.Second

// minSpan is the least time that says anything about a rate.
const minSpan = time.Second

// meter measures how fast jobs end, as seen by whoever watches.
type meter struct {
	samples []sample
}

type sample struct {
	at   time.Time
	done int
}

// add takes an observation. Observations come in the order of time.
func (m *meter) add(at time.Time, done int) {
	m.samples = append(m.samples, sample{at, done})
	// One sample at or beyond the edge of the window is kept: the rate is over the
	// whole window, also when observations are rare.
	for len(m.samples) > 2 && at.Sub(m.samples[1].at) >= rateWindow {
		m.samples = m.samples[1:]
	}
}

// rate is in jobs per second; known is false until there is something to go by.
func (m *meter) rate() (rate float64, known bool) {
	if len(m.samples) < 2 {
		return 0, false
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	span := last.at.Sub(first.at)
	if span < minSpan {
		return 0, false
	}
	return max(float64(last.done-first.done), 0) / span.Seconds(), true
}
