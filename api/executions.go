package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/invopop/validation"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
)

func (s *server) execute(c *fiber.Ctx) error {
	projectID, err := pathID(c, "id")
	if err != nil {
		return err
	}
	batchID, err := pathID(c, "batchId")
	if err != nil {
		return err
	}
	if err := readQuery(c).err(); err != nil {
		return err
	}
	var req wire.ExecuteRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	if err := validateExecute(req); err != nil {
		return err
	}
	return s.create(c, req, func(once *models.Once) (reply, error) {
		return s.createExecution(c, projectID, batchID, req, once)
	})
}

func (s *server) createExecution(
	c *fiber.Ctx, projectID, batchID uuid.UUID, req wire.ExecuteRequest, once *models.Once,
) (reply, error) {
	ctx := c.UserContext()
	execution, err := s.newExecution(ctx, projectID, batchID, req)
	if err != nil {
		return nil, err
	}
	answer := func() (models.Answer, error) {
		return answerOf(http.StatusAccepted, "/api/executions/"+execution.ID.String(), "", executionAnswer(execution))
	}
	if err := s.requireServed(ctx, execution.Snapshot.Executor); err != nil {
		return nil, err
	}
	note(ctx).About(targetExecution, execution.ID.String()).Changes(nil, noted(func() any { return executionAnswer(execution) }))
	err = s.Store.CreateExecutionOnce(ctx, execution, once.With(answer))
	if errors.Is(err, models.ErrBatchBusy) {
		return nil, s.batchBusy(ctx, batchID, err)
	}
	if err != nil {
		return nil, err
	}
	// The row is the promise: what fails from here on delays the run, nothing more.
	if err := s.Orchestrator.Start(ctx, execution); err != nil {
		s.Logger.Warn("an execution could not be started yet; the sweep will start it",
			zap.String("request_id", s.identifyRequest(c)), zap.Stringer("execution_id", execution.ID), zap.Error(err))
	}
	return answer, nil
}

// requireServed refuses to start what no worker would do. When it cannot be found out, the
// start is taken all the same: the row is the promise.
func (s *server) requireServed(ctx context.Context, executor string) error {
	if err := s.Orchestrator.Served(ctx, executor); errors.Is(err, models.ErrUnserved) {
		return &problem{
			status: http.StatusServiceUnavailable, code: wire.CodeUnavailable, cause: err,
			detail: fmt.Sprintf("no worker does jobs of the %s executor now; start one that has what it needs", executor),
		}
	}
	return nil
}

func validateExecute(req wire.ExecuteRequest) error {
	errs := validation.Errors{
		"type": validation.Validate(req.Type, validation.Required,
			validation.In(string(models.ExecutionTest), string(models.ExecutionProduction)).Error("must be test or production")),
		"sample_size": within(req.SampleSize, wire.MaxSampleSize),
		"concurrency": within(req.Concurrency, wire.MaxConcurrency),
	}
	if req.Type == string(models.ExecutionProduction) {
		if req.SampleSize != nil {
			errs["sample_size"] = errors.New("is for a test; production takes every job")
		}
		if req.SampleSeed != 0 {
			errs["sample_seed"] = errors.New("is for a test; production takes every job")
		}
	}
	validatePreset(errs, req.Preset, req.Retry)
	if req.FailureTolerance != nil {
		errs["failure_tolerance"] = models.Tolerance(*req.FailureTolerance).Validate()
	}
	if err := errs.Filter(); err != nil {
		return invalid("the execution is not valid", fieldErrors(err)...)
	}
	return nil
}

// within checks a number that may be absent but is at least 1; zero is a value.
func within(value *int, most int) error {
	if value == nil || *value >= 1 && *value <= most {
		return nil
	}
	return validation.NewError("validation_out_of_range", fmt.Sprintf("must be between 1 and %d", most))
}

