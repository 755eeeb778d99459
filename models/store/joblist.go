package store

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
)

// A page of jobs is to cost the same however deep it is and whatever it is filtered by. An
// index over a filter's column and the row number gives that for one value of the column:
// PostgreSQL reads a page off it and stops. It does not for several values, whose rows it
// would all read to sort them. So one filter is the axis of a list: a page is read for
// each of its values and the pages are merged.

// axis is a column of jobs and the values of it that a list is wanted for.
type axis struct {
	column string
	// values is a query, in brackets, of the values.
	values string
	args   []any
}

// axisOf chooses the filter that narrows most; the second result is false when none has
// several values, and PostgreSQL finds the index by itself.
func axisOf(org uuid.UUID, f models.JobFilter) (axis, bool) {
	low, high, between := accuracyRange(f)
	switch {
	case f.Search != "", f.MismatchedField != "":
		// The inverted index finds what is rare, and what is frequent is met with soon.
		return axis{}, false
	case len(f.ErrorClass) > 0:
		return axis{"error_class", "(SELECT unnest(ARRAY[?]::text[]) AS value)", []any{bun.List(f.ErrorClass)}}, len(f.ErrorClass) > 1
	case between && f.BatchID != uuid.Nil:
		return axis{"accuracy", accuracies, []any{org, f.BatchID, low, high}}, true
	case len(f.Verdict) > 0:
		return axis{"verdict", "(SELECT unnest(ARRAY[?]::text[]) AS value)", []any{bun.List(f.Verdict)}}, len(f.Verdict) > 1
	case len(f.Status) > 0:
		return axis{"status", "(SELECT unnest(ARRAY[?]::text[]) AS value)", []any{bun.List(f.Status)}}, len(f.Status) > 1
	case f.ExecutionID != uuid.Nil:
		return axis{"status", "(SELECT unnest(ARRAY[?]::text[]) AS value)", []any{bun.List(models.JobStatuses())}}, true
	}
	return axis{}, false
}

// accuracies goes from one accuracy that occurs in a batch to the next, without reading
// the jobs that have it: they are shares of at most a hundred fields, and so are few.
const accuracies = `(
	WITH RECURSIVE found (value) AS (
		(SELECT j.accuracy FROM jobs AS j
		 WHERE j.organisation_id = ?0 AND j.batch_id = ?1 AND j.accuracy >= ?2 ORDER BY j.accuracy LIMIT 1)
		UNION ALL
		SELECT (SELECT j.accuracy FROM jobs AS j
		        WHERE j.organisation_id = ?0 AND j.batch_id = ?1 AND j.accuracy > found.value ORDER BY j.accuracy LIMIT 1)
		FROM found WHERE found.value <= ?3
	)
	SELECT value FROM found WHERE value <= ?3)`

// accuracyRange is the range that a filter asks for.
func accuracyRange(f models.JobFilter) (low, high float64, asked bool) {
	low, high = 0, 1
	if f.MinAccuracy != nil {
		low, asked = *f.MinAccuracy, true
	}
	if f.MaxAccuracy != nil {
		high, asked = *f.MaxAccuracy, true
	}
	return low, high, asked
}

// filterJobs narrows a query over jobs AS j.
func filterJobs(q *bun.SelectQuery, org uuid.UUID, f models.JobFilter) *bun.SelectQuery {
	q = q.Where("j.organisation_id = ?", org)
	if f.ProjectID != uuid.Nil {
		q = q.Where("j.project_id = ?", f.ProjectID)
	}
	if f.BatchID != uuid.Nil {
		q = q.Where("j.batch_id = ?", f.BatchID)
	}
	return narrowJobs(q, f, "")
}

// narrowJobs applies the filters but for those of where the jobs are, and of a column.
func narrowJobs(q *bun.SelectQuery, f models.JobFilter, without string) *bun.SelectQuery {
	if f.ExecutionID != uuid.Nil {
		q = q.Where("j.execution_id = ?", f.ExecutionID)
	}
	if len(f.Status) > 0 && without != "status" {
		q = q.Where("j.status IN (?)", bun.List(f.Status))
	}
	if len(f.Verdict) > 0 && without != "verdict" {
		q = q.Where("j.verdict IN (?)", bun.List(f.Verdict))
	}
	if len(f.ErrorClass) > 0 && without != "error_class" {
		q = q.Where("j.error_class IN (?)", bun.List(f.ErrorClass))
	}
	if low, high, asked := accuracyRange(f); asked && without != "accuracy" {
		q = q.Where("j.accuracy BETWEEN ? AND ?", low, high)
	}
	switch {
	case f.HasGroundTruth == nil:
	case *f.HasGroundTruth:
		q = q.Where("j.ground_truth IS NOT NULL")
	default:
		q = q.Where("j.ground_truth IS NULL")
	}
	if f.Search != "" {
		q = q.Where("j.site_url ILIKE ?", "%"+likePattern.Replace(f.Search)+"%")
	}
	if f.Host != "" {
		q = q.Where("j.host = ?", f.Host)
	}
	if f.MismatchedField != "" {
		q = q.Where("j.mismatched @> ARRAY[?]::text[]", f.MismatchedField)
	}
	return q
}

