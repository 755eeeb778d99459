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
	percent, most := 12.5, 40
	tolerance := &contract.Tolerance{MaxFailed: &most, MaxFailedPercent: &percent, After: 20, Action: contract.ToleranceActionFail}
	tally := contract.Tally{
		Completed: 25, Failed: 5, Retries: 3,
		Verdicts: map[string]int{"correct": 20, "partial": 5}, ErrorClasses: map[string]int{"permanent": 5},
		Matched: 70, Compared: 75, Fields: map[string]contract.FieldStat{"price": {Matched: 20, Compared: 25}},
		ScoredJobs: 25, CorrectJobs: 20,
	}
	stats := contract.Stats{
		ExecutionID: "0190a0b0-0000-7000-8000-000000000001", State: "paused", Reason: "5 of 30 jobs failed; 12.5 % are tolerated",
		Concurrency: 10, Total: 60, Queued: 20, Running: 10, Tally: tally, StartedAt: "2026-11-22T10:00:00Z",
	}
	policy := contract.RetryPolicy{MaxAttempts: 5, InitialIntervalMS: 1000, BackoffCoefficient: 2, MaxIntervalMS: 30000}
	plan := contract.Plan{
		ExecutionID: stats.ExecutionID, OrganisationID: "0190a0b0-0000-7000-8000-000000000002",
		ProjectID: "0190a0b0-0000-7000-8000-000000000003", BatchID: "0190a0b0-0000-7000-8000-000000000004",
		Title: "Shop · products.csv · test of 60 jobs", Executor: "activity", Total: 60, Concurrency: 10,
		Retry: policy, Tolerance: tolerance, JobTimeoutMS: 60000,
		Call:     &contract.CallPlan{ActivityType: "ReadPrice", TaskQueue: "scrapers", HeartbeatTimeoutMS: 30000, StartTimeoutMS: 600000},
		PageSize: 200, JobsPerChunk: 2000, StepsPerRun: 1000, RecordedState: "running", StartedAt: stats.StartedAt,
	}
	job := contract.JobRef{JobID: "0190a0b0-0000-7000-8000-000000000005", Row: 418, Site: "shop.example"}
	inFlight := []contract.JobInFlight{{JobID: job.JobID, Row: 418, Site: "shop.example", Since: "2026-11-22T10:00:00Z"}}
	control := contract.ChunkControl{Epoch: 4, Limit: 10, Hold: true, Stop: contract.StopDrain, OthersEnded: 12, OthersFailed: -1}
	report := contract.ChunkReport{
		Number: 2, Sequence: 7, Epoch: 4, Running: 10, InFlight: inFlight, Spent: true, LastRow: 431, Exhausted: true,
		Exceeded: true, Failure: "the jobs could not be read", Closed: true, Returned: &contract.RowRange{AfterRow: 417, UntilRow: 418}, Tally: tally,
	}
	run := contract.RunJobInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, JobID: job.JobID, MaxAttempts: 5}
	outcome := contract.JobOutcome{
		JobID: job.JobID, Status: "completed", Verdict: "partial", Attempts: 2, Fields: map[string]bool{"price": true, "sku": false},
	}
	accuracy := 0.5
	items := []contract.Item{{
		SiteURL: "https://shop.example/desk-lamp", Input: map[string]string{"country": "DE"},
		GroundTruth: map[string][]string{"price": {"1.299,00 €"}},
	}}
	options := &contract.Options{
		Name: "Tuesday", Type: "test", SampleSize: 20, SampleSeed: 7, Concurrency: 10, Retry: &policy, FailureTolerance: tolerance,
	}
	results := []contract.ItemResult{
		{
			Row: 1, JobID: job.JobID, SiteURL: items[0].SiteURL, Status: "completed", Verdict: "partial",
			Fields: map[string]any{"sku": "A-1"}, Accuracy: &accuracy, Attempts: 2,
		},
		{
			Row: 2, JobID: job.JobID, SiteURL: items[0].SiteURL, Status: "failed", Attempts: 1,
			Error: &contract.ItemError{Class: contract.ErrorTypePermanent, Code: "HTTP_404", Message: "not found"},
		},
	}
	final := stats
	final.State, final.Reason, final.Queued, final.Running, final.Cancelled = "stopped", "", 0, 0, 30
	more := &contract.ResultsPage{BatchID: plan.BatchID, AfterRow: 2, Path: "/api/batches/" + plan.BatchID + "/jobs?execution_id=" + plan.ExecutionID + "&after_row=2"}
	request := &contract.ActivityRequest{
		Version: contract.CallVersion, ExecutionID: plan.ExecutionID, JobID: job.JobID, SessionID: "0190a0b0-0000-7000-8000-000000000006",
		Attempt: 2, Row: 418, URL: items[0].SiteURL, Input: items[0].Input, Instruction: "Read the price.",
		Fields:    []contract.RequestedField{{Name: "price", Type: "money", Required: true}, {Name: "stock", Type: "enum", Values: []string{"InStock"}}},
		TimeoutMS: 60000, Settings: json.RawMessage(`{"depth": 2}`),
	}
	result := &contract.ActivityResult{
		Fields: map[string]any{"price": "1.299,00 €"}, Raw: json.RawMessage(`{"html_bytes": 5120}`), Blocked: "a captcha", Steps: 12,
		CostMicros: 192000, Currency: "USD", RemoteRunID: "run-1", FinalURL: items[0].SiteURL,
	}
	return map[string]any{
		"batch_input_execution": contract.BatchInput{Version: contract.InputVersion, ExecutionID: plan.ExecutionID},
		"batch_input_batch": contract.BatchInput{
			Version: contract.InputVersion, BatchID: plan.BatchID, Options: &contract.Options{Preset: "FAST", Concurrency: 5}, OnCancel: contract.StopDrain,
		},
		"batch_input_items": contract.BatchInput{
			Version: contract.InputVersion, ProjectID: plan.ProjectID, Items: items, Options: options, IncludeResults: true,
		},
		"batch_input_carried": contract.BatchInput{Version: contract.InputVersion, ExecutionID: plan.ExecutionID, Carried: &contract.Carried{
			Plan: plan, Tally: tally, StartedAt: stats.StartedAt, Paused: true, Reason: stats.Reason, Stop: contract.StopDrain, Concurrency: 10,
			Epoch: 4, Failure: "no", RearmedEnded: 3, RearmedFailed: 2, NextChunk: 3, AfterRow: 431, Exhausted: true,
			Chunks: []contract.LiveChunk{{Number: 2, AfterRow: 40, UntilRow: 431, Report: report, Sent: control}},
			Gaps:   []contract.RowRange{{AfterRow: 10, UntilRow: 20, TakeOver: true}}, TakeOvers: 1,
			RecordedState: "paused", RecordedConcurrency: 10, RecordedReason: stats.Reason,
		}},
		"batch_result": contract.BatchResult{
			ExecutionID: plan.ExecutionID, BatchID: plan.BatchID, Status: "stopped", Reason: "stopped by request", Stats: final,
			Results: results, MoreResults: more,
		},
		"signal_stop":          contract.StopRequest{Mode: contract.StopCancel},
		"signal_concurrency":   contract.ConcurrencyRequest{Value: 25},
		"query_stats":          stats,
		"query_jobs_in_flight": inFlight,
		"query_overview": contract.Overview{
			Stats: stats, Chunks: []contract.OpenChunk{{WorkflowID: "mino-execution-1-chunk-2", Running: 9, Tally: tally}}, Settled: true,
		},
		"chunk_input": contract.ChunkInput{
			Version: contract.InputVersion, Plan: plan, Number: 2, AfterRow: 40, UntilRow: 431, TakeOver: true, Control: control,
		},
		"chunk_control":      control,
		"chunk_report":       report,
		"chunk_stats":        contract.ChunkStats{Running: 9, Tally: tally},
		"plan":               plan,
		"prepare_input":      contract.PrepareInput{ProjectID: plan.ProjectID, Items: items, Options: options, WorkflowID: "orders-1"},
		"prepare_result":     contract.PrepareResult{ExecutionID: plan.ExecutionID},
		"begin_input":        contract.BeginInput{ExecutionID: plan.ExecutionID, WorkflowID: "orders-1"},
		"next_jobs_input":    contract.NextJobsInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, AfterRow: 200, UntilRow: 431, Limit: 200, Running: true},
		"next_jobs_result":   contract.NextJobsResult{Jobs: []contract.JobRef{job}},
		"run_job_input":      run,
		"job_outcome":        outcome,
		"activity_job_input": contract.ActivityJobInput{Version: contract.InputVersion, Plan: plan, Job: job},
		"activity_request":   request,
		"activity_result":    result,
		"begin_call_result":  contract.BeginCallResult{Request: request, Outcome: &outcome},
		"end_call_input": contract.EndCallInput{
			RunJobInput: run, SessionID: request.SessionID, Attempt: 2, Result: result,
			Failure: &contract.CallFailure{Class: contract.ErrorTypeRateLimit, Code: "BUSY", Message: "later", Lost: true, Cancelled: true, RetryAfterMS: 60000},
		},
		"end_call_result": contract.EndCallResult{Outcome: &outcome, RetryDelayMS: 5000},
		"record_lost_input": contract.RecordLostInput{
			ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, JobID: job.JobID,
			Status: "failed", ErrorClass: contract.ErrorTypeTransient, Message: "the last attempt ended without a word",
		},
		"record_state_input": contract.RecordStateInput{
			ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, State: "paused", Reason: stats.Reason, Concurrency: 10,
		},
		"finish_input":   contract.FinishInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, Status: "stopped", Reason: "stopped by request"},
		"finish_result":  contract.FinishResult{Status: "stopped", Reason: "stopped by request", Stats: stats},
		"results_input":  contract.ResultsInput{ExecutionID: plan.ExecutionID, OrganisationID: plan.OrganisationID, BatchID: plan.BatchID, MaxBytes: contract.MaxResultBytes},
		"results_result": contract.ResultsResult{Results: results, More: more},
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
