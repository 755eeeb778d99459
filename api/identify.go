package api

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// everybody is whoever reaches an API that asks nobody who they are.
var everybody = access.Principal{Kind: access.KindAnonymous, Organisation: models.DefaultOrganisationID, Role: access.Owner}

// organisation is the tenant that a request is of; every call to the store takes it. It is
// that of the caller, never one that a request names.
func organisation(ctx context.Context) uuid.UUID { return access.From(ctx).Organisation }

// identify says whose request it is.
func (s *server) identify(c *fiber.Ctx) error {
	c.SetUserContext(access.With(c.UserContext(), everybody))
	return c.Next()
}

// unauthorized refuses somebody who is not known. All whose credentials are not good are
// told the same.
func unauthorized(code string, cause error) *problem {
	detail := "the request has no credentials: send an API key or a token as Authorization: Bearer"
	if code == wire.CodeInvalidToken {
		detail = "the credentials are not valid, or not any longer"
	}
	return &problem{status: http.StatusUnauthorized, code: code, detail: detail, cause: cause}
}
