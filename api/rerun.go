package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/invopop/validation"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/scoring"
)

// bulkRerun runs jobs again, in a new execution of each batch that they are of.
func (s *server) bulkRerun(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	var req wire.RerunRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	filter, err := validateRerun(req)
	if err != nil {
		return err
	}
	return s.create(c, req, func(once *models.Once) (reply, error) { return s.rerun(c, req, filter, once) })
}

// rerunPlan is the executions that a request asks for.
type rerunPlan struct {
	executions []*models.Execution
	// refused is why one of them was not made, by its place.
	refused []error
	// of is, for every job that was named, the place of its execution.
	of map[uuid.UUID]int
}

func (s *server) rerun(c *fiber.Ctx, req wire.RerunRequest, filter *models.JobFilter, once *models.Once) (reply, error) {
	ctx := c.UserContext()
	plan, err := s.planRerun(ctx, req, filter)
	if err != nil {
		return nil, err
	}
	answer := func() (models.Answer, error) { return plan.answer(req) }
	for _, e := range plan.executions {
		if err := s.requireServed(ctx, e.Snapshot.Executor); err != nil {
			return nil, err
		}
	}
	plan.refused = make([]error, len(plan.executions))
	note(ctx).About(targetExecution, plan.only()).Changes(nil, noted(func() any { return plan.made() }))
	if err := s.Store.Rerun(ctx, plan.executions, plan.refused, once.With(answer)); err != nil {
		return nil, err
	}
	made := false
	for i, e := range plan.executions {
		if plan.refused[i] != nil {
			continue
		}
		made = true
		if err := s.Orchestrator.Start(ctx, e); err != nil {
			s.Logger.Warn("an execution could not be started yet; the sweep will start it",
				zap.String("request_id", s.identifyRequest(c)), zap.Stringer("execution_id", e.ID), zap.Error(err))
		}
	}
	if !made {
		if errors.Is(plan.refused[0], models.ErrBatchBusy) {
			return nil, s.batchBusy(ctx, plan.executions[0].BatchID, plan.refused[0])
		}
		return nil, plan.refused[0]
	}
	return answer, nil
}

// planRerun makes an execution for each batch of the jobs.
func (s *server) planRerun(ctx context.Context, req wire.RerunRequest, filter *models.JobFilter) (*rerunPlan, error) {
	org := organisation(ctx)
	plan := &rerunPlan{of: make(map[uuid.UUID]int)}
	if filter != nil {
		batch, err := s.Store.Batch(ctx, org, *req.BatchID)
		if err != nil {
			return nil, err
		}
		project, err := s.Store.Project(ctx, org, batch.ProjectID)
		if err != nil {
			return nil, err
		}
		e, err := s.rerunOf(ctx, project, batch, req)
		if err != nil {
			return nil, err
		}
		e.Selection = &models.JobSelection{Filter: filter}
		plan.executions = []*models.Execution{e}
		return plan, nil
	}
	places, err := s.Store.JobPlaces(ctx, org, req.IDs)
	if err != nil {
		return nil, err
	}
	byBatch := make(map[uuid.UUID]int)
	for _, id := range req.IDs {
		batch := places.Batch[id]
		if batch == nil {
			continue
		}
		at, ok := byBatch[batch.ID]
		if !ok {
			e, err := s.rerunOf(ctx, places.Project[id], batch, req)
			if err != nil {
				return nil, err
			}
			at = len(plan.executions)
			byBatch[batch.ID] = at
			e.Selection = &models.JobSelection{}
			plan.executions = append(plan.executions, e)
		}
		selection := plan.executions[at].Selection
		selection.IDs = append(selection.IDs, id)
		selection.Named++
		plan.of[id] = at
	}
	if len(plan.executions) == 0 {
		return nil, models.ErrJobNotFound
	}
	return plan, nil
}

// rerunOf makes an execution of a batch under the project as it is now and the overrides.
func (s *server) rerunOf(ctx context.Context, stored *models.Project, batch *models.Batch, req wire.RerunRequest) (*models.Execution, error) {
	project := *stored
	project.Fields = slices.Clone(stored.Fields)
	if o := req.Overrides; o != nil {
		if o.Instruction != nil {
			project.Instruction = *o.Instruction
		}
		if len(o.Settings) > 0 {
			project.Settings = o.Settings
		}
		if o.JobTimeoutMS != nil {
			project.Defaults.JobTimeoutMS = *o.JobTimeoutMS
		}
		if err := s.validateProject(ctx, &project, nil); err != nil {
			return nil, underOverrides(err)
		}
	}
	if err := s.checkColumns(&project, batch); err != nil {
		return nil, err
	}
	return launch.New(models.NewID(), &project, batch, launch.Options{
		Type: models.ExecutionProduction, Concurrency: req.Concurrency, Preset: req.Preset, Retry: req.Retry,
		Tolerance: (*models.Tolerance)(req.FailureTolerance),
	}), nil
}

// underOverrides has the errors of a project name the overrides that they come from.
func underOverrides(err error) error {
	var p *problem
	if !errors.As(err, &p) {
		return err
	}
	out := *p
	out.detail, out.errors = "the rerun is not valid", slices.Clone(p.errors)
	for i := range out.errors {
		out.errors[i].Field = "overrides." + strings.TrimPrefix(out.errors[i].Field, "defaults.")
	}
	return &out
}

// only is the execution, where there can be but one.
func (plan *rerunPlan) only() string {
	if len(plan.executions) != 1 {
		return ""
	}
	return plan.executions[0].ID.String()
}

