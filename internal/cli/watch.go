package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// controlTimeout bounds a stop that somebody asked for, repetitions included.
const controlTimeout = 30 * time.Second

// errStoppedWatching says that whoever watched has left; the run goes on.
var errStoppedWatching = errors.New("stopped watching")

// watcher follows one execution to its end.
//
//	watching ──Ctrl-C──> asking ──s, c──> watching (and the run stops)
//	   │                    ├──Enter──> watching
//	   └──ended──> result   └──w, Ctrl-C──> errStoppedWatching
//
// Without a terminal Ctrl-C leads straight to errStoppedWatching. A run that ends
// while the question stands is simply over.
type watcher struct {
	client  *client.Client
	streams Streams
	id      uuid.UUID
	title   string

	display display
	answers answers
	meter   meter
	view    view
	began   time.Time
	asking  bool
	control chan error // the result of a stop under way
	outage  string     // what is said while the API does not answer
	said    string     // what came of the last choice
}

// watch shows an execution until it has ended, and gives its last state. Its errors
// are errStoppedWatching, the context's, and a refusal of the API.
func (w *watcher) watch(ctx context.Context) (wire.Execution, wire.Stats, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	every := w.streams.every
	if every <= 0 {
		every = pollEvery
	}
	w.display = newDisplay(w.streams)
	w.answers.in = w.streams.In
	w.control = make(chan error, 1)
	w.view.title = w.title
	w.began = time.Now()

	seen := make(chan observation)
	p := poller{client: w.client.WithoutRetries(), id: w.id, every: every}
	go p.run(ctx, seen)
	return w.loop(ctx, seen)
}

func (w *watcher) loop(ctx context.Context, seen <-chan observation) (wire.Execution, wire.Stats, error) {
	for {
		var lines <-chan string
		if w.asking {
			lines = w.answers.next()
		}
		var err error
		select {
		case <-ctx.Done():
			err = fmt.Errorf("%w: %w", errStoppedWatching, ctx.Err())
		case o := <-seen:
			if o.final != nil {
				w.finish(o)
				return *o.final, o.stats, nil
			}
			err = w.observe(o)
		case <-w.streams.Interrupts:
			err = w.interrupted()
		case line, open := <-lines:
			// Where nobody is there to answer, the next Ctrl-C ends the watching.
			w.streams.Interactive = w.streams.Interactive && open
			err = w.answered(ctx, choiceOf(line))
		case failed := <-w.control:
			w.stopped(failed)
		}
		if err != nil {
			return wire.Execution{}, wire.Stats{}, err
		}
	}
}

// observe takes what the API said into the view.
func (w *watcher) observe(o observation) error {
	w.outage = ""
	switch {
	case o.err != nil:
		return o.err
	case o.outage != nil:
		// A rate across a gap would be a guess.
		w.meter = meter{}
		w.outage = "API unreachable, still trying; the run does not depend on it"
	default:
		w.view.stats = o.stats
		w.meter.add(time.Now(), done(o.stats))
	}
	w.view.rate, w.view.rateKnown = w.meter.rate()
	w.show()
	return nil
}

// finish shows the end, also over a question that stands.
func (w *watcher) finish(o observation) {
	w.view.stats = o.stats
	w.outage, w.said = "", ""
	w.compose()
	w.display.finish(w.view)
}

// interrupted asks what is meant, where there is somebody to ask and nothing has been
// asked yet.
func (w *watcher) interrupted() error {
	if !w.streams.Interactive || w.asking {
		return errStoppedWatching
	}
	w.asking = true
	w.display.ask(stopQuestion)
	return nil
}

// answered does what was chosen.
func (w *watcher) answered(ctx context.Context, c choice) error {
	w.asking = false
	switch c {
	case stopWatching:
		return errStoppedWatching
	case stopDrain:
		w.said = "Stopping: running jobs may finish"
		w.stop(ctx, client.StopDrain)
	case stopCancel:
		w.said = "Stopping: running jobs are being cancelled"
		w.stop(ctx, client.StopCancel)
	case goOn:
	}
	w.show()
	return nil
}

// stop sends the stop beside the watching; its result comes by w.control.
func (w *watcher) stop(ctx context.Context, mode string) {
	go func() {
		ctx, cancel := context.WithTimeout(ctx, controlTimeout)
		defer cancel()
		_, err := w.client.Stop(ctx, w.id, mode)
		select {
		case w.control <- err:
		case <-ctx.Done():
		}
	}()
}

// stopped takes the result of a stop.
func (w *watcher) stopped(err error) {
	if err != nil {
		w.said = "The run was not stopped: " + firstLine(err)
	}
	w.show()
}

// show draws the present moment, unless a question stands.
func (w *watcher) show() {
	if w.asking {
		return
	}
	w.compose()
	w.display.draw(w.view)
}

func (w *watcher) compose() {
	w.view.notice = w.outage
	if w.view.notice == "" {
		w.view.notice = w.said
	}
	w.view.elapsed = w.elapsed()
}

// elapsed is how long the run takes, or took, where the API has told its start; of
// the watching before that.
func (w *watcher) elapsed() time.Duration {
	start, end := w.view.stats.StartedAt, w.view.stats.FinishedAt
	switch {
	case start == nil:
		return time.Since(w.began)
	case end != nil:
		return end.Sub(*start)
	}
	return max(time.Since(*start), 0)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
