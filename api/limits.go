package api

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ratelimit"
)

// limit refuses the requests of an organisation that come faster than the operator lets
// them. It counts in memory: several processes allow several times as many.
func (s *server) limit(c *fiber.Ctx) error {
	result := s.limiter.Take(ratelimit.Bucket{
		Kind: ratelimit.Organisation, Name: organisation(c.UserContext()).String(), PerMinute: s.RequestsPerMinute,
	})
	for name, value := range result.Headers() {
		c.Set(name, value)
	}
	if !result.Allowed {
		return &problem{
			status: http.StatusTooManyRequests, code: wire.CodeRateLimited,
			detail: "the organisation has sent as many requests as it may for now; try again after Retry-After",
		}
	}
	return c.Next()
}

// secure tells browsers to take answers for what they say they are, and to show them in no
// frame of another site.
func secure(c *fiber.Ctx) {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
}
