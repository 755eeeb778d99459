package activities_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap/zaptest"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/executors"
	executor "github.com/minohq/mino/executors/activity"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// unheard is a store whose answer to the first outcome is lost.
type unheard struct {
	*store.Store

	lost bool
}

// CompleteAttempt writes a result.
func (u *unheard) CompleteAttempt(ctx context.Context, a *store.Attempt, s store.Success) error {
	if err := u.Store.CompleteAttempt(ctx, a, s); err != nil || u.lost {
		return err
	}
	u.lost = true
	return models.ErrUnavailable
}

// calls is a job that somebody's own activity does.
type calls struct {
	t          *testing.T
	store      *store.Store
	execution  *models.Execution
	activities *activities.Activities
	input      contract.RunJobInput
}

func newCalls(t *testing.T, wrap func(*store.Store) activities.Records) *calls {
	t.Helper()
	c := &calls{t: t, store: testkit.Store(t, testkit.Database(t))}
	p := testfactory.Project(t, c.store, func(p *models.Project) {
		p.Executor, p.Settings = executor.Name, []byte(`{"activity_type":"ReadPrice","task_queue":"scrapers","input":{"depth":2}}`)
	})
	c.execution = testfactory.Execution(t, c.store, p, testfactory.Batch(t, c.store, p, 1, nil), nil)
	_, err := c.store.BeginExecution(t.Context(), c.execution.OrganisationID, c.execution.ID, c.execution.Workflow())
	require.NoError(t, err)
	jobs, err := c.store.QueuedJobs(t.Context(), c.execution.OrganisationID, c.execution.ID, models.QueuePage{Limit: 1})
	require.NoError(t, err)
	c.input = contract.RunJobInput{
		ExecutionID: c.execution.ID.String(), OrganisationID: c.execution.OrganisationID.String(),
		JobID: jobs[0].ID.String(), MaxAttempts: 2,
	}
	records := activities.Records(c.store)
	if wrap != nil {
		records = wrap(c.store)
	}
	c.activities = activities.New(activities.Config{Identity: "worker-1"}, records, executors.NewRegistry(executor.New()), zaptest.NewLogger(t))
	return c
}

func (c *calls) begin() *contract.ActivityRequest {
	c.t.Helper()
	begun, err := c.activities.BeginCall(c.t.Context(), c.input)
	require.NoError(c.t, err)
	require.NotNil(c.t, begun.Request)
	return begun.Request
}

func (c *calls) ending(request *contract.ActivityRequest) contract.EndCallInput {
	return contract.EndCallInput{RunJobInput: c.input, SessionID: request.SessionID, Attempt: request.Attempt}
}

// end ends an attempt twice, as when the answer to the first was lost, and requires
// the same of both.
func (c *calls) end(in contract.EndCallInput) contract.EndCallResult {
	c.t.Helper()
	first, err := c.activities.EndCall(c.t.Context(), in)
	require.NoError(c.t, err)
	again, err := c.activities.EndCall(c.t.Context(), in)
	require.NoError(c.t, err)
	require.Equal(c.t, first.Outcome, again.Outcome)
	require.Equal(c.t, first.RetryDelayMS > 0, again.RetryDelayMS > 0)
	require.LessOrEqual(c.t, again.RetryDelayMS, first.RetryDelayMS+1000, "the wait is not begun anew")
	return first
}

func (c *calls) sessions() []models.Session {
	c.t.Helper()
	sessions, err := c.store.JobSessions(c.t.Context(), c.execution.OrganisationID, c.job().ID)
	require.NoError(c.t, err)
	return sessions
}

func (c *calls) job() *models.Job {
	c.t.Helper()
	jobs, err := c.store.ListJobs(c.t.Context(), c.execution.OrganisationID,
		models.JobFilter{BatchID: c.execution.BatchID}, models.JobPage{Limit: 1})
	require.NoError(c.t, err)
	return &jobs[0]
}

func price1000() *contract.ActivityResult {
	return &contract.ActivityResult{Fields: map[string]any{"price": "10.00 EUR", "unasked": "x"}, CostMicros: -5, RemoteRunID: "run-1"}
}

