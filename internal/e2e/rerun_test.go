package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models/retry"
)

// TestRerun runs what went wrong again, and edits what was expected, without running the
// rest.
func TestRerun(t *testing.T) {
	t.Parallel()
	s, web := newSystem(t, options{activities: activities.Config{JobsPerChunk: 7}}), newSite(t)
	web.release()
	rows := append(web.csv(20), "http://127.0.0.1:1/,10.00\nhttp://127.0.0.1:1/2,10.00\n"...)
	batch := s.upload(s.project(priceProject()), rows)
	once := &retry.Policy{MaxAttempts: 1, InitialIntervalMS: 10, BackoffCoefficient: 1, MaxIntervalMS: 10}
	first := s.ended(s.execute(batch, func(r *wire.ExecuteRequest) { r.Retry = once }))
	require.Equal(t, []int{20, 2}, []int{first.Completed, first.Failed})

	jobs := s.jobs(batch)
	edited, err := s.client.SetGroundTruth(t.Context(), batch.ID, []wire.RowTruth{
		{Row: new(3), GroundTruth: map[string][]string{"price": {"12.00"}}},
		{JobID: &jobs[21].ID, GroundTruth: map[string][]string{"price": {"9.00"}}},
	})
	require.NoError(t, err)
	require.Equal(t, wire.GroundTruthResponse{Updated: 2, Rescored: 1}, edited)
	stats, err := s.client.Stats(t.Context(), first.ExecutionID)
	require.NoError(t, err)
	require.Equal(t, []int{19, 20}, []int{stats.Accuracy.Matched, stats.Accuracy.Compared})
	rig.RequireSound(t, s.db, first.ExecutionID)

	// The site of the last two is there by now.
	for i, job := range jobs[20:] {
		at := web.URL + "/late/" + []string{"a", "b"}[i]
		_, err := s.client.PatchJob(t.Context(), job.ID, []int64{1, 2}[i], wire.JobPatch{SiteURL: &at})
		require.NoError(t, err)
	}
	before, _ := web.requests()
	made, err := s.client.Rerun(t.Context(), wire.RerunRequest{BatchID: &batch.ID, Filter: &wire.JobFilter{Status: []string{"failed"}}, Retry: once})
	require.NoError(t, err)
	second := s.ended(made.Executions[0])
	require.Equal(t, []int{2, 2, 0}, []int{second.Total, second.Completed, second.Failed})
	after, _ := web.requests()
	require.Equal(t, 2, after-before, "only those were run")
	rig.RequireSound(t, s.db, second.ExecutionID)

	var completed int
	for job, err := range s.client.ProjectJobs(t.Context(), batch.ProjectID, url.Values{"status": {"completed"}}) {
		require.NoError(t, err)
		require.NotEmpty(t, job.Result)
		completed++
	}
	require.Equal(t, 22, completed)
	last, err := s.client.Job(t.Context(), jobs[21].ID)
	require.NoError(t, err)
	require.Equal(t, "wrong", last.Verdict)
	require.Len(t, last.Sessions, 2)
	require.Equal(t, []string{"succeeded", "failed"}, []string{last.Sessions[0].Status, last.Sessions[1].Status})
	stats, err = s.client.Stats(t.Context(), first.ExecutionID)
	require.NoError(t, err)
	require.Equal(t, []int{22, 2}, []int{stats.Total, stats.Failed}, "what the first came to stays")

	var refusal *client.Error
	require.ErrorAs(t, s.client.DeleteBatch(t.Context(), batch.ID, false), &refusal)
	require.Equal(t, http.StatusConflict, refusal.Status)
	require.NoError(t, s.client.DeleteBatch(t.Context(), batch.ID, true))
	require.NoError(t, s.client.DeleteProject(t.Context(), batch.ProjectID, false))
}
