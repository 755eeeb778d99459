package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// maxAnswerBytes bounds an answer. A job's detail holds at most a hundred attempts
// with their raw results; this is far above what the API sends.
const maxAnswerBytes = 256 << 20

// call is one exchange with the API.
type call struct {
	method string
	path   string
	query  url.Values
	header http.Header
	// body is sent as JSON; nil for none.
	body any
	// repeatable marks what may be sent again after a 429 or 503.
	repeatable bool
	// keyed marks what may be sent again even when nobody knows whether it was done: it
	// has an idempotency key.
	keyed bool
	// timeout bounds an exchange that may take longer than most; 0 is Config.Timeout.
	timeout time.Duration
}

const headerIdempotencyKey = "Idempotency-Key"

// creating makes a call that creates something once, however often it is sent.
func creating(path string, body any) call {
	return call{
		method: http.MethodPost, path: path, body: body, repeatable: true, keyed: true,
		header: http.Header{headerIdempotencyKey: {uuid.NewString()}},
	}
}

// do sends a call and reads the answer into out, which may be nil.
func (c *Client) do(ctx context.Context, call call, out any) error {
	var payload []byte
	if call.body != nil {
		var err error
		if payload, err = json.Marshal(call.body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	return c.repeat(ctx, call, func() error { return c.once(ctx, call, payload, out) })
}

// repeat sends a call until it is answered, refused for good, or sent often enough.
func (c *Client) repeat(ctx context.Context, call call, send func() error) error {
	for attempt := 1; ; attempt++ {
		err := send()
		delay, again := c.again(call, attempt, err)
		if !again || ctx.Err() != nil {
			return err
		}
		if err := wait(ctx, delay); err != nil {
			return err
		}
	}
}

// again decides whether a failed attempt is repeated, and when.
func (c *Client) again(call call, attempt int, err error) (time.Duration, bool) {
	if err == nil || !call.repeatable || attempt > c.maxRetries {
		return 0, false
	}
	delay := firstRetryDelay << (attempt - 1)
	var refusal *Error
	var unreachable *UnreachableError
	switch {
	case errors.As(err, &refusal):
		if !refusal.passes() {
			return 0, false
		}
		delay = max(delay, refusal.RetryAfter)
	case !call.keyed || !errors.As(err, &unreachable):
		return 0, false
	}
	return delay, delay <= c.maxRetryDelay
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (c *Client) once(ctx context.Context, call call, payload []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, max(c.timeout, call.timeout))
	defer cancel()
	var body io.Reader
	if payload != nil {
		body = bytes.NewReader(payload)
	}
	req, err := c.request(ctx, call, body)
	if err != nil {
		return err
	}
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.exchange(req, out)
}

func (c *Client) request(ctx context.Context, call call, body io.Reader) (*http.Request, error) {
	target := c.base.JoinPath(call.path)
	target.RawQuery = call.query.Encode()
	req, err := http.NewRequestWithContext(ctx, call.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	maps.Copy(req.Header, call.header)
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", c.userAgent)
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.organisation != "" {
		req.Header.Set("Mino-Organisation", c.organisation)
	}
	return req, nil
}

// exchange sends a request and sorts the three ways it can end: an answer, a
// refusal, silence.
func (c *Client) exchange(req *http.Request, out any) error {
	resp, err := c.http.Do(req)
	if err != nil {
		return c.silence(req.Context(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return readError(resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return c.silence(req.Context(), err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("the answer to %s %s is not what this client understands: %w", req.Method, req.URL.Path, err)
	}
	return nil
}

// silence names why no answer came. A cancelled caller is not the server's fault;
// a passed deadline is.
func (c *Client) silence(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("interrupted: %w", context.Canceled)
	}
	var source *sourceError
	if errors.As(err, &source) {
		return source.err
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the URL stands in the message once already
	}
	return &UnreachableError{BaseURL: c.BaseURL(), Err: err}
}
