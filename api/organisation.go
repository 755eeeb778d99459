package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/invopop/validation"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

func (s *server) getOrganisation(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	o, err := s.Store.Organisation(ctx, organisation(ctx))
	if err != nil {
		return err
	}
	return s.sendOrganisation(c, o)
}

// updateOrganisation renames the organisation; all else of it is the operator's.
func (s *server) updateOrganisation(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	precondition, err := readIfMatch(c)
	if err != nil {
		return err
	}
	var patch wire.OrganisationPatch
	if err := readJSON(c, maxJSONBytes, &patch); err != nil {
		return err
	}
	ctx := c.UserContext()
	for range patchAttempts {
		o, err := s.renameOrganisation(ctx, precondition, patch)
		if errors.Is(err, models.ErrVersionMismatch) && precondition == nil {
			continue
		}
		if err != nil {
			return err
		}
		return s.sendOrganisation(c, o)
	}
	return conflict("the organisation is being edited by others; try again")
}

func (s *server) renameOrganisation(ctx context.Context, precondition *ifMatch, patch wire.OrganisationPatch) (*models.Organisation, error) {
	o, err := s.Store.Organisation(ctx, organisation(ctx))
	switch {
	case err != nil:
		return nil, err
	case !precondition.holds(o.Version):
		return nil, models.ErrVersionMismatch
	case patch.Name == nil:
		return o, nil
	}
	before := organisationAnswer(o)
	o.Name = strings.TrimSpace(*patch.Name)
	if err := validation.Validate(o.Name, validation.Required, validation.RuneLength(1, wire.MaxNameLength)); err != nil {
		return nil, invalid("the organisation is not valid", fieldErrors(validation.Errors{"name": err})...)
	}
	note(ctx).About(targetOrganisation, o.ID.String()).Changes(before, noted(func() any { return organisationAnswer(o) }))
	return o, s.Store.RenameOrganisation(ctx, o)
}

// sendOrganisation answers with an organisation and what it uses.
func (s *server) sendOrganisation(c *fiber.Ctx, o *models.Organisation) error {
	used, err := s.Store.Usage(c.UserContext(), o.ID)
	if err != nil {
		return err
	}
	out := organisationAnswer(o)
	out.Usage = &wire.Usage{
		RunningExecutions: used.RunningExecutions, ConcurrentJobs: used.ConcurrentJobs, JobsToday: used.JobsToday,
	}
	c.Set(fiber.HeaderETag, etag(o.Version))
	return c.Status(http.StatusOK).JSON(out)
}

func organisationAnswer(o *models.Organisation) wire.Organisation {
	out := wire.Organisation{
		ID: o.ID, Slug: o.Slug, Name: o.Name,
		Limits: wire.Limits{
			RequestsPerMinute: o.RequestsPerMinute, MaxRunningExecutions: o.MaxRunningExecutions,
			MaxConcurrentJobs: o.MaxConcurrentJobs, MaxJobsPerDay: o.MaxJobsPerDay, TaskQueues: o.TaskQueues,
		},
		Version: o.Version, CreatedAt: o.CreatedAt.UTC(), UpdatedAt: o.UpdatedAt.UTC(),
	}
	if o.ExternalID != nil {
		out.ExternalID = *o.ExternalID
	}
	return out
}
