// Package httpstatus says what answers mean that are no success, so that every executor
// which gets a page over HTTP judges them alike.
package httpstatus

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minohq/mino/models/failure"
)

// Statuses that proxies use beside those of the standard library.
const (
	statusConnectionTimedOut = 522
	statusProxyTimeout       = 524
)

// Success reports whether a status says that the page is there.
func Success(status int) bool { return status >= 200 && status <= 299 }

// Failure classifies an answer whose status is no success. The code is HTTP_<status>.
// blocked, unless it is empty, is what the page says of a test for robots; retryAfter is
// the header of that name.
func Failure(status int, retryAfter, blocked string) *failure.Error {
	err := failure.New(class(status), fmt.Sprintf("HTTP_%d", status), "the server answered %s", text(status))
	err.RetryAfter = RetryAfter(retryAfter, time.Now())
	if blocked != "" {
		err.Message += "; " + blocked
	}
	return err
}

func class(status int) failure.Class {
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

func text(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// LongestWait is what a Retry-After can ask for: beyond it the number is no longer a
// request to wait.
const LongestWait = 24 * time.Hour

// RetryAfter reads the header of that name: seconds or a date. 0 when it is absent,
// malformed or past.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(LongestWait/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), LongestWait)
}

// Unreadable tells of content types in which no text is looked for, so that their
// bodies need not be loaded.
func Unreadable(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	kind, _, _ := strings.Cut(media, "/")
	switch kind {
	case "image", "audio", "video", "font", "model":
		return media != "image/svg+xml"
	}
	switch media {
	case "application/pdf", "application/zip", "application/gzip", "application/x-gzip", "application/wasm",
		"application/x-tar", "application/x-7z-compressed", "application/vnd.rar":
		return true
	}
	return false
}
