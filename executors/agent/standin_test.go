package agent_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/internal/standin"
	"github.com/minohq/mino/models/failure"
)

func newStandin(t *testing.T) (*standin.Server, *agent.Executor) {
	t.Helper()
	server := standin.New(standin.Config{Seed: 7, APIKey: operatorKey})
	served := httptest.NewServer(server)
	t.Cleanup(served.Close)
	t.Cleanup(server.Close)
	server.Default(standin.Behaviour{Duration: 20 * time.Millisecond, Queued: time.Millisecond, Steps: 5})
	return server, newExecutor(t, nil, func(c *agent.Config) {
		c.BaseURL = served.URL
		c.SettleWindow = 100 * time.Millisecond
	})
}

// death is where the first attempt at a job dies.
type death string

const (
	survives       death = "Survives"
	diesAnnounced  death = "DiesBeforeTheCreate"
	handsBack      death = "HandsBackDuringTheCreate"
	diesCreated    death = "DiesBeforeTheIDIsStored"
	diesFollowing  death = "DiesWhileItFollows"
	recordsAreAway death = "CannotStoreTheID"
)

// job is what the records know of a job, over its attempts.
type job struct {
	url       string
	death     death
	remote    executors.RemoteRun
	announced time.Time
}

// follows tells whether progress is that of a run.
func follows(progress string) bool {
	return strings.HasPrefix(progress, "PENDING") || strings.HasPrefix(progress, "RUNNING")
}

var errDied = errors.New("the worker died")

// attempt makes one attempt; one that dies tells the records nothing more.
func (j *job) attempt(ctx context.Context, e *agent.Executor, number int) (executors.Outcome, error) {
	ctx, die := context.WithCancelCause(ctx)
	defer die(nil)
	at := func(d death) bool { return number == 1 && j.death == d }
	if j.remote.Reference != "" {
		j.remote.Age = time.Since(j.announced)
	}
	out, err := e.Execute(ctx, executors.Request{
		URL: j.url, Instruction: "Read the price.", Fields: wantedFields, Attempt: number, Remote: j.remote,
		Heartbeat: func(progress string) {
			if at(handsBack) && progress == "beginning a run" {
				die(executors.ErrHandedBack)
			}
			if at(diesFollowing) && follows(progress) {
				die(errDied)
			}
		},
		Announce: func(_ context.Context, reference string) error {
			j.remote, j.announced = executors.RemoteRun{Reference: reference}, time.Now()
			if at(diesAnnounced) {
				return errDied
			}
			return nil
		},
		Checkpoint: func(_ context.Context, id string) error {
			if at(diesCreated) {
				die(errDied)
			}
			if at(diesCreated) || at(recordsAreAway) {
				return errAway
			}
			j.remote.ID = id
			return nil
		},
	})
	if out.RemoteEnded && !at(diesAnnounced) {
		j.remote = executors.RemoteRun{}
	}
	return out, err
}

// Whatever befalls a create, and wherever the worker dies, a job pays for one run.
func TestEveryJobPaysForOneRun(t *testing.T) {
	t.Parallel()
	server, e := newStandin(t)
	for _, fault := range []standin.FaultKind{
		standin.None, standin.CutAfter, standin.Timeout, standin.Gateway, standin.Garbled, standin.CutBefore,
		standin.Internal, standin.Busy, standin.RateLimited,
	} {
		for _, death := range []death{survives, diesAnnounced, handsBack, diesCreated, diesFollowing, recordsAreAway} {
			name := string(fault) + "And" + string(death)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				j := &job{url: "https://shop.example/" + name, death: death}
				server.Script(j.url, standin.Behaviour{
					Create: []standin.Fault{{Kind: fault}}, Duration: 20 * time.Millisecond, Queued: time.Millisecond, Steps: 5,
				})
				out, err := j.attempt(t.Context(), e, 1)
				for number := 2; err != nil; number++ {
					require.LessOrEqual(t, number, 4, "%v", err)
					require.True(t, failure.Classify(err).Class.Retryable(), "%v", err)
					out, err = j.attempt(t.Context(), e, number)
				}
				require.Contains(t, out.Fields, "price")
				require.Equal(t, 5, out.Usage.Steps)
				require.Equal(t, int64(80_000), out.Usage.CostMicros)
				require.Len(t, server.RunsOf(j.url), 1)
			})
		}
	}
}

