// Package activities is where BatchWorkflow touches the world: it reads and writes
// the records, and does the jobs through an executor.
//
// PostgreSQL is authoritative for what an attempt may still do: every write carries
// the attempt number as a fence, so an attempt that Temporal has given up on, and
// that is alive after all, changes nothing.
//
// A job attempt goes through: session written (running) → executor → scored →
// outcome written (succeeded, failed, cancelled, lost) in one transaction with the
// job. If the process dies on any line, the next attempt finds either a session to
// mark lost, or an ended job whose outcome it returns.
//
// Failure: errors go to Temporal as ApplicationErrors whose type is the failure
// class; only "permanent" is never retried. A database that is away is transient:
// reads are retried by Temporal, outcomes are held and written again by the attempt
// itself, since they can be dear.
package activities

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// Executions is what the activities need of the records of executions.
type Executions interface {
	BeginExecution(ctx context.Context, org, id uuid.UUID, workflowID string) (*models.Execution, error)
	ExecutionByID(ctx context.Context, id uuid.UUID) (*models.Execution, error)
	RecordState(ctx context.Context, org, id uuid.UUID, status models.ExecutionStatus, concurrency int, reason string) error
	FinishExecution(ctx context.Context, org, id uuid.UUID, status models.ExecutionStatus, reason string) (*models.Execution, error)
	QueuedJobs(ctx context.Context, org, executionID uuid.UUID, page models.QueuePage) ([]models.Job, error)
	ListJobs(ctx context.Context, org uuid.UUID, f models.JobFilter, page models.JobPage) ([]models.Job, error)
	Organisation(ctx context.Context, org uuid.UUID) (*models.Organisation, error)
}

// Preparations is what the activities need to make an execution that a workflow asks
// for. ProjectByID and BatchByID look whatever the organisation: a workflow knows no
// more than the id.
type Preparations interface {
	ProjectByID(ctx context.Context, id uuid.UUID) (*models.Project, error)
	BatchByID(ctx context.Context, id uuid.UUID) (*models.Batch, error)
	ExecutionOfWorkflow(ctx context.Context, workflowID string) (*models.Execution, error)
	CreateBatch(ctx context.Context, b *models.Batch, jobs iter.Seq2[*models.Job, error]) error
	CreateExecution(ctx context.Context, e *models.Execution) error
	DeleteBatch(ctx context.Context, org, id uuid.UUID, cascade bool, holds func(version int64) bool) error
}

// Attempts is what the activities need of the records of attempts.
type Attempts interface {
	BeginAttempt(ctx context.Context, org, executionID, jobID uuid.UUID, worker string) (*store.Attempt, *models.Job, error)
	Announce(ctx context.Context, a *store.Attempt, reference string) error
	Checkpoint(ctx context.Context, a *store.Attempt, remoteRunID string) error
	KeepFiles(ctx context.Context, a *store.Attempt, files []models.SessionFile) error
	CompleteAttempt(ctx context.Context, a *store.Attempt, o store.Success) error
	FailAttempt(ctx context.Context, a *store.Attempt, f store.Failure) error
	CancelAttempt(ctx context.Context, a *store.Attempt, used store.Used) error
	PutBack(ctx context.Context, a *store.Attempt, f store.Failure) error
	// ResumeAttempt gives an attempt that runs, or the job when the attempt has ended.
	ResumeAttempt(ctx context.Context, org, sessionID uuid.UUID) (*store.Attempt, *models.Job, error)
	RecordLost(ctx context.Context, org, executionID, jobID uuid.UUID, status models.JobStatus, f store.Failure) (*models.Job, error)
}

// Hosts is what the activities need to keep to the limits of sites.
type Hosts interface {
	PolitenessOf(ctx context.Context, org, executionID uuid.UUID) (*models.Politeness, error)
	AcquireHost(ctx context.Context, r models.HostRequest) (models.HostGrant, error)
	ReleaseHost(ctx context.Context, jobID, token uuid.UUID) error
}

