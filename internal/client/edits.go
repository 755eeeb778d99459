package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// Project reads a project.
func (c *Client) Project(ctx context.Context, id uuid.UUID) (wire.Project, error) {
	var project wire.Project
	err := c.do(ctx, get("api/projects/"+id.String(), nil), &project)
	return project, err
}

// DeleteProject deletes a project; with cascade its batches go too, without one that has
// any is an *Error of status 409.
func (c *Client) DeleteProject(ctx context.Context, id uuid.UUID, cascade bool) error {
	return c.remove(ctx, "api/projects/"+id.String(), cascade)
}

// Batches goes through batches, newest first; filter holds query parameters of the API's.
func (c *Client) Batches(ctx context.Context, filter url.Values) iter.Seq2[wire.Batch, error] {
	return pages[wire.Batch](ctx, c, "api/batches", filter)
}

// Batch reads a batch.
func (c *Client) Batch(ctx context.Context, id uuid.UUID) (wire.Batch, error) {
	var batch wire.Batch
	err := c.do(ctx, get("api/batches/"+id.String(), nil), &batch)
	return batch, err
}

// RenameBatch gives a batch another name.
func (c *Client) RenameBatch(ctx context.Context, id uuid.UUID, name string) (wire.Batch, error) {
	var batch wire.Batch
	err := c.do(ctx, call{
		method: http.MethodPatch, path: "api/batches/" + id.String(), body: wire.BatchPatch{Name: &name}, repeatable: true,
	}, &batch)
	return batch, err
}

// DeleteBatch deletes a batch; with cascade its executions go too, without one that was
// executed is an *Error of status 409.
func (c *Client) DeleteBatch(ctx context.Context, id uuid.UUID, cascade bool) error {
	return c.remove(ctx, "api/batches/"+id.String(), cascade)
}

// SetGroundTruth sets the truth of rows of a batch, all of them or none.
func (c *Client) SetGroundTruth(ctx context.Context, batchID uuid.UUID, rows []wire.RowTruth) (wire.GroundTruthResponse, error) {
	var out wire.GroundTruthResponse
	err := c.do(ctx, call{
		method: http.MethodPost, path: "api/batches/" + batchID.String() + "/ground-truth",
		body: wire.GroundTruthRequest{Rows: rows}, repeatable: true,
	}, &out)
	return out, err
}

// Executions goes through executions, newest first; filter holds query parameters of the
// API's.
func (c *Client) Executions(ctx context.Context, filter url.Values) iter.Seq2[wire.Execution, error] {
	return pages[wire.Execution](ctx, c, "api/executions", filter)
}

// ProjectJobs goes through the jobs of all batches of a project, as Jobs does.
func (c *Client) ProjectJobs(ctx context.Context, projectID uuid.UUID, filter url.Values) iter.Seq2[wire.Job, error] {
	return pages[wire.Job](ctx, c, "api/projects/"+projectID.String()+"/jobs", filter)
}

// PatchJob edits a row that was read at a version; one that was edited since is an *Error
// of status 412.
func (c *Client) PatchJob(ctx context.Context, id uuid.UUID, version int64, patch wire.JobPatch) (wire.Job, error) {
	var job wire.Job
	err := c.do(ctx, call{
		method: http.MethodPatch, path: "api/jobs/" + id.String(), body: patch,
		header: http.Header{"If-Match": {strconv.Quote(strconv.FormatInt(version, 10))}},
	}, &job)
	return job, err
}

// DeleteJob deletes a row with the attempts at it.
func (c *Client) DeleteJob(ctx context.Context, id uuid.UUID) error {
	return c.remove(ctx, "api/jobs/"+id.String(), false)
}

// UpdateJobs edits up to 1,000 rows, each by itself.
func (c *Client) UpdateJobs(ctx context.Context, jobs []wire.JobUpdate) (wire.BulkResponse, error) {
	return c.bulk(ctx, "update", wire.BulkUpdateRequest{Jobs: jobs})
}

// DeleteJobs deletes up to 1,000 rows, each by itself.
func (c *Client) DeleteJobs(ctx context.Context, ids []uuid.UUID) (wire.BulkResponse, error) {
	return c.bulk(ctx, "delete", wire.BulkDeleteRequest{IDs: ids})
}

// Rerun runs jobs again, in a new execution of each batch that they are of.
func (c *Client) Rerun(ctx context.Context, req wire.RerunRequest) (wire.RerunResponse, error) {
	var out wire.RerunResponse
	err := c.do(ctx, creating("api/jobs/bulk/rerun", req), &out)
	return out, err
}

func (c *Client) bulk(ctx context.Context, what string, body any) (wire.BulkResponse, error) {
	var out wire.BulkResponse
	err := c.do(ctx, call{method: http.MethodPost, path: "api/jobs/bulk/" + what, body: body}, &out)
	return out, err
}

func (c *Client) remove(ctx context.Context, path string, cascade bool) error {
	query := url.Values{}
	if cascade {
		query.Set("cascade", "true")
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path, query: query}, nil)
}