func TestBeginCall(t *testing.T) {
	t.Parallel()

	t.Run("GivesWhatTheActivityIsCalledWith", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		request := c.begin()
		require.Equal(t, c.sessions()[0].ID.String(), request.SessionID)
		require.Equal(t, "https://shop.example/1", request.URL)
		require.JSONEq(t, `{"depth":2}`, string(request.Settings))
		require.Equal(t, []contract.RequestedField{{Name: "price", Type: "money"}, {Name: "sku", Type: "text"}}, request.Fields)
		require.EqualValues(t, 30_000, request.TimeoutMS)
	})

	t.Run("BegunTwiceIsAnAttemptThatWasLost", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		first := c.begin()
		second := c.begin()
		require.Equal(t, 2, second.Attempt)
		_, err := c.activities.EndCall(t.Context(), contract.EndCallInput{
			RunJobInput: c.input, SessionID: first.SessionID, Attempt: 1, Result: price1000(),
		})
		require.Equal(t, contract.ErrorTypePermanent, applicationError(t, err).Type(), "the first has no say any more")
		require.Equal(t, models.JobRunning, c.job().Status)
		require.Equal(t, "completed", c.end(c.with(second, price1000())).Outcome.Status)
		require.Equal(t, models.SessionLost, c.sessions()[1].Status)
	})

	t.Run("SaysThatTheExecutionIsHeld", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		require.NoError(t, c.store.RecordState(t.Context(), c.execution.OrganisationID, c.execution.ID, models.ExecutionPaused, 10, ""))
		begun, err := c.activities.BeginCall(t.Context(), c.input)
		require.NoError(t, err)
		require.Equal(t, contract.StatusHeld, begun.Outcome.Status)
		require.Empty(t, c.sessions())
	})

	t.Run("GivesTheOutcomeOfAJobThatHasEnded", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		done := c.end(c.with(c.begin(), price1000()))
		begun, err := c.activities.BeginCall(t.Context(), c.input)
		require.NoError(t, err)
		require.Equal(t, done.Outcome, begun.Outcome)
	})

	t.Run("EndsAJobThatHasLostTooManyAttempts", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		for range c.input.MaxAttempts + contract.LostAllowance {
			c.begin()
		}
		begun, err := c.activities.BeginCall(t.Context(), c.input)
		require.NoError(t, err)
		require.Equal(t, "failed", begun.Outcome.Status)
		require.Equal(t, models.JobFailed, c.job().Status)
	})
}

// with ends an attempt with a result.
func (c *calls) with(request *contract.ActivityRequest, result *contract.ActivityResult) contract.EndCallInput {
	in := c.ending(request)
	in.Result = result
	return in
}

