package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/invopop/validation"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap/zaptest"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// scripted is an executor that does what a test says.
type scripted struct {
	do func(ctx context.Context, req executors.Request) (executors.Outcome, error)
}

func (s *scripted) Name() string                         { return "fetch" }
func (s *scripted) Needs(executors.Spec) executors.Needs { return executors.Needs{} }

func (s *scripted) Validate(executors.Spec) error {
	return validation.Errors{}.Filter()
}
func (s *scripted) Execute(ctx context.Context, req executors.Request) (executors.Outcome, error) {
	return s.do(ctx, req)
}

// bench is an execution of one job and the activities that run it.
type bench struct {
	t          *testing.T
	db         *bun.DB
	store      *store.Store
	activities *activities.Activities
	env        *testsuite.TestActivityEnvironment
	input      contract.RunJobInput
	job        models.Job
	others     []models.Job
	stop       chan struct{}
	cancel     context.CancelCauseFunc
}

func newBench(t *testing.T, executor *scripted, records activities.Records) *bench {
	t.Helper()
	db := testkit.Database(t)
	s := testkit.Store(t, db)
	p := testfactory.Project(t, s, nil)
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 3, nil), nil)
	_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, e.Workflow())
	require.NoError(t, err)
	jobs, err := s.QueuedJobs(t.Context(), e.OrganisationID, e.ID, models.QueuePage{Limit: 3})
	require.NoError(t, err)
	b := &bench{t: t, db: db, store: s, job: jobs[0], others: jobs[1:], stop: make(chan struct{})}
	b.input = contract.RunJobInput{
		ExecutionID: e.ID.String(), OrganisationID: e.OrganisationID.String(), JobID: b.job.ID.String(), MaxAttempts: 3,
	}
	if records == nil {
		records = s
	}
	if outage, ok := records.(*outage); ok {
		outage.Store = s
	}
	b.use(activities.New(
		activities.Config{Identity: "worker-1", HeartbeatInterval: 5 * time.Millisecond, StopGrace: 10 * time.Millisecond},
		records, executors.NewRegistry(executor), zaptest.NewLogger(t)))
	return b
}

// use has other activities run the job.
func (b *bench) use(a *activities.Activities) {
	b.t.Helper()
	b.activities = a
	var suite testsuite.WorkflowTestSuite
	b.env = suite.NewTestActivityEnvironment()
	options := testkit.WorkerOptions()
	options.BackgroundActivityContext, b.cancel = context.WithCancelCause(context.WithoutCancel(b.t.Context()))
	b.env.SetWorkerOptions(options)
	b.env.SetWorkerStopChannel(b.stop)
	b.env.RegisterActivityWithOptions(a.RunJob, activity.RegisterOptions{Name: contract.ActivityRunJob})
}

// cancelActivity cancels as Temporal does.
func (b *bench) cancelActivity() { b.cancel(temporal.NewCanceledError()) }

// next goes on to the next job.
func (b *bench) next() {
	b.job, b.others = b.others[0], b.others[1:]
	b.input.JobID = b.job.ID.String()
}

func (b *bench) run() (contract.JobOutcome, error) {
	b.t.Helper()
	var outcome contract.JobOutcome
	value, err := b.env.ExecuteActivity(contract.ActivityRunJob, b.input)
	if err != nil {
		return outcome, err
	}
	require.NoError(b.t, value.Get(&outcome))
	return outcome, nil
}

func (b *bench) stored() (*models.Job, []models.Session) {
	b.t.Helper()
	j, err := b.store.Job(b.t.Context(), models.DefaultOrganisationID, b.job.ID)
	require.NoError(b.t, err)
	sessions, err := b.store.JobSessions(b.t.Context(), models.DefaultOrganisationID, b.job.ID)
	require.NoError(b.t, err)
	return j, sessions
}

func price() (executors.Outcome, error) {
	return executors.Outcome{
		Fields: map[string]any{"price": map[string]any{"amount": "10.00", "currency": "EUR"}},
		Usage:  executors.Usage{Requests: 1, Bytes: 1000},
	}, nil
}

func applicationError(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	var failed *temporal.ApplicationError
	require.ErrorAs(t, err, &failed)
	return failed
}

