package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// ExportJobs writes the jobs of a batch to a writer, as the API writes them. options are
// query parameters of the API's: format (csv, json, jsonl, xlsx; default csv), columns,
// bom, delimiter and the filters of Jobs; nil means all jobs as a CSV.
//
// The file is streamed: it is never in memory as a whole. Its size bounds the time that an
// export takes, so only ctx ends it early, or a server that sends nothing for longer than
// Config.Timeout. On an error, what was written until then is not a whole file.
//
// Errors: *Error names what is wrong with the options; a server that broke off is an
// *UnreachableError; a failure of the writer is returned as it is.
func (c *Client) ExportJobs(ctx context.Context, batchID uuid.UUID, options url.Values, to io.Writer) (int64, error) {
	return c.export(ctx, "api/batches/"+batchID.String()+"/export", options, to)
}

// ExportSessions is ExportJobs for the sessions of an execution, whose filter is status.
func (c *Client) ExportSessions(ctx context.Context, executionID uuid.UUID, options url.Values, to io.Writer) (int64, error) {
	return c.export(ctx, executionPath(executionID)+"/sessions/export", options, to)
}

// export asks once, or again as long as the server says that it cannot yet: nothing was
// written then.
func (c *Client) export(ctx context.Context, path string, options url.Values, to io.Writer) (int64, error) {
	asked := get(path, options)
	for attempt := 1; ; attempt++ {
		written, err := c.stream(ctx, asked, to)
		delay, again := c.again(asked, attempt, err)
		if !again {
			return written, err
		}
		if err := wait(ctx, delay); err != nil {
			return written, err
		}
	}
}

// stream copies the answer to a call.
func (c *Client) stream(ctx context.Context, call call, to io.Writer) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(c.timeout, func() { cancel(context.DeadlineExceeded) })
	defer silent.Stop()
	req, err := c.request(ctx, call, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", "text/csv, image/*, application/problem+json") // without a format in the query
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, c.brokenOff(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return 0, readError(resp)
	}
	source := &heard{body: resp.Body, silent: silent, timeout: c.timeout}
	written, err := io.Copy(to, source)
	if source.err != nil {
		return written, c.brokenOff(ctx, source.err)
	}
	return written, err
}

// brokenOff is silence for an exchange that was given up for the server's.
func (c *Client) brokenOff(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != cause { //nolint:errorlint // the very same
		return &UnreachableError{BaseURL: c.BaseURL(), Err: cause}
	}
	return c.silence(ctx, err)
}

// heard reads an answer. The clock that ends it runs while the server is waited for, and
// not while what it sent is written.
type heard struct {
	body    io.Reader
	silent  *time.Timer
	timeout time.Duration
	err     error // of the server's side
}

// Read implements io.Reader.
func (h *heard) Read(p []byte) (int, error) {
	h.silent.Reset(h.timeout)
	n, err := h.body.Read(p)
	h.silent.Stop()
	if err != nil && err != io.EOF {
		h.err = err
	}
	return n, err
}
