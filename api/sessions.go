package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/models"
)

func (s *server) listExecutionSessions(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	f := readSessionFilter(q)
	f.ExecutionID = id
	l := newList(q, "sessions")
	l.id("execution_id", id)
	filter(l, "status", f.Status...)
	after := l.after(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	if _, err := s.Store.Execution(ctx, org, id); err != nil {
		return err
	}
	sessions, err := s.Store.ListSessions(ctx, org, f, models.Page{After: after, Limit: l.ask()})
	if err != nil {
		return err
	}
	return sendPage(c, l, sessions, func(s *models.Session) []byte { return idPosition(s.ID) }, sessionAnswer,
		func() (int64, error) { return s.Store.CountSessions(ctx, org, f) })
}

// readSessionFilter reads the parameters that narrow a list or an export of sessions.
func readSessionFilter(q *query) models.SessionFilter {
	return models.SessionFilter{Status: oneOf(q, "status", models.SessionStatuses())}
}
