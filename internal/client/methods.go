package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// pageLimit is the API's largest page.
const pageLimit = 100

// Ready asks whether the API can work: its database and Temporal answer.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, get("readyz", nil), nil)
}

// CreateProject creates a project. A name that is taken is an *Error of status 409.
func (c *Client) CreateProject(ctx context.Context, req wire.ProjectRequest) (wire.Project, error) {
	var project wire.Project
	err := c.do(ctx, creating("api/projects", req), &project)
	return project, err
}

// PatchProject edits a project that was read at the given version. When somebody
// edited it since, it is an *Error of status 412 and nothing is changed.
func (c *Client) PatchProject(
	ctx context.Context, id uuid.UUID, version int64, patch wire.ProjectPatch,
) (wire.Project, error) {
	var project wire.Project
	err := c.do(ctx, call{
		method: http.MethodPatch,
		path:   "api/projects/" + id.String(),
		header: http.Header{"If-Match": {strconv.Quote(strconv.FormatInt(version, 10))}},
		body:   patch,
	}, &project)
	return project, err
}

// Projects goes through all projects, page by page. The first error ends it.
func (c *Client) Projects(ctx context.Context) iter.Seq2[wire.Project, error] {
	return pages[wire.Project](ctx, c, "api/projects", nil)
}

// FindProject finds a project by its name, whatever its case; found is false when
// there is none.
func (c *Client) FindProject(ctx context.Context, name string) (project wire.Project, found bool, err error) {
	for project, err := range pages[wire.Project](ctx, c, "api/projects", url.Values{"name": {name}}) {
		return project, err == nil, err
	}
	return wire.Project{}, false, nil
}

// Execute starts an execution of a batch. A batch that is being executed already
// is an *Error of status 409.
func (c *Client) Execute(
	ctx context.Context, projectID, batchID uuid.UUID, req wire.ExecuteRequest,
) (wire.Execution, error) {
	var execution wire.Execution
	err := c.do(ctx, creating("api/projects/"+projectID.String()+"/batches/"+batchID.String()+"/execute", req), &execution)
	return execution, err
}

// Execution reads an execution.
func (c *Client) Execution(ctx context.Context, id uuid.UUID) (wire.Execution, error) {
	var execution wire.Execution
	err := c.do(ctx, get(executionPath(id), nil), &execution)
	return execution, err
}

// Stats reads where an execution stands.
func (c *Client) Stats(ctx context.Context, id uuid.UUID) (wire.Stats, error) {
	var stats wire.Stats
	err := c.do(ctx, get(executionPath(id)+"/stats", nil), &stats)
	return stats, err
}

// ProjectMetrics adds a project up over a time. filter holds query parameters of the
// API's, such as from, to and bucket; nil means the last thirty days by day.
func (c *Client) ProjectMetrics(ctx context.Context, id uuid.UUID, filter url.Values) (wire.ProjectMetrics, error) {
	var metrics wire.ProjectMetrics
	err := c.do(ctx, get("api/projects/"+id.String()+"/metrics", filter), &metrics)
	return metrics, err
}

// ExecutionMetrics adds an execution up, from its start to its end, or to now. filter
// holds query parameters of the API's; nil means its own.
func (c *Client) ExecutionMetrics(ctx context.Context, id uuid.UUID, filter url.Values) (wire.ExecutionMetrics, error) {
	var metrics wire.ExecutionMetrics
	err := c.do(ctx, get(executionPath(id)+"/metrics", filter), &metrics)
	return metrics, err
}

// Pause lets no new job start; running ones finish. Pausing twice is nothing.
func (c *Client) Pause(ctx context.Context, id uuid.UUID) (wire.Stats, error) {
	return c.control(ctx, id, "pause", nil)
}

// Resume goes on where Pause stopped.
func (c *Client) Resume(ctx context.Context, id uuid.UUID) (wire.Stats, error) {
	return c.control(ctx, id, "resume", nil)
}

// The modes of Stop.
const (
	StopDrain  = "drain"  // running jobs finish
	StopCancel = "cancel" // running jobs are cancelled
)

// Stop ends an execution, in mode StopDrain or StopCancel.
func (c *Client) Stop(ctx context.Context, id uuid.UUID, mode string) (wire.Stats, error) {
	return c.control(ctx, id, "stop", wire.StopRequest{Mode: mode})
}

// SetConcurrency changes how many jobs run at once, 1–50; it takes effect at once
// and interrupts nothing.
func (c *Client) SetConcurrency(ctx context.Context, id uuid.UUID, value int) (wire.Stats, error) {
	return c.control(ctx, id, "concurrency", wire.ConcurrencyRequest{Value: &value})
}

// control sends a control call; all of them are idempotent by contract.
func (c *Client) control(ctx context.Context, id uuid.UUID, verb string, body any) (wire.Stats, error) {
	var stats wire.Stats
	err := c.do(ctx, call{
		method: http.MethodPost, path: executionPath(id) + "/" + verb, body: body, repeatable: true,
	}, &stats)
	return stats, err
}

// Jobs goes through the jobs of a batch in the order of its rows, page by page. The
// first error ends it. filter holds query parameters of the API's; nil means all.
func (c *Client) Jobs(ctx context.Context, batchID uuid.UUID, filter url.Values) iter.Seq2[wire.Job, error] {
	return pages[wire.Job](ctx, c, "api/batches/"+batchID.String()+"/jobs", filter)
}

// Job reads a job with its sessions.
func (c *Client) Job(ctx context.Context, id uuid.UUID) (wire.Job, error) {
	var job wire.Job
	err := c.do(ctx, get("api/jobs/"+id.String(), nil), &job)
	return job, err
}

func executionPath(id uuid.UUID) string { return "api/executions/" + id.String() }

func get(path string, query url.Values) call {
	return call{method: http.MethodGet, path: path, query: query, repeatable: true}
}

// pages walks a list by its cursor.
func pages[T any](ctx context.Context, c *Client, path string, filter url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := url.Values{}
		maps.Copy(query, filter)
		query.Set("limit", strconv.Itoa(pageLimit))
		for {
			var page wire.Page[T]
			if err := c.do(ctx, get(path, query), &page); err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range page.Data {
				if !yield(item, nil) {
					return
				}
			}
			if !page.Pagination.HasMore || page.Pagination.NextCursor == "" {
				return
			}
			query.Set("cursor", page.Pagination.NextCursor)
		}
	}
}
