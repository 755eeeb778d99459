package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/invopop/validation"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
)

// made is what is kept of a try under a key: where to find what came of it.
type made struct {
	ExecutionID uuid.UUID `json:"execution_id"`
	JobID       uuid.UUID `json:"job_id"`
}

// try runs a project on one site and answers with what came of it. Under a key a request
// that comes again waits for the same run, and finds its end.
func (s *server) try(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := readQuery(c).err(); err != nil {
		return err
	}
	var req wire.TryRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	whole := c.UserContext()
	after := unnoted(whole) // what ends a try is not what was asked for
	ctx, cancel := context.WithTimeout(whole, s.RequestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	m, err := s.makeTry(c, id, req)
	if err != nil {
		return err
	}
	s.stopWithServer(c.Context().Done())
	e, err := s.awaitTry(after, m.ExecutionID)
	if err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(whole, s.RequestTimeout)
	defer cancel()
	out, err := s.tryAnswer(ctx, e, m.JobID)
	if err != nil {
		return err
	}
	c.Location(executionAddress(e.ID))
	return c.JSON(out)
}

func executionAddress(id uuid.UUID) string { return "/api/executions/" + id.String() }

// makeTry makes the records of a try and starts it, or finds those that were made under
// the key before.
func (s *server) makeTry(c *fiber.Ctx, projectID uuid.UUID, req wire.TryRequest) (m made, err error) {
	once, err := readKey(c, req)
	if err != nil {
		return m, err
	}
	if once != nil {
		if m, err = s.keptTry(c, once); !errors.Is(err, models.ErrNotFound) {
			return m, err
		}
	}
	ctx := c.UserContext()
	project, err := s.Store.Project(ctx, organisation(ctx), projectID)
	if err != nil {
		return m, err
	}
	batch, job, err := s.tryOf(project, req)
	if err != nil {
		return m, err
	}
	if err := s.requireServed(ctx, project.Executor); err != nil {
		return m, err
	}
	timeout := time.Duration(0)
	if req.TimeoutMS != nil {
		timeout = time.Duration(*req.TimeoutMS) * time.Millisecond
	}
	e := launch.NewTry(models.NewID(), project, batch, timeout)
	m = made{ExecutionID: e.ID, JobID: job.ID}
	answer := func() (models.Answer, error) { return answerOf(http.StatusOK, executionAddress(e.ID), "", m) }
	note(ctx).About(targetExecution, e.ID.String()).Changes(nil, noted(func() any { return executionAnswer(e) }))
	err = s.Store.CreateTry(ctx, batch, job, e, once.With(answer))
	if errors.Is(err, models.ErrKeyUsed) {
		return s.keptTry(c, once)
	}
	if err != nil {
		return m, err
	}
	if err := s.Orchestrator.Start(ctx, e); err != nil {
		s.Logger.Warn("a try could not be started yet; the sweep will start it",
			zap.String("request_id", s.identifyRequest(c)), zap.Stringer("execution_id", e.ID), zap.Error(err))
	}
	return m, nil
}

func (s *server) keptTry(c *fiber.Ctx, once *models.Once) (m made, err error) {
	answer, err := s.kept(c, once)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(answer.Body, &m); err != nil {
		return m, fmt.Errorf("read what was kept of a try: %w", err)
	}
	return m, nil
}

// tryOf makes the batch and the row of a try, under the rules of an upload.
func (s *server) tryOf(p *models.Project, req wire.TryRequest) (*models.Batch, *models.Job, error) {
	var wrong []wire.FieldError
	refuse := func(path, format string, args ...any) {
		wrong = append(wrong, wire.FieldError{Field: path, Code: wire.FieldInvalid, Message: fmt.Sprintf(format, args...)})
	}
	address, err := ingest.SiteURL(req.SiteURL)
	if err != nil {
		refuse("site_url", "%v", err)
	}
	columns := []models.Column{{Name: "site_url", Role: models.RoleSiteURL}}
	errs := validation.Errors{}
	seen := map[string]bool{columns[0].Name: true}
	for _, name := range slices.Sorted(maps.Keys(req.Input)) {
		errs[name] = checkInput(name, seen)
		columns = append(columns, models.Column{Name: name, Role: models.RoleInput})
	}
	if len(req.Input) > wire.MaxInputs {
		refuse("input", "has more than %d columns", wire.MaxInputs)
	}
	for _, name := range launch.MissingColumns(s.neededColumns(p), columns) {
		errs[name] = validation.NewError(ingest.CodeMissingColumn, "the project needs it")
	}
	truth := cleanTruth(p, req.GroundTruth, refuse)
	for _, name := range slices.Sorted(maps.Keys(truth)) {
		columns = append(columns, models.Column{Name: "gt_" + name, Role: models.RoleGroundTruth, Field: name})
	}
	if ms := req.TimeoutMS; ms != nil && (*ms < wire.MinTryTimeoutMS || *ms > wire.MaxTryTimeoutMS) {
		refuse("timeout_ms", "must be between %d and %d", wire.MinTryTimeoutMS, wire.MaxTryTimeoutMS)
	}
	if err := (validation.Errors{"input": errs.Filter()}).Filter(); err != nil {
		wrong = append(wrong, fieldErrors(err)...)
	}
	if len(wrong) > 0 {
		return nil, nil, invalid("the try is not valid", wrong...)
	}
	job := &models.Job{ID: models.NewID(), SiteURL: address, Input: req.Input}
	if job.Input == nil {
		job.Input = map[string]string{}
	}
	if len(truth) > 0 {
		job.GroundTruth = truth
	}
	name := []rune("Try of " + strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"))
	return &models.Batch{
		ID: models.NewID(), OrganisationID: p.OrganisationID, ProjectID: p.ID,
		Name: string(name[:min(len(name), maxNameLength)]), Columns: columns,
	}, job, nil
}

// tryAnswer says what came of a try.
func (s *server) tryAnswer(ctx context.Context, e *models.Execution, jobID uuid.UUID) (*wire.Try, error) {
	job, err := s.Store.Job(ctx, e.OrganisationID, jobID)
	if err != nil {
		return nil, err
	}
	sessions, err := s.Store.JobSessions(ctx, e.OrganisationID, jobID)
	if err != nil {
		return nil, err
	}
	out := &wire.Try{
		ExecutionID: e.ID, JobID: job.ID, Status: string(job.Status), Reason: e.Reason,
		Verdict: string(job.Verdict), Result: job.Result, Comparison: comparisonAnswer(job.Comparison),
		Error: errorAnswer(job.ErrorClass, job.ErrorCode, job.ErrorMessage),
	}
	// A try has one attempt, and more only when a worker was lost; the newest comes first.
	sessions = slices.DeleteFunc(sessions, func(session models.Session) bool { return session.ExecutionID != e.ID })
	if len(sessions) == 0 {
		return out, nil
	}
	answer, err := s.sessionAnswers(ctx, sessions[:1])
	if err != nil {
		return nil, err
	}
	session := answer(&sessions[0])
	out.Session, out.VerdictNote = &session, session.VerdictNote
	if session.FinishedAt != nil {
		out.DurationMS = session.FinishedAt.Sub(session.StartedAt).Milliseconds()
	}
	return out, nil
}
