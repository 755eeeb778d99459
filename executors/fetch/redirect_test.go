package fetch_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
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

// redirector answers with a redirect.
func redirector(t *testing.T, status int, target string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", target)
		w.WriteHeader(status)
	}).URL
}

func TestPostsAreRedirectedAsInBrowsers(t *testing.T) {
	t.Parallel()

	const settings = `{"headers":{"X-Key":"1"},"body":{"json":{"sku":"{{sku}}"}}}`
	for _, status := range []int{301, 302, 303} {
		t.Run(fmt.Sprintf("ThePageIsGotAfter%d", status), func(t *testing.T) {
			t.Parallel()
			last, got := recorder(t, "text/html", productPage)
			first := redirector(t, status, last.URL+"/page")
			outcome, err := execute(t, newExecutor(t), rowRequest(first, settings))
			require.NoError(t, err)
			require.Equal(t, "Blue Lamp", outcome.Fields["name"])
			request := <-got
			require.Equal(t, http.MethodGet, request.method)
			require.Empty(t, request.body)
			require.Empty(t, request.header.Get("Content-Type"))
			require.Empty(t, request.header.Get("X-Key"))
		})
	}
	for _, status := range []int{307, 308} {
		t.Run(fmt.Sprintf("TheBodyIsSentAgainAfter%d", status), func(t *testing.T) {
			t.Parallel()
			got := make(chan sent, 2)
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- sent{method: r.Method, uri: r.RequestURI, body: string(body), header: r.Header}
				if r.URL.Path != "/there" {
					http.Redirect(w, r, "/there", status)
				}
			})
			_, err := execute(t, newExecutor(t), rowRequest(server.URL, settings))
			require.NoError(t, err)
			before, after := <-got, <-got
			require.Equal(t, "/there", after.uri)
			require.Equal(t, before.body, after.body)
			require.Equal(t, http.MethodPost, after.method)
			require.Equal(t, "application/json", after.header.Get("Content-Type"))
			require.Equal(t, "1", after.header.Get("X-Key"))
		})
		t.Run(fmt.Sprintf("TheBodyStaysWithItsHostAfter%d", status), func(t *testing.T) {
			t.Parallel()
			other, got := recorder(t, "text/html", productPage)
			first := redirector(t, status, other.URL)
			outcome, err := execute(t, newExecutor(t), rowRequest(first, settings))
			requireFailure(t, err, failure.Permanent, fetch.CodeUnsupportedURL)
			require.Equal(t, 1, outcome.Usage.Requests)
			require.Empty(t, got)
		})
	}
	t.Run("APostWithoutABodyGoesElsewhere", func(t *testing.T) {
		t.Parallel()
		other, got := recorder(t, "text/html", productPage)
		first := redirector(t, http.StatusTemporaryRedirect, other.URL)
		_, err := execute(t, newExecutor(t), rowRequest(first, `{"method":"POST"}`))
		require.NoError(t, err)
		require.Equal(t, http.MethodPost, (<-got).method)
	})
}

// The address that is left goes with a redirect, as the referrer, only to its own host:
// its query may hold a key.
func TestQueryStaysWithItsHost(t *testing.T) {
	t.Parallel()

	other, got := recorder(t, "text/html", productPage)
	first := redirector(t, http.StatusFound, other.URL)
	_, err := execute(t, newExecutor(t), rowRequest(first, `{"query":{"key":"{{secret.token}}"}}`))
	require.NoError(t, err)
	require.Empty(t, (<-got).header.Get("Referer"))
}

func TestHeadersDoNotGoOnWithoutEncryption(t *testing.T) {
	t.Parallel()

	plain, err := url.Parse("http://shop.example/")
	require.NoError(t, err)
	encrypted, err := url.Parse("https://SHOP.example/")
	require.NoError(t, err)
	other, err := url.Parse("https://shop.example:8443/")
	require.NoError(t, err)
	require.False(t, fetch.Elsewhere(plain, encrypted))
	require.False(t, fetch.Elsewhere(plain, plain))
	require.True(t, fetch.Elsewhere(encrypted, plain))
	require.True(t, fetch.Elsewhere(encrypted, other))
}