// made are the executions that were made, once the records are written.
func (plan *rerunPlan) made() wire.RerunResponse {
	out := wire.RerunResponse{Executions: []wire.Execution{}}
	for i, e := range plan.executions {
		if plan.refused[i] == nil {
			out.Executions = append(out.Executions, executionAnswer(e))
		}
	}
	return out
}

// answer is given once the records are written; it depends on them alone.
func (plan *rerunPlan) answer(req wire.RerunRequest) (models.Answer, error) {
	out := plan.made()
	for _, id := range req.IDs {
		result := wire.BulkResult{ID: id, Status: wire.BulkQueued}
		at, ok := plan.of[id]
		switch {
		case !ok:
			result.Status, result.Error = wire.BulkRefused, bulkError(models.ErrJobNotFound)
		case plan.refused[at] != nil:
			result.Status, result.Error = wire.BulkRefused, bulkError(plan.refused[at])
		default:
			result.ExecutionID = &plan.executions[at].ID
		}
		out.Results = append(out.Results, result)
	}
	location := ""
	if len(out.Executions) > 0 {
		location = "/api/executions/" + out.Executions[0].ID.String()
	}
	return answerOf(http.StatusAccepted, location, "", out)
}

// validateRerun checks a request and reads its filter; without one jobs are named.
func validateRerun(req wire.RerunRequest) (*models.JobFilter, error) {
	errs := validation.Errors{"concurrency": within(req.Concurrency, wire.MaxConcurrency)}
	validatePreset(errs, req.Preset, req.Retry)
	if req.FailureTolerance != nil {
		errs["failure_tolerance"] = models.Tolerance(*req.FailureTolerance).Validate()
	}
	var wrong []wire.FieldError
	if err := errs.Filter(); err != nil {
		wrong = fieldErrors(err)
	}
	refuse := func(path, message string) {
		wrong = append(wrong, wire.FieldError{Field: path, Code: wire.FieldInvalid, Message: message})
	}
	var filter *models.JobFilter
	switch {
	case (req.IDs == nil) == (req.BatchID == nil && req.Filter == nil):
		refuse("ids", "give the ids of jobs, or a batch_id and a filter")
	case req.IDs != nil:
		wrong = append(wrong, checkIDs("ids", req.IDs, wire.MaxRerunJobs)...)
	case req.BatchID == nil:
		refuse("batch_id", "must say of which batch")
	case req.Filter == nil:
		refuse("filter", "must say which jobs; to run a whole batch, execute it")
	default:
		filter = filterOf(*req.Filter, refuse)
	}
	if len(wrong) > 0 {
		return nil, invalid("the rerun is not valid", wrong...)
	}
	return filter, nil
}

// filterOf reads a filter of a body, under the rules that it has in a query.
func filterOf(in wire.JobFilter, refuse func(path, message string)) *models.JobFilter {
	f := &models.JobFilter{
		Status:         valuesOf("filter.status", in.Status, models.JobStatuses(), refuse),
		Verdict:        valuesOf("filter.verdict", in.Verdict, scoring.Verdicts(), refuse),
		ErrorClass:     valuesOf("filter.error_class", in.ErrorClass, failure.Classes(), refuse),
		HasGroundTruth: in.HasGroundTruth, MinAccuracy: in.MinAccuracy, MaxAccuracy: in.MaxAccuracy,
		Search: strings.TrimSpace(in.Search), Host: strings.ToLower(strings.TrimSpace(in.Host)), MismatchedField: in.MismatchedField,
	}
	if in.ExecutionID != nil {
		f.ExecutionID = *in.ExecutionID
	}
	for path, bound := range map[string]*float64{"filter.min_accuracy": in.MinAccuracy, "filter.max_accuracy": in.MaxAccuracy} {
		if bound != nil && (*bound < 0 || *bound > 1) {
			refuse(path, "must be a number between 0 and 1")
		}
	}
	checkJobFilter(*f, func(name, message string) { refuse("filter."+name, message) })
	if isZero(f) {
		refuse("filter", "must say which jobs; to run a whole batch, execute it")
	}
	return f
}

func isZero(f *models.JobFilter) bool {
	return f.ExecutionID == uuid.Nil && len(f.Status)+len(f.Verdict)+len(f.ErrorClass) == 0 && f.HasGroundTruth == nil &&
		f.MinAccuracy == nil && f.MaxAccuracy == nil && f.Search == "" && f.Host == "" && f.MismatchedField == ""
}

func valuesOf[T ~string](path string, values []string, allowed []T, refuse func(path, message string)) (out []T) {
	for i, value := range values {
		if !slices.Contains(allowed, T(value)) {
			refuse(fmt.Sprintf("%s[%d]", path, i), "is none of "+joined(allowed))
		}
		out = append(out, T(value))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func hasName(name string) func(field.Field) bool {
	return func(f field.Field) bool { return f.Name == name }
}

// selectionAnswer says what an execution was asked to run again.
func selectionAnswer(s *models.JobSelection) *wire.Selection {
	if s == nil {
		return nil
	}
	out := &wire.Selection{Named: s.Named}
	if f := s.Filter; f != nil {
		out.Filter = &wire.JobFilter{
			Status: texts(f.Status), Verdict: texts(f.Verdict), ErrorClass: texts(f.ErrorClass),
			HasGroundTruth: f.HasGroundTruth, MinAccuracy: f.MinAccuracy, MaxAccuracy: f.MaxAccuracy,
			Search: f.Search, Host: f.Host, MismatchedField: f.MismatchedField,
		}
		if f.ExecutionID != uuid.Nil {
			out.Filter.ExecutionID = &f.ExecutionID
		}
	}
	return out
}

func texts[T ~string](values []T) (out []string) {
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}
