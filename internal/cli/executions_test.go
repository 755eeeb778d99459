package cli

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

func TestExecutions(t *testing.T) {
	t.Parallel()

	t.Run("AreStartedAndControlled", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, _ := api.batch(api.project())
		started := one[wire.Execution](api.mino("executions", "start", batch.ID.String(), "--json",
			"--test", "--sample", "2", "--concurrency", "3", "--preset", "patient"))
		require.Equal(t, []any{"test", 2, 3, "PATIENT"}, []any{started.Type, started.SampleSize, started.Concurrency, started.Preset})
		id := started.ID.String()
		api.mino("executions", "start", batch.ID.String()).fails(ExitRefused, "could not start the execution", "(CONFLICT)")

		require.Equal(t, "paused", one[wire.Stats](api.mino("executions", "pause", id, "--json")).Status)
		require.Equal(t, "status       running\nconcurrency  3\njobs         not started 2\n",
			api.mino("executions", "resume", id).ok().out)
		require.Equal(t, 7, one[wire.Stats](api.mino("executions", "concurrency", id, "7", "--json")).Concurrency)
		api.mino("executions", "concurrency", id, "51").fails(ExitRefused, "value: ")
		require.Contains(t, api.mino("executions", "stop", id).ok().out, "status       stopping\n")
		require.Equal(t, 2, one[wire.Stats](api.mino("executions", "stop", id, "--mode", "cancel", "--json")).Cancelled)
		api.mino("executions", "stop", id, "--mode", "hard").misused("--mode")
		api.end(started)
		api.mino("executions", "pause", id).fails(ExitRefused, "(CONFLICT)")
	})

	t.Run("AreListedAndShown", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p, other := api.project(), api.project()
		batch, jobs := api.batch(p)
		first := api.executed(batch, jobs)
		api.batch(other)
		table := api.mino("executions", "start", batch.ID.String()).ok()
		require.Contains(t, table.out, "type         production\n")

		rows := api.mino("executions", "list", "--status", "stopped,failed").rows()
		require.Equal(t, []string{"id", "type", "status", "jobs", "created", "finished", "batch"}, rows[0])
		require.Len(t, rows, 2)
		require.Equal(t, []string{first.ID.String(), "production", "stopped", "4"}, rows[1][:4])
		require.Equal(t, batch.ID.String(), rows[1][len(rows[1])-1])
		require.Len(t, many[wire.Execution](api.mino("executions", "list", "--batch", batch.ID.String(), "--json")), 2)
		require.Empty(t, many[wire.Execution](api.mino("executions", "list", "-p", other.Name, "--json")))
		api.mino("executions", "list", "--status", "odd").fails(ExitRefused, "(INVALID_PARAMS)", "status: ")

		shown := one[document](api.mino("executions", "show", first.ID.String(), "--json"))
		require.Equal(t, []int{2, 1, 1}, []int{shown.Stats.Completed, shown.Stats.Failed, shown.Stats.Cancelled})
		text := api.mino("executions", "show", first.ID.String()).ok().out
		require.Contains(t, text, "status       stopped\n")
		require.Contains(t, text, "jobs      completed 2 · failed 1 · cancelled 1\n")
		require.Contains(t, text, "verdicts  correct 1 · wrong 1\n")
		api.mino("executions", "show", uuid.NewString()).fails(ExitRefused, "(EXECUTION_NOT_FOUND)")
	})

	t.Run("AreWatchedToTheirEnd", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, jobs := api.batch(api.project())
		e := api.executed(batch, jobs)
		watched := api.mino("executions", "watch", e.ID.String(), "--json")
		requireCode(t, ExitRunStopped, watched.err)
		require.Contains(t, watched.out, `"status": "stopped"`)

		waited := make(chan spoken)
		go func() { waited <- api.mino("executions", "start", batch.ID.String(), "--wait") }()
		api.end(api.nextOf(batch, e))
		s := <-waited
		requireCode(t, ExitRunStopped, s.err)
		require.Contains(t, s.out, "four: stopped")
		require.Contains(t, s.errs, "Execution ")
	})

	t.Run("RefuseOptionsInTheWordsOfTheCommandLine", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		id := uuid.NewString()
		api.mino("executions", "start", id, "--sample", "1001", "--concurrency", "0", "--preset", "turbo").
			fails(ExitRefused, "--sample: is for a test", "--sample: must be 1 to 1,000", "--concurrency:", "--preset:")
		api.mino("executions", "start", id).fails(ExitRefused, "(BATCH_NOT_FOUND)")
	})
}

