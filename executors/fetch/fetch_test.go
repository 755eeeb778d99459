package fetch_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

func TestExecuteFindsFieldsAndTellsWhere(t *testing.T) {
	t.Parallel()

	server := answer(t, http.StatusOK, []byte(productPage), "Content-Type", "text/html; charset=utf-8")
	outcome, err := execute(t, newExecutor(t), request(server.URL+"/lamp?variant=1#color=blue", ""))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"name": "Blue Lamp", "price": map[string]any{"amount": "19.50", "currency": "EUR"},
	}, asJSON(outcome.Fields))
	require.Empty(t, outcome.Blocked)
	require.Equal(t, 1, outcome.Usage.Requests)
	require.Equal(t, int64(len(productPage)), outcome.Usage.Bytes)
	require.Equal(t, server.URL+"/lamp?variant=1#color=blue", outcome.Evidence.FinalURL)
	require.Equal(t, http.StatusOK, outcome.Evidence.StatusCode)
	require.Equal(t, "text/html; charset=utf-8", outcome.Evidence.ContentType)
	require.Equal(t, "Blue Lamp | Shop", outcome.Evidence.Title)
	require.WithinDuration(t, time.Now(), outcome.Evidence.FetchedAt, time.Minute)
	require.Equal(t, map[string]string{"name": "json-ld name", "price": "json-ld offers.price"}, outcome.Evidence.Sources)
}

func TestExecuteReadsJSONAnswers(t *testing.T) {
	t.Parallel()

	server := answer(t, http.StatusOK, []byte(`{"data":{"items":[{"cost":1299.5},{"cost":7}],"title":"Lamp"}}`), "Content-Type", "application/json")
	outcome, err := execute(t, newExecutor(t), request(server.URL, "",
		field.Field{Name: "cost", Type: field.TypeNumber, Extract: &field.Extract{JSONPath: "$.data.items[0].cost"}},
		field.Field{Name: "title", Type: field.TypeText},
		field.Field{Name: "absent", Type: field.TypeText},
	))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"cost": 1299.5, "title": "Lamp"}, asJSON(outcome.Fields))
}

func TestExecuteSendsSettings(t *testing.T) {
	t.Parallel()

	got := make(chan http.Header, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	_, err := execute(t, newExecutor(t), request(server.URL,
		`{"headers":{"X-Key":"secret"},"user_agent":"probe/1","accept_language":"de"}`))
	require.NoError(t, err)
	header := <-got
	require.Equal(t, "secret", header.Get("X-Key"))
	require.Equal(t, "probe/1", header.Get("User-Agent"))
	require.Equal(t, "de", header.Get("Accept-Language"))
	require.Equal(t, "gzip, deflate, br", header.Get("Accept-Encoding"))
}

func TestStatusesAreClassified(t *testing.T) {
	t.Parallel()

	for status, class := range map[int]failure.Class{
		304: failure.Permanent, 400: failure.Permanent, 401: failure.Permanent, 403: failure.Permanent,
		404: failure.Permanent, 410: failure.Permanent, 451: failure.Permanent,
		408: failure.Timeout, 504: failure.Timeout, 522: failure.Timeout, 524: failure.Timeout,
		425: failure.Transient, 500: failure.Transient, 502: failure.Transient, 503: failure.Transient, 520: failure.Transient,
		429: failure.RateLimit,
	} {
		t.Run(fmt.Sprintf("Status%d", status), func(t *testing.T) {
			t.Parallel()
			server := answer(t, status, nil)
			outcome, err := execute(t, newExecutor(t), request(server.URL, ""))
			requireFailure(t, err, class, fmt.Sprintf("HTTP_%d", status))
			require.Equal(t, status, outcome.Evidence.StatusCode)
			require.Equal(t, 1, outcome.Usage.Requests)
			require.Empty(t, outcome.Fields)
		})
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		header      string
		least, most time.Duration
	}{
		"Seconds":    {"120", 120 * time.Second, 120 * time.Second},
		"Date":       {time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat), time.Hour, 2 * time.Hour},
		"PastDate":   {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 0, 0},
		"Negative":   {"-5", 0, 0},
		"Absurd":     {"99999999999", 24 * time.Hour, 24 * time.Hour},
		"Malformed":  {"soon", 0, 0},
		"Fractional": {"1.5", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := answer(t, http.StatusTooManyRequests, nil, "Retry-After", test.header)
			_, err := execute(t, newExecutor(t), request(server.URL, ""))
			requireFailure(t, err, failure.RateLimit, "HTTP_429")
			require.GreaterOrEqual(t, failure.Classify(err).RetryAfter, test.least)
			require.LessOrEqual(t, failure.Classify(err).RetryAfter, test.most)
		})
	}
}

const challengePage = `<html><head><title>Just a moment...</title></head><body>
<script>window._cf_chl_opt={};</script><p>Checking your browser before accessing the site.</p></body></html>`

func TestRefusalByARobotGuardIsNamed(t *testing.T) {
	t.Parallel()

	server := answer(t, http.StatusForbidden, []byte(challengePage), "Content-Type", "text/html")
	_, err := execute(t, newExecutor(t), request(server.URL, ""))
	requireFailure(t, err, failure.Permanent, "HTTP_403")
	require.ErrorContains(t, err, "just a moment")
}

