package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/zap"

	"github.com/minohq/mino/api/wire"
)

// readyTimeout bounds the wait for a part to answer.
const readyTimeout = 2 * time.Second

// livez says that the process answers, whatever it depends on.
func (s *server) livez(c *fiber.Ctx) error {
	return c.JSON(wire.Health{Status: wire.HealthOK})
}

// readyz says whether the API can do its work: the database and Temporal answer.
func (s *server) readyz(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), readyTimeout)
	defer cancel()
	parts := []struct {
		name string
		ping func(context.Context) error
		err  error
	}{
		{name: "database", ping: s.Store.Ping},
		{name: "orchestrator", ping: s.Orchestrator.Ping},
	}
	var wait sync.WaitGroup
	for i := range parts {
		wait.Go(func() { parts[i].err = parts[i].ping(ctx) })
	}
	wait.Wait()
	out := wire.Health{Status: wire.HealthOK, Parts: make(map[string]string, len(parts))}
	var away []wire.FieldError
	for _, part := range parts {
		out.Parts[part.name] = wire.HealthOK
		if part.err == nil {
			continue
		}
		s.Logger.Warn("not ready", zap.String("part", part.name), zap.Error(part.err))
		away = append(away, wire.FieldError{Field: part.name, Code: wire.CodeUnavailable, Message: "does not answer"})
	}
	if len(away) > 0 {
		return &problem{
			status: http.StatusServiceUnavailable, code: wire.CodeUnavailable,
			detail: "a part of MINO does not answer", errors: away,
		}
	}
	return c.JSON(out)
}
