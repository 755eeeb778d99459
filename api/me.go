package api

import (
	"fmt"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// getMe says whose the request is.
func (s *server) getMe(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	me := access.From(ctx)
	o, err := s.Store.Organisation(ctx, me.Organisation)
	if err != nil {
		return err
	}
	return c.JSON(wire.Me{
		Kind: string(me.Kind), ID: me.ID, Name: me.Name, Organisation: organisationRef(o), Role: string(me.Role),
		Permissions: orEmpty(texts(me.Permissions())),
	})
}

// listOrganisations lists what the caller is a member of; a key is of one.
func (s *server) listOrganisations(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	me := access.From(ctx)
	out := wire.Page[wire.OwnOrganisation]{Data: []wire.OwnOrganisation{}}
	if me.Kind != access.KindUser {
		o, err := s.Store.Organisation(ctx, me.Organisation)
		if err != nil {
			return err
		}
		out.Data = append(out.Data, wire.OwnOrganisation{OrganisationRef: organisationRef(o), Role: string(me.Role)})
		return c.JSON(out)
	}
	id, err := uuid.Parse(me.ID)
	if err != nil {
		return fmt.Errorf("read the id of a user: %w", err)
	}
	memberships, err := s.Store.MembershipsOf(ctx, id)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		out.Data = append(out.Data, wire.OwnOrganisation{OrganisationRef: organisationRef(m.Organisation), Role: string(m.Role)})
	}
	return c.JSON(out)
}

func organisationRef(o *models.Organisation) wire.OrganisationRef {
	return wire.OrganisationRef{ID: o.ID, Slug: o.Slug, Name: o.Name}
}

// orEmpty has a list without members be one in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// mayGive refuses that somebody gives, or takes, what is not theirs: a role, or of a role
// what scopes leave. nil scopes are all. field is the member of the request that says it.
func mayGive(p access.Principal, role access.Role, scopes []access.Permission, field string) error {
	if p.Covers(role, scopes) {
		return nil
	}
	message := "has more permissions than the caller"
	if !p.Role.Includes(role) {
		message = fmt.Sprintf("is more than the caller's own role, %s", p.Role)
	}
	return &problem{
		status: http.StatusForbidden, code: wire.CodeForbidden,
		detail: "nobody gives or takes more than they have themselves",
		errors: []wire.FieldError{{Field: field, Code: wire.FieldInvalid, Message: message}},
	}
}

// roleOf reads a role of a request.
func roleOf(text string, refuse func(field, code, message string)) access.Role {
	role := access.Role(text)
	switch {
	case text == "":
		refuse("role", wire.FieldRequired, "cannot be blank")
	case !role.Valid():
		refuse("role", wire.FieldInvalid, "is none of "+joined(access.Roles()))
	}
	return role
}