func TestWhatTheStandinsRunsComeTo(t *testing.T) {
	t.Parallel()
	server, e := newStandin(t)
	for kind, check := range map[standin.OutcomeKind]func(*testing.T, executors.Outcome, error){
		standin.Completed: func(t *testing.T, out executors.Outcome, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Contains(t, out.Fields, "name")
			require.Empty(t, out.Blocked)
			require.NotEmpty(t, out.Evidence.RunURL)
			require.Len(t, out.Files, 1)
			require.NotEmpty(t, out.Files[0].Data)
		},
		standin.Blocked: func(t *testing.T, out executors.Outcome, err error) {
			t.Helper()
			require.NoError(t, err)
			require.NotEmpty(t, out.Blocked)
		},
		standin.AllNull: func(t *testing.T, out executors.Outcome, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Empty(t, out.Fields)
			require.Empty(t, out.Blocked)
		},
		standin.SchemaInvalid: func(t *testing.T, out executors.Outcome, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Contains(t, string(out.Raw), `"valid":false`)
		},
		standin.Failed: func(t *testing.T, out executors.Outcome, err error) {
			t.Helper()
			requireFailure(t, err, failure.Permanent, "TASK_FAILED")
			require.True(t, out.RemoteEnded)
		},
		standin.Cancelled: func(t *testing.T, out executors.Outcome, err error) {
			t.Helper()
			requireFailure(t, err, failure.Transient, agent.CodeRunCancelled)
			require.True(t, out.RemoteEnded)
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			url := "https://shop.example/" + string(kind)
			server.Script(url, standin.Behaviour{
				Outcomes: []standin.Outcome{{Kind: kind}}, Duration: 5 * time.Millisecond, Queued: time.Millisecond, Steps: 5,
				Poll: []standin.Fault{{Kind: standin.Internal}, {Kind: standin.CutBefore}, {Kind: standin.RateLimited}},
			})
			out, err := e.Execute(t.Context(), request(&records{}, with(`{"capture_screenshot":true}`), func(req *executors.Request) { req.URL = url }))
			check(t, out, err)
			require.Len(t, server.RunsOf(url), 1)
		})
	}
	for name, cause := range map[string]error{"Stopped": executors.ErrStopped, "OutOfTime": context.DeadlineExceeded, "HandedBack": executors.ErrHandedBack} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "https://shop.example/" + name
			server.Script(url, standin.Behaviour{Outcomes: []standin.Outcome{{Kind: standin.NeverEnds}}, Queued: time.Millisecond})
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			r := &records{}
			out, err := e.Execute(ctx, request(r, func(req *executors.Request) {
				req.URL = url
				req.Heartbeat = func(progress string) {
					if follows(progress) {
						cancel(cause)
					}
				}
			}))
			require.Error(t, err)
			status := server.RunsOf(url)[0].Status
			if !errors.Is(cause, executors.ErrHandedBack) {
				require.True(t, out.RemoteEnded)
				require.Equal(t, standin.StatusCancelled, status)
				return
			}
			require.False(t, out.RemoteEnded)
			require.NotEqual(t, standin.StatusCancelled, status)
			settled, err := e.Settle(t.Context(), executors.RemoteRun{Reference: r.references[0]}, nil, nil)
			require.NoError(t, err)
			require.Equal(t, "CANCELLED", settled.Status)
			require.Equal(t, standin.StatusCancelled, server.RunsOf(url)[0].Status)
		})
	}
}
