package store

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/retry"
	"github.com/minohq/mino/models/tenant"
)

// ResumeAttempt gives an attempt that is running, by its session, for whoever did not
// begin it and has to end it. When the session has ended, it gives the job as it stands
// instead; when the job is another attempt's by now, models.ErrStaleAttempt.
func (s *Store) ResumeAttempt(ctx context.Context, org, sessionID uuid.UUID) (*Attempt, *models.Job, error) {
	ctx = tenant.With(ctx, org)
	a := &Attempt{SessionID: sessionID, OrganisationID: org}
	var row struct {
		JobID       uuid.UUID
		ExecutionID uuid.UUID
		Attempt     int
		Running     bool
		RowNumber   int
		SiteURL     string
		ProjectID   uuid.UUID
		Input       map[string]string   `bun:"type:jsonb"`
		GroundTruth map[string][]string `bun:"type:jsonb"`
		Snapshot    models.Snapshot     `bun:"type:jsonb"`
		Retry       retry.Policy        `bun:"type:jsonb"`
	}
	err := s.db.NewRaw(`
		SELECT s.job_id, s.execution_id, s.attempt, s.status = ? AS running, j.project_id,
		       j.row_number, j.site_url, j.input, j.ground_truth, e.snapshot, e.retry
		FROM sessions AS s
		JOIN jobs AS j ON j.id = s.job_id AND j.execution_id = s.execution_id AND j.attempt = s.attempt
		JOIN executions AS e ON e.id = s.execution_id
		WHERE s.organisation_id = ? AND s.id = ?`,
		models.SessionRunning, org, sessionID).Scan(ctx, &row)
	if err != nil {
		return nil, nil, found(err, models.ErrStaleAttempt)
	}
	if !row.Running {
		j, err := s.Job(ctx, org, row.JobID)
		if err == nil && (j.ExecutionID == nil || *j.ExecutionID != row.ExecutionID || j.Attempt != row.Attempt) {
			err = models.ErrStaleAttempt
		}
		if errors.Is(err, models.ErrNotFound) {
			err = models.ErrStaleAttempt
		}
		return nil, j, err
	}
	a.JobID, a.ExecutionID, a.Number = row.JobID, row.ExecutionID, row.Attempt
	a.RowNumber, a.SiteURL, a.Input, a.GroundTruth = row.RowNumber, row.SiteURL, row.Input, row.GroundTruth
	a.Snapshot, a.Retry, a.ProjectID = row.Snapshot, row.Retry, row.ProjectID
	return a, nil, mapped(a.learn(ctx, s.db, a.SessionID))
}

// ProjectByID returns a project whatever its organisation: for a workflow, which knows
// no more than the id that it was started with.
func (s *Store) ProjectByID(ctx context.Context, id uuid.UUID) (*models.Project, error) {
	ctx = tenant.AsSystem(ctx)
	p := new(models.Project)
	if err := s.db.NewSelect().Model(p).Where("p.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, models.ErrProjectNotFound)
	}
	return p, nil
}

// BatchByID returns a batch whatever its organisation, as ProjectByID does.
func (s *Store) BatchByID(ctx context.Context, id uuid.UUID) (*models.Batch, error) {
	ctx = tenant.AsSystem(ctx)
	b := new(models.Batch)
	if err := s.db.NewSelect().Model(b).Where("b.id = ?", id).Scan(ctx); err != nil {
		return nil, found(err, models.ErrBatchNotFound)
	}
	return b, nil
}

// ExecutionOfWorkflow returns the execution that a workflow runs or has run, whatever
// its organisation, or models.ErrExecutionNotFound.
func (s *Store) ExecutionOfWorkflow(ctx context.Context, workflowID string) (*models.Execution, error) {
	ctx = tenant.AsSystem(ctx)
	e := new(models.Execution)
	if err := s.db.NewSelect().Model(e).Where("e.workflow_id = ?", workflowID).Scan(ctx); err != nil {
		return nil, found(err, models.ErrExecutionNotFound)
	}
	return e, nil
}
