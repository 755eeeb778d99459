package store

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
	"github.com/minohq/mino/scoring"
)

// EditJobs edits rows, in one transaction, and says of each what came of it. With whole
// set, one that is refused has all of them stay as they were.
//
// A row cannot be edited while an execution has it, unless it is still queued there: the
// workflow has counted what came of it, or its attempt has read it. The truth of a
// completed job that is edited is held against its result, under the fields that its
// execution ran with, and the job, the session that brought the result and the figures of
// the execution follow.
func (s *Store) EditJobs(ctx context.Context, org uuid.UUID, edits []models.JobEdit, whole bool) ([]models.EditedJob, error) {
	ctx = tenant.With(ctx, org)
	var out []models.EditedJob
	err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if out, err = editJobs(ctx, tx, org, edits); err != nil {
			return err
		}
		if whole && slices.ContainsFunc(out, func(e models.EditedJob) bool { return e.Err != nil }) {
			return errUnchanged
		}
		if !slices.ContainsFunc(out, func(e models.EditedJob) bool { return e.Changed }) {
			return errUnchanged
		}
		return nil
	})
	return out, err
}

func editJobs(ctx context.Context, tx bun.Tx, org uuid.UUID, edits []models.JobEdit) ([]models.EditedJob, error) {
	ids := make([]uuid.UUID, len(edits))
	for i := range edits {
		ids[i] = edits[i].ID
	}
	jobs, err := lockJobs(ctx, tx, org, ids)
	if err != nil {
		return nil, err
	}
	executions, err := executionsOf(ctx, tx, org, jobs)
	if err != nil {
		return nil, err
	}
	out := make([]models.EditedJob, len(edits))
	var changed []models.Job
	var rescored []rescoredJob
	for i := range edits {
		job, ok := jobs[edits[i].ID]
		if !ok {
			out[i].Err = models.ErrJobNotFound
			continue
		}
		out[i].Job = job
		e := executions[executionOf(job)]
		switch {
		case edits[i].Holds != nil && !edits[i].Holds(job.Version):
			out[i].Err = models.ErrVersionMismatch
			continue
		case e != nil && !e.Status.Terminal() && job.Status != models.JobQueued:
			out[i].Err = models.ErrJobBusy
			continue
		}
		before := *job
		truth := applyEdit(job, &edits[i])
		if out[i].Changed = truth || job.SiteURL != before.SiteURL || !maps.Equal(job.Input, before.Input); !out[i].Changed {
			continue
		}
		job.Version++
		if truth && e != nil && job.Status == models.JobCompleted {
			rescore(job, e)
			rescored = append(rescored, rescoredJob{before, *job})
			out[i].Rescored = true
		}
		if edits[i].Wrote != nil {
			edits[i].Wrote(&before, job)
		}
		changed = append(changed, *job)
	}
	if len(changed) == 0 {
		return out, nil
	}
	if err := writeEdits(ctx, tx, changed); err != nil {
		return nil, err
	}
	return out, recount(ctx, tx, rescored)
}

// lockJobs locks jobs in the order of their ids, as whatever else takes several, and gives
// those that there are.
func lockJobs(ctx context.Context, tx bun.Tx, org uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]*models.Job, error) {
	var jobs []models.Job
	err := tx.NewSelect().Model(&jobs).
		Where("j.organisation_id = ? AND j.id IN (?)", org, bun.List(ids)).
		OrderExpr("j.id").For("UPDATE").Scan(ctx)
	out := make(map[uuid.UUID]*models.Job, len(jobs))
	for i := range jobs {
		out[jobs[i].ID] = &jobs[i]
	}
	return out, err
}

// executionsOf reads the executions that have jobs, or had them last. It comes after the
// jobs were locked: an execution that takes one of them comes before or waits.
func executionsOf(ctx context.Context, tx bun.Tx, org uuid.UUID, jobs map[uuid.UUID]*models.Job) (map[uuid.UUID]*models.Execution, error) {
	wanted := make(map[uuid.UUID]bool)
	for _, job := range jobs {
		if job.ExecutionID != nil {
			wanted[*job.ExecutionID] = true
		}
	}
	out := make(map[uuid.UUID]*models.Execution, len(wanted))
	if len(wanted) == 0 {
		return out, nil
	}
	var executions []models.Execution
	err := tx.NewSelect().Model(&executions).Column("id", "status", "snapshot").
		Where("e.organisation_id = ? AND e.id IN (?)", org, bun.List(slices.Collect(maps.Keys(wanted)))).Scan(ctx)
	for i := range executions {
		out[executions[i].ID] = &executions[i]
	}
	return out, err
}