func TestRunJob(t *testing.T) {
	t.Parallel()

	t.Run("ScoresAndWritesWhatTheExecutorBrought", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(_ context.Context, req executors.Request) (executors.Outcome, error) {
			require.Equal(t, "https://shop.example/1", req.URL)
			require.Equal(t, "Find the price.", req.Instruction)
			require.Equal(t, 1, req.Attempt)
			return price()
		}}, nil)
		outcome, err := b.run()
		require.NoError(t, err)
		require.Equal(t, contract.JobOutcome{
			JobID: b.input.JobID, Status: "completed", Verdict: "correct", Attempts: 1, Fields: map[string]bool{"price": true},
		}, outcome)
		j, sessions := b.stored()
		require.Equal(t, models.JobCompleted, j.Status)
		require.InDelta(t, 1, *j.Accuracy, 0)
		require.Len(t, sessions, 1)
		require.JSONEq(t, `{"requests":1,"bytes":1000}`, string(sessions[0].Usage))
	})

	t.Run("DoesNotDoAgainWhatWasDone", func(t *testing.T) {
		t.Parallel()
		calls := 0
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			calls++
			return price()
		}}, nil)
		first, err := b.run()
		require.NoError(t, err)
		second, err := b.run()
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.Equal(t, 1, calls)
	})

	t.Run("HasAFailureTriedAgainByItsClass", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			return executors.Outcome{Evidence: executors.Evidence{StatusCode: 429}}, &failure.Error{Class: failure.RateLimit, Code: "HTTP_429", Message: "slow down", RetryAfter: 7 * time.Second}
		}}, nil)
		_, err := b.run()
		failed := applicationError(t, err)
		require.Equal(t, "rate_limit", failed.Type())
		require.False(t, failed.NonRetryable())
		require.Equal(t, 7*time.Second, failed.NextRetryDelay())
		require.False(t, failed.HasDetails())
		j, sessions := b.stored()
		require.Equal(t, models.JobRunning, j.Status)
		require.WithinDuration(t, time.Now().Add(7*time.Second), *j.NextAttemptAt, 3*time.Second)
		require.Equal(t, models.SessionFailed, sessions[0].Status)
		require.JSONEq(t, `{"status_code":429}`, string(sessions[0].Evidence), "what was seen is kept")
	})

	t.Run("FailsTheJobForGoodAndSaysWhatItCameTo", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			err         error
			maxAttempts int
			class       string
		}{
			"WhenTheFailureIsPermanent":  {failure.New(failure.Permanent, "HTTP_404", "gone"), 3, "permanent"},
			"WhenTheAttemptWasTheLast":   {failure.New(failure.Transient, "HTTP_503", "unwell"), 1, "transient"},
			"WhenAnUnknownErrorWasLast":  {errors.New("odd"), 1, "transient"},
			"WhenTheDeadlinePassedTwice": {context.DeadlineExceeded, 1, "timeout"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
					return executors.Outcome{}, c.err
				}}, nil)
				b.input.MaxAttempts = c.maxAttempts
				_, err := b.run()
				failed := applicationError(t, err)
				require.True(t, failed.NonRetryable())
				var outcome contract.JobOutcome
				require.NoError(t, failed.Details(&outcome))
				require.Equal(t, contract.JobOutcome{JobID: b.input.JobID, Status: "failed", ErrorClass: c.class, Attempts: 1}, outcome)
				j, _ := b.stored()
				require.Equal(t, models.JobFailed, j.Status)
			})
		}
	})

	t.Run("TakesAPanicForAPermanentFailureOfThatJob", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) { panic("boom") }}, nil)
		_, err := b.run()
		require.Equal(t, "permanent", applicationError(t, err).Type())
		j, _ := b.stored()
		require.Equal(t, "EXECUTOR_PANIC", j.ErrorCode)
	})

	t.Run("HandsTheJobBackWhenItsWorkerStops", func(t *testing.T) {
		t.Parallel()
		var b *bench
		b = newBench(t, &scripted{do: func(ctx context.Context, _ executors.Request) (executors.Outcome, error) {
			close(b.stop)
			<-ctx.Done()
			return executors.Outcome{}, ctx.Err()
		}}, nil)
		b.input.MaxAttempts = 1 // a lost attempt is not one of them
		_, err := b.run()
		failed := applicationError(t, err)
		require.False(t, failed.NonRetryable())
		require.Equal(t, time.Millisecond, failed.NextRetryDelay())
		j, sessions := b.stored()
		require.Equal(t, models.JobRunning, j.Status)
		require.Equal(t, models.SessionLost, sessions[0].Status)
		require.Equal(t, "HANDED_BACK", sessions[0].ErrorCode)
	})

	t.Run("GivesUpAJobThatLostTooManyAttemptsWithoutDoingItAgain", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			t.Error("the job is done once more")
			return price()
		}}, nil)
		for range b.input.MaxAttempts + contract.LostAllowance {
			_, _, err := b.store.BeginAttempt(t.Context(), models.DefaultOrganisationID, b.executionID(), b.job.ID, "worker-that-dies")
			require.NoError(t, err)
		}
		_, err := b.run()
		failed := applicationError(t, err)
		require.True(t, failed.NonRetryable())
		require.True(t, failed.HasDetails())
		j, _ := b.stored()
		require.Equal(t, models.JobFailed, j.Status)
		require.Equal(t, store.CodeWorkerLost, j.ErrorCode)
	})

	t.Run("LosesItsSayWhenANewerAttemptHasBegun", func(t *testing.T) {
		t.Parallel()
		var b *bench
		b = newBench(t, &scripted{do: func(ctx context.Context, _ executors.Request) (executors.Outcome, error) {
			_, _, err := b.store.BeginAttempt(ctx, models.DefaultOrganisationID, b.executionID(), b.job.ID, "worker-2")
			require.NoError(t, err)
			return price()
		}}, nil)
		_, err := b.run()
		failed := applicationError(t, err)
		require.Equal(t, "permanent", failed.Type())
		require.False(t, failed.HasDetails(), "it has no outcome to tell")
		j, sessions := b.stored()
		require.Equal(t, models.JobRunning, j.Status)
		require.Equal(t, 2, j.Attempt)
		require.Len(t, sessions, 2)
	})

	t.Run("HoldsAnOutcomeWhileTheDatabaseIsAway", func(t *testing.T) {
		t.Parallel()
		away := &outage{writes: 3}
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) { return price() }}, away)
		outcome, err := b.run()
		require.NoError(t, err)
		require.Equal(t, "completed", outcome.Status)
		require.Zero(t, away.writes)
	})
}

