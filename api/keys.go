package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/invopop/validation"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

func (s *server) listKeys(c *fiber.Ctx) error {
	q := readQuery(c)
	l := newList(q, "keys")
	after := l.after(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	keys, err := s.Store.ListAPIKeys(ctx, org, models.Page{After: after, Limit: l.ask()})
	if err != nil {
		return err
	}
	return sendPage(c, l, keys, func(k *models.APIKey) []byte { return idPosition(k.ID) }, keyAnswer,
		func() (int64, error) { return s.Store.CountAPIKeys(ctx, org) })
}

func (s *server) getKey(c *fiber.Ctx) error {
	k, err := s.readAPIKey(c)
	if err != nil {
		return err
	}
	return c.JSON(keyAnswer(k))
}

// createKey makes a key. Its text is in this answer alone: not in the records, the log or
// the audit log.
func (s *server) createKey(c *fiber.Ctx) error {
	if err := readQuery(c).err(); err != nil {
		return err
	}
	if err := withoutKey(c, "the answer has a secret, which is not kept"); err != nil {
		return err
	}
	var req wire.APIKeyRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	k, err := keyOf(req, time.Now())
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	me := access.From(ctx)
	field := "scopes"
	if !me.Role.Includes(k.Role) {
		field = "role"
	}
	if err := mayGive(me, k.Role, k.Scopes, field); err != nil {
		return err
	}
	text, err := s.hashKey(k)
	if err != nil {
		return err
	}
	k.OrganisationID, k.CreatedBy = me.Organisation, creator(me)
	note(ctx).About(targetKey, k.ID.String()).Changes(nil, noted(func() any { return keyAnswer(k) }))
	if err := s.Store.CreateAPIKey(ctx, k); err != nil {
		return err
	}
	return sendKey(c, k, text)
}

// keyOf reads what key is wanted.
func keyOf(req wire.APIKeyRequest, now time.Time) (*models.APIKey, error) {
	var wrong []wire.FieldError
	refuse := func(field, code, message string) {
		wrong = append(wrong, wire.FieldError{Field: field, Code: code, Message: message})
	}
	k := &models.APIKey{Name: strings.TrimSpace(req.Name), ExpiresAt: req.ExpiresAt}
	if err := validation.Validate(k.Name, validation.Required, validation.RuneLength(1, wire.MaxNameLength)); err != nil {
		wrong = fieldErrors(validation.Errors{"name": err})
	}
	k.Role = roleOf(req.Role, refuse)
	if req.Scopes != nil {
		k.Scopes = scopesOf(k.Role, *req.Scopes, refuse)
	}
	checkEnd(req.ExpiresAt, now, refuse)
	if len(wrong) > 0 {
		return nil, invalid("the key is not valid", wrong...)
	}
	return k, nil
}

// scopesOf reads what is to be left of a role's permissions.
func scopesOf(role access.Role, names []string, refuse func(field, code, message string)) []access.Permission {
	if len(names) == 0 {
		refuse("scopes", wire.FieldRequired, "must leave something; leave it out for all of the role's permissions")
	}
	out := make([]access.Permission, 0, len(names))
	for i, name := range names {
		at, scope := fmt.Sprintf("scopes[%d]", i), access.Permission(name)
		switch {
		case !scope.Valid():
			refuse(at, wire.FieldInvalid, "is none of "+joined(access.Permissions()))
		case slices.Contains(out, scope):
			refuse(at, wire.FieldDuplicate, "is there before")
		case role.Valid() && !role.May(scope):
			refuse(at, wire.FieldInvalid, fmt.Sprintf("is no permission of the role %s", role))
		}
		out = append(out, scope)
	}
	slices.Sort(out)
	return out
}

// checkEnd refuses an end that has passed, or that cannot be stored.
func checkEnd(end *time.Time, now time.Time, refuse func(field, code, message string)) {
	switch {
	case end == nil:
	case !end.After(now):
		refuse("expires_at", wire.FieldInvalid, "must be in the future")
	case end.After(latest):
		refuse("expires_at", wire.FieldInvalid, "must be before the year 9000")
	}
}

// hashKey gives a key its id and the hash of its secret, and returns its text.
func (s *server) hashKey(k *models.APIKey) (text string, err error) {
	if s.Keys == nil {
		return "", noHashKey(apikey.ErrNoKey)
	}
	k.ID = models.NewID()
	text, k.Hash, k.HashKeyID, err = s.Keys.New(k.ID)
	return text, noHashKey(err)
}

// noHashKey has a MINO without a hash key refuse to make keys; any other error stays.
func noHashKey(err error) error {
	if !errors.Is(err, apikey.ErrNoKey) {
		return err
	}
	return conflict("no API key can be made: %v", apikey.ErrNoKey)
}

// rotateKey puts a new key in the place of one.
func (s *server) rotateKey(c *fiber.Ctx) error {
	if err := withoutKey(c, "the answer has a secret, which is not kept"); err != nil {
		return err
	}
	old, err := s.readAPIKey(c)
	if err != nil {
		return err
	}
	var req wire.RotateRequest
	if err := readJSON(c, maxJSONBytes, &req); err != nil {
		return err
	}
	now := time.Now()
	var wrong []wire.FieldError
	refuse := func(field, code, message string) {
		wrong = append(wrong, wire.FieldError{Field: field, Code: code, Message: message})
	}
	grace := wire.DefaultGraceSeconds
	if req.GraceSeconds != nil {
		if grace = *req.GraceSeconds; grace < 0 || grace > wire.MaxGraceSeconds {
			refuse("grace_seconds", "OUT_OF_RANGE", fmt.Sprintf("must be between 0 and %d", wire.MaxGraceSeconds))
		}
	}
	checkEnd(req.ExpiresAt, now, refuse)
	if len(wrong) > 0 {
		return invalid("the request is not valid", wrong...)
	}
	ctx := c.UserContext()
	me := access.From(ctx)
	if err := mayGive(me, old.Role, old.Scopes, "id"); err != nil {
		return err
	}
	next := &models.APIKey{CreatedBy: creator(me), ExpiresAt: req.ExpiresAt}
	text, err := s.hashKey(next)
	if err != nil {
		return err
	}
	ends := time.Time{} // now
	if grace > 0 {
		ends = now.Add(time.Duration(grace) * time.Second)
	}
	note(ctx).Changes(keyAnswer(old), noted(func() any { return keyAnswer(next) }))
	if err := s.Store.RotateAPIKey(ctx, old.OrganisationID, old.ID, next, ends); err != nil {
		return err
	}
	return sendKey(c, next, text)
}

func (s *server) revokeKey(c *fiber.Ctx) error {
	if err := readJSON(c, maxJSONBytes, &struct{}{}); err != nil {
		return err
	}
	k, err := s.readAPIKey(c)
	if err != nil {
		return err
	}
	ctx := c.UserContext()
	before, after := keyAnswer(k), keyAnswer(k)
	after.Status = wire.KeyRevoked // when is the time of the entry
	note(ctx).Changes(before, after)
	if k, err = s.Store.RevokeAPIKey(ctx, k.OrganisationID, k.ID); err != nil {
		return err
	}
	return c.JSON(keyAnswer(k))
}

// readAPIKey finds the key of the path, which the request is about.
func (s *server) readAPIKey(c *fiber.Ctx) (*models.APIKey, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	if err := readQuery(c).err(); err != nil {
		return nil, err
	}
	ctx := c.UserContext()
	note(ctx).About(targetKey, id.String())
	return s.Store.APIKey(ctx, organisation(ctx), id)
}

// sendKey shows a key with its text, for the only time.
func sendKey(c *fiber.Ctx, k *models.APIKey, text string) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Location("/api/keys/" + k.ID.String())
	return c.Status(http.StatusCreated).JSON(wire.CreatedAPIKey{APIKey: keyAnswer(k), Key: text})
}

