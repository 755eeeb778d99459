package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models"
)

// remove sends a DELETE.
func (b *bundle) remove(path string, headers ...string) *answer {
	b.t.Helper()
	req := b.request(http.MethodDelete, path, "", nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.send(req)
}

// end ends an execution as its workflow would.
func (b *bundle) end(e wire.Execution) {
	b.t.Helper()
	_, err := b.store.FinishExecution(b.t.Context(), models.DefaultOrganisationID, e.ID, models.ExecutionStopped, "")
	require.NoError(b.t, err)
}

func jobPath(j wire.Job) string { return "/api/jobs/" + j.ID.String() }

func (b *bundle) job(j wire.Job) wire.Job {
	b.t.Helper()
	return read[wire.Job](b.get(jobPath(j)), http.StatusOK)
}

func TestBatchIsRenamed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 1)
	path := "/api/batches/" + batch.ID.String()
	got := b.patch(path, `{"name": " Second "}`, "If-Match", `"1"`)
	renamed := read[wire.Batch](got, http.StatusOK)
	require.Equal(t, "Second", renamed.Name)
	require.EqualValues(t, 2, renamed.Version)
	require.Equal(t, `"2"`, got.header.Get("ETag"))
	require.Equal(t, `"2"`, b.get(path).header.Get("ETag"))
	require.Equal(t, renamed, read[wire.Batch](b.patch(path, `{}`), http.StatusOK))
	b.patch(path, `{"name": "Third"}`, "If-Match", `"1"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
	at(t, b.patch(path, `{"name": " "}`).problem(http.StatusBadRequest, wire.CodeValidation), "name")
	at(t, b.patch(path, `{"row_count": 7}`).problem(http.StatusBadRequest, wire.CodeValidation), "row_count")
	b.patch("/api/batches/"+uuid.NewString(), `{}`).problem(http.StatusNotFound, wire.CodeBatchNotFound)
	require.Equal(t, renamed, read[wire.Batch](b.get(path), http.StatusOK))
}

func TestJobIsEdited(t *testing.T) {
	t.Parallel()

	t.Run("MemberByMember", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		p := b.project()
		req := b.request(http.MethodPost, "/api/batches?project_id="+p.ID.String(), "text/csv",
			jsonBody(t, "site_url,name,colour,gt_price\nhttps://shop.example/1,a,red,1\n"))
		batch := read[wire.Batch](b.send(req), http.StatusCreated)
		job := b.jobs(batch, "")[0]
		require.EqualValues(t, 1, job.Version)

		got := b.patch(jobPath(job), `{"site_url": "www.other.example/x", "input": {"name": "b"}}`, "If-Match", `"1"`)
		edited := read[wire.Job](got, http.StatusOK)
		require.Equal(t, `"2"`, got.header.Get("ETag"))
		require.Equal(t, "https://www.other.example/x", edited.SiteURL)
		require.Equal(t, map[string]string{"name": "b"}, edited.Input)
		require.Equal(t, map[string][]string{"price": {"1"}}, edited.GroundTruth)
		stored := b.job(job)
		require.Equal(t, "www.other.example", stored.Host)
		require.Equal(t, edited.Input, stored.Input)
		require.EqualValues(t, 2, stored.Version)

		require.EqualValues(t, 2, read[wire.Job](b.patch(jobPath(job), `{"input": {"name": "b"}}`), http.StatusOK).Version, "nothing is no edit")
		b.patch(jobPath(job), `{"input": {}}`, "If-Match", `"1"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
		without := read[wire.Job](b.patch(jobPath(job), `{"ground_truth": {}, "input": {}}`, "If-Match", "*"), http.StatusOK)
		require.Nil(t, without.GroundTruth)
		require.Empty(t, without.Input)

		refused := b.patch(jobPath(job), `{"site_url": "ftp://x", "input": {"gt_price": "1"}, "ground_truth": {"size": ["1"], "price": [" "]}}`).
			problem(http.StatusBadRequest, wire.CodeValidation)
		require.ElementsMatch(t, []string{"site_url", "input.gt_price", "ground_truth.size", "ground_truth.price[0]"}, fieldsOf(refused))
		at(t, b.patch(jobPath(job), `{"status": "completed"}`).problem(http.StatusBadRequest, wire.CodeValidation), "status")
		b.patch("/api/jobs/"+uuid.NewString(), `{}`).problem(http.StatusNotFound, wire.CodeJobNotFound)
		require.EqualValues(t, 3, b.job(job).Version)
	})

	t.Run("OneOfManyAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		job := b.jobs(b.batch(b.project(), 1), "")[0]
		statuses := make([]int, 8)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				req := b.request(http.MethodPatch, jobPath(job), "application/json", jsonBody(t, fmt.Sprintf(`{"ground_truth": {"price": ["%d"]}}`, i)))
				req.Header.Set("If-Match", `"1"`)
				statuses[i] = b.send(req).status
			})
		}
		all.Wait()
		counts := map[int]int{}
		for _, status := range statuses {
			counts[status]++
		}
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: 7}, counts)
		require.EqualValues(t, 2, b.job(job).Version)
	})

	t.Run("NotWhileAnExecutionRunsIt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		batch := b.batch(b.project(), 5)
		e := b.execution(batch)
		jobs := b.jobs(batch, "")
		finishJobs(b, e, jobs)
		for row, want := range map[int]int{1: http.StatusConflict, 3: http.StatusConflict, 4: http.StatusConflict, 5: http.StatusOK} {
			require.Equal(t, want, b.patch(jobPath(jobs[row-1]), `{"ground_truth": {"price": ["7"]}}`).status, "row %d", row)
		}
		for _, job := range jobs {
			b.remove(jobPath(job)).problem(http.StatusConflict, wire.CodeConflict)
		}
		b.end(e)
		for _, job := range jobs {
			b.patch(jobPath(job), `{"ground_truth": {"price": ["8"]}}`).is(http.StatusOK)
		}
	})
}

