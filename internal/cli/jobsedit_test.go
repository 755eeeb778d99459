package cli

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

func TestJobsAreEdited(t *testing.T) {
	t.Parallel()
	api := newRealAPI(t)
	_, jobs := api.batch(api.project())
	id := jobs[0].ID.String()
	edited := one[wire.Job](api.mino("jobs", "edit", id, "--json", "--site-url", "https://three.example/x",
		"--input", "shelf=top=1;2", "--truth", `price=1.00|2\|3`))
	require.Equal(t, "https://three.example/x", edited.SiteURL)
	require.Equal(t, map[string]string{"shelf": "top=1;2"}, edited.Input)
	require.Equal(t, map[string][]string{"price": {"1.00", "2|3"}}, edited.GroundTruth)

	edited = one[wire.Job](api.mino("jobs", "edit", id, "--json", "--truth", "price="))
	require.Empty(t, edited.GroundTruth)
	require.Equal(t, "top=1;2", edited.Input["shelf"], "what is not given stays")
	require.Contains(t, api.mino("jobs", "edit", id, "--input", "shelf=low").ok().out, "shelf=low")

	api.mino("jobs", "edit", id).fails(ExitOther, "nothing to change")
	api.mino("jobs", "edit", id, "--truth", "prize=1").fails(ExitRefused, `"prize" is no field`, "price")
	api.mino("jobs", "edit", id, "--input", "color=red", "--site-url", "no").fails(ExitRefused, "(VALIDATION_ERROR)", "input.color: ", "site_url: ")
	api.mino("jobs", "edit", uuid.NewString(), "--site-url", "x").fails(ExitRefused, "(JOB_NOT_FOUND)")
}

func TestJobsAreDeleted(t *testing.T) {
	t.Parallel()
	api := newRealAPI(t)
	batch, jobs := api.batch(api.project())
	api.mino("jobs", "delete", jobs[0].ID.String()).fails(ExitOther, "pass --yes")
	require.Equal(t, "Deleted 1 job\n", api.mino("jobs", "delete", "-y", jobs[0].ID.String()).ok().errs)

	missing := uuid.NewString()
	some := api.mino("jobs", "delete", "-y", jobs[1].ID.String(), missing)
	some.fails(ExitRefused, "1 job was refused", missing, "(JOB_NOT_FOUND)")
	require.Equal(t, "Deleted 1 job\n", some.errs)
	require.Len(t, api.jobs(batch), 2)

	out := one[wire.BulkResponse](api.mino("jobs", "delete", "-y", "--json", jobs[2].ID.String(), jobs[3].ID.String()))
	require.Equal(t, 2, out.Done)
	api.mino("jobs", "delete").misused("<jobs>")
}

func TestJobsAreRunAgain(t *testing.T) {
	t.Parallel()

	t.Run("ByTheirIDs", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, jobs := api.batch(api.project())
		missing := uuid.NewString()
		some := api.mino("jobs", "rerun", jobs[0].ID.String(), missing, "--concurrency", "2", "--preset", "fast")
		requireCode(t, ExitRefused, some.err)
		require.ErrorContains(t, some.err, missing)
		require.Contains(t, some.out, batch.ID.String())
		busy := api.mino("jobs", "rerun", jobs[1].ID.String())
		busy.fails(ExitRefused, "(CONFLICT)")
	})

	t.Run("ByFilters", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, jobs := api.batch(api.project())
		api.executed(batch, jobs)
		out := one[wire.RerunResponse](api.mino("jobs", "rerun", "--batch", batch.ID.String(), "--status", "failed,cancelled", "--json"))
		require.Len(t, out.Executions, 1)
		require.Equal(t, 2, out.Executions[0].TotalJobs)
		require.Equal(t, []string{"cancelled", "failed"}, out.Executions[0].Selection.Filter.Status)
	})

	t.Run("AndWatched", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, jobs := api.batch(api.project())
		first := api.executed(batch, jobs)
		for _, options := range [][]string{{"--wait"}, {"--wait", "--json"}} {
			waited := make(chan spoken)
			go func() { waited <- api.mino(append([]string{"jobs", "rerun", jobs[2].ID.String()}, options...)...) }()
			first = api.nextOf(batch, first)
			api.end(first)
			s := <-waited
			requireCode(t, ExitRunStopped, s.err)
			if len(options) == 1 {
				require.Contains(t, s.out, "Execution "+first.ID.String()+": stopped")
				continue
			}
			s.err = nil
			out := one[rerunDocument](s)
			require.Equal(t, "stopped", out.Executions[0].Status)
			require.Equal(t, 1, out.Stats[0].Cancelled)
		}
	})

	t.Run("OnlyWhenItIsClearWhich", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		id := uuid.NewString()
		api.mino("jobs", "rerun").fails(ExitRefused, "give the ids of jobs, or --batch and filters")
		api.mino("jobs", "rerun", "--batch", id).fails(ExitRefused, "give a filter")
		api.mino("jobs", "rerun", id, "--status", "failed").fails(ExitRefused, "not both")
		api.mino("jobs", "rerun", id, "--concurrency", "99").fails(ExitRefused, "--concurrency: must be 1 to 50")
		many := make([]string, 101)
		for i := range many {
			many[i] = uuid.NewString()
		}
		api.mino(append([]string{"jobs", "rerun"}, many...)...).fails(ExitRefused, "101 jobs are named; 100 are the most")
	})
}
