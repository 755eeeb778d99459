package orphans_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/orphans"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
)

// settler is an executor whose runs are settled as a test says.
type settler struct {
	mu     sync.Mutex
	asked  []executors.RemoteRun
	answer func(n int, run executors.RemoteRun, settings json.RawMessage, secrets map[string]string) (executors.Settlement, error)
}

func (*settler) Name() string                  { return "agent" }
func (*settler) Validate(executors.Spec) error { return nil }
func (*settler) Needs(executors.Spec) executors.Needs {
	return executors.Needs{Secrets: []string{"api_key"}}
}

func (*settler) Execute(context.Context, executors.Request) (executors.Outcome, error) {
	return executors.Outcome{}, errors.New("nothing is executed here")
}

func (s *settler) Settle(_ context.Context, run executors.RemoteRun, settings json.RawMessage, secrets map[string]string) (executors.Settlement, error) {
	s.mu.Lock()
	s.asked = append(s.asked, run)
	n := len(s.asked)
	s.mu.Unlock()
	return s.answer(n, run, settings, secrets)
}

type fixedSecrets map[string]string

func (f fixedSecrets) Open(context.Context, uuid.UUID, uuid.UUID, []string) (map[string]string, error) {
	return f, nil
}

func TestSweep(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)
	p := testfactory.Project(t, s, func(p *models.Project) { p.Executor, p.Settings = "agent", []byte(`{"max_steps":9}`) })
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 3, nil), nil)
	_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, e.Workflow())
	require.NoError(t, err)
	jobs, err := s.QueuedJobs(t.Context(), e.OrganisationID, e.ID, models.QueuePage{Limit: 3})
	require.NoError(t, err)
	for i, job := range jobs {
		a, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, job.ID, "worker-1")
		require.NoError(t, err)
		require.NoError(t, s.Announce(t.Context(), a, "ref-"+job.ID.String()))
		if i == 0 {
			require.NoError(t, s.Checkpoint(t.Context(), a, "run-0"))
		}
	}
	// The last job lives on: its run is not to be touched.
	for _, job := range jobs[:2] {
		_, err := s.RecordLost(t.Context(), e.OrganisationID, e.ID, job.ID, models.JobCancelled, store.Failure{})
		require.NoError(t, err)
	}

	settled := make(chan string, 10)
	agent := &settler{answer: func(_ int, run executors.RemoteRun, settings json.RawMessage, secrets map[string]string) (executors.Settlement, error) {
		require.JSONEq(t, `{"max_steps":9}`, string(settings))
		require.Equal(t, map[string]string{"api_key": "k"}, secrets)
		defer func() { settled <- run.Reference }()
		if run.ID == "" {
			return executors.Settlement{}, nil // it never began
		}
		return executors.Settlement{Status: "COMPLETED", Usage: executors.Usage{Steps: 2, CostMicros: 32_000, Currency: "USD"}}, nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	sweep := orphans.NewSweep(s, executors.NewRegistry(agent), fixedSecrets{"api_key": "k"}, zaptest.NewLogger(t), 10*time.Millisecond)
	var sweeping sync.WaitGroup
	sweeping.Go(func() { sweep.Run(ctx) })
	got := []string{<-settled, <-settled}
	require.ElementsMatch(t, []string{"ref-" + jobs[0].ID.String(), "ref-" + jobs[1].ID.String()}, got)
	require.Eventually(t, func() bool {
		n, err := db.NewSelect().Model((*models.RemoteRun)(nil)).Where("ended_at IS NULL").Count(ctx)
		return err == nil && n == 1
	}, 30*time.Second, 10*time.Millisecond, "what was settled is closed")
	stop()
	sweeping.Wait()
	job, err := s.Job(t.Context(), e.OrganisationID, jobs[0].ID)
	require.NoError(t, err)
	require.Equal(t, int64(32_000), job.CostMicros)
	require.Len(t, agent.asked, 2)
}

func TestSweepAsksAgain(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, func(p *models.Project) { p.Executor = "agent" })
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 1, nil), nil)
	_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, e.Workflow())
	require.NoError(t, err)
	jobs, err := s.QueuedJobs(t.Context(), e.OrganisationID, e.ID, models.QueuePage{Limit: 1})
	require.NoError(t, err)
	a, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, jobs[0].ID, "worker-1")
	require.NoError(t, err)
	require.NoError(t, s.Announce(t.Context(), a, "ref-"+a.JobID.String()))
	require.NoError(t, s.CancelAttempt(t.Context(), a, store.Used{}))

	asked := make(chan struct{})
	agent := &settler{answer: func(int, executors.RemoteRun, json.RawMessage, map[string]string) (executors.Settlement, error) {
		close(asked)
		return executors.Settlement{}, errors.New("the service is away")
	}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		orphans.NewSweep(s, executors.NewRegistry(agent), fixedSecrets{}, zaptest.NewLogger(t), 0).Run(ctx)
	})
	<-asked
	stop()
	sweeping.Wait()
	again, err := s.OrphanedRuns(t.Context(), []string{"agent"}, 0, 10)
	require.NoError(t, err)
	require.Len(t, again, 1, "it is open still")
	require.Equal(t, 2, again[0].Checks)
}

func TestSweepOfWhatCannotBeTakenAsItIs(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))
	p := testfactory.Project(t, s, func(p *models.Project) { p.Executor = "agent" })
	e := testfactory.Execution(t, s, p, testfactory.Batch(t, s, p, 2, nil), nil)
	_, err := s.BeginExecution(t.Context(), e.OrganisationID, e.ID, e.Workflow())
	require.NoError(t, err)
	jobs, err := s.QueuedJobs(t.Context(), e.OrganisationID, e.ID, models.QueuePage{Limit: 2})
	require.NoError(t, err)
	for _, job := range jobs {
		a, _, err := s.BeginAttempt(t.Context(), e.OrganisationID, e.ID, job.ID, "worker-1")
		require.NoError(t, err)
		require.NoError(t, s.Announce(t.Context(), a, "ref-"+job.ID.String()))
		require.NoError(t, s.CancelAttempt(t.Context(), a, store.Used{}))
	}
	asked := make(chan struct{}, 2)
	agent := &settler{answer: func(_ int, run executors.RemoteRun, _ json.RawMessage, _ map[string]string) (executors.Settlement, error) {
		defer func() { asked <- struct{}{} }()
		if run.Reference == "ref-"+jobs[0].ID.String() {
			panic("an answer that nobody has thought of")
		}
		return executors.Settlement{Status: "COMPLETED", Usage: executors.Usage{Steps: math.MaxInt, CostMicros: math.MaxInt64, Currency: "\x00"}}, nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		orphans.NewSweep(s, executors.NewRegistry(agent), fixedSecrets{}, zaptest.NewLogger(t), 0).Run(ctx)
	})
	<-asked
	<-asked
	require.Eventually(t, func() bool {
		job, err := s.Job(ctx, e.OrganisationID, jobs[1].ID)
		return err == nil && job.Steps > 0
	}, 30*time.Second, 10*time.Millisecond, "it is closed with as much as is counted")
	stop()
	sweeping.Wait()
	left, err := s.OrphanedRuns(t.Context(), []string{"agent"}, 0, 10)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, jobs[0].ID, left[0].JobID)
}
