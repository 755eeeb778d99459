package agent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/models/failure"
)

// end is why a context has ended, and whether the run is to be cancelled then.
type end struct {
	cause   error
	cancels bool
	late    bool
}

var ends = map[string]end{
	"Stopped":    {cause: executors.ErrStopped, cancels: true},
	"OutOfTime":  {cause: context.DeadlineExceeded, cancels: true, late: true},
	"HandedBack": {cause: executors.ErrHandedBack},
	"GivenUp":    {cause: errors.New("another attempt has it")},
}

func (e end) require(t *testing.T, err error) {
	t.Helper()
	if e.late {
		requireFailure(t, err, failure.Timeout, agent.CodeDeadline)
		return
	}
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheEndOfTheContextSaysWhatBecomesOfARunThatIsFollowed(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			r := &records{}
			f := newFar(t, func(f *far) {
				f.run = func(n int) reply {
					switch {
					case n == 2:
						cancel(end.cause)
						return running()
					case n > 2:
						return says(200, object{"run_id": "run-1", "status": "CANCELLED", "num_of_steps": 7, "streaming_url": "https://watch.example/1"})
					}
					return running()
				}
			})
			out, err := newExecutor(t, f).Execute(ctx, request(r))
			end.require(t, err)
			require.Equal(t, []string{"run-1"}, r.ids)
			require.Equal(t, end.cancels, out.RemoteEnded)
			require.Equal(t, map[bool]int{true: 1}[end.cancels], f.count("cancel"))
			if end.cancels {
				require.Equal(t, 7, out.Usage.Steps)
				require.Equal(t, "https://watch.example/1", out.Evidence.RunURL)
				require.Zero(t, out.Usage.CostMicros)
			}
		})
	}
}

func TestTheEndOfTheContextDuringACreate(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		for what, answers := range map[string]bool{"WhoseAnswerComes": true, "WhoseAnswerIsLost": false} {
			t.Run(name+what, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				r := &records{}
				f := newFar(t, func(f *far) {
					f.list = found
					f.run = func(int) reply { return cancelled("CANCELLED") }
					f.create = func(int, object) reply {
						cancel(end.cause)
						if !answers {
							return nil
						}
						return says(200, object{"run_id": "run-1", "error": nil})
					}
				})
				out, err := newExecutor(t, f).Execute(ctx, request(r))
				end.require(t, err)
				require.Equal(t, end.cancels, out.RemoteEnded)
				require.Equal(t, map[bool]int{true: 1}[end.cancels], f.count("cancel"))
				require.Equal(t, 1, f.count("create"))
				if answers {
					require.Equal(t, []string{"run-1"}, r.ids, "its id is stored for whoever goes on")
				}
			})
		}
	}
	t.Run("ThatHasBegunNothingAsFarAsIsKnown", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		f := newFar(t, func(f *far) {
			f.create = func(int, object) reply {
				cancel(executors.ErrStopped)
				return nil
			}
		})
		out, err := newExecutor(t, f).Execute(ctx, request(&records{}))
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, out.RemoteEnded, "it may be about to begin")
	})
	t.Run("ThatWasRefused", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		f := newFar(t, func(f *far) {
			f.create = func(int, object) reply {
				cancel(executors.ErrStopped)
				return refuses(400, "INVALID_INPUT", "")
			}
		})
		out, err := newExecutor(t, f).Execute(ctx, request(&records{}))
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, out.RemoteEnded)
		require.Len(t, f.calls, 1)
	})
}

func TestTheEndOfTheContextBeforeTheFirstLook(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(end.cause)
			f := newFar(t, func(f *far) { f.run = func(int) reply { return cancelled("CANCELLED") } })
			out, err := newExecutor(t, f).Execute(ctx, request(&records{}, remote(executors.RemoteRun{ID: "run-1"})))
			end.require(t, err)
			require.Equal(t, end.cancels, out.RemoteEnded)
			require.Equal(t, map[bool]int{true: 1}[end.cancels], f.count("cancel"))
		})
		t.Run(name+"WithNothingBegun", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(end.cause)
			f := newFar(t)
			_, err := newExecutor(t, f).Execute(ctx, request(&records{}))
			end.require(t, err)
			require.Empty(t, f.calls)
		})
	}
}