func TestEndCall(t *testing.T) {
	t.Parallel()

	t.Run("ScoresAndWritesAResultOnce", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		ended := c.end(c.with(c.begin(), price1000()))
		require.Equal(t, "correct", ended.Outcome.Verdict)
		j := c.job()
		require.Equal(t, map[string]any{"price": map[string]any{"amount": "10.00", "currency": "EUR"}}, j.Result, "what nobody asked for is in the raw result")
		session := c.sessions()[0]
		require.Equal(t, "run-1", session.RemoteRunID)
		require.JSONEq(t, `{"price":"10.00 EUR","unasked":"x"}`, string(session.Raw))
		require.Zero(t, session.CostMicros)
	})

	t.Run("EndsWellWhenTheAnswerToTheWriteIsLost", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, func(s *store.Store) activities.Records { return &unheard{Store: s} })
		in := c.with(c.begin(), price1000())
		require.Equal(t, "completed", c.end(in).Outcome.Status)
		require.Equal(t, models.SessionSucceeded, c.sessions()[0].Status)
	})

	t.Run("TriesFailuresAgainByTheirClass", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		in := c.ending(c.begin())
		in.Failure = &contract.CallFailure{Class: contract.ErrorTypeTransient, Code: "ACTIVITY_FAILED", Message: "later", RetryAfterMS: 60_000}
		require.EqualValues(t, 60_000, c.end(in).RetryDelayMS)
		in = c.ending(c.begin())
		in.Failure = &contract.CallFailure{Class: contract.ErrorTypeTransient, Code: "ACTIVITY_FAILED", Message: "never"}
		ended := c.end(in)
		require.Equal(t, &contract.JobOutcome{JobID: c.input.JobID, Status: "failed", ErrorClass: "transient", Attempts: 2}, ended.Outcome)
		require.Equal(t, "never", c.job().ErrorMessage)
	})

	t.Run("DoesNotCountWhatWasLost", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		for range 3 {
			in := c.ending(c.begin())
			in.Failure = &contract.CallFailure{Class: contract.ErrorTypeTransient, Code: "WORKER_LOST", Message: "silent", Lost: true}
			require.Less(t, c.end(in).RetryDelayMS, time.Second.Milliseconds())
		}
		for _, session := range c.sessions() {
			require.Equal(t, models.SessionLost, session.Status)
		}
	})

	t.Run("NeverTriesWhatIsPermanent", func(t *testing.T) {
		t.Parallel()
		for code, result := range map[string]*contract.ActivityResult{
			"NO_RESULT":        nil,
			"RESULT_TOO_LARGE": {Fields: map[string]any{"sku": strings.Repeat("x", 2<<20)}},
		} {
			c := newCalls(t, nil)
			require.Equal(t, "failed", c.end(c.with(c.begin(), result)).Outcome.Status)
			require.Equal(t, code, c.job().ErrorCode)
		}
	})

	t.Run("CancelsWithTheExecution", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		in := c.ending(c.begin())
		in.Failure = &contract.CallFailure{Cancelled: true}
		require.Equal(t, "cancelled", c.end(in).Outcome.Status)
		require.Equal(t, models.SessionCancelled, c.sessions()[0].Status)
	})

	t.Run("KeepsValuesThatDoNotFitForTheVerdict", func(t *testing.T) {
		t.Parallel()
		c := newCalls(t, nil)
		ended := c.end(c.with(c.begin(), &contract.ActivityResult{Fields: map[string]any{"price": "dear", "sku": nil}}))
		require.Equal(t, "schema_invalid", ended.Outcome.Verdict)
		require.Equal(t, map[string]any{"price": "dear"}, c.job().Result)
	})
}

// TestQueuesOfTheOrganisation holds that a project which was written when it might name a
// task queue is not run there once it may not.
func TestQueuesOfTheOrganisation(t *testing.T) {
	t.Parallel()
	c := newCalls(t, nil)
	begin := func() error {
		_, err := c.activities.Begin(t.Context(), contract.BeginInput{
			ExecutionID: c.execution.ID.String(), WorkflowID: c.execution.Workflow(),
		})
		return err
	}
	allow := func(queues []string) {
		organisation, err := c.store.Organisation(t.Context(), c.execution.OrganisationID)
		require.NoError(t, err)
		organisation.TaskQueues = queues
		require.NoError(t, c.store.UpdateOrganisation(t.Context(), organisation))
	}
	require.NoError(t, begin(), "any, unless the operator says which")
	for _, queues := range [][]string{{}, {"others"}} {
		allow(queues)
		err := begin()
		require.ErrorContains(t, err, "task_queue: is not one that the organisation may use", "%q", queues)
		var failed *temporal.ApplicationError
		require.ErrorAs(t, err, &failed)
		require.True(t, failed.NonRetryable())
	}
	allow([]string{"others", "scrapers"})
	require.NoError(t, begin())

	own := activities.New(activities.Config{}, c.store, executors.NewRegistry(executor.New("scrapers")), zaptest.NewLogger(t))
	_, err := own.Begin(t.Context(), contract.BeginInput{ExecutionID: c.execution.ID.String(), WorkflowID: c.execution.Workflow()})
	require.ErrorContains(t, err, "task_queue: is one of MINO's own")
}
