package httpstatus_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/httpstatus"
	"github.com/minohq/mino/models/failure"
)

func TestFailure(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]failure.Class{
		301: failure.Permanent, 401: failure.Permanent, 403: failure.Permanent, 404: failure.Permanent,
		408: failure.Timeout, 425: failure.Transient, 429: failure.RateLimit,
		500: failure.Transient, 503: failure.Transient, 504: failure.Timeout, 522: failure.Timeout, 524: failure.Timeout, 599: failure.Transient,
	} {
		require.False(t, httpstatus.Success(status))
		require.Equal(t, want, httpstatus.Failure(status, "", "").Class, "%d", status)
	}
	require.True(t, httpstatus.Success(200))
	require.True(t, httpstatus.Success(206))

	err := httpstatus.Failure(429, "7", "captcha")
	require.EqualError(t, err, "HTTP_429: the server answered 429 Too Many Requests; captcha")
	require.Equal(t, 7*time.Second, err.RetryAfter)
	require.EqualError(t, httpstatus.Failure(522, "", ""), "HTTP_522: the server answered 522")
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, " 90 ": 90 * time.Second, "99999999": 24 * time.Hour,
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):       0,
		time.Now().Add(1000 * time.Hour).UTC().Format(http.TimeFormat): 24 * time.Hour,
	} {
		require.Equal(t, want, httpstatus.Failure(503, header, "").RetryAfter, header)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]bool{
		"text/html; charset=utf-8": false, "application/json": false, "": false, "image/svg+xml": false,
		"image/png": true, "application/pdf": true, "video/mp4": true, "application/zip; x=y": true,
	} {
		require.Equal(t, want, httpstatus.Unreadable(contentType), contentType)
	}
}