func TestARunThatCompletesAsItsJobEnds(t *testing.T) {
	t.Parallel()
	followed := func(cause error, f *far) (executors.Outcome, error) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		return newExecutor(t, f).Execute(ctx, request(&records{}, remote(executors.RemoteRun{ID: "run-1", Age: time.Minute})))
	}
	t.Run("InTimeIsAResult", func(t *testing.T) {
		t.Parallel()
		out, err := followed(context.DeadlineExceeded, newFar(t, func(f *far) {
			f.cancel = func(int) reply { return cancelled("COMPLETED") }
		}))
		require.NoError(t, err)
		require.Equal(t, "Lamp", out.Fields["name"])
		require.Equal(t, int64(192_000), out.Usage.CostMicros)
	})
	t.Run("InTimeButUnreadableIsLeftForTheNextAttempt", func(t *testing.T) {
		t.Parallel()
		out, err := followed(context.DeadlineExceeded, newFar(t, func(f *far) {
			f.cancel = func(int) reply { return cancelled("COMPLETED") }
			f.run = func(int) reply { return nil }
		}))
		requireFailure(t, err, failure.Timeout, agent.CodeDeadline)
		require.False(t, out.RemoteEnded)
	})
	t.Run("StoppedIsPaidFor", func(t *testing.T) {
		t.Parallel()
		out, err := followed(executors.ErrStopped, newFar(t, func(f *far) {
			f.cancel = func(int) reply { return cancelled("COMPLETED") }
		}))
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, out.RemoteEnded)
		require.Equal(t, 12, out.Usage.Steps)
		require.Equal(t, int64(192_000), out.Usage.CostMicros)
	})
	t.Run("StoppedWithoutConfirmationIsNotOver", func(t *testing.T) {
		t.Parallel()
		out, err := followed(executors.ErrStopped, newFar(t, func(f *far) {
			f.cancel = func(int) reply { return refuses(500, "INTERNAL_ERROR", "") }
			f.run = func(int) reply { return running() }
		}))
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, out.RemoteEnded)
	})
	t.Run("StoppedAndCancelledWhateverIsReadAfterIt", func(t *testing.T) {
		t.Parallel()
		out, err := followed(executors.ErrStopped, newFar(t, func(f *far) { f.run = func(int) reply { return nil } }))
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, out.RemoteEnded)
	})
}

func TestLooksThatFailAreBorne(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]reply{
		"Cut": nil, "Busy": refuses(503, "SERVICE_BUSY", ""), "RateLimit": refuses(429, "RATE_LIMIT_EXCEEDED", ""),
		"NotJSON": says(200, "text"), "NoRun": says(200, object{"data": 1}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t, func(f *far) {
				f.run = func(n int) reply {
					switch {
					case n <= 4:
						return trouble
					case n == 5:
						return running()
					case n <= 9:
						return trouble
					}
					return completed(lamp)
				}
			})
			out, err := newExecutor(t, f).Execute(t.Context(), request(&records{}))
			require.NoError(t, err)
			require.Equal(t, "Lamp", out.Fields["name"])
			require.Equal(t, 1, f.count("create"))
			require.Equal(t, 10, f.count("run"))
		})
	}
	t.Run("RateLimitsForAsLongAsTheyLast", func(t *testing.T) {
		t.Parallel()
		f := newFar(t, func(f *far) {
			f.run = func(n int) reply {
				if n <= 30 {
					return refuses(429, "RATE_LIMIT_EXCEEDED", "")
				}
				return completed(lamp)
			}
		})
		_, err := newExecutor(t, f).Execute(t.Context(), request(&records{}))
		require.NoError(t, err)
	})
	for name, test := range map[string]struct {
		trouble reply
		class   failure.Class
		code    string
	}{
		"Cut":  {nil, failure.Network, "CONNECTION_RESET"},
		"Busy": {refuses(503, "SERVICE_BUSY", ""), failure.Transient, "SERVICE_BUSY"},
	} {
		t.Run(name+"ButNotForEver", func(t *testing.T) {
			t.Parallel()
			f := newFar(t, func(f *far) { f.run = func(int) reply { return test.trouble } })
			out, err := newExecutor(t, f).Execute(t.Context(), request(&records{}))
			requireFailure(t, err, test.class, test.code)
			require.False(t, out.RemoteEnded, "another attempt goes on with the run")
			require.GreaterOrEqual(t, f.count("run"), 12) // a question may be repeated over a new connection
			require.Zero(t, f.count("cancel"))
		})
	}
}