func TestGroundTruthIsSet(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 5)
	e := b.execution(batch)
	jobs := b.jobs(batch, "")
	finishJobs(b, e, jobs)
	b.end(e)
	path := "/api/batches/" + batch.ID.String() + "/ground-truth"
	before := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, map[string]int{"correct": 1, "wrong": 1}, before.Verdicts)

	// Row 1 found 10.00 EUR, row 2 found 11.00 EUR, row 3 failed.
	truths := map[string]any{"rows": []any{
		map[string]any{"row": 2, "ground_truth": map[string][]string{"price": {"11.00 EUR", "12"}}},
		map[string]any{"job_id": jobs[0].ID, "ground_truth": map[string][]string{"sku": {"A1"}}},
		map[string]any{"row": 3, "ground_truth": map[string][]string{"price": {}}},
		map[string]any{"row": 5, "ground_truth": map[string][]string{"price": {"10.00"}}},
	}}
	set := read[wire.GroundTruthResponse](b.post(path, truths), http.StatusOK)
	require.Equal(t, wire.GroundTruthResponse{Updated: 3, Unchanged: 1, Rescored: 2}, set)
	require.Equal(t, wire.GroundTruthResponse{Unchanged: 4}, read[wire.GroundTruthResponse](b.post(path, truths), http.StatusOK))

	first, second, third := b.job(jobs[0]), b.job(jobs[1]), b.job(jobs[2])
	require.Equal(t, "partial", first.Verdict)
	require.InDelta(t, 0.5, *first.Accuracy, 0)
	require.Equal(t, map[string][]string{"price": {"10.00"}, "sku": {"A1"}}, first.GroundTruth, "what was not named stays")
	require.False(t, first.Comparison["sku"].Match)
	require.Equal(t, "partial", first.Sessions[0].Verdict, "the session that brought the result says the same")
	require.Equal(t, "correct", second.Verdict)
	require.Nil(t, third.GroundTruth)
	require.Equal(t, "failed", third.Status)

	after := read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK)
	require.Equal(t, map[string]int{"correct": 1, "partial": 1}, after.Verdicts)
	require.Equal(t, []int{2, 3}, []int{after.Accuracy.Matched, after.Accuracy.Compared})
	require.Equal(t, []int{1, 2}, []int{after.JobAccuracy.Matched, after.JobAccuracy.Compared})
	require.Equal(t, []int{2, 2}, []int{after.Fields["price"].Matched, after.Fields["price"].Compared})
	require.Equal(t, []int{0, 1}, []int{after.Fields["sku"].Matched, after.Fields["sku"].Compared})

	t.Run("AllRowsOrNone", func(t *testing.T) {
		t.Parallel()
		other := b.jobs(b.batch(b.project(), 1), "")[0]
		refused := b.post(path, map[string]any{"rows": []any{
			map[string]any{"row": 1, "ground_truth": map[string][]string{"price": {"99"}}},
			map[string]any{"row": 1, "ground_truth": map[string][]string{"price": {"98"}}},
			map[string]any{"row": 6, "ground_truth": map[string][]string{"colour": {"red"}}},
			map[string]any{"job_id": other.ID, "ground_truth": map[string][]string{"price": {""}}},
			map[string]any{"row": 2, "job_id": jobs[1].ID, "ground_truth": map[string][]string{}},
			map[string]any{"row": 4},
		}}).problem(http.StatusBadRequest, wire.CodeValidation)
		require.ElementsMatch(t, []string{
			"rows[1]", "rows[2].row", "rows[2].ground_truth.colour", "rows[3].job_id", "rows[3].ground_truth.price[0]", "rows[4]", "rows[5].ground_truth",
		}, fieldsOf(refused))
		require.Equal(t, first.GroundTruth, b.job(jobs[0]).GroundTruth)
		at(t, b.post(path, `{"rows": []}`).problem(http.StatusBadRequest, wire.CodeValidation), "rows")
		b.post("/api/batches/"+uuid.NewString()+"/ground-truth", truths).problem(http.StatusNotFound, wire.CodeBatchNotFound)
	})
}

