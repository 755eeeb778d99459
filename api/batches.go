package api

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

func (s *server) getBatch(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := readQuery(c).err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	batch, err := s.Store.Batch(ctx, organisation(ctx), id)
	if err != nil {
		return err
	}
	return sendBatch(c, http.StatusOK, batch)
}

func (s *server) listBatches(c *fiber.Ctx) error {
	q := readQuery(c)
	f := models.BatchFilter{ProjectID: q.id("project_id")}
	l := newList(q, "batches")
	l.id("project_id", f.ProjectID)
	after := l.after(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	batches, err := s.Store.ListBatches(ctx, org, f, models.Page{After: after, Limit: l.ask()})
	if err != nil {
		return err
	}
	return sendPage(c, l, batches, func(b *models.Batch) []byte { return idPosition(b.ID) }, batchAnswer,
		func() (int64, error) { return s.Store.CountBatches(ctx, org, f) })
}

func sendBatch(c *fiber.Ctx, status int, b *models.Batch) error {
	c.Set(fiber.HeaderETag, etag(b.Version))
	return c.Status(status).JSON(batchAnswer(b))
}

func batchAnswer(b *models.Batch) wire.Batch {
	out := wire.Batch{
		ID:        b.ID,
		ProjectID: b.ProjectID,
		Name:      b.Name,
		Columns:   make([]wire.Column, len(b.Columns)),
		RowCount:  b.RowCount,
		Version:   b.Version,
		CreatedAt: b.CreatedAt.UTC(),
		UpdatedAt: b.UpdatedAt.UTC(),
	}
	for i, column := range b.Columns {
		out.Columns[i] = wire.Column{Name: column.Name, Role: string(column.Role), Field: column.Field}
	}
	return out
}
