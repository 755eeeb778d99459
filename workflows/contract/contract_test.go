package contract_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/workflows/contract"
)

// payloads are one filled example of everything that crosses the border of the
// workflow. Their JSON is a promise to callers in other languages and to runs that
// are under way: a change that breaks a golden file needs a new version, not a new
// file. MINO_UPDATE_GOLDEN=1 writes the files of new payloads.
func payloads() map[string]any {
	stats := contract.Stats{
		ExecutionID: "0190a0b0-0000-7000-8000-000000000001", State: "running", Concurrency: 10,
		Total: 60, Queued: 20, Running: 10, Completed: 25, Failed: 5, Retries: 3,
		Verdicts: map[string]int{"correct": 20, "partial": 5}, ErrorClasses: map[string]int{"permanent": 5},
		Matched: 70, Compared: 75, Fields: map[string]contract.FieldStat{"price": {Matched: 20, Compared: 25}},
		ScoredJobs: 25, CorrectJobs: 20, StartedAt: "2026-11-22T10:00:00Z",
	}
	plan := contract.Plan{
		ExecutionID: "0190a0b0-0000-7000-8000-000000000001", OrganisationID: "0190a0b0-0000-7000-8000-000000000002",
		ProjectID: "0190a0b0-0000-7000-8000-000000000003", BatchID: "0190a0b0-0000-7000-8000-000000000004",
		Title: "Shop · products.csv · test of 60 jobs", Executor: "fetch", Total: 60, Concurrency: 10,
		Retry:        contract.RetryPolicy{MaxAttempts: 5, InitialIntervalMS: 1000, BackoffCoefficient: 2, MaxIntervalMS: 30000},
		JobTimeoutMS: 60000, PageSize: 200, JobsPerRun: 1500, RecordedState: "running",
	}
	job := contract.JobRef{JobID: "0190a0b0-0000-7000-8000-000000000005", Row: 418, Site: "shop.example"}
	return map[string]any{
		"batch_input": contract.BatchInput{Version: contract.InputVersion, ExecutionID: plan.ExecutionID},
		"batch_input_carried": contract.BatchInput{Version: contract.InputVersion, ExecutionID: plan.ExecutionID, Carried: &contract.Carried{
			Plan: plan, Stats: stats, AfterRow: 40, Paused: true, Stop: contract.StopDrain, RecordedState: "paused", RecordedConcurrency: 10,
		}},
		"batch_result":         contract.BatchResult{ExecutionID: plan.ExecutionID, Status: "stopped", Reason: "stopped by request", Stats: stats},
		"signal_stop":          contract.StopRequest{Mode: contract.StopCancel},
		"signal_concurrency":   contract.ConcurrencyRequest{Value: 25},
		"query_stats":          stats,
		"query_jobs_in_flight": []contract.JobInFlight{{JobID: job.JobID, Row: 418, Site: "shop.example", Since: "2026-11-22T10:00:00Z"}},
		"plan":                 plan,
		"next_jobs_input":      contract.NextJobsInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, AfterRow: 200, Limit: 200},
		"next_jobs_result":     contract.NextJobsResult{Jobs: []contract.JobRef{job}},
		"run_job_input":        contract.RunJobInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, JobID: job.JobID, MaxAttempts: 5},
		"job_outcome": contract.JobOutcome{
			JobID: job.JobID, Status: "completed", Verdict: "partial", Attempts: 2, Fields: map[string]bool{"price": true, "sku": false},
		},
		"record_lost_input": contract.RecordLostInput{
			ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, JobID: job.JobID,
			Status: "failed", ErrorClass: contract.ErrorTypeTransient, Message: "the last attempt ended without a word",
		},
		"record_state_input": contract.RecordStateInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, State: "paused", Concurrency: 10},
		"finish_input":       contract.FinishInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, Status: "stopped", Reason: "stopped by request"},
		"finish_result":      contract.FinishResult{Status: "stopped", Reason: "stopped by request", Stats: stats},
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()

	for name, payload := range payloads() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded, err := json.MarshalIndent(payload, "", "  ")
			require.NoError(t, err)
			path := filepath.Join("testdata", name+".json")
			if os.Getenv("MINO_UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(path, append(encoded, '\n'), 0o600))
			}
			golden, err := os.ReadFile(path)
			require.NoError(t, err)
			require.JSONEq(t, string(golden), string(encoded))
		})
	}

	t.Run("EveryGoldenFileHasItsPayload", func(t *testing.T) {
		t.Parallel()
		files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
		require.NoError(t, err)
		require.Len(t, files, len(payloads()))
	})

	t.Run("AbsentPayloadsOfSignalsMeanTheDefault", func(t *testing.T) {
		t.Parallel()
		var stop contract.StopRequest
		require.NoError(t, json.NewDecoder(bytes.NewBufferString(`{}`)).Decode(&stop))
		require.Empty(t, stop.Mode)
	})
}

func TestClampConcurrency(t *testing.T) {
	t.Parallel()
	for value, want := range map[int]int{-5: 1, 0: 1, 1: 1, 50: 50, 51: 50, 1 << 30: 50} {
		require.Equal(t, want, contract.ClampConcurrency(value))
	}
}
