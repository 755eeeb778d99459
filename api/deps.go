package api

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
	"github.com/minohq/mino/workflows/contract"
)

// ProjectStore keeps projects. Its errors wrap the sentinels of package models, as do
// those of the other stores.
type ProjectStore interface {
	// CreateProjectOnce returns models.ErrKeyUsed when a record was made under the key
	// before; nil is no key. The same goes for the other two.
	CreateProjectOnce(ctx context.Context, p *models.Project, secrets models.SecretEdit, once *models.Once) error
	Project(ctx context.Context, org, id uuid.UUID) (*models.Project, error)
	// UpdateProject returns models.ErrVersionMismatch when the project was edited
	// since p was read.
	UpdateProject(ctx context.Context, p *models.Project, secrets models.SecretEdit) error
	ListProjects(ctx context.Context, org uuid.UUID, f models.ProjectFilter, page models.Page) ([]models.Project, error)
	CountProjects(ctx context.Context, org uuid.UUID, f models.ProjectFilter) (int64, error)
}

// BatchStore keeps batches.
type BatchStore interface {
	// CreateBatchOnce writes a batch and its jobs, or nothing: an error of the sequence
	// is returned as it is.
	CreateBatchOnce(ctx context.Context, b *models.Batch, jobs iter.Seq2[*models.Job, error], once *models.Once) error
	Batch(ctx context.Context, org, id uuid.UUID) (*models.Batch, error)
	ListBatches(ctx context.Context, org uuid.UUID, f models.BatchFilter, page models.Page) ([]models.Batch, error)
	CountBatches(ctx context.Context, org uuid.UUID, f models.BatchFilter) (int64, error)
}

// JobStore reads jobs and their sessions.
type JobStore interface {
	ListJobs(ctx context.Context, org uuid.UUID, f models.JobFilter, page models.JobPage) ([]models.Job, error)
	CountJobs(ctx context.Context, org uuid.UUID, f models.JobFilter) (int64, error)
	Job(ctx context.Context, org, id uuid.UUID) (*models.Job, error)
	// JobSessions lists the attempts at a job over all executions, newest first.
	JobSessions(ctx context.Context, org, jobID uuid.UUID) ([]models.Session, error)
	// Session and SessionFile return models.ErrNotFound.
	Session(ctx context.Context, org, id uuid.UUID) (*models.Session, error)
	SessionFile(ctx context.Context, org, sessionID uuid.UUID, kind string) (*models.SessionFile, error)
	// FilesOf lists the kinds of files that sessions have.
	FilesOf(ctx context.Context, org uuid.UUID, sessions []uuid.UUID) (map[uuid.UUID][]string, error)
}

// ExecutionStore keeps executions.
type ExecutionStore interface {
	// CreateExecutionOnce returns models.ErrBatchBusy when the batch has an execution
	// that has not ended, models.ErrNoJobs when there is nothing to run.
	CreateExecutionOnce(ctx context.Context, e *models.Execution, once *models.Once) error
	// CreateTry writes a batch of one row with its execution.
	CreateTry(ctx context.Context, b *models.Batch, j *models.Job, e *models.Execution, once *models.Once) error
	Execution(ctx context.Context, org, id uuid.UUID) (*models.Execution, error)
	ListExecutions(ctx context.Context, org uuid.UUID, f models.ExecutionFilter, page models.Page) ([]models.Execution, error)
	CountExecutions(ctx context.Context, org uuid.UUID, f models.ExecutionFilter) (int64, error)
	// FinishExecution ends an execution and what is open of its jobs; one that has ended
	// is returned as it stands.
	FinishExecution(
		ctx context.Context, org, id uuid.UUID, status models.ExecutionStatus, reason string,
	) (*models.Execution, error)
	// Tally adds an execution's jobs up.
	Tally(ctx context.Context, org, executionID uuid.UUID) (*models.ExecutionTally, error)
}

// EditStore edits and deletes records.
type EditStore interface {
	// RenameBatch returns models.ErrVersionMismatch when the batch was edited since it
	// was read.
	RenameBatch(ctx context.Context, b *models.Batch) error
	// DeleteProject and DeleteBatch delete a record with what belongs to it, in one
	// transaction; models.ErrInUse when that is much and cascade is not set,
	// models.ErrBatchBusy while an execution of it has not ended.
	DeleteProject(ctx context.Context, org, id uuid.UUID, cascade bool, holds func(version int64) bool) error
	DeleteBatch(ctx context.Context, org, id uuid.UUID, cascade bool, holds func(version int64) bool) error
	// DeleteJobs says of each job that it could not delete, why, and tells each of those
	// that it deletes.
	DeleteJobs(
		ctx context.Context, org uuid.UUID, ids []uuid.UUID, holds func(version int64) bool, each ...func(*models.Job),
	) (map[uuid.UUID]error, error)
	// EditJobs edits rows; with whole set, all of them or none.
	EditJobs(ctx context.Context, org uuid.UUID, edits []models.JobEdit, whole bool) ([]models.EditedJob, error)
	// JobPlaces says where jobs belong, leaving out those that are not there.
	JobPlaces(ctx context.Context, org uuid.UUID, ids []uuid.UUID) (*models.JobPlaces, error)
	JobsOfRows(ctx context.Context, org, batchID uuid.UUID, rows []int) (map[int]uuid.UUID, error)
	// Rerun makes executions that run jobs again and writes why it could not make one
	// into refused, at its place.
	Rerun(ctx context.Context, executions []*models.Execution, refused []error, once *models.Once) error
}

