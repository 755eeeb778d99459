package api

import (
	"fmt"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
)

// operation is what every route is served through: it asks whether the caller may do it,
// by the id that it has in the document, and puts a note into the context of those that
// are written down. There is no API with an operation that package access does not know.
func (s *server) operation(id string, handle fiber.Handler) fiber.Handler {
	needs, ok := access.OperationOf(id)
	if !ok {
		panic(fmt.Sprintf("package access has no operation %q: it would be nobody's", id))
	}
	return func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		principal := access.From(ctx)
		if !needs.May(principal) {
			return refusal(needs, principal)
		}
		if needs.Audited {
			c.SetUserContext(audit.With(ctx, &audit.Note{
				Principal: principal, Operation: id, RequestID: s.identifyRequest(c), IP: s.address(c), UserAgent: c.Get(fiber.HeaderUserAgent),
			}))
		}
		return handle(c)
	}
}

// refusal says what somebody lacks.
func refusal(needs access.Operation, p access.Principal) error {
	switch {
	case !p.Known():
		return authn.ErrMissing
	case !p.Role.May(needs.Permission):
		return forbidden("the role %s has no permission %s", p.Role, needs.Permission)
	}
	return forbidden("the key's scopes leave out %s", needs.Permission)
}

func forbidden(format string, args ...any) *problem {
	return &problem{status: http.StatusForbidden, code: wire.CodeForbidden, detail: fmt.Sprintf(format, args...)}
}
