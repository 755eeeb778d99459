package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
)

// patchAttempts is how often an edit without If-Match is made anew when another one
// came between.
const patchAttempts = 5

func (s *server) createProject(c *fiber.Ctx) error {
	var req wire.ProjectRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	ctx := c.UserContext()
	project := &models.Project{
		ID:             models.NewID(),
		OrganisationID: organisation(ctx),
		Name:           req.Name,
		Instruction:    req.Instruction,
		Fields:         req.Fields,
		Executor:       req.Executor,
		Settings:       req.Settings,
		Defaults:       defaultsOf(req.Defaults),
		Inputs:         req.Inputs,
		Politeness:     (*models.Politeness)(req.Politeness),
	}
	change := make(secretChange, len(req.Secrets))
	for name, value := range req.Secrets {
		change[name] = &value
	}
	marked, err := s.marked(c, req)
	if err != nil {
		return err
	}
	return s.create(c, marked, func(once *models.Once) (reply, error) {
		if err := s.validateProject(ctx, project, change); err != nil {
			return nil, err
		}
		edit, err := s.seal(project, change)
		if err != nil {
			return nil, err
		}
		answer := func() (models.Answer, error) {
			return answerOf(http.StatusCreated, "/api/projects/"+project.ID.String(), etag(project.Version), projectAnswer(project))
		}
		note(ctx).About(targetProject, project.ID.String()).Changes(nil, noted(func() any { return projectAnswer(project) }))
		return answer, s.Store.CreateProjectOnce(ctx, project, edit, once.With(answer))
	})
}

func (s *server) getProject(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := readQuery(c).err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	project, err := s.Store.Project(ctx, organisation(ctx), id)
	if err != nil {
		return err
	}
	return sendProject(c, http.StatusOK, project)
}

func (s *server) listProjects(c *fiber.Ctx) error {
	q := readQuery(c)
	f := models.ProjectFilter{Name: strings.TrimSpace(q.text("name"))}
	l := newList(q, "projects")
	if f.Name != "" {
		filter(l, "name", strings.ToLower(f.Name))
	}
	after := l.after(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	projects, err := s.Store.ListProjects(ctx, org, f, models.Page{After: after, Limit: l.ask()})
	if err != nil {
		return err
	}
	return sendPage(c, l, projects, func(p *models.Project) []byte { return idPosition(p.ID) }, projectAnswer,
		func() (int64, error) { return s.Store.CountProjects(ctx, org, f) })
}

func (s *server) patchProject(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	precondition, err := readIfMatch(c)
	if err != nil {
		return err
	}
	var patch wire.ProjectPatch
	if err := readJSON(c, maxJSONBytes, &patch); err != nil {
		return err
	}
	ctx := c.UserContext()
	for range patchAttempts {
		project, err := s.applyPatch(ctx, id, precondition, patch)
		if errors.Is(err, models.ErrVersionMismatch) && precondition == nil {
			continue
		}
		if err != nil {
			return err
		}
		return sendProject(c, http.StatusOK, project)
	}
	return conflict("the project is being edited by others; try again")
}

// applyPatch makes one attempt at an edit: what was read is what is written over.
func (s *server) applyPatch(
	ctx context.Context, id uuid.UUID, precondition *ifMatch, patch wire.ProjectPatch,
) (*models.Project, error) {
	project, err := s.Store.Project(ctx, organisation(ctx), id)
	if err != nil {
		return nil, err
	}
	if !precondition.holds(project.Version) {
		return nil, models.ErrVersionMismatch
	}
	before := projectAnswer(project)
	if !patchInto(project, patch) {
		return project, nil
	}
	change := make(secretChange, len(patch.Secrets))
	for name, value := range patch.Secrets {
		change[name] = value.Value
	}
	if err := s.validateProject(ctx, project, change); err != nil {
		return nil, err
	}
	edit, err := s.seal(project, change)
	if err != nil {
		return nil, err
	}
	note(ctx).About(targetProject, id.String()).Changes(before, noted(func() any { return projectAnswer(project) }))
	return project, s.Store.UpdateProject(ctx, project, edit)
}

// patchInto puts the members that are present into a project; it reports whether
// there are any.
func patchInto(p *models.Project, patch wire.ProjectPatch) (changed bool) {
	if patch.Name != nil {
		p.Name, changed = *patch.Name, true
	}
	if patch.Instruction != nil {
		p.Instruction, changed = *patch.Instruction, true
	}
	if patch.Fields != nil {
		p.Fields, changed = *patch.Fields, true
	}
	if patch.Executor != nil {
		p.Executor, changed = *patch.Executor, true
	}
	if len(patch.Settings) > 0 {
		p.Settings, changed = patch.Settings, true
	}
	if patch.Defaults != nil {
		p.Defaults, changed = defaultsOf(*patch.Defaults), true
	}
	if patch.Inputs.Given {
		p.Inputs, changed = nil, true
		if patch.Inputs.Value != nil {
			p.Inputs = *patch.Inputs.Value
		}
	}
	if patch.Politeness.Given {
		p.Politeness, changed = (*models.Politeness)(patch.Politeness.Value), true
	}
	return changed || len(patch.Secrets) > 0
}

func sendProject(c *fiber.Ctx, status int, p *models.Project) error {
	c.Set(fiber.HeaderETag, etag(p.Version))
	return c.Status(status).JSON(projectAnswer(p))
}

func projectAnswer(p *models.Project) wire.Project {
	out := wire.Project{
		ID:          p.ID,
		Name:        p.Name,
		Instruction: p.Instruction,
		Fields:      p.Fields,
		Executor:    p.Executor,
		Settings:    p.Settings,
		Defaults:    defaultsAnswer(p.Defaults),
		Inputs:      p.Inputs,
		Politeness:  (*wire.Politeness)(p.Politeness),
		SecretNames: p.SecretNames,
		Version:     p.Version,
		CreatedAt:   p.CreatedAt.UTC(),
		UpdatedAt:   p.UpdatedAt.UTC(),
	}
	if out.Fields == nil {
		out.Fields = []field.Field{}
	}
	if len(out.Settings) == 0 {
		out.Settings = json.RawMessage(`{}`)
	}
	if out.SecretNames == nil {
		out.SecretNames = []string{}
	}
	return out
}

func etag(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

// ifMatch is the If-Match header of a request; nil when there is none.
type ifMatch struct {
	any  bool
	tags []string
}

func readIfMatch(c *fiber.Ctx) (*ifMatch, error) {
	header := strings.TrimSpace(c.Get(fiber.HeaderIfMatch))
	if header == "" {
		return nil, nil //nolint:nilnil // no header is no condition
	}
	if header == "*" {
		return &ifMatch{any: true}, nil
	}
	out := &ifMatch{}
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		strong := strings.TrimPrefix(tag, "W/")
		if len(strong) < 2 || strong[0] != '"' || strong[len(strong)-1] != '"' {
			return nil, invalidParams(wire.FieldError{
				Field: fiber.HeaderIfMatch, Code: wire.FieldInvalid,
				Message: `must be an entity tag as the ETag header has it, such as "3"`,
			})
		}
		out.tags = append(out.tags, tag)
	}
	return out, nil
}

// holds reports whether the condition holds for a version. Weak tags never do: an
// edit needs the very version.
func (m *ifMatch) holds(version int64) bool {
	if m == nil || m.any {
		return true
	}
	for _, tag := range m.tags {
		if tag == etag(version) {
			return true
		}
	}
	return false
}