func TestGroundTruthWaitsForTheExecution(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 5)
	e := b.execution(batch)
	jobs := b.jobs(batch, "")
	finishJobs(b, e, jobs)
	refused := b.post("/api/batches/"+batch.ID.String()+"/ground-truth",
		`{"rows": [{"row": 5, "ground_truth": {"price": ["1"]}}, {"row": 2, "ground_truth": {"price": ["1"]}}]}`).
		problem(http.StatusConflict, wire.CodeConflict)
	require.Equal(t, []string{"rows[1]"}, fieldsOf(refused))
	require.Equal(t, jobs[4].GroundTruth, b.job(jobs[4]).GroundTruth)
}

func TestRecordsAreDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	batch, kept := b.batch(p, 5), b.batch(p, 2)
	projectPath, batchPath := "/api/projects/"+p.ID.String(), "/api/batches/"+batch.ID.String()
	e := b.execution(batch)
	jobs := b.jobs(batch, "")
	finishJobs(b, e, jobs)

	b.remove(batchPath+"?cascade=true").problem(http.StatusConflict, wire.CodeConflict)
	b.remove(projectPath+"?cascade=true").problem(http.StatusConflict, wire.CodeConflict)
	b.end(e)

	b.remove(jobPath(jobs[0]), "If-Match", `"9"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
	require.Empty(t, b.remove(jobPath(jobs[0])).is(http.StatusNoContent).body)
	b.remove(jobPath(jobs[0])).problem(http.StatusNotFound, wire.CodeJobNotFound)
	require.Equal(t, 4, read[wire.Batch](b.get(batchPath), http.StatusOK).RowCount)
	require.Len(t, b.jobs(batch, ""), 4)
	require.Equal(t, 5, read[wire.Stats](b.get(executionPath(e)+"/stats"), http.StatusOK).Total, "what was run was run")

	b.remove(batchPath).problem(http.StatusConflict, wire.CodeConflict)
	at(t, b.remove(batchPath+"?cascade=yes").problem(http.StatusBadRequest, wire.CodeInvalidParams), "cascade")
	b.remove(batchPath+"?cascade=true", "If-Match", `"9"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
	b.remove(batchPath + "?cascade=true").is(http.StatusNoContent)
	b.get(batchPath).problem(http.StatusNotFound, wire.CodeBatchNotFound)
	b.get(executionPath(e)).problem(http.StatusNotFound, wire.CodeExecutionNotFound)
	b.remove(batchPath).problem(http.StatusNotFound, wire.CodeBatchNotFound)
	require.Zero(t, b.count((*models.Session)(nil)))
	require.Zero(t, b.count((*models.ExecutionEvent)(nil)))
	require.Len(t, b.jobs(kept, ""), 2, "others stay")

	b.remove(projectPath).problem(http.StatusConflict, wire.CodeConflict)
	b.remove(projectPath+"?cascade=true", "If-Match", `"9"`).problem(http.StatusPreconditionFailed, wire.CodePreconditionFailed)
	b.remove(projectPath + "?cascade=true").is(http.StatusNoContent)
	b.get(projectPath).problem(http.StatusNotFound, wire.CodeProjectNotFound)
	b.remove(projectPath).problem(http.StatusNotFound, wire.CodeProjectNotFound)
	require.Zero(t, b.count((*models.Job)(nil)))

	unused := b.project()
	fresh := b.batch(unused, 1)
	b.remove("/api/batches/" + fresh.ID.String()).is(http.StatusNoContent)
	b.remove("/api/projects/" + unused.ID.String()).is(http.StatusNoContent)
}

