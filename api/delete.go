package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// deleteTimeout bounds a deletion, which is one transaction however much it deletes.
const deleteTimeout = 10 * time.Minute

func (s *server) deleteProject(c *fiber.Ctx) error { return deleteWhole(c, s.Store.DeleteProject) }

func (s *server) deleteBatch(c *fiber.Ctx) error { return deleteWhole(c, s.Store.DeleteBatch) }

func deleteWhole(
	c *fiber.Ctx, remove func(ctx context.Context, org, id uuid.UUID, cascade bool, holds func(version int64) bool) error,
) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	cascade := q.flag("cascade")
	if err := q.err(); err != nil {
		return err
	}
	precondition, err := readIfMatch(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), deleteTimeout)
	defer cancel()
	if err := remove(ctx, organisation(ctx), id, cascade, precondition.holds); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (s *server) deleteJob(c *fiber.Ctx) error {
	id, precondition, err := readEdit(c)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	refused, err := s.Store.DeleteJobs(ctx, organisation(ctx), []uuid.UUID{id}, precondition.holds)
	if err == nil {
		err = refused[id]
	}
	if err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
