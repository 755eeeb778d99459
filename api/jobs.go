package api

import (
	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// listJobs lists the jobs of a batch.
func (s *server) listJobs(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	f := readJobFilter(q)
	f.BatchID = id
	l := newList(q, "jobs")
	bindJobFilter(l, f)
	page := models.JobPage{AfterRow: l.afterRow(q), Limit: l.ask()}
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	if _, err := s.Store.Batch(ctx, organisation(ctx), id); err != nil {
		return err
	}
	return s.sendJobs(c, l, f, page, func(j *models.Job) []byte { return rowPosition(j.RowNumber) })
}

// listProjectJobs lists the jobs of all batches of a project.
func (s *server) listProjectJobs(c *fiber.Ctx) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	q := readQuery(c)
	f := readJobFilter(q)
	f.ProjectID = id
	l := newList(q, "project jobs")
	bindJobFilter(l, f)
	page := models.JobPage{Limit: l.ask()}
	page.AfterBatch, page.AfterRow = l.afterRowOf(q)
	if err := q.err(); err != nil {
		return err
	}
	ctx := c.UserContext()
	if _, err := s.Store.Project(ctx, organisation(ctx), id); err != nil {
		return err
	}
	return s.sendJobs(c, l, f, page, func(j *models.Job) []byte { return rowOfPosition(j.BatchID, j.RowNumber) })
}

func (s *server) sendJobs(c *fiber.Ctx, l *list, f models.JobFilter, page models.JobPage, position func(*models.Job) []byte) error {
	ctx := c.UserContext()
	org := organisation(ctx)
	jobs, err := s.Store.ListJobs(ctx, org, f, page)
	if err != nil {
		return err
	}
	return sendPage(c, l, jobs, position, jobAnswer, func() (int64, error) { return s.Store.CountJobs(ctx, org, f) })
}

func (s *server) getJob(c *fiber.Ctx) error {
	job, sessions, err := s.readJob(c)
	if err != nil {
		return err
	}
	out := jobAnswer(job)
	out.Sessions = sessions
	c.Set(fiber.HeaderETag, etag(job.Version))
	return c.JSON(out)
}

func (s *server) listSessions(c *fiber.Ctx) error {
	_, sessions, err := s.readJob(c)
	if err != nil {
		return err
	}
	// The attempts at one job are few; the answer has the form of every list all the
	// same.
	return c.JSON(wire.Page[wire.Session]{Data: sessions})
}

func (s *server) readJob(c *fiber.Ctx) (*models.Job, []wire.Session, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, nil, err
	}
	if err := readQuery(c).err(); err != nil {
		return nil, nil, err
	}
	ctx := c.UserContext()
	org := organisation(ctx)
	job, err := s.Store.Job(ctx, org, id)
	if err != nil {
		return nil, nil, err
	}
	sessions, err := s.Store.JobSessions(ctx, org, id)
	if err != nil {
		return nil, nil, err
	}
	answer, err := s.sessionAnswers(ctx, sessions)
	if err != nil {
		return nil, nil, err
	}
	out := make([]wire.Session, len(sessions))
	for i := range sessions {
		out[i] = answer(&sessions[i])
	}
	return job, out, nil
}

func jobAnswer(j *models.Job) wire.Job {
	out := wire.Job{
		ID:            j.ID,
		ProjectID:     j.ProjectID,
		BatchID:       j.BatchID,
		ExecutionID:   j.ExecutionID,
		Row:           j.RowNumber,
		SiteURL:       j.SiteURL,
		Host:          j.Host,
		Input:         j.Input,
		GroundTruth:   j.GroundTruth,
		Status:        string(j.Status),
		Attempts:      j.Attempt,
		NextAttemptAt: utc(j.NextAttemptAt),
		Result:        j.Result,
		Verdict:       string(j.Verdict),
		Accuracy:      j.Accuracy,
		Comparison:    comparisonAnswer(j.Comparison),
		Error:         errorAnswer(j.ErrorClass, j.ErrorCode, j.ErrorMessage),
		Steps:         j.Steps,
		CostMicros:    j.CostMicros,
		CostCurrency:  j.CostCurrency,
		Version:       j.Version,
		StartedAt:     utc(j.StartedAt),
		FinishedAt:    utc(j.FinishedAt),
		CreatedAt:     j.CreatedAt.UTC(),
		UpdatedAt:     j.UpdatedAt.UTC(),
	}
	if out.Input == nil {
		out.Input = map[string]string{}
	}
	return out
}

func comparisonAnswer(results map[string]scoring.FieldResult) map[string]wire.FieldResult {
	if len(results) == 0 {
		return nil
	}
	out := make(map[string]wire.FieldResult, len(results))
	for name, r := range results {
		out[name] = wire.FieldResult{
			Match: r.Match, Comparer: string(r.Comparer), Expected: r.Expected, Actual: r.Actual,
			Similarity: r.Similarity, Reason: r.Reason,
		}
	}
	return out
}

func errorAnswer(class failure.Class, code, message string) *wire.JobError {
	if class == "" {
		return nil
	}
	return &wire.JobError{Class: string(class), Code: code, Message: message}
}
