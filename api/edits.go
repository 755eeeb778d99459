package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/invopop/validation"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/models"
)

// maxAccepted is how many accepted values a field of a row may have.
const maxAccepted = 100

func (s *server) patchBatch(c *fiber.Ctx) error {
	id, precondition, err := readEdit(c)
	if err != nil {
		return err
	}
	var patch wire.BatchPatch
	if err := readJSON(c, maxJSONBytes, &patch); err != nil {
		return err
	}
	ctx := c.UserContext()
	for range patchAttempts {
		batch, err := s.renameBatch(ctx, id, precondition, patch)
		if errors.Is(err, models.ErrVersionMismatch) && precondition == nil {
			continue
		}
		if err != nil {
			return err
		}
		return sendBatch(c, http.StatusOK, batch)
	}
	return conflict("the batch is being edited by others; try again")
}

func (s *server) renameBatch(ctx context.Context, id uuid.UUID, precondition *ifMatch, patch wire.BatchPatch) (*models.Batch, error) {
	batch, err := s.Store.Batch(ctx, organisation(ctx), id)
	switch {
	case err != nil:
		return nil, err
	case !precondition.holds(batch.Version):
		return nil, models.ErrVersionMismatch
	case patch.Name == nil:
		return batch, nil
	}
	before := batchAnswer(batch)
	batch.Name = strings.TrimSpace(*patch.Name)
	if err := validation.Validate(batch.Name, validation.Required, validation.RuneLength(1, maxNameLength)); err != nil {
		return nil, invalid("the batch is not valid", fieldErrors(validation.Errors{"name": err})...)
	}
	note(ctx).About(targetBatch, id.String()).Changes(before, noted(func() any { return batchAnswer(batch) }))
	return batch, s.Store.RenameBatch(ctx, batch)
}

func (s *server) patchJob(c *fiber.Ctx) error {
	id, precondition, err := readEdit(c)
	if err != nil {
		return err
	}
	var patch wire.JobPatch
	if err := readJSON(c, maxJSONBytes, &patch); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	places, err := s.Store.JobPlaces(ctx, org, []uuid.UUID{id})
	switch {
	case err != nil:
		return err
	case places.Batch[id] == nil:
		return models.ErrJobNotFound
	}
	edit, wrong := editOf(places.Project[id], places.Batch[id], wire.JobUpdate{
		ID: id, SiteURL: patch.SiteURL, Input: patch.Input, GroundTruth: patch.GroundTruth,
	})
	if len(wrong) > 0 {
		return invalid("the job is not valid", wrong...)
	}
	edit.Holds = precondition.holds
	edit.Wrote = func(before, after *models.Job) {
		note(ctx).About(targetJob, id.String()).Changes(jobAnswer(before), jobAnswer(after))
	}
	edited, err := s.Store.EditJobs(ctx, org, []models.JobEdit{edit}, true)
	if err == nil {
		err = edited[0].Err
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderETag, etag(edited[0].Job.Version))
	return c.JSON(jobAnswer(edited[0].Job))
}

// readEdit reads which record a request edits, and the versions that it may edit.
func readEdit(c *fiber.Ctx) (uuid.UUID, *ifMatch, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return id, nil, err
	}
	if err := readQuery(c).err(); err != nil {
		return id, nil, err
	}
	precondition, err := readIfMatch(c)
	return id, precondition, err
}

// editOf reads an edit of a row of a batch; the errors have paths within the row.
func editOf(p *models.Project, b *models.Batch, u wire.JobUpdate) (models.JobEdit, []wire.FieldError) {
	edit := models.JobEdit{ID: u.ID, Input: u.Input, GroundTruth: u.GroundTruth}
	var wrong []wire.FieldError
	refuse := func(path, format string, args ...any) {
		wrong = append(wrong, wire.FieldError{Field: path, Code: wire.FieldInvalid, Message: fmt.Sprintf(format, args...)})
	}
	if u.SiteURL != nil {
		address, err := ingest.SiteURL(*u.SiteURL)
		if err != nil {
			refuse("site_url", "%v", err)
		}
		edit.SiteURL = &address
	}
	if u.Input != nil {
		for _, name := range slices.Sorted(maps.Keys(*u.Input)) {
			if !slices.ContainsFunc(b.Columns, func(c models.Column) bool { return c.Name == name && c.Role == models.RoleInput }) {
				refuse("input."+name, "is no input column of the batch")
			}
		}
	}
	if u.GroundTruth != nil {
		truth := cleanTruth(p, *u.GroundTruth, refuse)
		edit.GroundTruth = &truth
	}
	return edit, wrong
}

// cleanTruth gives accepted values the form in which an upload stores them.
func cleanTruth(p *models.Project, truth map[string][]string, refuse func(path, format string, args ...any)) map[string][]string {
	out := make(map[string][]string, len(truth))
	for _, name := range slices.Sorted(maps.Keys(truth)) {
		path := "ground_truth." + name
		if !slices.ContainsFunc(p.Fields, hasName(name)) {
			refuse(path, "is no field of the project")
			continue
		}
		if n := len(truth[name]); n > maxAccepted {
			refuse(path, "has %d accepted values; %d are the most", n, maxAccepted)
			continue
		}
		values := make([]string, len(truth[name]))
		for i, value := range truth[name] {
			if values[i] = strings.TrimSpace(value); values[i] == "" {
				refuse(fmt.Sprintf("%s[%d]", path, i), "must not be blank")
			}
		}
		out[name] = values
	}
	return out
}
