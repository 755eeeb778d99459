package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// deleteTimeout bounds a deletion, which is one transaction however much it deletes.
const deleteTimeout = 10 * time.Minute

func (s *server) deleteProject(c *fiber.Ctx) error {
	return deleteWhole(c, targetProject, s.Store.DeleteProject, func(ctx context.Context, org, id uuid.UUID) (any, int64, error) {
		p, err := s.Store.Project(ctx, org, id)
		if err != nil {
			return nil, 0, err
		}
		return projectAnswer(p), p.Version, nil
	})
}

func (s *server) deleteBatch(c *fiber.Ctx) error {
	return deleteWhole(c, targetBatch, s.Store.DeleteBatch, func(ctx context.Context, org, id uuid.UUID) (any, int64, error) {
		b, err := s.Store.Batch(ctx, org, id)
		if err != nil {
			return nil, 0, err
		}
		return batchAnswer(b), b.Version, nil
	})
}

// deleteWhole deletes a record with what belongs to it. read gives what is written down of
// it, and the version that this is of: another one is not deleted. A key whose scopes leave
// out batches deletes none by their project.
func deleteWhole(
	c *fiber.Ctx, target string,
	remove func(ctx context.Context, org, id uuid.UUID, cascade bool, holds func(version int64) bool) error,
	read func(ctx context.Context, org, id uuid.UUID) (any, int64, error),
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
	if needs := (access.Operation{Permission: access.WriteBatches}); cascade && !needs.May(access.From(c.UserContext())) {
		return refusal(needs, access.From(c.UserContext()))
	}
	precondition, err := readIfMatch(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), deleteTimeout)
	defer cancel()
	org := organisation(ctx)
	for range patchAttempts {
		before, seen, err := read(ctx, org, id)
		if err != nil {
			return err
		}
		note(ctx).About(target, id.String()).Changes(before, nil)
		err = remove(ctx, org, id, cascade, func(version int64) bool { return version == seen && precondition.holds(version) })
		if errors.Is(err, models.ErrVersionMismatch) && (precondition == nil || precondition.any) {
			continue
		}
		if err != nil {
			return err
		}
		return c.SendStatus(http.StatusNoContent)
	}
	return conflict("the %s is being edited by others; try again", target)
}

func (s *server) deleteJob(c *fiber.Ctx) error {
	id, precondition, err := readEdit(c)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	refused, err := s.Store.DeleteJobs(ctx, organisation(ctx), []uuid.UUID{id}, precondition.holds, func(job *models.Job) {
		note(ctx).About(targetJob, id.String()).Changes(jobAnswer(job), nil)
	})
	if err == nil {
		err = refused[id]
	}
	if err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}
