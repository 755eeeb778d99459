package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minohq/mino/api/wire"
)

const (
	// maxProblemBytes bounds what is read of an answer that says no: a CSV can be
	// wrong in thousands of rows.
	maxProblemBytes = 4 << 20
	// maxListed bounds how many of the errors are printed.
	maxListed = 20
)

// Error is the server's refusal of a request.
type Error struct {
	// Status is the HTTP status, 300–599.
	Status int
	// Problem is the server's problem document. When something else answered, a
	// proxy perhaps, it holds the status alone.
	Problem wire.Problem
	// RetryAfter is the delay that the server asked for; 0 when it did not.
	RetryAfter time.Duration
}

// CodeQuota is the code of a 429 that says that an organisation has all that it may have:
// asking again soon changes nothing.
const CodeQuota = "QUOTA_EXCEEDED"

// passes tells a refusal that passes by itself, and soon, from those that stand.
func (e *Error) passes() bool {
	switch e.Status {
	case http.StatusTooManyRequests:
		return e.Problem.Code != CodeQuota
	case http.StatusServiceUnavailable:
		return true
	}
	return false
}

// Error says for people what was refused and why: a first line, then one line for
// every thing that is wrong, with its row or field.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.headline())
	for i, fe := range e.Problem.Errors {
		if i == maxListed {
			fmt.Fprintf(&b, "\n  … and %d more", len(e.Problem.Errors)-maxListed)
			break
		}
		b.WriteString("\n  " + describe(fe))
	}
	if e.Status == http.StatusTooManyRequests && e.RetryAfter > 0 {
		fmt.Fprintf(&b, "\n  It may be asked again in %s.", e.RetryAfter.Round(time.Second))
	}
	if e.Status >= http.StatusInternalServerError && e.Problem.RequestID != "" {
		fmt.Fprintf(&b, "\n  (request %s)", e.Problem.RequestID)
	}
	return b.String()
}

func (e *Error) headline() string {
	text := e.Problem.Detail
	if text == "" {
		text = e.Problem.Title
	}
	if text == "" {
		text = strings.TrimSpace("the API answered " + strconv.Itoa(e.Status) + " " + http.StatusText(e.Status))
	}
	if e.Problem.Code == "" {
		return text
	}
	return text + " (" + e.Problem.Code + ")"
}

// describe puts one error on one line: where, then what.
func describe(fe wire.FieldError) string {
	where := fe.Field
	if fe.Row > 0 && !strings.HasPrefix(strings.ToLower(where), "row ") {
		where = strings.TrimSuffix(fmt.Sprintf("row %d, %s", fe.Row, where), ", ")
	}
	what := fe.Message
	if what == "" {
		what = fe.Code
	}
	if where == "" {
		return what
	}
	return where + ": " + what
}

// Code gives the problem code of an error of this package; empty when it has none.
func Code(err error) string {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Problem.Code
	}
	return ""
}

// UnreachableError says that no answer came: the server is down, restarting, or
// the way to it is.
type UnreachableError struct {
	BaseURL string
	Err     error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the API at %s cannot be reached: %v", e.BaseURL, e.Err)
}

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// readError makes an *Error of an answer. It never fails: an answer that is no
// problem document still has its status.
func readError(resp *http.Response) *Error {
	refusal := &Error{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now())}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err == nil && (kind == "application/problem+json" || kind == "application/json") {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblemBytes))
		if err != nil || json.Unmarshal(body, &refusal.Problem) != nil {
			refusal.Problem = wire.Problem{}
		}
	}
	refusal.Problem.Status = resp.StatusCode
	if to := resp.Header.Get("Location"); resp.StatusCode < http.StatusBadRequest && to != "" {
		refusal.Problem.Detail = fmt.Sprintf("the API says that it is at %q; it is not asked there, since the key would go with it: give its own address", to)
	}
	return refusal
}

// retryAfter reads the header in both its forms, seconds and a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
