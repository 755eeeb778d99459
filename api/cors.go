package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// preflightAge is how long a browser remembers what it may ask.
const preflightAge = 10 * time.Minute

var (
	corsMethods = strings.Join([]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete,
	}, ", ")
	// corsRequest are the headers that the API reads.
	corsRequest = strings.Join([]string{
		fiber.HeaderAuthorization, fiber.HeaderContentType, fiber.HeaderIfMatch, headerIdempotencyKey, headerLastEventID,
		headerOrganisation, fiber.HeaderXRequestID,
	}, ", ")
	// corsAnswer are those of its own that scripts are to see.
	corsAnswer = strings.Join([]string{
		fiber.HeaderContentDisposition, fiber.HeaderETag, fiber.HeaderLocation, fiber.HeaderRetryAfter, fiber.HeaderXRequestID,
		headerReplayed, "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
	}, ", ")
)

// cors lets scripts of the pages of Origins read answers. Credentials are in a header that
// such a script has set, never in a cookie, so that a page has no rights that its script
// does not have: it is for browsers, and holds nobody else back.
func (s *server) cors(c *fiber.Ctx) error {
	if len(s.Origins) > 0 {
		c.Vary(fiber.HeaderOrigin)
	}
	origin := c.Get(fiber.HeaderOrigin)
	preflight := c.Method() == http.MethodOptions && origin != "" && c.Get(fiber.HeaderAccessControlRequestMethod) != ""
	if s.lists(origin) {
		c.Set(fiber.HeaderAccessControlAllowOrigin, origin)
		c.Set(fiber.HeaderAccessControlExposeHeaders, corsAnswer)
	} else if preflight {
		return forbidden("pages of this origin may not ask here; the operator can allow it")
	}
	if !preflight {
		return c.Next()
	}
	// A preflight has no credentials; it says what may be tried, not what will be done.
	c.Set(fiber.HeaderAccessControlAllowMethods, corsMethods)
	c.Set(fiber.HeaderAccessControlAllowHeaders, corsRequest)
	c.Set(fiber.HeaderAccessControlMaxAge, strconv.Itoa(int(preflightAge.Seconds())))
	return c.SendStatus(http.StatusNoContent)
}

// lists reports whether an origin is one of those that the operator names.
func (s *server) lists(origin string) bool {
	return slices.ContainsFunc(s.Origins, func(allowed string) bool {
		return strings.EqualFold(strings.TrimRight(allowed, "/"), origin)
	})
}
