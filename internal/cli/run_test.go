package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
)

const shopYAML = `name: Shop
instruction: Read the price.
executor: fetch
fields:
  - name: price
    type: money
defaults:
  concurrency: 5
`

const shopCSV = "site_url,shelf,gt_price\nhttp://shop.test/1,a,9.50\nhttp://shop.test/2,b,12.00\n"

// files writes a CSV and a project file and gives their paths.
func files(t *testing.T) (csvPath, yamlPath string) {
	t.Helper()
	dir := t.TempDir()
	csvPath, yamlPath = filepath.Join(dir, "shop.csv"), filepath.Join(dir, "shop.yaml")
	require.NoError(t, os.WriteFile(csvPath, []byte(shopCSV), 0o600))
	require.NoError(t, os.WriteFile(yamlPath, []byte(shopYAML), 0o600))
	return csvPath, yamlPath
}

func shopProject() wire.Project {
	return wire.Project{
		ID: uuid.New(), Name: "Shop", Instruction: "Read the price.", Executor: "fetch", Version: 1,
		Fields:   []field.Field{{Name: "price", Type: field.TypeMoney}},
		Settings: json.RawMessage(`{}`), Defaults: wire.ExecutionDefaults{Concurrency: 5},
	}
}

func TestRun(t *testing.T) {
	t.Parallel()

	t.Run("RefusesOptionsBeforeItUploadsAnything", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t)
		csvPath, yamlPath := files(t)
		var out, errs strings.Builder
		test, concurrency, failed, percent := 1_001, 51, -1, 100.5
		cmd := RunCmd{
			File: csvPath, Project: yamlPath, Connection: Connection{API: api.URL}, Test: &test, Concurrency: &concurrency, Preset: "turbo",
			MaxFailed: &failed, MaxFailedPercent: &percent,
		}
		err := cmd.Run(t.Context(), fast(&out, &errs))
		requireCode(t, ExitRefused, err)
		for _, flag := range []string{"--test", "--concurrency", "--preset", "--max-failed:", "--max-failed-percent:"} {
			require.ErrorContains(t, err, flag)
		}
		require.Empty(t, api.projects)
		require.Empty(t, api.upload)
	})

	t.Run("FromFileToSummary", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(0, 0), runningStats(30, 1), endedStats("completed"))
		csvPath, yamlPath := files(t)
		var out, errs strings.Builder
		test, concurrency, failed, percent := 60, 10, 0, 12.5
		cmd := RunCmd{
			File: csvPath, Project: yamlPath, Connection: Connection{API: api.URL}, Wait: true, Name: "March",
			Test: &test, Concurrency: &concurrency, Preset: "fast",
			MaxFailed: &failed, MaxFailedPercent: &percent,
		}
		require.NoError(t, cmd.Run(t.Context(), fast(&out, &errs)))

		require.Equal(t, [][]string{{"site_url", "shelf", "gt_price"}, {"http://shop.test/1", "a", "9.50"}, {"http://shop.test/2", "b", "12.00"}}, api.upload)
		fastPreset := retry.Fast
		require.Equal(t, wire.ExecuteRequest{
			Type: "test", SampleSize: &test, Concurrency: &concurrency, Preset: &fastPreset,
			FailureTolerance: &wire.Tolerance{MaxFailed: &failed, MaxFailedPercent: &percent, Action: "fail"},
		}, api.request)
		require.Equal(t, []field.Field{{Name: "price", Type: field.TypeMoney}}, api.projects[0].Fields)
		require.Contains(t, errs.String(), `Project "Shop": created`)
		require.Contains(t, errs.String(), `Batch "March": 2 rows`)
		require.Contains(t, errs.String(), "columns: site_url (page), shelf, gt_price (truth of price)")
		require.Contains(t, errs.String(), "Execution "+runID.String()+": "+api.URL+"/api/executions/"+runID.String())
		require.Contains(t, errs.String(), "running · 0/60 0% · running 10\n")
		require.Contains(t, errs.String(), "completed · 60/60 100%")
		require.Equal(t, `
Shop · March: completed in 1m35s, 0.6/s

jobs      completed 54 · failed 6 · 11 retries
verdicts  correct 40 · partial 6 · wrong 4 · blocked 4
failures  transient 3 · permanent 3

accuracy    right   of  share  95% interval
price          44   50  88.0%    76.2–94.4%
sku            91  100  91.0%    84.6–94.9%
all fields    135  150  90.0%    84.3–93.7%
whole jobs     40   50  80.0%    67.0–88.8%
`, out.String())
	})

	t.Run("AllRowsUnlessATestIsAskedFor", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		csvPath, yamlPath := files(t)
		cmd := RunCmd{File: csvPath, Project: yamlPath, Connection: Connection{API: api.URL}, Wait: true}
		require.NoError(t, cmd.Run(t.Context(), fast(&strings.Builder{}, &strings.Builder{})))
		require.Equal(t, wire.ExecuteRequest{Type: "production"}, api.request)
		require.Equal(t, "shop", api.batch.Name)
	})

	t.Run("JSONIsTheOnlyThingOnStandardOutput", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(3, 0), endedStats("completed"))
		csvPath, yamlPath := files(t)
		var out, errs strings.Builder
		cmd := RunCmd{File: csvPath, Project: yamlPath, Connection: Connection{API: api.URL}, Wait: true, JSON: true}
		require.NoError(t, cmd.Run(t.Context(), fast(&out, &errs)))
		var got struct {
			Execution wire.Execution
			Stats     wire.Stats
		}
		require.NoError(t, json.Unmarshal([]byte(out.String()), &got))
		require.Equal(t, runID, got.Execution.ID)
		require.Equal(t, "completed", got.Execution.Status)
		require.Equal(t, endedStats("completed"), got.Stats)
		require.NotEmpty(t, errs.String())
	})

	t.Run("NotWaitingEndsWithTheStart", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, runningStats(0, 0))
		csvPath, yamlPath := files(t)
		var out strings.Builder
		cmd := RunCmd{File: csvPath, Project: yamlPath, Connection: Connection{API: api.URL}}
		require.NoError(t, cmd.Run(t.Context(), fast(&out, &strings.Builder{})))
		require.Equal(t, api.URL+"/api/executions/"+runID.String()+"\n", out.String())
		require.Empty(t, api.asked)
	})

	t.Run("FromStandardInput", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		_, yamlPath := files(t)
		streams := fast(&strings.Builder{}, &strings.Builder{})
		streams.In = strings.NewReader(shopCSV)
		cmd := RunCmd{File: "-", Project: yamlPath, Connection: Connection{API: api.URL}, Wait: true}
		require.NoError(t, cmd.Run(t.Context(), streams))
		require.Len(t, api.upload, 3)
	})
}