// EventStore reads the events of executions.
type EventStore interface {
	// ListEvents lists the numbered events after a number, in their order.
	ListEvents(ctx context.Context, org, executionID uuid.UUID, afterSeq int64, limit int) ([]models.ExecutionEvent, error)
}

// Notices tells which executions have newly numbered events, whichever process numbered
// them.
type Notices interface {
	// Listen calls listening once it misses nothing more, then notice for each
	// announcement, until the context is done or it can go on no longer; it returns why.
	Listen(ctx context.Context, listening func(), notice func(executionID uuid.UUID)) error
}

// StreamObserver hears of streams of events. Its methods must not block.
type StreamObserver interface {
	// StreamOpened: a client of a kind, "sse" or "websocket", follows an execution.
	StreamOpened(kind string)
	// StreamClosed says why it does no longer: "finished", "left" when the client did,
	// "too_slow" when it was dropped, or a reason of package wire.
	StreamClosed(kind, reason string)
}

// MetricsStore adds records up.
type MetricsStore interface {
	ProjectMetrics(ctx context.Context, org, id uuid.UUID, q models.MetricsQuery) (*models.ProjectMetrics, error)
	// ExecutionMetrics has bucket choose the steps of the series, once the length of the
	// execution is known, and returns what it refuses.
	ExecutionMetrics(
		ctx context.Context, org, id uuid.UUID, hosts int, bucket func(from, to time.Time) (models.MetricsBucket, error),
	) (*models.ExecutionMetrics, error)
}

// ExportStore reads whole lists in one snapshot; see package models for what it hands
// out, which is not to be kept. Errors of begin and each end an export and are returned
// as they are.
type ExportStore interface {
	// ExportJobs reads the jobs of a batch in row order.
	ExportJobs(
		ctx context.Context, org uuid.UUID, f models.JobFilter,
		begin func(*models.ExportHead) (models.JobParts, error), each func(*models.ExportedJob) error,
	) error
	// ExportSessions reads the sessions of an execution in the order of rows and attempts.
	ExportSessions(
		ctx context.Context, org uuid.UUID, f models.SessionFilter,
		begin func(*models.ExportHead) (models.SessionParts, error), each func(*models.ExportedSession) error,
	) error
	// ListSessions lists the sessions of an execution, newest first.
	ListSessions(ctx context.Context, org uuid.UUID, f models.SessionFilter, page models.Page) ([]models.Session, error)
	CountSessions(ctx context.Context, org uuid.UUID, f models.SessionFilter) (int64, error)
}

// OrganisationStore keeps organisations.
type OrganisationStore interface {
	Organisation(ctx context.Context, org uuid.UUID) (*models.Organisation, error)
	// RenameOrganisation returns models.ErrVersionMismatch when the organisation was edited
	// since it was read.
	RenameOrganisation(ctx context.Context, o *models.Organisation) error
	Usage(ctx context.Context, org uuid.UUID) (models.Usage, error)
	// CheckConcurrency returns a *models.QuotaError when an execution may not have so many
	// jobs at once.
	CheckConcurrency(ctx context.Context, org, executionID uuid.UUID, value int) error
	// MembershipsOf lists what a user is in every organisation.
	MembershipsOf(ctx context.Context, userID uuid.UUID) ([]models.Membership, error)
}

// MemberStore keeps the members of organisations.
type MemberStore interface {
	ListMembers(ctx context.Context, org uuid.UUID, page models.Page) ([]models.Membership, error)
	CountMembers(ctx context.Context, org uuid.UUID) (int64, error)
	Member(ctx context.Context, org, userID uuid.UUID) (*models.Membership, error)
	// AddMember fills the membership and its user before what is noted of it is written
	// down; it returns models.ErrMember.
	AddMember(ctx context.Context, m *models.Membership) error
	// ChangeMember and RemoveMember return models.ErrLastOwner, and models.ErrVersionMismatch
	// when holds says so of the role that they find.
	ChangeMember(ctx context.Context, m *models.Membership, holds ...func(access.Role) bool) error
	RemoveMember(ctx context.Context, org, userID uuid.UUID, holds ...func(access.Role) bool) error
}