// likePattern has a text stand for itself in a pattern of LIKE.
var likePattern = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// ListJobs lists jobs in the order that page describes; the filter names their batch or
// their project, of which tries are left out.
func (s *Store) ListJobs(ctx context.Context, org uuid.UUID, f models.JobFilter, page models.JobPage) ([]models.Job, error) {
	ctx = tenant.With(ctx, org)
	out := []models.Job{}
	err := s.jobPage(s.db.NewSelect().Model(&out), org, f, page).Scan(ctx)
	return out, mapped(err)
}

func (s *Store) jobPage(q *bun.SelectQuery, org uuid.UUID, f models.JobFilter, page models.JobPage) *bun.SelectQuery {
	limit := int64(page.Limit)
	if f.BatchID != uuid.Nil || f.ProjectID == uuid.Nil {
		after := func(q *bun.SelectQuery) *bun.SelectQuery {
			q = q.Where("j.batch_id = ?", f.BatchID)
			if page.AfterRow > 0 {
				q = q.Where("j.row_number > ?", page.AfterRow)
			}
			return q
		}
		return s.rowsOf(q, org, f, limit, after).OrderExpr("j.row_number").Limit(limit)
	}
	batches := s.db.NewSelect().Model((*models.Batch)(nil)).Column("b.id").
		Where("b.organisation_id = ? AND b.project_id = ? AND b.kind = ?", org, f.ProjectID, models.BatchUpload)
	if page.AfterBatch != uuid.Nil {
		batches = batches.Where("b.id <= ?", page.AfterBatch)
	}
	rows := s.rowsOf(s.db.NewSelect().Model((*models.Job)(nil)), org, f, limit, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("j.batch_id = b.id AND j.row_number > CASE WHEN b.id = ? THEN ? ELSE 0 END", page.AfterBatch, page.AfterRow)
	}).OrderExpr("j.row_number").Limit(limit)
	return q.ModelTableExpr("(?) AS b CROSS JOIN LATERAL (?) AS j", batches.OrderExpr("b.id DESC"), rows).
		OrderExpr("b.id DESC, j.row_number").Limit(limit)
}

// rowsOf gives the rows of one batch, of which within says where they are; when there is
// an axis, at most limit for each of its values.
func (s *Store) rowsOf(
	q *bun.SelectQuery, org uuid.UUID, f models.JobFilter, limit int64, within func(*bun.SelectQuery) *bun.SelectQuery,
) *bun.SelectQuery {
	by, several := axisOf(org, f)
	if !several {
		return narrowJobs(within(q.Where("j.organisation_id = ?", org)), f, "")
	}
	one := narrowJobs(within(s.db.NewSelect().Model((*models.Job)(nil)).Where("j.organisation_id = ?", org)), f, by.column).
		Where("j.? = v.value", bun.Ident(by.column)).
		OrderExpr("j.row_number").Limit(limit)
	values := s.db.NewRaw(by.values, by.args...)
	return q.ModelTableExpr("? AS v CROSS JOIN LATERAL (?) AS j", values, one)
}

// CountJobs counts what ListJobs lists over all pages.
func (s *Store) CountJobs(ctx context.Context, org uuid.UUID, f models.JobFilter) (int64, error) {
	ctx = tenant.With(ctx, org)
	q := filterJobs(s.db.NewSelect().Model((*models.Job)(nil)), org, f)
	if f.BatchID == uuid.Nil && f.ProjectID != uuid.Nil {
		q = q.Where("j.batch_id NOT IN (?)", s.db.NewSelect().Model((*models.Batch)(nil)).Column("b.id").
			Where("b.organisation_id = ? AND b.project_id = ? AND b.kind = ?", org, f.ProjectID, models.BatchTry))
	}
	n, err := q.Count(ctx)
	return n, mapped(err)
}
