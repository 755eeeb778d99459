package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
)

// tagSize is how many bytes of a digest tell files apart.
const tagSize = 16

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
	answer, err := s.sessionAnswers(ctx, sessions)
	if err != nil {
		return err
	}
	return sendPage(c, l, sessions, func(s *models.Session) []byte { return idPosition(s.ID) }, answer,
		func() (int64, error) { return s.Store.CountSessions(ctx, org, f) })
}

func (s *server) getSession(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := readQuery(c).err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	session, err := s.Store.Session(ctx, organisation(ctx), id)
	if err != nil {
		return err
	}
	answer, err := s.sessionAnswers(ctx, []models.Session{*session})
	if err != nil {
		return err
	}
	return c.JSON(answer(session))
}

// pictures are the types of files that a browser may show. Anything else that calls itself
// a picture comes from outside like these, and would be more than one.
var pictures = map[string]string{"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}

// getScreenshot answers with a file that a site has had its hand in.
func (s *server) getScreenshot(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := readQuery(c).err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	file, err := s.Store.SessionFile(ctx, organisation(ctx), id, executors.KindScreenshot)
	if err != nil {
		return err
	}
	kind, extension := file.ContentType, pictures[file.ContentType]
	if extension == "" {
		kind, extension = fiber.MIMEOctetStream, "bin"
	}
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderContentSecurityPolicy, "sandbox")
	// It may be kept, and is asked about: the session may have been deleted.
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	sum := sha256.Sum256(file.Data)
	tag := strconv.Quote(hex.EncodeToString(sum[:tagSize]))
	c.Set(fiber.HeaderETag, tag)
	if slices.Contains(strings.Split(strings.ReplaceAll(c.Get(fiber.HeaderIfNoneMatch), " ", ""), ","), tag) {
		c.Status(http.StatusNotModified)
		return nil
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, fmt.Sprintf("inline; filename=%q", "screenshot-"+id.String()+"."+extension))
	return c.Send(file.Data)
}

// sessionAnswers gives the answer to each of some sessions, with the files that it has.
func (s *server) sessionAnswers(ctx context.Context, sessions []models.Session) (func(*models.Session) wire.Session, error) {
	ids := make([]uuid.UUID, len(sessions))
	for i := range sessions {
		ids[i] = sessions[i].ID
	}
	files, err := s.Store.FilesOf(ctx, organisation(ctx), ids)
	if err != nil {
		return nil, err
	}
	return func(session *models.Session) wire.Session { return sessionAnswer(session, files[session.ID]) }, nil
}

func sessionAnswer(s *models.Session, files []string) wire.Session {
	return wire.Session{
		ID:           s.ID,
		ExecutionID:  s.ExecutionID,
		JobID:        s.JobID,
		Attempt:      s.Attempt,
		Status:       string(s.Status),
		Worker:       s.Worker,
		RemoteRunID:  s.RemoteRunID,
		Result:       s.Result,
		Raw:          s.Raw,
		Verdict:      string(s.Verdict),
		VerdictNote:  s.VerdictNote,
		Usage:        s.Usage,
		Evidence:     s.Evidence,
		Files:        files,
		Steps:        s.Steps,
		CostMicros:   s.CostMicros,
		CostCurrency: s.CostCurrency,
		Error:        errorAnswer(s.ErrorClass, s.ErrorCode, s.ErrorMessage),
		RetryAt:      utc(s.RetryAt),
		StartedAt:    s.StartedAt.UTC(),
		FinishedAt:   utc(s.FinishedAt),
	}
}

// readSessionFilter reads the parameters that narrow a list or an export of sessions.
func readSessionFilter(q *query) models.SessionFilter {
	return models.SessionFilter{Status: oneOf(q, "status", models.SessionStatuses())}
}