func TestAwkwardResults(t *testing.T) {
	t.Parallel()

	t.Run("AreStoredWithoutWhatPostgreSQLCannotTake", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			return executors.Outcome{
				Fields: map[string]any{"sku": "A\x00B\xff", "pri\x00ce": json.Number("1.50")},
				Raw:    json.RawMessage(`{"text":"a\u0000b"}`),
			}, nil
		}}, nil)
		_, err := b.run()
		require.NoError(t, err)
		j, sessions := b.stored()
		require.Equal(t, "A\uFFFDB\uFFFD", j.Result["sku"])
		require.Contains(t, j.Result, "pri\uFFFDce")
		require.JSONEq(t, `{"text":"a\uFFFDb"}`, string(sessions[0].Raw))
	})

	t.Run("FailTheirOwnJobWhenTheyAreNoJSON", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			return executors.Outcome{Fields: map[string]any{"rating": math.NaN()}}, nil
		}}, nil)
		_, err := b.run()
		require.Equal(t, "permanent", applicationError(t, err).Type())
		j, _ := b.stored()
		require.Equal(t, "RESULT_NOT_STORABLE", j.ErrorCode)
	})

	t.Run("FailTheirOwnJobWhenTheyAreTooLarge", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
			return executors.Outcome{Fields: map[string]any{"sku": strings.Repeat("x", 2<<20)}}, nil
		}}, nil)
		_, err := b.run()
		require.Equal(t, "permanent", applicationError(t, err).Type())
		j, _ := b.stored()
		require.Equal(t, "RESULT_TOO_LARGE", j.ErrorCode)
	})

	t.Run("LoseTheirRawPartWhenItIsTooLargeOrNoJSON", func(t *testing.T) {
		t.Parallel()
		for name, raw := range map[string]string{"TooLarge": `"` + strings.Repeat("x", 300<<10) + `"`, "NoJSON": `{broken`} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, &scripted{do: func(context.Context, executors.Request) (executors.Outcome, error) {
					return executors.Outcome{Fields: map[string]any{"sku": "A1"}, Raw: json.RawMessage(raw)}, nil
				}}, nil)
				_, err := b.run()
				require.NoError(t, err)
				_, sessions := b.stored()
				require.Contains(t, string(sessions[0].Raw), "omitted")
			})
		}
	})
}