func executionOf(j *models.Job) uuid.UUID {
	if j == nil || j.ExecutionID == nil {
		return uuid.Nil
	}
	return *j.ExecutionID
}

// applyEdit edits a row in memory and says whether its truth is another one now.
func applyEdit(job *models.Job, edit *models.JobEdit) (truth bool) {
	if edit.SiteURL != nil {
		job.SiteURL = *edit.SiteURL
	}
	if edit.Input != nil {
		job.Input = *edit.Input
	}
	if edit.GroundTruth == nil {
		return false
	}
	now := make(map[string][]string)
	if edit.Merge {
		maps.Copy(now, job.GroundTruth)
	}
	for field, accepted := range *edit.GroundTruth {
		if now[field] = accepted; len(accepted) == 0 {
			delete(now, field)
		}
	}
	if maps.EqualFunc(now, job.GroundTruth, slices.Equal[[]string]) {
		return false
	}
	if job.GroundTruth = now; len(now) == 0 {
		job.GroundTruth = nil
	}
	return true
}

// rescore holds the result of a completed job against its truth again.
func rescore(job *models.Job, e *models.Execution) {
	in := scoring.Input{Fields: e.Snapshot.Fields, Result: job.Result, Truth: job.GroundTruth}
	if job.Verdict == scoring.Blocked {
		in.Blocked = string(scoring.Blocked)
	}
	score := scoring.Evaluate(in)
	job.Verdict, job.Comparison = score.Verdict, score.Fields
	job.Matched, job.Compared, job.Accuracy = score.Matched, score.Compared, score.Accuracy
	job.GTEvaluated = score.Compared > 0
}

// writeEdits writes rows back, which are locked.
func writeEdits(ctx context.Context, tx bun.Tx, jobs []models.Job) error {
	var c struct {
		ids                                   []uuid.UUID
		urls                                  []string
		inputs, truths, verdicts, comparisons []*string
		matched, compared                     []int
		accuracies                            []*float64
		versions                              []int64
	}
	for i := range jobs {
		j := &jobs[i]
		input, err := jsonOf(j.Input, j.Input == nil)
		if err != nil {
			return err
		}
		truth, err := jsonOf(j.GroundTruth, j.GroundTruth == nil)
		if err != nil {
			return err
		}
		comparison, err := jsonOf(j.Comparison, j.Comparison == nil)
		if err != nil {
			return err
		}
		var verdict *string
		if j.Verdict != "" {
			verdict = (*string)(&j.Verdict)
		}
		c.ids, c.urls, c.inputs, c.truths = append(c.ids, j.ID), append(c.urls, j.SiteURL), append(c.inputs, input), append(c.truths, truth)
		c.verdicts, c.comparisons = append(c.verdicts, verdict), append(c.comparisons, comparison)
		c.matched, c.compared, c.accuracies = append(c.matched, j.Matched), append(c.compared, j.Compared), append(c.accuracies, j.Accuracy)
		c.versions = append(c.versions, j.Version)
	}
	_, err := tx.Tx.ExecContext(ctx, `
		UPDATE jobs AS j
		SET site_url = e.site_url, input = coalesce(e.input::jsonb, '{}'), ground_truth = e.truth::jsonb, verdict = e.verdict,
		    comparison = e.comparison::jsonb, matched = e.matched, compared = e.compared, accuracy = e.accuracy,
		    gt_evaluated = e.compared > 0, version = e.version, updated_at = now()
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::integer[],
		            $9::double precision[], $10::bigint[])
		     AS e (id, site_url, input, truth, verdict, comparison, matched, compared, accuracy, version)
		WHERE j.id = e.id`,
		c.ids, c.urls, c.inputs, c.truths, c.verdicts, c.comparisons, c.matched, c.compared, c.accuracies, c.versions)
	return err
}
