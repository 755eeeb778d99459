package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

const (
	// maxEventBytes bounds a line of a stream.
	maxEventBytes = 4 << 20
	// longestPause is between two tries to connect again.
	longestPause = 10 * time.Second
)

// errStreamEnded is the end of an execution's events.
var errStreamEnded = errors.New("the execution has ended")

// Events follows an execution after the event of a number; 0 is from the beginning. It
// yields every event once, in order, with messages of progress between them, and ends
// after the last event of the execution.
//
// A stream that breaks, or says nothing for twice Config.Timeout, is opened again after
// the last event that was seen. So is one that cannot be opened, at most Config.MaxRetries
// times in a row. An answer that says no, other than 429 and 503, ends it at once, and so does
// the end of the key that the stream was opened with. The error that ends it is yielded
// last, with an Event without a type.
func (c *Client) Events(ctx context.Context, executionID uuid.UUID, after int64) iter.Seq2[wire.Event, error] {
	return func(yield func(wire.Event, error) bool) {
		f := following{client: c, path: executionPath(executionID) + "/events", seen: after, yield: yield}
		for failures := 0; ; {
			seen := f.seen
			err := f.once(ctx)
			if f.left || errors.Is(err, errStreamEnded) {
				return
			}
			if f.seen > seen || f.opened {
				failures = 0
			}
			failures++
			pause, again := c.reopen(err, failures)
			if !again || ctx.Err() != nil {
				yield(wire.Event{}, c.silenceOr(ctx, err))
				return
			}
			if err := wait(ctx, pause); err != nil {
				yield(wire.Event{}, c.silence(ctx, err))
				return
			}
		}
	}
}

// reopen decides whether a stream that has ended so is opened again, and when.
func (c *Client) reopen(err error, failures int) (time.Duration, bool) {
	pause := min(firstRetryDelay<<min(failures-1, 10), longestPause)
	var refusal *Error
	if errors.As(err, &refusal) {
		if !refusal.passes() {
			return 0, false
		}
		pause = max(pause, refusal.RetryAfter)
	}
	return pause, failures <= c.maxRetries && pause <= c.maxRetryDelay
}

// silenceOr names why a stream ended that is not opened again.
func (c *Client) silenceOr(ctx context.Context, err error) error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return err
	}
	return c.silence(ctx, err)
}

// following is one walk through the events of an execution.
type following struct {
	client *Client
	path   string
	seen   int64
	yield  func(wire.Event, error) bool
	// opened says that the last stream was opened; left, that the caller wants no more.
	opened, left bool
}

// once opens a stream and reads it to its end. It always returns an error.
func (f *following) once(ctx context.Context) error {
	f.opened = false
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The server shows now and then that it is there.
	quiet := time.AfterFunc(2*f.client.timeout, cancel)
	defer quiet.Stop()
	req, err := f.client.request(ctx, call{
		method: http.MethodGet, path: f.path, query: url.Values{"after": {strconv.FormatInt(f.seen, 10)}},
	}, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream, application/problem+json")
	resp, err := f.client.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusNoContent:
		return errStreamEnded
	case resp.StatusCode != http.StatusOK:
		return readError(resp)
	}
	f.opened = true
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEventBytes)
	for lines.Scan() {
		quiet.Reset(2 * f.client.timeout)
		// The type and the number are in the data as well.
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		if err := f.take(data); err != nil || f.left {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// closed says why the server has ended a stream before its end. Whose key is not good any
// more is told so as if they had asked: to come back with it is of no use.
func closed(e wire.Event) error {
	var data wire.StreamEnd
	if json.Unmarshal(e.Data, &data) == nil && data.Reason == wire.ClosingUnauthorized {
		return &Error{Status: http.StatusUnauthorized, Problem: wire.Problem{
			Status: http.StatusUnauthorized, Code: wire.CodeInvalidToken, Detail: "the credentials are not valid any longer; the stream has ended",
		}}
	}
	return io.ErrUnexpectedEOF
}

// take hands an event on.
func (f *following) take(data string) error {
	var e wire.Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return fmt.Errorf("a message of %s is not what this client understands: %w", f.path, err)
	}
	switch {
	case e.Type == wire.MessageEnd:
		return errStreamEnded
	case e.Type == wire.MessageClosing:
		return closed(e)
	case e.Seq > 0 && e.Seq <= f.seen:
		return nil
	}
	f.seen = max(f.seen, e.Seq)
	f.left = !f.yield(e, nil)
	return nil
}
