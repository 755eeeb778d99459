package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// resultsPage is how many jobs are read at a time.
const resultsPage = 500

// Results collects what the items of an execution came to, in row order, up to a size.
func (a *Activities) Results(ctx context.Context, in contract.ResultsInput) (contract.ResultsResult, error) {
	defer a.alive(ctx)()
	ids, err := parseIDs(in.OrganisationID, in.ExecutionID, in.BatchID)
	if err != nil {
		return contract.ResultsResult{}, err
	}
	out := contract.ResultsResult{Results: []contract.ItemResult{}}
	filter := models.JobFilter{BatchID: ids[2], ExecutionID: ids[1]}
	for size, row := 0, 0; ; {
		jobs, err := a.executions.ListJobs(ctx, ids[0], filter, models.JobPage{AfterRow: row, Limit: resultsPage})
		if err != nil {
			return contract.ResultsResult{}, recordsError(err)
		}
		for i := range jobs {
			item := itemResult(&jobs[i])
			encoded, err := json.Marshal(item)
			if err != nil {
				return contract.ResultsResult{}, permanent(err)
			}
			if size += len(encoded) + 1; size > in.MaxBytes {
				out.More = &contract.ResultsPage{
					BatchID: in.BatchID, AfterRow: row,
					Path: fmt.Sprintf("/api/batches/%s/jobs?execution_id=%s&after_row=%d", in.BatchID, in.ExecutionID, row),
				}
				return out, nil
			}
			out.Results, row = append(out.Results, item), item.Row
		}
		if len(jobs) < resultsPage {
			return out, nil
		}
	}
}

func itemResult(j *models.Job) contract.ItemResult {
	out := contract.ItemResult{
		Row: j.RowNumber, JobID: j.ID.String(), SiteURL: j.SiteURL, Status: string(j.Status),
		Verdict: string(j.Verdict), Fields: j.Result, Accuracy: j.Accuracy, Attempts: j.Attempt,
	}
	if j.ErrorClass != "" {
		out.Error = &contract.ItemError{Class: string(j.ErrorClass), Code: j.ErrorCode, Message: j.ErrorMessage}
	}
	return out
}