// TestDeletionAndStartMeet has one of the two win, whoever comes first.
func TestDeletionAndStartMeet(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := b.project()
	for range 20 {
		batch := b.batch(p, 3)
		var deleted, started int
		var both sync.WaitGroup
		both.Go(func() { deleted = b.remove("/api/batches/" + batch.ID.String() + "?cascade=true").status })
		both.Go(func() { started = b.post(executePath(batch), `{"type": "production"}`).status })
		both.Wait()
		switch deleted {
		case http.StatusNoContent:
			require.Equal(t, http.StatusNotFound, started)
			require.Zero(t, b.rows(batch.ID))
		default:
			require.Equal(t, []int{http.StatusConflict, http.StatusAccepted}, []int{deleted, started})
			require.Equal(t, 3, b.rows(batch.ID))
		}
	}
}

func (b *bundle) rows(batch uuid.UUID) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.db.NewRaw(`SELECT count(*) FROM jobs WHERE batch_id = ?`, batch).Scan(b.t.Context(), &n))
	return n
}

func TestJobsAreEditedAndDeletedTogether(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	batch := b.batch(b.project(), 4)
	jobs, missing := b.jobs(batch, ""), uuid.New()
	update := func(id uuid.UUID, members string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"id": %q, %s}`, id, members))
	}
	got := read[wire.BulkResponse](b.post("/api/jobs/bulk/update", map[string]any{"jobs": []any{
		update(jobs[0].ID, `"version": 1, "ground_truth": {"price": ["1"]}`),
		update(jobs[1].ID, `"version": 7, "ground_truth": {"price": ["1"]}`),
		update(missing, `"ground_truth": {}`),
		update(jobs[2].ID, `"site_url": "nowhere"`),
		update(jobs[3].ID, `"ground_truth": {"price": ["10.00"]}`),
	}}), http.StatusOK)
	require.Equal(t, []int{2, 3}, []int{got.Done, got.Refused})
	statuses, codes := []string{}, []string{}
	for i, r := range got.Results {
		statuses = append(statuses, r.Status)
		if codes = append(codes, ""); r.Error != nil {
			codes[i] = r.Error.Code
		}
	}
	require.Equal(t, []string{"updated", "refused", "refused", "refused", "unchanged"}, statuses)
	require.Equal(t, []string{"", wire.CodePreconditionFailed, wire.CodeJobNotFound, wire.CodeValidation, ""}, codes)
	require.Equal(t, "site_url", got.Results[3].Error.Errors[0].Field)
	require.EqualValues(t, 2, got.Results[0].Version)
	require.Equal(t, map[string][]string{"price": {"1"}}, b.job(jobs[0]).GroundTruth)

	e := b.execution(batch)
	other := b.jobs(b.batch(b.project(), 1), "")[0]
	gone := read[wire.BulkResponse](b.post("/api/jobs/bulk/delete", map[string]any{"ids": []uuid.UUID{jobs[0].ID, missing, other.ID}}), http.StatusOK)
	require.Equal(t, []string{"refused", "refused", "deleted"}, []string{gone.Results[0].Status, gone.Results[1].Status, gone.Results[2].Status})
	require.Equal(t, []string{wire.CodeConflict, wire.CodeJobNotFound}, []string{gone.Results[0].Error.Code, gone.Results[1].Error.Code})
	b.end(e)
	gone = read[wire.BulkResponse](b.post("/api/jobs/bulk/delete", map[string]any{"ids": []uuid.UUID{jobs[0].ID, jobs[1].ID}}), http.StatusOK)
	require.Equal(t, 2, gone.Done)
	require.Equal(t, 2, read[wire.Batch](b.get("/api/batches/"+batch.ID.String()), http.StatusOK).RowCount)

	t.Run("WithinTheirLimits", func(t *testing.T) {
		t.Parallel()
		at(t, b.post("/api/jobs/bulk/delete", `{"ids": []}`).problem(http.StatusBadRequest, wire.CodeValidation), "ids")
		at(t, b.post("/api/jobs/bulk/update", `{}`).problem(http.StatusBadRequest, wire.CodeValidation), "jobs")
		many := make([]uuid.UUID, wire.MaxBulkJobs+1)
		for i := range many {
			many[i] = uuid.New()
		}
		at(t, b.post("/api/jobs/bulk/delete", map[string]any{"ids": many}).problem(http.StatusBadRequest, wire.CodeValidation), "ids")
		at(t, b.post("/api/jobs/bulk/delete", map[string]any{"ids": []uuid.UUID{many[0], many[1], many[0]}}).
			problem(http.StatusBadRequest, wire.CodeValidation), "ids[2]")
		at(t, b.post("/api/jobs/bulk/update", `{"jobs": [{"ground_truth": {}}]}`).problem(http.StatusBadRequest, wire.CodeValidation), "jobs[0]")
	})
}
