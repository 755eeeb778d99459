package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

const (
	headerIdempotencyKey = "Idempotency-Key"
	// headerReplayed marks an answer that was given before.
	headerReplayed = "Idempotency-Replayed"
)

var wellFormedKey = regexp.MustCompile(`^[!-~]{1,255}$`)

// reply gives the answer to a request that made a record.
type reply = func() (models.Answer, error)

// create answers a request that makes a record. Under an Idempotency-Key the record is
// made once and its answer given again: the key is written with the record, in one
// transaction, so there is never the one without the other, and of several requests that
// come at once one makes the record while the others wait for its answer.
func (s *server) create(c *fiber.Ctx, request any, write func(*models.Once) (reply, error)) error {
	once, err := readKey(c, request)
	if err != nil {
		return err
	}
	if once != nil {
		// Before the request is held against what is there, which it may have made itself.
		if err := s.replay(c, once); !errors.Is(err, models.ErrNotFound) {
			return err
		}
	}
	answer, err := write(once)
	if errors.Is(err, models.ErrKeyUsed) {
		return s.replay(c, once)
	}
	if err != nil {
		return err
	}
	out, err := answer()
	if err != nil {
		return err
	}
	return send(c, out)
}

// readKey reads the key of a request; nil is none.
func readKey(c *fiber.Ctx, request any) (*models.Once, error) {
	key := c.Get(headerIdempotencyKey)
	if key == "" {
		return nil, nil //nolint:nilnil // no header is no key
	}
	if !wellFormedKey.MatchString(key) {
		return nil, invalidParams(wire.FieldError{
			Field: headerIdempotencyKey, Code: wire.FieldInvalid, Message: "must be 1 to 255 visible characters of ASCII",
		})
	}
	body, err := json.Marshal([]any{c.Method(), c.Path(), request})
	if err != nil {
		return nil, fmt.Errorf("read a request: %w", err)
	}
	return &models.Once{OrganisationID: organisation(c.UserContext()), Key: key, Fingerprint: sha256.Sum256(body)}, nil
}

// replay gives the answer that was given before, or returns models.ErrNotFound.
func (s *server) replay(c *fiber.Ctx, once *models.Once) error {
	answer, err := s.kept(c, once)
	if err != nil {
		return err
	}
	return send(c, *answer)
}

// kept finds the answer that was given before, or returns models.ErrNotFound.
func (s *server) kept(c *fiber.Ctx, once *models.Once) (*models.Answer, error) {
	answer, fingerprint, err := s.Store.KeptAnswer(c.UserContext(), once.OrganisationID, once.Key)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(fingerprint, once.Fingerprint[:]) {
		return nil, &problem{
			status: http.StatusUnprocessableEntity, code: wire.CodeIdempotencyMismatch,
			detail: "the Idempotency-Key was used for another request; a new request needs a new key",
		}
	}
	c.Set(headerReplayed, "true")
	return answer, nil
}

func answerOf(status int, location, tag string, record any) (models.Answer, error) {
	body, err := json.Marshal(record)
	return models.Answer{Status: status, Location: location, ETag: tag, Body: body}, err
}

func send(c *fiber.Ctx, a models.Answer) error {
	c.Location(a.Location)
	if a.ETag != "" {
		c.Set(fiber.HeaderETag, a.ETag)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Status(a.Status).Send(a.Body)
}
