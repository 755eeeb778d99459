package api

import (
	"fmt"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

func (s *server) bulkDelete(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	var req wire.BulkDeleteRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	if wrong := checkIDs("ids", req.IDs, wire.MaxBulkJobs); len(wrong) > 0 {
		return invalid("the request is not valid", wrong...)
	}
	ctx := c.UserContext()
	var gone notedRows
	note(ctx).About(targetJob, "").Changes(&gone, nil)
	refused, err := s.Store.DeleteJobs(ctx, organisation(ctx), req.IDs, nil, gone.add)
	if err != nil {
		return err
	}
	out := wire.BulkResponse{}
	for _, id := range req.IDs {
		addResult(&out, wire.BulkResult{ID: id, Status: wire.BulkDeleted}, refused[id])
	}
	return c.JSON(out)
}

func (s *server) bulkUpdate(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	var req wire.BulkUpdateRequest
	if err := readJSON(c, maxJSONRowsBytes, &req); err != nil {
		return err
	}
	ids := make([]uuid.UUID, len(req.Jobs))
	for i := range req.Jobs {
		ids[i] = req.Jobs[i].ID
	}
	if wrong := checkIDs("jobs", ids, wire.MaxBulkJobs); len(wrong) > 0 {
		return invalid("the request is not valid", wrong...)
	}
	results, err := s.editEach(c, req.Jobs)
	if err != nil {
		return err
	}
	out := wire.BulkResponse{}
	for _, id := range ids {
		e := results[id]
		result := wire.BulkResult{ID: id, Status: wire.BulkUnchanged, Rescored: e.Rescored}
		if e.Job != nil {
			result.Version = e.Job.Version
		}
		if e.Changed {
			result.Status = wire.BulkUpdated
		}
		addResult(&out, result, e.Err)
	}
	return c.JSON(out)
}

// editEach edits rows, each by itself, and says of each what came of it.
func (s *server) editEach(c *fiber.Ctx, updates []wire.JobUpdate) (map[uuid.UUID]models.EditedJob, error) {
	ids := make([]uuid.UUID, len(updates))
	for i := range updates {
		ids[i] = updates[i].ID
	}
	ctx := c.UserContext()
	places, err := s.Store.JobPlaces(ctx, organisation(ctx), ids)
	if err != nil {
		return nil, err
	}
	results := make(map[uuid.UUID]models.EditedJob, len(updates))
	var edits []models.JobEdit
	wrote := noteEdits(ctx, targetJob, "")
	for _, update := range updates {
		if places.Batch[update.ID] == nil {
			results[update.ID] = models.EditedJob{Err: models.ErrJobNotFound}
			continue
		}
		edit, wrong := editOf(places.Project[update.ID], places.Batch[update.ID], update)
		if len(wrong) > 0 {
			results[update.ID] = models.EditedJob{Err: invalid("the job is not valid", wrong...)}
			continue
		}
		if want := update.Version; want != nil {
			edit.Holds = func(version int64) bool { return version == *want }
		}
		edit.Wrote = wrote
		edits = append(edits, edit)
	}
	if len(edits) == 0 {
		return results, nil
	}
	edited, err := s.Store.EditJobs(ctx, organisation(ctx), edits, false)
	for i := range edited {
		results[edits[i].ID] = edited[i]
	}
	return results, err
}

// checkIDs checks the ids of a request over many jobs.
func checkIDs(path string, ids []uuid.UUID, most int) (wrong []wire.FieldError) {
	if len(ids) == 0 {
		return []wire.FieldError{{Field: path, Code: wire.FieldRequired, Message: "cannot be blank"}}
	}
	if len(ids) > most {
		return []wire.FieldError{{
			Field: path, Code: "LENGTH_OUT_OF_RANGE", Message: fmt.Sprintf("the length must be no more than %d", most),
		}}
	}
	seen := make(map[uuid.UUID]bool, len(ids))
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case id == uuid.Nil:
			wrong = append(wrong, wire.FieldError{Field: at, Code: wire.FieldRequired, Message: "must be the id of a job"})
		case seen[id]:
			wrong = append(wrong, wire.FieldError{Field: at, Code: wire.FieldDuplicate, Message: "is there before"})
		}
		seen[id] = true
	}
	return wrong
}

// addResult adds what came of a job; err is why it was refused.
func addResult(out *wire.BulkResponse, result wire.BulkResult, err error) {
	if err == nil {
		out.Done++
	} else {
		out.Refused++
		result.Status, result.Error = wire.BulkRefused, bulkError(err)
	}
	out.Results = append(out.Results, result)
}

func bulkError(err error) *wire.BulkError {
	p := asProblem(err)
	return &wire.BulkError{Code: p.code, Message: p.detail, Errors: p.errors}
}