// newExecution takes the snapshot that the execution will run under.
func (s *server) newExecution(
	ctx context.Context, projectID, batchID uuid.UUID, req wire.ExecuteRequest,
) (*models.Execution, error) {
	org := organisation(ctx)
	project, err := s.Store.Project(ctx, org, projectID)
	if err != nil {
		return nil, err
	}
	batch, err := s.Store.Batch(ctx, org, batchID)
	if err != nil {
		return nil, err
	}
	if batch.ProjectID != project.ID {
		return nil, models.ErrBatchNotFound
	}
	if err := s.checkColumns(project, batch); err != nil {
		return nil, err
	}
	options := launch.Options{
		Type:       models.ExecutionType(req.Type),
		SampleSize: req.SampleSize, SampleSeed: req.SampleSeed, Concurrency: req.Concurrency,
		Preset: req.Preset, Retry: req.Retry, Tolerance: (*models.Tolerance)(req.FailureTolerance),
	}
	return launch.New(models.NewID(), project, batch, options), nil
}

// batchBusy names the execution that is in the way, when it can still be found.
func (s *server) batchBusy(ctx context.Context, batchID uuid.UUID, cause error) error {
	f := models.ExecutionFilter{BatchID: batchID, Status: models.ActiveExecutionStatuses()}
	active, err := s.Store.ListExecutions(ctx, organisation(ctx), f, models.Page{Limit: 1})
	if err != nil || len(active) == 0 {
		return cause
	}
	p := conflict("the batch has an execution that has not ended: %s is %s", active[0].ID, active[0].Status)
	p.cause = cause
	return p
}

func (s *server) getExecution(c *fiber.Ctx) error {
	e, err := s.readExecution(c)
	if err != nil {
		return err
	}
	return c.JSON(executionAnswer(e))
}

// readExecution finds the execution of the path.
func (s *server) readExecution(c *fiber.Ctx) (*models.Execution, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	if err := readQuery(c).err(); err != nil {
		return nil, err
	}
	ctx := c.UserContext()
	return s.Store.Execution(ctx, organisation(ctx), id)
}

func (s *server) listExecutions(c *fiber.Ctx) error {
	q := readQuery(c)
	f := models.ExecutionFilter{
		ProjectID: q.id("project_id"),
		BatchID:   q.id("batch_id"),
		Status:    oneOf(q, "status", models.ExecutionStatuses()),
		Type:      only(q, "type", "", []models.ExecutionType{models.ExecutionTest, models.ExecutionProduction, models.ExecutionTry}),
	}
	l := newList(q, "executions")
	l.id("project_id", f.ProjectID)
	l.id("batch_id", f.BatchID)
	filter(l, "status", f.Status...)
	if f.Type != "" {
		filter(l, "type", f.Type)
	}
	after := l.after(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	executions, err := s.Store.ListExecutions(ctx, org, f, models.Page{After: after, Limit: l.ask()})
	if err != nil {
		return err
	}
	return sendPage(c, l, executions, func(e *models.Execution) []byte { return idPosition(e.ID) }, executionAnswer,
		func() (int64, error) { return s.Store.CountExecutions(ctx, org, f) })
}

func executionAnswer(e *models.Execution) wire.Execution {
	out := wire.Execution{
		ID:          e.ID,
		ProjectID:   e.ProjectID,
		BatchID:     e.BatchID,
		Type:        string(e.Type),
		Status:      string(e.Status),
		SampleSize:  e.SampleSize,
		SampleSeed:  e.SampleSeed,
		Selection:   selectionAnswer(e.Selection),
		Concurrency: e.Concurrency,
		Preset:      string(e.Preset),
		Retry:       e.Retry,
		Reason:      e.Reason,

		FailureTolerance: (*wire.Tolerance)(e.Tolerance),

		WorkflowID: e.Workflow(),
		TotalJobs:  e.TotalJobs,
		CreatedAt:  e.CreatedAt.UTC(),
		StartedAt:  utc(e.StartedAt),
		FinishedAt: utc(e.FinishedAt),
	}
	if e.Tally != nil {
		out.Steps, out.CostMicros, out.CostCurrency = e.Tally.Steps, e.Tally.CostMicros, e.Tally.CostCurrency
	}
	return out
}

// utc gives a time of a record its form in answers.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	out := t.UTC()
	return &out
}