func TestRunFailures(t *testing.T) {
	t.Parallel()

	run := func(t *testing.T, api string) error {
		t.Helper()
		csvPath, yamlPath := files(t)
		cmd := RunCmd{File: csvPath, Project: yamlPath, Connection: Connection{API: api}, Wait: true}
		return cmd.Run(t.Context(), fast(&strings.Builder{}, &strings.Builder{}))
	}

	t.Run("NobodyListens", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		requireCode(t, ExitUnreachable, run(t, server.URL))
	})

	t.Run("TheCSVIsRefused", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		api.refuse["POST /api/batches"] = problem(http.StatusBadRequest, "VALIDATION_ERROR", "The CSV cannot be taken.",
			wire.FieldError{Field: "row 17, column site_url", Message: "is not a URL", Row: 17})
		err := run(t, api.URL)
		requireCode(t, ExitRefused, err)
		require.EqualError(t, err, "could not upload shop.csv: The CSV cannot be taken. (VALIDATION_ERROR)\n  row 17, column site_url: is not a URL")
	})

	t.Run("AnOptionIsRefused", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		csvPath, yamlPath := files(t)
		api.refuse["POST /api/projects"] = problem(http.StatusBadRequest, "VALIDATION_ERROR", "No.",
			wire.FieldError{Field: "fields[0].type", Message: "must be one of text, number"})
		cmd := RunCmd{File: csvPath, Project: yamlPath, Connection: Connection{API: api.URL}, Wait: true}
		err := cmd.Run(t.Context(), fast(&strings.Builder{}, &strings.Builder{}))
		requireCode(t, ExitRefused, err)
		require.ErrorContains(t, err, "fields[0].type: must be one of text, number")
	})

	t.Run("TheExecutionFails", func(t *testing.T) {
		t.Parallel()
		err := run(t, newFakeAPI(t, runningStats(1, 1), endedStats("failed")).URL)
		requireCode(t, ExitRunFailed, err)
		require.EqualError(t, err, "the execution failed: too many jobs failed")
	})

	t.Run("TheExecutionIsStopped", func(t *testing.T) {
		t.Parallel()
		requireCode(t, ExitRunStopped, run(t, newFakeAPI(t, runningStats(1, 1), endedStats("stopped")).URL))
	})

	t.Run("FilesThatAreNotThere", func(t *testing.T) {
		t.Parallel()
		api := newFakeAPI(t, endedStats("completed"))
		csvPath, yamlPath := files(t)
		for _, cmd := range []RunCmd{
			{File: "nowhere.csv", Project: yamlPath, Connection: Connection{API: api.URL}},
			{File: csvPath, Project: "nowhere.yaml", Connection: Connection{API: api.URL}},
			{File: csvPath, Project: yamlPath, Connection: Connection{API: "nowhere"}},
		} {
			requireCode(t, ExitOther, cmd.Run(t.Context(), fast(&strings.Builder{}, &strings.Builder{})))
		}
		require.Empty(t, api.projects)
	})
}

// TestFlags goes through kong, as cmd/mino does.
func TestFlags(t *testing.T) {
	t.Parallel()
	type line struct {
		Run   RunCmd   `cmd:""`
		Watch WatchCmd `cmd:""`
	}
	parse := func(args ...string) (line, error) {
		var l line
		parser, err := kong.New(&l, kong.Exit(func(int) {}))
		if err != nil {
			return l, err
		}
		_, err = parser.Parse(args)
		return l, err
	}

	l, err := parse("run", "x.csv", "--project", "Shop")
	require.NoError(t, err)
	require.Equal(t, RunCmd{File: "x.csv", Project: "Shop", Wait: true, Connection: Connection{API: "http://127.0.0.1:8080", Dir: ".mino"}}, l.Run)

	l, err = parse("run", "-", "-p", "p.yaml", "--test", "10", "--concurrency=0", "--preset", "PATIENT", "--max-failed", "0", "--max-failed-percent=2.5", "--no-wait", "--json", "--api", "http://a", "--name", "b")
	require.NoError(t, err)
	ten, zero, percent := 10, 0, 2.5
	require.Equal(t, RunCmd{
		File: "-", Project: "p.yaml", Test: &ten, Concurrency: &zero, Preset: "PATIENT", MaxFailed: &zero, MaxFailedPercent: &percent, JSON: true, Connection: Connection{API: "http://a", Dir: ".mino"}, Name: "b",
	}, l.Run)

	l, err = parse("watch", runID.String())
	require.NoError(t, err)
	require.Equal(t, runID, l.Watch.Execution)

	for _, bad := range [][]string{{"run", "x.csv"}, {"run", "-p", "x"}, {"watch", "x"}} {
		_, err := parse(bad...)
		require.Error(t, err, "%v", bad)
	}
}