// KeyStore keeps API keys, without their text.
type KeyStore interface {
	ListAPIKeys(ctx context.Context, org uuid.UUID, page models.Page) ([]models.APIKey, error)
	CountAPIKeys(ctx context.Context, org uuid.UUID) (int64, error)
	APIKey(ctx context.Context, org, id uuid.UUID) (*models.APIKey, error)
	CreateAPIKey(ctx context.Context, k *models.APIKey) error
	// RotateAPIKey fills next from the key that it takes the place of, which goes on until
	// oldEnds; models.ErrKeyEnded when that has ended before.
	RotateAPIKey(ctx context.Context, org, id uuid.UUID, next *models.APIKey, oldEnds time.Time) error
	RevokeAPIKey(ctx context.Context, org, id uuid.UUID) (*models.APIKey, error)
}

// AuditStore keeps who did what. What a method of another store writes is written down with
// it, under the note of its context.
type AuditStore interface {
	// Audit writes an entry by itself, of what happens outside of PostgreSQL.
	Audit(ctx context.Context, org uuid.UUID, note *audit.Note, outcome audit.Outcome) error
	ListAudit(ctx context.Context, org uuid.UUID, f models.AuditFilter, page models.Page) ([]models.AuditEntry, error)
	CountAudit(ctx context.Context, org uuid.UUID, f models.AuditFilter) (int64, error)
	// ExportAudit reads entries in one snapshot, oldest first; the same entry is handed out
	// each time.
	ExportAudit(ctx context.Context, org uuid.UUID, f models.AuditFilter, each func(*models.AuditEntry) error) error
}

// AccessStore keeps who may do what, and who did.
type AccessStore interface {
	OrganisationStore
	MemberStore
	KeyStore
	AuditStore
}

// ReportStore tells what happened.
type ReportStore interface {
	EventStore
	MetricsStore
	ExportStore
}

// KeyMaker makes the text of API keys, and what is kept of it. Without a hash key it returns
// apikey.ErrNoKey.
type KeyMaker interface {
	New(id uuid.UUID) (text string, hash []byte, hashKeyID string, err error)
}

// Authenticator says whose requests are. Its errors are those of package authn, and
// models.ErrUnavailable when it cannot be known for now.
type Authenticator interface {
	Authenticate(ctx context.Context, sent authn.Credentials) (authn.Identity, error)
	// Stands returns an error when somebody who was known is not any longer, or not with
	// all that they had.
	Stands(ctx context.Context, p access.Principal) error
	// Ticket makes one that opens a stream as somebody, once.
	Ticket(ctx context.Context, p access.Principal) (ticket string, expires time.Time, err error)
	Redeem(ctx context.Context, ticket string) (authn.Identity, error)
}

// Store is the records, all of them scoped by organisation.
type Store interface {
	ProjectStore
	BatchStore
	JobStore
	ExecutionStore
	EditStore
	ReportStore
	AccessStore
	// KeptAnswer returns what was answered under a key, and the fingerprint of the
	// request; models.ErrNotFound when the key is not known.
	KeptAnswer(ctx context.Context, org uuid.UUID, key string) (*models.Answer, []byte, error)
	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
}

// Sealer keeps the secrets of projects from whoever reads the records. Without a key both
// return vault.ErrNoKey.
type Sealer interface {
	// Seal makes the record of a secret.
	Seal(org, project uuid.UUID, name, value string) (models.Secret, error)
	// Mark stands for a value where it must be told from another one and must not be
	// guessed.
	Mark(value string) (string, error)
}

// Orchestrator runs executions. It returns models.ErrRunEnded when there is no open
// run to speak to, models.ErrUnavailable when nobody answers in time.
type Orchestrator interface {
	// Start has an execution run; starting it twice is one run.
	Start(ctx context.Context, e *models.Execution) error
	// Served returns models.ErrUnserved when no worker does jobs of an executor.
	Served(ctx context.Context, executor string) error
	// The control calls return where the run stands once they hold.
	Pause(ctx context.Context, workflowID string) (contract.Stats, error)
	Resume(ctx context.Context, workflowID string) (contract.Stats, error)
	Stop(ctx context.Context, workflowID string, mode contract.StopMode) (contract.Stats, error)
	SetConcurrency(ctx context.Context, workflowID string, value int) (contract.Stats, error)
	Stats(ctx context.Context, workflowID string) (contract.Stats, error)
	// EndChunks cancels what still runs of an execution whose run is gone.
	EndChunks(ctx context.Context, executionID uuid.UUID) error
	Ping(ctx context.Context) error
}
