package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/tenant"
	"github.com/minohq/mino/scoring"
)

// Success is the outcome of an attempt that brought a result, whatever its worth.
type Success struct {
	Result map[string]any
	Raw    json.RawMessage
	Score  scoring.Score
	Note   string // why the verdict is what it is, for people
	Used
}

// complete is for some attempts of an execution at once, in columns.
const complete = completeJobs + completeEvents

// completeRemote is for attempts that had a run elsewhere.
const completeRemote = completeJobs + `, remote AS (
		UPDATE remote_runs AS r SET ended_at = now()
		FROM j WHERE r.job_id = j.job_id AND r.execution_id = $2 AND r.ended_at IS NULL AND NOT r.abandoned
	)` + completeEvents

const completeJobs = `
	WITH done AS (
		SELECT * FROM unnest($3::uuid[], $4::integer[], $5::uuid[], $6::text[], $7::text[], $8::text[],
		                     $9::integer[], $10::integer[], $11::double precision[],
		                     $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::text[], $18::integer[])
		AS done (job_id, attempt, session_id, result, verdict, comparison,
		         matched, compared, accuracy,
		         raw, verdict_note, usage, evidence, cost_micros, cost_currency, steps)
	), j AS (
		UPDATE jobs AS j
		SET status = 'completed', result = done.result::jsonb, verdict = done.verdict, comparison = done.comparison::jsonb,
		    matched = done.matched, compared = done.compared, accuracy = done.accuracy,
		    gt_evaluated = done.compared > 0, finished_at = now(), updated_at = now(),
		    steps = j.steps + done.steps, cost_micros = j.cost_micros + done.cost_micros,
		    cost_currency = COALESCE(NULLIF(done.cost_currency, ''), j.cost_currency)
		FROM done
		WHERE j.organisation_id = $1 AND j.id = done.job_id AND j.execution_id IS NOT DISTINCT FROM $2
		  AND j.status IS NOT DISTINCT FROM 'running' AND j.attempt = done.attempt AND j.next_attempt_at IS NULL
		RETURNING j.row_number, done.*
	), session AS (
		UPDATE sessions AS s
		SET status = 'succeeded', result = j.result::jsonb, raw = j.raw::jsonb,
		    verdict = j.verdict, verdict_note = NULLIF(j.verdict_note, ''),
		    usage = j.usage::jsonb, evidence = j.evidence::jsonb,
		    steps = j.steps, cost_micros = j.cost_micros, cost_currency = NULLIF(j.cost_currency, ''), finished_at = now()
		FROM j WHERE s.id = j.session_id AND s.status IS NOT DISTINCT FROM 'running'
	)`

const completeEvents = `
	INSERT INTO execution_events (organisation_id, execution_id, type, job_id, attempt, data)
	SELECT $1, $2, 'job_finished', j.job_id, j.attempt,
	       jsonb_build_object('row', j.row_number, 'status', 'completed', 'verdict', j.verdict, 'attempts', j.attempt)
	FROM j
	RETURNING job_id, attempt`

// CompleteAttempt writes the outcome of an attempt to its session and its job, and the
// event of it. It returns models.ErrStaleAttempt, and writes nothing, when the attempt
// is not the newest or the job has ended.
func (s *Store) CompleteAttempt(ctx context.Context, a *Attempt, o Success) error {
	ctx = tenant.With(ctx, a.OrganisationID)
	done := completion{attempt: a, success: o}
	var err error
	if done.result, err = jsonOf(o.Result, o.Result == nil); err != nil {
		return err
	}
	if done.comparison, err = jsonOf(o.Score.Fields, o.Score.Fields == nil); err != nil {
		return err
	}
	write := s.completions.do
	if done.size() > alone {
		write = s.completions.alone
	}
	key := completeKey{executionKey{a.OrganisationID, a.ExecutionID}, o.RemoteEnded}
	written, err := write(ctx, key, done)
	if err == nil && !written {
		err = models.ErrStaleAttempt
	}
	return mapped(err)
}

// alone is from how many bytes on a result is written by a statement of its own, so that
// those of many fit into memory.
const alone = 256 << 10

// completeKey is what outcomes share that are written together.
type completeKey struct {
	executionKey

	remote bool
}

type completion struct {
	attempt            *Attempt
	success            Success
	result, comparison *string
}

// byID is the order in which jobs are taken by what takes several, so that two of those
// do not wait for each other.
func byID(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

func (c completion) size() int {
	size := len(c.success.Raw) + len(c.success.Evidence) + len(c.success.Usage)
	if c.result != nil {
		size += len(*c.result)
	}
	return size
}

// completeTogether says which of the outcomes it has written; the attempts of the others
// are stale.
func (s *Store) completeTogether(ctx context.Context, key completeKey, all []completion) (written []bool, err error) {
	var (
		jobs, sessions                                []uuid.UUID
		attempts, matched, compared, steps            []int
		results, comparisons, raws, usages, evidences []*string
		verdicts, notes, currencies                   []string
		accuracies                                    []*float64
		costs                                         []int64
	)
	for _, c := range slices.SortedFunc(slices.Values(all), func(a, b completion) int { return byID(a.attempt.JobID, b.attempt.JobID) }) {
		a, o := c.attempt, c.success
		jobs, sessions = append(jobs, a.JobID), append(sessions, a.SessionID)
		attempts, matched, compared = append(attempts, a.Number), append(matched, o.Score.Matched), append(compared, o.Score.Compared)
		results, comparisons = append(results, c.result), append(comparisons, c.comparison)
		raws, usages, evidences = append(raws, textOf(o.Raw)), append(usages, textOf(o.Usage)), append(evidences, textOf(o.Evidence))
		verdicts, notes, currencies = append(verdicts, string(o.Score.Verdict)), append(notes, o.Note), append(currencies, o.CostCurrency)
		accuracies, costs = append(accuracies, o.Score.Accuracy), append(costs, o.CostMicros)
		steps = append(steps, o.Steps)
	}
	statement := complete
	if key.remote {
		statement = completeRemote
	}
	rows, err := s.db.DB.QueryContext(ctx, statement, key.org, key.execution, jobs, attempts, sessions, results, verdicts, comparisons,
		matched, compared, accuracies, raws, notes, usages, evidences, costs, currencies, steps)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	written = make([]bool, len(all))
	for rows.Next() {
		var (
			job    uuid.UUID
			number int
		)
		if err := rows.Scan(&job, &number); err != nil {
			return nil, err
		}
		for i, c := range all {
			written[i] = written[i] || c.attempt.JobID == job && c.attempt.Number == number
		}
	}
	return written, rows.Err()
}
