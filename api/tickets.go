package api

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/access"
)

// createTicket gives a page what opens one stream: browsers send no header of a page's
// choice with one, and a key or a token does not belong into an address, which ends up in
// logs.
func (s *server) createTicket(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	if err := readJSON(c, maxJSONBytes, &struct{}{}); err != nil {
		return err
	}
	if s.Auth == nil {
		return conflict("this API asks nobody who they are; streams need no ticket")
	}
	ctx := c.UserContext()
	ticket, expires, err := s.Auth.Ticket(ctx, access.From(ctx))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(http.StatusCreated).JSON(wire.Ticket{Ticket: ticket, ExpiresAt: expires.UTC()})
}
