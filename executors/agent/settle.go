package agent

import (
	"context"
	"encoding/json"
	"time"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/failure"
)

// settled is what became of a run.
type settled struct {
	status string   // "" when there is no such run
	run    document // as it is after that; nil when it could not be read
	unread error    // why
}

// Settle implements executors.Settler.
func (e *Executor) Settle(ctx context.Context, run executors.RemoteRun, settings json.RawMessage, secrets map[string]string) (executors.Settlement, error) {
	s, err := parseSettings(settings)
	if err != nil {
		return executors.Settlement{}, invalid(err)
	}
	service, err := e.service(s, secrets)
	if err != nil {
		return executors.Settlement{}, err
	}
	end, err := service.settle(ctx, run, e.config.SettleWindow)
	if err != nil {
		return executors.Settlement{}, err
	}
	if end.unread != nil && failure.Classify(end.unread).Code != CodeAnswerTooLarge {
		return executors.Settlement{}, end.unread // what it cost is not known yet
	}
	return executors.Settlement{Status: end.status, Usage: service.usage(end.run, e.config.prices(s))}, nil
}

// settle finds a run, cancels it unless it has ended, and says what it came to.
func (s *service) settle(ctx context.Context, remote executors.RemoteRun, window time.Duration) (settled, error) {
	id := remote.ID
	if id == "" && remote.Reference != "" {
		found, err := s.find(ctx, remote.Reference, time.Now().Add(-remote.Age))
		if err != nil {
			return settled{}, err
		}
		if found == "" && remote.Age < window {
			return settled{}, failure.New(failure.Transient, CodeRunUnknown, "the run may be about to begin")
		}
		id = found
	}
	if id == "" {
		return settled{}, nil
	}
	status, refused := s.cancel(ctx, id)
	if refused == nil && status == "" {
		return settled{}, nil
	}
	run, err := s.run(ctx, id)
	switch {
	case err == nil && run == nil:
		return settled{}, nil
	case err == nil && terminal(run.status()):
		return settled{status: run.status(), run: run}, nil
	case refused != nil:
		return settled{}, refused
	}
	// The cancellation counts, though the run's steps and cost are not to be had.
	if err == nil {
		err = failure.New(failure.Transient, CodeRunUnknown, "the run is cancelled and has not ended yet")
	}
	return settled{status: status, unread: err}, nil
}
