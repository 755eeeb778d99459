package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/scoring"
	"github.com/minohq/mino/workflows/contract"
)

// The sources of stats.
const (
	sourceWorkflow = "workflow"
	sourceDatabase = "database"
)

// getStats answers where an execution stands.
func (s *server) getStats(c *fiber.Ctx) error {
	e, err := s.readExecution(c)
	if err != nil {
		return err
	}
	stats, err := s.statsOf(c.UserContext(), e)
	if err != nil {
		return err
	}
	return c.JSON(stats)
}

// statsOf asks the live run; when there is none, or nobody answers for it, the rows are
// counted.
func (s *server) statsOf(ctx context.Context, e *models.Execution) (*wire.Stats, error) {
	if e.Status.Terminal() {
		return s.countedStats(ctx, e)
	}
	stats, err := s.Orchestrator.Stats(ctx, e.Workflow())
	switch {
	case err == nil:
		return liveStats(e, stats), nil
	case !errors.Is(err, models.ErrRunEnded) && !errors.Is(err, models.ErrUnavailable):
		return nil, executionFailed(err)
	}
	// The run may have ended meanwhile.
	e, err = s.Store.Execution(ctx, e.OrganisationID, e.ID)
	if err != nil {
		return nil, err
	}
	return s.countedStats(ctx, e)
}

// executionFailed is the answer to an error of the orchestrator that has no better.
func executionFailed(err error) error {
	p := asProblem(err)
	if p.code == wire.CodeInternal {
		return &problem{status: http.StatusInternalServerError, code: wire.CodeExecutionFailed, detail: p.detail, cause: err}
	}
	return err
}

// countedStats takes the tally that was written at the end, or counts the rows.
func (s *server) countedStats(ctx context.Context, e *models.Execution) (*wire.Stats, error) {
	tally := e.Tally
	if tally == nil || !e.Status.Terminal() {
		var err error
		if tally, err = s.Store.Tally(ctx, e.OrganisationID, e.ID); err != nil {
			return nil, err
		}
	}
	out := &wire.Stats{
		ExecutionID:  e.ID,
		Status:       string(e.Status),
		Reason:       e.Reason,
		Concurrency:  e.Concurrency,
		Source:       sourceDatabase,
		Total:        tally.Total,
		Queued:       tally.Queued,
		Running:      tally.Running,
		Completed:    tally.Completed,
		Failed:       tally.Failed,
		Cancelled:    tally.Cancelled,
		Retries:      tally.Retries,
		Verdicts:     make(map[string]int, len(tally.Verdicts)),
		ErrorClasses: make(map[string]int, len(tally.ErrorClasses)),
		Accuracy:     accuracy(tally.Matched, tally.Compared),
		JobAccuracy:  accuracy(tally.CorrectJobs, tally.ScoredJobs),
		Fields:       make(map[string]wire.Accuracy, len(tally.Fields)),
		Steps:        tally.Steps,
		CostMicros:   tally.CostMicros,
		CostCurrency: tally.CostCurrency,
		StartedAt:    utc(e.StartedAt),
		FinishedAt:   utc(e.FinishedAt),
	}
	for verdict, n := range tally.Verdicts {
		out.Verdicts[string(verdict)] = n
	}
	for class, n := range tally.ErrorClasses {
		out.ErrorClasses[string(class)] = n
	}
	for name, f := range tally.Fields {
		if a := accuracy(f.Matched, f.Compared); a != nil {
			out.Fields[name] = *a
		}
	}
	return out, nil
}

// liveStats says what the run says of itself.
func liveStats(e *models.Execution, stats contract.Stats) *wire.Stats {
	out := &wire.Stats{
		ExecutionID:  e.ID,
		Status:       stats.State,
		Reason:       stats.Reason,
		Concurrency:  stats.Concurrency,
		Source:       sourceWorkflow,
		Total:        stats.Total,
		Queued:       stats.Queued,
		Running:      stats.Running,
		Completed:    stats.Completed,
		Failed:       stats.Failed,
		Cancelled:    stats.Cancelled,
		Retries:      stats.Retries,
		Verdicts:     stats.Verdicts,
		ErrorClasses: stats.ErrorClasses,
		Accuracy:     accuracy(stats.Matched, stats.Compared),
		JobAccuracy:  accuracy(stats.CorrectJobs, stats.ScoredJobs),
		Fields:       make(map[string]wire.Accuracy, len(stats.Fields)),
		Steps:        stats.Steps,
		CostMicros:   stats.CostMicros,
		CostCurrency: stats.CostCurrency,
		StartedAt:    utc(e.StartedAt),
	}
	if stats.Total == 0 {
		// The run has not read its plan yet; the row knows it.
		out.Total, out.Queued = e.TotalJobs, e.TotalJobs
	}
	if out.Concurrency == 0 {
		out.Concurrency = e.Concurrency
	}
	if out.Verdicts == nil {
		out.Verdicts = map[string]int{}
	}
	if out.ErrorClasses == nil {
		out.ErrorClasses = map[string]int{}
	}
	for name, f := range stats.Fields {
		if a := accuracy(f.Matched, f.Compared); a != nil {
			out.Fields[name] = *a
		}
	}
	if started, err := time.Parse(time.RFC3339, stats.StartedAt); err == nil {
		out.StartedAt = utc(&started)
	}
	return out
}

// accuracy gives a share its interval; nil when nothing was compared.
func accuracy(matched, compared int) *wire.Accuracy {
	if compared == 0 {
		return nil
	}
	interval := scoring.Wilson(matched, compared)
	return &wire.Accuracy{
		Value: interval.Value, Low: interval.Low, High: interval.High, Matched: matched, Compared: compared,
	}
}
