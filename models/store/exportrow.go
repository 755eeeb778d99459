package store

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/minohq/mino/models"
)

// jsonText takes the text of a JSON column into the same memory again and again; NULL
// leaves it empty.
type jsonText []byte

// ScanBytes implements pgtype.BytesScanner.
func (j *jsonText) ScanBytes(text []byte) error {
	*j = append((*j)[:0], text...)
	return nil
}

// jobRow is what a row of exportedJobs is read into.
type jobRow struct {
	out                                    models.ExportedJob
	id, execution                          pgtype.UUID
	status                                 string
	input, truth, result, comparison       jsonText
	accuracy                               pgtype.Float8
	started, finished, next, made, changed pgtype.Timestamptz
	micros                                 pgtype.Int8
	cost                                   models.Cost
}

func (r *jobRow) targets() []any {
	return []any{
		&r.id, &r.out.RowNumber, &r.out.SiteURL, &r.status, &r.execution, &r.out.Attempt,
		&r.input, &r.truth, &r.result, &r.comparison,
		&r.out.Verdict, &r.accuracy, &r.out.ErrorClass, &r.out.ErrorCode, &r.out.ErrorMessage,
		&r.started, &r.finished, &r.next, &r.made, &r.changed, &r.out.Steps, &r.micros, &r.cost.Currency,
	}
}

func (r *jobRow) job() *models.ExportedJob {
	j := &r.out
	j.ID, j.ExecutionID, j.Status = uuid.UUID(r.id.Bytes), idOf(r.execution), models.JobStatus(r.status)
	j.Input, j.GroundTruth, j.Result, j.Comparison = []byte(r.input), []byte(r.truth), []byte(r.result), []byte(r.comparison)
	j.Accuracy = nil
	if r.accuracy.Valid {
		j.Accuracy = &r.accuracy.Float64
	}
	j.StartedAt, j.FinishedAt, j.NextAttemptAt = timeOf(r.started), timeOf(r.finished), timeOf(r.next)
	j.CreatedAt, j.UpdatedAt = timeOf(r.made), timeOf(r.changed)
	j.Cost = costOf(&r.cost, r.micros)
	return j
}

// sessionRow is what a row of exportedSessions is read into.
type sessionRow struct {
	out                          models.ExportedSession
	id, job, execution           pgtype.UUID
	status                       string
	result, raw, usage, evidence jsonText
	retry, started, finished     pgtype.Timestamptz
	micros                       pgtype.Int8
	cost                         models.Cost
}

func (r *sessionRow) targets() []any {
	return []any{
		&r.id, &r.job, &r.execution, &r.out.RowNumber, &r.out.SiteURL, &r.out.Attempt, &r.status, &r.out.Worker,
		&r.out.RemoteRunID, &r.result, &r.raw, &r.usage, &r.evidence,
		&r.out.Verdict, &r.out.VerdictNote, &r.out.ErrorClass, &r.out.ErrorCode, &r.out.ErrorMessage,
		&r.retry, &r.started, &r.finished, &r.out.Steps, &r.micros, &r.cost.Currency,
	}
}

func (r *sessionRow) session() *models.ExportedSession {
	s := &r.out
	s.ID, s.JobID, s.ExecutionID = uuid.UUID(r.id.Bytes), uuid.UUID(r.job.Bytes), uuid.UUID(r.execution.Bytes)
	s.Status = models.SessionStatus(r.status)
	s.Result, s.Raw, s.Usage, s.Evidence = []byte(r.result), []byte(r.raw), []byte(r.usage), []byte(r.evidence)
	s.RetryAt, s.StartedAt, s.FinishedAt = timeOf(r.retry), timeOf(r.started), timeOf(r.finished)
	s.Cost = costOf(&r.cost, r.micros)
	return s
}

func idOf(id pgtype.UUID) uuid.UUID {
	if !id.Valid {
		return uuid.Nil
	}
	return id.Bytes
}

func timeOf(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time
}

func costOf(cost *models.Cost, micros pgtype.Int8) *models.Cost {
	if !micros.Valid {
		return nil
	}
	cost.Micros = micros.Int64
	return cost
}