// nextOf waits for an execution of a batch that comes after another.
func (r *realAPI) nextOf(batch wire.Batch, after wire.Execution) (next wire.Execution) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		for e, err := range r.client.Executions(r.t.Context(), map[string][]string{"batch_id": {batch.ID.String()}}) {
			next = e
			return err == nil && e.ID != after.ID
		}
		return false
	}, waitTime, tick)
	return next
}

func TestJobs(t *testing.T) {
	t.Parallel()

	t.Run("AreListedByEveryFilter", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		p := api.project()
		batch, jobs := api.batch(p)
		e := api.executed(batch, jobs)
		for filters, want := range map[string][]int{
			"": {1, 2, 3, 4}, "--status failed,cancelled": {3, 4}, "--status failed --status completed": {1, 2, 3},
			"--verdict wrong": {2}, "--error-class permanent": {3}, "--host one.example": {1, 2}, "--search two.ex": {3, 4},
			"--min-accuracy 0.5": {1}, "--max-accuracy 0": {2}, "--has-ground-truth": {1, 2, 3}, "--no-ground-truth": {4},
			"--mismatched-field price": {2}, "--execution " + e.ID.String(): {1, 2, 3, 4},
			"--execution " + uuid.NewString(): nil, "--host one.example --verdict correct": {1}, "--limit 2": {1, 2},
		} {
			for _, where := range [][]string{{"--batch", batch.ID.String()}, {"--project", p.Name}} {
				args := append(append([]string{"jobs", "list", "--json"}, where...), strings.Fields(filters)...)
				var rows []int
				for _, job := range many[wire.Job](api.mino(args...)) {
					rows = append(rows, job.Row)
				}
				require.ElementsMatch(t, want, rows, "%v", args)
			}
		}
		rows := api.mino("jobs", "list", "-b", batch.ID.String()).rows()
		require.Equal(t, []string{"row", "id", "status", "verdict", "accuracy", "attempts", "failure", "page"}, rows[0])
		require.Equal(t, []string{"1", jobs[0].ID.String(), "completed", "correct", "100.0%", "1", "https://one.example/a"}, rows[1])
		rows = api.mino("jobs", "list", "-p", p.Name, "--verdict", "correct").rows()
		require.Equal(t, batch.ID.String(), rows[1][6])

		api.mino("jobs", "list").misused("--batch")
		api.mino("jobs", "list", "-b", batch.ID.String(), "-p", p.Name).misused("--batch")
		api.mino("jobs", "list", "-b", batch.ID.String(), "--min-accuracy", "2").fails(ExitRefused, "--min-accuracy: must be 0 to 1")
		api.mino("jobs", "list", "-b", batch.ID.String(), "--verdict", "odd", "--search", "ab").
			fails(ExitRefused, "(INVALID_PARAMS)", "verdict: ", "search: ")
	})

	t.Run("AreShownWithoutWhatATerminalWouldObey", func(t *testing.T) {
		t.Parallel()
		api := newRealAPI(t)
		batch, jobs := api.batch(api.project())
		api.executed(batch, jobs)
		text := api.mino("jobs", "show", jobs[1].ID.String()).ok().out
		require.Contains(t, text, "input      shelf=left\n")
		require.Regexp(t, `(?m)^price +\{"amount":"9.00","currency":"EUR"\} +10.00 +no: differs$`, text)
		require.Regexp(t, `(?m)^1 +succeeded .* wrong$`, text)
		text = api.mino("jobs", "show", jobs[2].ID.String()).ok().out
		require.Contains(t, text, "failure    permanent (HTTP_404): not [31m there\n")
		require.Len(t, one[wire.Job](api.mino("jobs", "show", jobs[1].ID.String(), "--json")).Sessions, 1)
		api.mino("jobs", "show", uuid.NewString()).fails(ExitRefused, "(JOB_NOT_FOUND)")
	})
}
