package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/ratelimit"
	"github.com/minohq/mino/models"
)

// limit refuses the requests of a key and of an organisation that come faster than the
// operator lets them. It counts in memory: several processes allow several times as many.
func (s *server) limit(c *fiber.Ctx) error {
	result := s.limiter.Take(s.buckets(identity(c))...)
	for name, value := range result.Headers() {
		c.Set(name, value)
	}
	if !result.Allowed {
		return &problem{
			status: http.StatusTooManyRequests, code: wire.CodeRateLimited,
			detail: "the key or its organisation has sent as many requests as it may for now; try again after Retry-After",
		}
	}
	return c.Next()
}

// buckets are those that a request of somebody takes from.
func (s *server) buckets(who authn.Identity) []ratelimit.Bucket {
	ours := s.RequestsPerMinute
	if own := who.Limits.RequestsPerMinute; own != nil {
		ours = *own
	}
	out := []ratelimit.Bucket{{Kind: ratelimit.Organisation, Name: who.Principal.Organisation.String(), PerMinute: ours}}
	if who.Principal.ID != "" {
		out = append(out, ratelimit.Bucket{Kind: ratelimit.Key, Name: who.Principal.ID, PerMinute: s.RequestsPerKeyMinute})
	}
	return out
}

// jobsPerDay is the one limit that time alone makes room in.
const jobsPerDay = "max_jobs_per_day"

// quotaProblem says which limit of an organisation refuses a request.
func quotaProblem(q *models.QuotaError, now time.Time) *problem {
	p := &problem{
		status: http.StatusTooManyRequests, code: wire.CodeQuotaExceeded, detail: q.Error(), cause: q,
		errors: []wire.FieldError{{
			Field: q.Limit, Code: wire.FieldExceeded, Message: fmt.Sprintf("is %d, of which %d are used and %d more were wanted", q.Most, q.Used, q.Wanted),
		}},
	}
	if q.Limit == jobsPerDay && q.Wanted <= q.Most {
		now = now.UTC()
		midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, time.UTC)
		p.headers = map[string]string{fiber.HeaderRetryAfter: strconv.Itoa(int(math.Ceil(midnight.Sub(now).Seconds())))}
	}
	return p
}

// secure tells browsers to take answers for what they say they are, and to show them in no
// frame of another site.
func secure(c *fiber.Ctx) {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
}
