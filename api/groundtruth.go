package api

import (
	"fmt"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

// setGroundTruth sets the truth of rows of a batch, all of them or none.
func (s *server) setGroundTruth(c *fiber.Ctx) error {
	batchID, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := readQuery(c).err(); err != nil {
		return err
	}
	var req wire.GroundTruthRequest
	if err := readJSON(c, maxJSONRowsBytes, &req); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	batch, err := s.Store.Batch(ctx, org, batchID)
	if err != nil {
		return err
	}
	project, err := s.Store.Project(ctx, org, batch.ProjectID)
	if err != nil {
		return err
	}
	edits, err := s.truthEdits(c, project, batch, req.Rows)
	if err != nil {
		return err
	}
	wrote := noteEdits(ctx, targetBatch, batchID.String())
	for i := range edits {
		edits[i].Wrote = wrote
	}
	edited, err := s.Store.EditJobs(ctx, org, edits, true)
	if err != nil {
		return err
	}
	var out wire.GroundTruthResponse
	var refused []wire.FieldError
	for i, e := range edited {
		switch {
		case e.Err != nil:
			p := asProblem(e.Err)
			refused = append(refused, wire.FieldError{Field: fmt.Sprintf("rows[%d]", i), Code: p.code, Message: p.detail})
		case e.Changed:
			out.Updated++
		default:
			out.Unchanged++
		}
		if e.Rescored {
			out.Rescored++
		}
	}
	if len(refused) > 0 {
		return &problem{
			status: http.StatusConflict, code: wire.CodeConflict,
			detail: "nothing was changed: some rows cannot be edited now", errors: refused,
		}
	}
	return c.JSON(out)
}

// truthEdits reads which jobs are to have which truth.
func (s *server) truthEdits(c *fiber.Ctx, p *models.Project, b *models.Batch, rows []wire.RowTruth) ([]models.JobEdit, error) {
	if len(rows) == 0 || len(rows) > s.MaxRows {
		return nil, invalid("the request is not valid", wire.FieldError{
			Field: "rows", Code: "LENGTH_OUT_OF_RANGE", Message: fmt.Sprintf("the length must be between 1 and %d", s.MaxRows),
		})
	}
	ctx := c.UserContext()
	var numbers []int
	var ids []uuid.UUID
	for _, row := range rows {
		if row.JobID != nil {
			ids = append(ids, *row.JobID)
		} else if row.Row != nil {
			numbers = append(numbers, *row.Row)
		}
	}
	byRow, err := s.Store.JobsOfRows(ctx, organisation(ctx), b.ID, numbers)
	if err != nil {
		return nil, err
	}
	places := &models.JobPlaces{}
	if len(ids) > 0 {
		if places, err = s.Store.JobPlaces(ctx, organisation(ctx), ids); err != nil {
			return nil, err
		}
	}
	var wrong []wire.FieldError
	edits := make([]models.JobEdit, len(rows))
	seen := make(map[uuid.UUID]bool, len(rows))
	for i, row := range rows {
		refuse := func(path, format string, args ...any) {
			wrong = append(wrong, wire.FieldError{
				Field: fmt.Sprintf("rows[%d]%s", i, path), Code: wire.FieldInvalid, Message: fmt.Sprintf(format, args...),
			})
		}
		id := jobOfRow(row, b, byRow, places, refuse)
		if id != uuid.Nil && seen[id] {
			refuse("", "names a row that was named before")
		}
		seen[id] = true
		if row.GroundTruth == nil {
			refuse(".ground_truth", "cannot be blank")
		}
		truth := cleanTruth(p, row.GroundTruth, func(path, format string, args ...any) { refuse("."+path, format, args...) })
		edits[i] = models.JobEdit{ID: id, GroundTruth: &truth, Merge: true}
	}
	if len(wrong) > 0 {
		return nil, invalid("the ground truth is not valid; nothing was changed", wrong...)
	}
	return edits, nil
}

// jobOfRow finds the job that a row is about, of those of its batch.
func jobOfRow(
	row wire.RowTruth, b *models.Batch, byRow map[int]uuid.UUID, places *models.JobPlaces, refuse func(path, format string, args ...any),
) uuid.UUID {
	switch {
	case (row.Row == nil) == (row.JobID == nil):
		refuse("", "needs one of row and job_id")
	case row.Row != nil && byRow[*row.Row] == uuid.Nil:
		refuse(".row", "is no row of the batch")
	case row.Row != nil:
		return byRow[*row.Row]
	case places.Batch[*row.JobID] == nil || places.Batch[*row.JobID].ID != b.ID:
		refuse(".job_id", "is no job of the batch")
	default:
		return *row.JobID
	}
	return uuid.Nil
}
