package fetch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minohq/mino/executors/extract"
	"github.com/minohq/mino/models/failure"
)

// Statuses that proxies use beside those of the standard library.
const (
	statusConnectionTimedOut = 522
	statusProxyTimeout       = 524
)

// refused classifies an answer whose status is no success. Its page is read a little:
// when it tells of a test for robots, the message says so.
func (a *attempt) refused(ctx context.Context, response *http.Response, final *url.URL) error {
	status := response.StatusCode
	err := failure.New(statusClass(status), fmt.Sprintf("HTTP_%d", status), "the server answered %s", statusText(status))
	err.RetryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	if blocked := a.blocked(ctx, response, final); blocked != "" {
		err.Message += "; " + blocked
	}
	return err
}

const refusalSize = 128 << 10

// blocked says whether the page of a refusal is that of a guard against robots.
func (a *attempt) blocked(ctx context.Context, response *http.Response, final *url.URL) string {
	contentType := response.Header.Get("Content-Type")
	if unreadable(contentType) {
		return ""
	}
	body, err := a.body(response, refusalSize)
	if err != nil {
		return "" // what matters is the status
	}
	page, err := extract.New(ctx, body, contentType, final)
	if err != nil {
		return ""
	}
	reason, err := page.Blocked(ctx)
	if err != nil {
		return ""
	}
	return reason
}

func statusClass(status int) failure.Class {
	switch status {
	case http.StatusTooManyRequests:
		return failure.RateLimit
	case http.StatusRequestTimeout, http.StatusGatewayTimeout, statusConnectionTimedOut, statusProxyTimeout:
		return failure.Timeout
	case http.StatusTooEarly:
		return failure.Transient
	}
	if status >= 500 {
		return failure.Transient
	}
	return failure.Permanent
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// retryAfter reads the header of that name: seconds or a date. 0 when it is absent,
// malformed or past.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	const most = 24 * time.Hour // beyond it the number is no longer a request to wait
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(most/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), most)
}
