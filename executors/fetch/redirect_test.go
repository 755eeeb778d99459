package fetch_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models/failure"
)

// countdown redirects from /n to /n-1 and answers at /0.
func countdown(t *testing.T) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err == nil && n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/%d", n-1), http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(productPage))
	}).URL
}

func TestRedirectsAreFollowedUpToTheLimit(t *testing.T) {
	t.Parallel()

	server := countdown(t)
	t.Run("WithinTheLimit", func(t *testing.T) {
		t.Parallel()
		outcome, err := execute(t, newExecutor(t), request(server+"/10#size=2", ""))
		require.NoError(t, err)
		require.Equal(t, server+"/0#size=2", outcome.Evidence.FinalURL)
		require.Equal(t, 11, outcome.Usage.Requests)
	})
	t.Run("BeyondTheLimit", func(t *testing.T) {
		t.Parallel()
		outcome, err := execute(t, newExecutor(t), request(server+"/11", ""))
		requireFailure(t, err, failure.Permanent, fetch.CodeTooManyRedirects)
		require.Equal(t, 11, outcome.Usage.Requests)
	})
	t.Run("NoneAllowed", func(t *testing.T) {
		t.Parallel()
		_, err := execute(t, newExecutor(t), request(server+"/1", `{"max_redirects":0}`))
		requireFailure(t, err, failure.Permanent, fetch.CodeTooManyRedirects)
	})
}

func TestRedirectLoopIsTold(t *testing.T) {
	t.Parallel()

	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, map[string]string{"/a": "/b", "/b": "/a"}[r.URL.Path], http.StatusMovedPermanently)
	})
	_, err := execute(t, newExecutor(t), request(server.URL+"/a", ""))
	requireFailure(t, err, failure.Permanent, fetch.CodeRedirectLoop)
}

func TestCookieThatARedirectSetsIsSentBack(t *testing.T) {
	t.Parallel()

	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("seen"); err != nil {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", Path: "/"})
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(productPage))
	})
	executor := newExecutor(t)
	for range 2 { // a second attempt starts without the cookie of the first
		outcome, err := execute(t, executor, request(server.URL+"/lamp", ""))
		require.NoError(t, err)
		require.Equal(t, 2, outcome.Usage.Requests)
		require.Equal(t, "Blue Lamp", outcome.Fields["name"])
	}
}

func TestRedirectToAnotherSchemeIsRefused(t *testing.T) {
	t.Parallel()

	for _, target := range []string{"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:70/x"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", target)
				w.WriteHeader(http.StatusFound)
			})
			_, err := execute(t, newExecutor(t), request(server.URL, ""))
			requireFailure(t, err, failure.Permanent, fetch.CodeUnsupportedURL)
		})
	}
}

func TestHeadersStayWithTheHostTheyAreFor(t *testing.T) {
	t.Parallel()

	got := make(chan http.Header, 2)
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	_, err := execute(t, newExecutor(t), request(first.URL, `{"headers":{"X-Api-Key":"secret","authorization":"Bearer secret"}}`))
	require.NoError(t, err)
	header := <-got
	require.Equal(t, "secret", header.Get("X-Api-Key"))
	require.Equal(t, "Bearer secret", header.Get("Authorization"))
	header = <-got
	require.Empty(t, header.Get("X-Api-Key"))
	require.Empty(t, header.Get("Authorization"))
	require.NotEmpty(t, header.Get("User-Agent"))
}

func TestPasswordInTheAddressStaysOutOfTheEvidence(t *testing.T) {
	t.Parallel()

	server := answer(t, http.StatusOK, []byte(productPage), "Content-Type", "text/html")
	outcome, err := execute(t, newExecutor(t), request(strings.Replace(server.URL, "http://", "http://user:secret@", 1), ""))
	require.NoError(t, err)
	require.NotContains(t, outcome.Evidence.FinalURL, "secret")
}