func TestPageThatTestsItsVisitorIsBlocked(t *testing.T) {
	t.Parallel()

	server := answer(t, http.StatusOK, []byte(challengePage), "Content-Type", "text/html")
	outcome, err := execute(t, newExecutor(t), request(server.URL, ""))
	require.NoError(t, err)
	require.NotEmpty(t, outcome.Blocked)
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()

	for _, url := range []string{"", "shop.example/lamp", "ftp://shop.example/", "file:///etc/passwd", "http://", "http://a b/"} {
		t.Run("Invalid"+url, func(t *testing.T) {
			t.Parallel()
			_, err := execute(t, newExecutor(t), request(url, ""))
			requireFailure(t, err, failure.Permanent, fetch.CodeInvalidURL)
		})
	}
	for _, url := range []string{"http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:1/", "http://10.0.0.1/"} {
		t.Run("Private"+url, func(t *testing.T) {
			t.Parallel()
			executor := newExecutor(t, func(c *fetch.Config) { c.AllowedPrefixes = nil })
			_, err := execute(t, executor, request(url, ""))
			requireFailure(t, err, failure.Permanent, safedial.CodeNotAllowed)
		})
	}
}

func TestRedirectToAPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()

	server := serve(t, http.RedirectHandler("http://169.254.169.254/latest/", http.StatusFound).ServeHTTP)
	executor := newExecutor(t, func(c *fetch.Config) {
		c.AllowedPrefixes = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	})
	_, err := execute(t, executor, request(server.URL, ""))
	requireFailure(t, err, failure.Permanent, safedial.CodeNotAllowed)
}

func TestNetworkFailuresAreLeftToBeClassified(t *testing.T) {
	t.Parallel()

	t.Run("ConnectionRefused", func(t *testing.T) {
		t.Parallel()
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		address := listener.Addr().String()
		require.NoError(t, listener.Close())
		_, err = execute(t, newExecutor(t), request("http://"+address+"/?token=secret", ""))
		requireFailure(t, err, failure.Network, "CONNECTION_REFUSED")
		require.NotContains(t, err.Error(), "secret")
	})
	t.Run("ConnectionCut", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		_, err := execute(t, newExecutor(t), request(server.URL, ""))
		requireFailure(t, err, failure.Network, "CONNECTION_RESET")
	})
	t.Run("BodyCut", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusOK, []byte("short"), "Content-Type", "text/html", "Content-Length", "1000")
		_, err := execute(t, newExecutor(t), request(server.URL, ""))
		requireFailure(t, err, failure.Network, "CONNECTION_RESET")
	})
	t.Run("NoTLS", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusOK, nil)
		_, err := execute(t, newExecutor(t), request(strings.Replace(server.URL, "http:", "https:", 1), ""))
		require.Error(t, err)
		require.True(t, failure.Classify(err).Class.Retryable())
	})
}

// stuck answers with a header and a byte, and then with nothing until the test ends.
func stuck(t *testing.T) string {
	t.Helper()
	end := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(end) })
	return server.URL
}

func TestOwnTimeoutEndsSilence(t *testing.T) {
	t.Parallel()

	_, err := execute(t, newExecutor(t), request(stuck(t), `{"timeout_ms":1000}`))
	requireFailure(t, err, failure.Timeout, fetch.CodeTimeout)
}

func TestCallersDeadlineIsReturnedAsItIs(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := newExecutor(t).Execute(ctx, request(stuck(t), ""))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, failure.Timeout, failure.Classify(err).Class)
}

func TestCancellationIsReturnedAsItIs(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	req := request(stuck(t), "")
	req.Heartbeat = func(string) { cancel() }
	_, err := newExecutor(t).Execute(ctx, req)
	require.ErrorIs(t, err, context.Canceled)
	var known *failure.Error
	require.NotErrorAs(t, err, &known)
}

func TestHeartbeatsGoOnWhileWaiting(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heart := newBeats()
	req := request(stuck(t), "")
	req.Heartbeat = heart.beat
	executor := newExecutor(t, func(c *fetch.Config) { c.HeartbeatInterval = time.Millisecond })
	done := make(chan error, 1)
	go func() {
		_, err := executor.Execute(ctx, req)
		done <- err
	}()
	for range 5 {
		<-heart.came
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	after := len(heart.all())
	require.GreaterOrEqual(t, after, 5)
	require.Contains(t, heart.all()[0], "127.0.0.1")
	require.Len(t, heart.all(), after, "no heartbeat after the attempt has ended")
}

func TestInvalidSettingsFailTheAttempt(t *testing.T) {
	t.Parallel()

	_, err := execute(t, newExecutor(t), request("http://127.0.0.1/", `{"timeout_ms":1}`))
	requireFailure(t, err, failure.Permanent, fetch.CodeInvalidSettings)
}

func TestManyAttemptsAtOnce(t *testing.T) {
	t.Parallel()

	server := answer(t, http.StatusOK, []byte(productPage), "Content-Type", "text/html")
	executor := newExecutor(t)
	results := make(chan error)
	const attempts = 32
	for range attempts {
		go func() {
			outcome, err := executor.Execute(t.Context(), request(server.URL, ""))
			if err == nil && len(outcome.Fields) != 2 {
				err = fmt.Errorf("found %v", outcome.Fields)
			}
			results <- err
		}()
	}
	for range attempts {
		require.NoError(t, <-results)
	}
}
