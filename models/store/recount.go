package store

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/scoring"
)

// rescoredJob is a completed job before and after its result was held against another
// truth.
type rescoredJob struct{ before, after models.Job }

// recount has the sessions and the executions of jobs say what the jobs say now. The
// figures of an execution that has ended are not counted anew, since other jobs of it may
// belong to a later execution: what the jobs were worth is taken off, what they are worth
// is added.
func recount(ctx context.Context, tx bun.Tx, jobs []rescoredJob) error {
	byExecution := make(map[uuid.UUID][]rescoredJob)
	for _, j := range jobs {
		byExecution[*j.after.ExecutionID] = append(byExecution[*j.after.ExecutionID], j)
	}
	// In one order, so that two edits do not wait for each other.
	for _, id := range slices.SortedFunc(maps.Keys(byExecution), byID) {
		e := new(models.Execution)
		err := tx.NewSelect().Model(e).Column("id", "tally").Where("e.id = ?", id).For("NO KEY UPDATE").Scan(ctx)
		if err != nil {
			return err
		}
		var sessions []models.Session
		for _, j := range byExecution[id] {
			sessions = append(sessions, models.Session{JobID: j.after.ID, Attempt: j.after.Attempt, Verdict: j.after.Verdict})
			if e.Tally != nil {
				count(e.Tally, &j.before, -1)
				count(e.Tally, &j.after, 1)
			}
		}
		if err := reviseSessions(ctx, tx, id, sessions); err != nil {
			return err
		}
		if e.Tally == nil {
			continue
		}
		if _, err := tx.NewUpdate().Model(e).Column("tally").Set("updated_at = now()").Where("id = ?", id).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// count adds what a job came to, n times.
func count(t *models.ExecutionTally, j *models.Job, n int) {
	addTo(t.Verdicts, j.Verdict, n)
	t.Matched += n * j.Matched
	t.Compared += n * j.Compared
	if j.Compared > 0 {
		t.ScoredJobs += n
		if j.Matched == j.Compared {
			t.CorrectJobs += n
		}
	}
	for name, r := range j.Comparison {
		f := t.Fields[name]
		f.Compared += n
		if r.Match {
			f.Matched += n
		}
		if t.Fields[name] = f; f == (models.FieldTally{}) {
			delete(t.Fields, name)
		}
	}
}

func addTo(counts map[scoring.Verdict]int, v scoring.Verdict, n int) {
	if counts[v] += n; counts[v] == 0 {
		delete(counts, v)
	}
}

// reviseSessions writes the verdicts of the sessions that brought the results.
func reviseSessions(ctx context.Context, tx bun.Tx, execution uuid.UUID, sessions []models.Session) error {
	jobs, attempts, verdicts := make([]uuid.UUID, len(sessions)), make([]int, len(sessions)), make([]string, len(sessions))
	for i, s := range sessions {
		jobs[i], attempts[i], verdicts[i] = s.JobID, s.Attempt, string(s.Verdict)
	}
	_, err := tx.Tx.ExecContext(ctx, `
		UPDATE sessions AS s SET verdict = revised.verdict
		FROM unnest($2::uuid[], $3::integer[], $4::text[]) AS revised (job_id, attempt, verdict)
		WHERE s.job_id = revised.job_id AND s.execution_id = $1 AND s.attempt = revised.attempt AND s.status = 'succeeded'`,
		execution, jobs, attempts, verdicts)
	return err
}
