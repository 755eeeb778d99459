package cli

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

const (
	// pollEvery is how often the API is asked where a run stands.
	pollEvery = 500 * time.Millisecond
	// pollTimeout bounds one question, so that a hanging API is noticed.
	pollTimeout = 10 * time.Second
	// outagePause bounds the time between two questions to an API that is out.
	outagePause = 5 * time.Second
)

// observation is what one question to the API brought.
type observation struct {
	stats wire.Stats
	// final is the execution when it has ended; stats are then the last ones.
	final *wire.Execution
	// outage is why the API could not answer; the question will be asked again.
	outage error
	// err ends the watch: the API says no.
	err error
}

// poller asks the API again and again until the run has ended.
type poller struct {
	client *client.Client
	id     uuid.UUID
	every  time.Duration
}

// run sends observations until one is final or an error, or ctx ends.
func (p *poller) run(ctx context.Context, to chan<- observation) {
	pause := p.every
	for {
		o := p.look(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case to <- o:
		case <-ctx.Done():
			return
		}
		if o.final != nil || o.err != nil {
			return
		}
		pause = p.pauseAfter(o, pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// pauseAfter backs off while the API is out, and asks at the usual pace otherwise.
func (p *poller) pauseAfter(o observation, last time.Duration) time.Duration {
	if o.outage == nil {
		return p.every
	}
	pause := 2 * last
	var refusal *client.Error
	if errors.As(o.outage, &refusal) {
		pause = max(pause, refusal.RetryAfter)
	}
	return min(pause, max(outagePause, p.every))
}

// look asks once. Stats that say that the run has ended are believed only when the
// record says so too, and are then read again: the last counts come from the rows.
func (p *poller) look(ctx context.Context) observation {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	stats, err := p.client.Stats(ctx, p.id)
	if err != nil {
		return failedLook(err)
	}
	if !ended(stats.Status) {
		return observation{stats: stats}
	}
	execution, err := p.client.Execution(ctx, p.id)
	if err != nil {
		return failedLook(err)
	}
	if !ended(execution.Status) {
		return observation{stats: stats}
	}
	stats, err = p.client.Stats(ctx, p.id)
	if err != nil {
		return failedLook(err)
	}
	return observation{stats: stats, final: &execution}
}

// failedLook sorts "not now" from "no". A server error is "not now" as well: what it
// says is of the API, not of the run.
func failedLook(err error) observation {
	var refusal *client.Error
	if errors.As(err, &refusal) && !outage(refusal.Status) && refusal.Status < http.StatusInternalServerError {
		return observation{err: err}
	}
	return observation{outage: err}
}