// Secrets opens the secrets of projects.
type Secrets interface {
	// Open returns those of the named secrets of a project that it has.
	Open(ctx context.Context, org, projectID uuid.UUID, names []string) (map[string]string, error)
}

// Robots reads what sites say of robots.
type Robots interface {
	// Check returns a failure when a URL is not to be fetched, and the delay between two
	// visits that the site asks for.
	Check(ctx context.Context, url string) (delay time.Duration, err error)
}

// Config bounds what the activities do.
type Config struct {
	// Identity names this worker in the sessions.
	Identity string
	// PageSize is how many jobs are read at a time; 0 means 200.
	PageSize int
	// JobsPerChunk is how many jobs a chunk of an execution takes at the most; 0 means
	// 2,000, which keeps its history within Temporal's limits.
	JobsPerChunk int
	// StepsPerRun is after how many reports and starts of chunks BatchWorkflow continues
	// as new; 0 means 1,000. It does so earlier when its history has grown.
	StepsPerRun int
	// HeartbeatInterval is how often a running job reports to Temporal, and so how
	// soon it learns that it was cancelled; 0 means 2 s.
	HeartbeatInterval time.Duration
	// StopGrace is how long a job may go on after its worker was told to stop; what
	// is not done by then is handed back to Temporal. 0 means 20 s.
	StopGrace time.Duration
	// Observer hears of what happens to jobs; nil means nobody does.
	Observer Observer
	// JobTaskQueues are where the jobs of executors are done, by executor; those of others
	// are done where the workflow is.
	JobTaskQueues map[string]string
	// Secrets opens secrets; nil means that there are none.
	Secrets Secrets
	// Robots reads robots.txt; nil means that it is not read.
	Robots Robots
}

func (c Config) withDefaults() Config {
	if c.PageSize <= 0 {
		c.PageSize = 200
	}
	if c.JobsPerChunk <= 0 {
		c.JobsPerChunk = 2_000
	}
	if c.StepsPerRun <= 0 {
		c.StepsPerRun = 1_000
	}
	if c.Observer == nil {
		c.Observer = Observers(nil)
	}
	if c.HeartbeatInterval <= 0 {
		c.HeartbeatInterval = 2 * time.Second
	}
	if c.StopGrace <= 0 {
		c.StopGrace = 20 * time.Second
	}
	return c
}

// Records is everything that the activities read and write.
type Records interface {
	Executions
	Preparations
	Attempts
	Hosts
}

// Activities is the activities' dependencies; its methods are the activities.
type Activities struct {
	config       Config
	executions   Executions
	preparations Preparations
	attempts     Attempts
	manners      *manners
	executors    executors.Registry
	observer     Observer
	logger       *zap.Logger
	// random spreads retry delays.
	random func() float64
}

// New makes the activities.
func New(config Config, records Records, registry executors.Registry, logger *zap.Logger) *Activities {
	config = config.withDefaults()
	return &Activities{
		config: config, executions: records, preparations: records, attempts: records,
		manners:   newManners(records, config.Robots),
		executors: registry, observer: config.Observer, logger: logger, random: rand.Float64,
	}
}

// recordsError gives an error of the records to Temporal: what is gone or was taken
// over is permanent, everything else is worth another try.
func recordsError(err error) error {
	if errors.Is(err, models.ErrNotFound) || errors.Is(err, models.ErrStaleAttempt) || errors.Is(err, models.ErrConflict) {
		return permanent(err)
	}
	return temporal.NewApplicationErrorWithCause(err.Error(), contract.ErrorTypeTransient, err)
}

func permanent(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), contract.ErrorTypePermanent, err)
}

// parseIDs reads ids of a payload; one that is none can never be right.
func parseIDs(texts ...string) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(texts))
	for i, text := range texts {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, permanent(err)
		}
		ids[i] = id
	}
	return ids, nil
}