// creator names who makes a key, in its record.
func creator(p access.Principal) string { return strings.TrimSpace(string(p.Kind) + " " + p.ID) }

func keyAnswer(k *models.APIKey) wire.APIKey {
	out := wire.APIKey{
		ID: k.ID, Name: k.Name, Role: string(k.Role), Status: keyStatus(k, time.Now()), CreatedBy: k.CreatedBy, Replaces: k.Replaces,
		CreatedAt: k.CreatedAt.UTC(), ExpiresAt: utc(k.ExpiresAt), LastUsedAt: utc(k.LastUsedAt), RevokedAt: utc(k.RevokedAt),
	}
	if k.Scopes != nil {
		out.Scopes = orEmpty(texts(k.Scopes))
	}
	if k.LastUsedIP != nil {
		out.LastUsedIP = *k.LastUsedIP
	}
	return out
}

func keyStatus(k *models.APIKey, now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return wire.KeyRevoked
	case k.ExpiresAt != nil && !k.ExpiresAt.After(now):
		return wire.KeyExpired
	}
	return wire.KeyActive
}

// withoutKey refuses an Idempotency-Key where there is nothing that could be answered
// again: ignored, it would promise what is not kept.
func withoutKey(c *fiber.Ctx, why string) error {
	if c.Get(headerIdempotencyKey) == "" {
		return nil
	}
	return invalidParams(wire.FieldError{
		Field: headerIdempotencyKey, Code: wire.FieldInvalid, Message: "is not taken here: " + why,
	})
}
