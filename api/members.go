package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

func (s *server) listMembers(c *fiber.Ctx) error {
	q := readQuery(c)
	l := newList(q, "members")
	after := l.after(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	members, err := s.Store.ListMembers(ctx, org, models.Page{After: after, Limit: l.ask()})
	if err != nil {
		return err
	}
	return sendPage(c, l, members, func(m *models.Membership) []byte { return idPosition(m.UserID) }, memberAnswer,
		func() (int64, error) { return s.Store.CountMembers(ctx, org) })
}

// addMember makes somebody a member whom the issuer of tokens knows, or will.
func (s *server) addMember(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	if err := withoutKey(c, "whoever is a member already is refused"); err != nil {
		return err
	}
	var req wire.MemberRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	if s.Issuer == "" {
		return conflict("there is no issuer of tokens that could make a person known: set MINO_OIDC_ISSUER")
	}
	m, err := s.memberOf(req)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	if err := mayGive(access.From(ctx), m.Role, nil, "role"); err != nil {
		return err
	}
	m.OrganisationID = organisation(ctx)
	n := note(ctx)
	n.Changes(nil, noted(func() any {
		// Whether there is such a person, and who it is, is known no sooner.
		n.About(targetMember, m.UserID.String())
		return memberAnswer(m)
	}))
	err = s.Store.AddMember(ctx, m)
	if errors.Is(err, models.ErrMember) {
		return memberTaken(m, err)
	}
	if err != nil {
		return err
	}
	c.Location("/api/members/" + m.UserID.String())
	return c.Status(http.StatusCreated).JSON(memberAnswer(m))
}

// memberTaken names what tells that somebody is a member already.
func memberTaken(m *models.Membership, cause error) error {
	field := "email"
	if m.User.Subject != nil {
		field = "subject"
	}
	return &problem{
		status: http.StatusConflict, code: wire.CodeConflict, detail: "they are a member already; edit the member", cause: cause,
		errors: []wire.FieldError{{Field: field, Code: wire.FieldTaken, Message: "is a member's"}},
	}
}

// memberOf reads who is to be a member.
func (s *server) memberOf(req wire.MemberRequest) (*models.Membership, error) {
	var wrong []wire.FieldError
	refuse := func(field, code, message string) {
		wrong = append(wrong, wire.FieldError{Field: field, Code: code, Message: message})
	}
	m := &models.Membership{User: &models.User{Issuer: s.Issuer}, Role: roleOf(req.Role, refuse)}
	subject, email := strings.TrimSpace(req.Subject), strings.TrimSpace(req.Email)
	switch {
	case subject == "" && email == "":
		refuse("subject", wire.FieldRequired, "give the subject that the issuer knows them as, or their email")
	case subject != "" && email != "":
		refuse("email", wire.FieldInvalid, "is for whoever has no subject yet: give one of the two")
	case subject != "" && utf8.RuneCountInString(subject) > wire.MaxSubjectLength:
		refuse("subject", "LENGTH_OUT_OF_RANGE", fmt.Sprintf("the length must be no more than %d", wire.MaxSubjectLength))
	case subject != "":
		m.User.Subject = &subject
	case utf8.RuneCountInString(email) > wire.MaxEmailLength:
		refuse("email", "LENGTH_OUT_OF_RANGE", fmt.Sprintf("the length must be no more than %d", wire.MaxEmailLength))
	case !isAddress(email):
		refuse("email", wire.FieldInvalid, "is no address of electronic mail")
	default:
		m.User.Email = &email
	}
	if len(wrong) > 0 {
		return nil, invalid("the member is not valid", wrong...)
	}
	return m, nil
}

// isAddress tells whether a text is an address of mail and nothing beside it.
func isAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}

func (s *server) updateMember(c *fiber.Ctx) error {
	m, err := s.readMember(c)
	if err != nil {
		return err
	}
	var patch wire.MemberPatch
	if err := readJSON(c, maxJSONBytes, &patch); err != nil {
		return err
	}
	text := ""
	if patch.Role != nil {
		text = *patch.Role
	}
	var wrong []wire.FieldError
	role := roleOf(text, func(field, code, message string) {
		wrong = append(wrong, wire.FieldError{Field: field, Code: code, Message: message})
	})
	if len(wrong) > 0 {
		return invalid("the member is not valid", wrong...)
	}
	ctx := c.UserContext()
	for _, one := range []access.Role{m.Role, role} {
		if err := mayGive(access.From(ctx), one, nil, "role"); err != nil {
			return err
		}
	}
	if role == m.Role {
		return c.JSON(memberAnswer(m))
	}
	before := memberAnswer(m)
	m.Role = role
	note(ctx).Changes(before, noted(func() any { return memberAnswer(m) }))
	if err := s.Store.ChangeMember(ctx, m); err != nil {
		return err
	}
	return c.JSON(memberAnswer(m))
}

func (s *server) removeMember(c *fiber.Ctx) error {
	m, err := s.readMember(c)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	if err := mayGive(access.From(ctx), m.Role, nil, "id"); err != nil {
		return err
	}
	note(ctx).Changes(memberAnswer(m), nil)
	if err := s.Store.RemoveMember(ctx, m.OrganisationID, m.UserID); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// readMember finds the member of the path, whom the request is about.
func (s *server) readMember(c *fiber.Ctx) (*models.Membership, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	if err := readQuery(c).err(); err != nil {
		return nil, err
	}
	ctx := c.UserContext()
	note(ctx).About(targetMember, id.String())
	return s.Store.Member(ctx, organisation(ctx), id)
}

func memberAnswer(m *models.Membership) wire.Member {
	out := wire.Member{
		ID: m.UserID, Role: string(m.Role), CreatedAt: m.CreatedAt.UTC(), UpdatedAt: m.UpdatedAt.UTC(),
	}
	if u := m.User; u != nil {
		out.Issuer, out.Name, out.LastSeenAt = u.Issuer, u.Name, utc(u.LastSeenAt)
		if u.Subject != nil {
			out.Subject = *u.Subject
		}
		if u.Email != nil {
			out.Email = *u.Email
		}
	}
	return out
}
