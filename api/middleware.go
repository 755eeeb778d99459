package api

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// wellFormedID is what a caller may give as the id of a request: it ends up in logs
// and headers.
var wellFormedID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

const localRequestID = "request_id"

// deadline bounds the time of a request. Fiber does not tell when a client leaves,
// so this is also what ends work that nobody waits for.
func (s *server) deadline(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), s.RequestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	return c.Next()
}

// identifyRequest gives a request its id, once: the caller's when it is well formed.
func (s *server) identifyRequest(c *fiber.Ctx) string {
	if id, ok := c.Locals(localRequestID).(string); ok {
		return id
	}
	id := c.Get(fiber.HeaderXRequestID)
	if !wellFormedID.MatchString(id) {
		id = models.NewID().String()
	}
	c.Locals(localRequestID, id)
	c.Set(fiber.HeaderXRequestID, id)
	return id
}

// envelope is around every handler: the request id, the answer to errors and panics,
// the access log.
func (s *server) envelope(c *fiber.Ctx) error {
	start := time.Now()
	id := s.identifyRequest(c)
	secure(c)
	if err := recovered(c.Next); err != nil {
		s.fail(c, err)
		drain(c)
	}
	status := c.Response().StatusCode()
	level := zapcore.InfoLevel
	if c.Path() == "/livez" || c.Path() == "/readyz" {
		level = zapcore.DebugLevel // asked every few seconds by whatever watches the process
	}
	who := access.From(c.UserContext())
	fields := []zap.Field{
		zap.String("request_id", id),
		zap.String("method", c.Method()),
		zap.String("path", c.Path()),
		zap.Int("status", status),
		zap.Duration("duration", time.Since(start)),
		zap.Int("bytes", bodySize(c)),
		zap.String("ip", s.address(c)),
	}
	if who.Known() {
		fields = append(fields, zap.String("principal", strings.TrimSpace(string(who.Kind)+" "+who.ID)),
			zap.Stringer("organisation_id", who.Organisation))
	}
	s.Logger.Log(level, "request", fields...)
	return nil
}

// bodySize is how long the body of an answer is; -1 when it is still to be read, which
// to ask would do.
func bodySize(c *fiber.Ctx) int {
	if c.Response().IsBodyStream() {
		return -1
	}
	return len(c.Response().Body())
}

// drain reads what a refused request has left of its body. The server would close the
// connection on it otherwise, and the reset that follows takes the answer from a client
// that is still sending. The read timeout bounds it.
func drain(c *fiber.Ctx) {
	if stream := c.Context().RequestBodyStream(); stream != nil {
		_, _ = io.Copy(io.Discard, stream) // whoever left needs no answer
	}
}

// recovered turns a panic into an error, with the stack for the log.
func recovered(next func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = internalProblem(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		}
	}()
	return next()
}
