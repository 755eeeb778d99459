package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

const (
	// headerOrganisation has the id or the slug of the organisation that a person who is of
	// several means.
	headerOrganisation = "Mino-Organisation"
	// ticketParameter is how a browser opens a stream, where it cannot send a header.
	ticketParameter = "ticket"

	localIdentity = "identity"
)

// streamPath is where a ticket is taken.
var streamPath = regexp.MustCompile(`^/api/executions/[^/]+/(events|ws)$`)

// everybody is whoever reaches an API that asks nobody who they are.
var everybody = access.Principal{Kind: access.KindAnonymous, Organisation: models.DefaultOrganisationID, Role: access.Owner}

// organisation is the tenant that a request is of; every call to the store takes it. It is
// that of the caller, never one that a request names.
func organisation(ctx context.Context) uuid.UUID { return access.From(ctx).Organisation }

// identify says whose request it is, before anything else is done for it.
func (s *server) identify(c *fiber.Ctx) error {
	who, err := s.whose(c)
	if err != nil {
		return err
	}
	c.Locals(localIdentity, who)
	ctx := context.WithValue(c.UserContext(), taskQueuesKey{}, who.Limits.TaskQueues)
	c.SetUserContext(access.With(ctx, who.Principal))
	return c.Next()
}

type taskQueuesKey struct{}

// taskQueues are those that projects of the caller's organisation may name; nil is any but
// MINO's own.
func taskQueues(ctx context.Context) []string {
	queues, _ := ctx.Value(taskQueuesKey{}).([]string)
	return queues
}

// identity is what identify has found.
func identity(c *fiber.Ctx) authn.Identity {
	who, _ := c.Locals(localIdentity).(authn.Identity)
	return who
}

func (s *server) whose(c *fiber.Ctx) (authn.Identity, error) {
	if s.Auth == nil {
		return authn.Identity{Principal: everybody}, s.ownPage(c)
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), s.RequestTimeout)
	defer cancel()
	header := c.Get(fiber.HeaderAuthorization)
	if ticket := c.Query(ticketParameter); header == "" && ticket != "" && streamPath.MatchString(c.Path()) {
		return s.Auth.Redeem(ctx, ticket)
	}
	return s.Auth.Authenticate(ctx, authn.Credentials{
		Authorization: header, Organisation: c.Get(headerOrganisation), IP: s.address(c),
	})
}

// ownPage refuses what the page of another site has the browser of somebody on this machine
// ask of an API that asks nobody who they are: such a page reaches loopback too. It says its
// Origin when it sends anything, and comes under its own name when it has that name resolve
// to this machine, so that to the browser the answers are its own.
func (s *server) ownPage(c *fiber.Ctx) error {
	host := string(c.Context().Host())
	if origin := c.Get(fiber.HeaderOrigin); origin != "" && !s.trusts(origin, host) {
		return forbidden("pages of this origin may not ask an API that asks nobody who they are; the operator can allow it")
	}
	if !s.ownName(host) {
		return forbidden("an API that asks nobody who they are goes by an address, by localhost, or by an origin that the operator names, not by %q", host)
	}
	return nil
}

// ownName tells whether a host is one that nobody else can have resolve to this machine.
func (s *server) ownName(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	if _, err := netip.ParseAddr(name); err == nil || name == "" || strings.EqualFold(name, "localhost") {
		return true
	}
	return s.lists("http://"+host) || s.lists("https://"+host)
}

// unknownCaller answers what package authn refuses; nil is another error.
func unknownCaller(err error) *problem {
	var tooMany *authn.TooManyError
	switch {
	case errors.As(err, &tooMany):
		return &problem{
			status: http.StatusTooManyRequests, code: wire.CodeRateLimited, headers: tooMany.Result.Headers(), cause: err,
			detail: "too many wrong credentials have come from this address; try again after Retry-After",
		}
	case errors.Is(err, authn.ErrMissing):
		return &problem{
			status: http.StatusUnauthorized, code: wire.CodeUnauthorized, cause: err,
			headers: map[string]string{fiber.HeaderWWWAuthenticate: "Bearer"},
			detail:  "the request has no credentials; send an API key or a token as Authorization: Bearer",
		}
	case errors.Is(err, authn.ErrInvalid):
		return &problem{
			status: http.StatusUnauthorized, code: wire.CodeInvalidToken, cause: err,
			headers: map[string]string{fiber.HeaderWWWAuthenticate: `Bearer error="invalid_token"`},
			detail:  "the credentials are not valid, or not any longer",
		}
	case errors.Is(err, authn.ErrNoOrganisation):
		return organisationRequired(err)
	}
	return nil
}

// organisationRequired tells a person what they could name.
func organisationRequired(err error) *problem {
	p := &problem{
		status: http.StatusForbidden, code: wire.CodeOrganisationRequired, cause: err,
		detail: "the credentials open no organisation, or not the one that " + headerOrganisation + " names",
	}
	var none *authn.NoOrganisationError
	if errors.As(err, &none) && len(none.Choices) > 0 {
		p.detail = "say in " + headerOrganisation + " which of your organisations you mean, by id or slug"
		p.errors = []wire.FieldError{{
			Field: headerOrganisation, Code: wire.FieldRequired, Message: "is to be one of " + strings.Join(none.Choices, ", "),
		}}
	}
	return p
}
