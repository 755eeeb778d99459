package robots

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const agent = "Mozilla/5.0 (compatible; MINO/1.0)"

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func newRobots(t *testing.T) *Robots {
	t.Helper()
	r := New(Config{AllowedPrefixes: loopback, UserAgent: agent})
	t.Cleanup(r.Close)
	return r
}

// serve counts the requests for a robots.txt.
func serve(t *testing.T, handler http.HandlerFunc) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func says(t *testing.T, file string) (address string, asked *atomic.Int64) {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, file) })
}

func requireFailure(t *testing.T, err error, class failure.Class, code string) {
	t.Helper()
	var known *failure.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Code)
	require.Equal(t, class, known.Class)
}

func TestCheck(t *testing.T) {
	t.Parallel()

	site, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/robots.txt" || r.Header.Get("User-Agent") != agent {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, "User-agent: mino\nDisallow: /private\nCrawl-delay: 2")
	})
	robots := newRobots(t)
	delay, err := robots.Check(t.Context(), site+"/products?x=1#y")
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, delay)
	delay, err = robots.Check(t.Context(), site+"/private/1")
	requireFailure(t, err, failure.Permanent, CodeDisallowed)
	require.Equal(t, 2*time.Second, delay)
	require.Equal(t, int64(1), asked.Load(), "what a site said is remembered")

	for _, address := range []string{"", "/x", "ftp://shop.example/", "http://", "http://a b/"} {
		_, err := robots.Check(t.Context(), address)
		requireFailure(t, err, failure.Permanent, CodeInvalidURL)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()

	const nothing = "User-agent: *\nDisallow: /"
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, nothing)
		}
	}
	// A path that is a number is redirected to the next smaller one.
	redirects := func(first int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n := first
			if r.URL.Path != "/robots.txt" {
				_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
			}
			if n == 0 {
				_, _ = io.WriteString(w, nothing)
				return
			}
			http.Redirect(w, r, fmt.Sprintf("/%d", n-1), http.StatusMovedPermanently)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		code    string // empty when all is allowed
	}{
		"OK":            {status(200), CodeDisallowed},
		"NotFound":      {status(404), ""},
		"Unauthorised":  {status(401), ""},
		"Forbidden":     {status(403), ""},
		"TooMany":       {status(429), ""},
		"ServerError":   {status(500), CodeUnreachable},
		"Unavailable":   {status(503), CodeUnreachable},
		"NoContent":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, ""},
		"FiveRedirects": {redirects(5), CodeDisallowed},
		"SixRedirects":  {redirects(6), ""},
		"RedirectElsewhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		}, ""},
		"RedirectPrivate": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://10.0.0.1/robots.txt")
			w.WriteHeader(http.StatusFound)
		}, safedial.CodeNotAllowed},
		"Cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, CodeUnreachable},
		"CutWithin": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "User-agent: *\n")
		}, CodeUnreachable},
		"Gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			_, _ = io.WriteString(packed, nothing)
			_ = packed.Close()
		}, CodeDisallowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, _ := serve(t, test.handler)
			_, err := newRobots(t).Check(t.Context(), site+"/p")
			switch test.code {
			case "":
				require.NoError(t, err)
			case CodeUnreachable:
				requireFailure(t, err, failure.Transient, test.code)
				require.Positive(t, failure.Classify(err).RetryAfter)
			default:
				requireFailure(t, err, failure.Permanent, test.code)
				require.Zero(t, failure.Classify(err).RetryAfter)
			}
		})
	}
}

func TestSiteThatIsNotThere(t *testing.T) {
	t.Parallel()

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = newRobots(t).Check(t.Context(), "http://"+address+"/?key=s3cret")
	requireFailure(t, err, failure.Transient, CodeUnreachable)
	require.NotContains(t, err.Error(), "s3cret")
}

func TestPrivateAddressIsNotAsked(t *testing.T) {
	t.Parallel()

	site, asked := says(t, "")
	robots := New(Config{UserAgent: agent})
	t.Cleanup(robots.Close)
	for _, address := range []string{site, "http://169.254.169.254/", "http://[::ffff:10.0.0.1]/"} {
		_, err := robots.Check(t.Context(), address)
		requireFailure(t, err, failure.Permanent, safedial.CodeNotAllowed)
	}
	require.Zero(t, asked.Load())
}

// Of a file that is too large the beginning counts, up to the last whole line.
func TestLargeFileIsReadAsFarAsItGoes(t *testing.T) {
	t.Parallel()

	head := "User-agent: *\nDisallow: /first\n"
	line := "# " + strings.Repeat("x", 1021) + "\n"
	cut := strings.Repeat(line, (maxSize-len(head))/len(line))
	rest := maxSize - len(head) - len(cut)
	file := head + cut + "Disallow: /" + strings.Repeat("p", rest) + "\nDisallow: /last\n"
	site, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // it never ends
			if _, err := io.WriteString(w, file); err != nil {
				return
			}
		}
	})
	robots := newRobots(t)
	_, err := robots.Check(t.Context(), site+"/first")
	requireFailure(t, err, failure.Permanent, CodeDisallowed)
	for _, path := range []string{"/last", "/pp"} {
		_, err = robots.Check(t.Context(), site+path)
		require.NoError(t, err)
	}
}

func TestManyAtOnceAskOnce(t *testing.T) {
	t.Parallel()

	site, asked := says(t, "User-agent: *\nDisallow: /private")
	robots := newRobots(t)
	var all sync.WaitGroup
	results := make(chan error, 64)
	for range cap(results) {
		all.Go(func() {
			_, err := robots.Check(t.Context(), site+"/p")
			results <- err
		})
	}
	all.Wait()
	close(results)
	for err := range results {
		require.NoError(t, err)
	}
	require.Equal(t, int64(1), asked.Load())
}

// A caller that leaves is let go, and does not take the answer from the others.
func TestCallerThatLeaves(t *testing.T) {
	t.Parallel()

	begun, goOn := make(chan struct{}), make(chan struct{})
	site, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		_, _ = io.WriteString(w, "User-agent: *\nCrawl-delay: 3")
	})
	robots := newRobots(t)
	impatient, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := robots.Check(impatient, site)
		left <- err
	}()
	<-begun
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	patient := make(chan time.Duration, 1)
	go func() {
		delay, _ := robots.Check(t.Context(), site)
		patient <- delay
	}()
	close(goOn)
	require.Equal(t, 3*time.Second, <-patient)
	require.Equal(t, int64(1), asked.Load())
}

func TestCloseEndsWhatIsAskedFor(t *testing.T) {
	t.Parallel()

	begun := make(chan struct{})
	site, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	robots := newRobots(t)
	done := make(chan error, 1)
	go func() {
		_, err := robots.Check(t.Context(), site)
		done <- err
	}()
	<-begun
	robots.Close()
	require.ErrorIs(t, <-done, context.Canceled)
	_, err := robots.Check(t.Context(), site)
	require.ErrorIs(t, err, context.Canceled)
}

func TestWhatIsKnownExpires(t *testing.T) {
	t.Parallel()

	status := new(atomic.Int64)
	status.Store(http.StatusOK)
	site, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	robots := newRobots(t)
	now := time.Now()
	robots.now = func() time.Time { return now }
	check := func(after time.Duration, requests int64) error {
		now = now.Add(after)
		_, err := robots.Check(t.Context(), site)
		require.Equal(t, requests, asked.Load())
		return err
	}
	require.NoError(t, check(0, 1))
	require.NoError(t, check(believed-1, 1))
	status.Store(http.StatusBadGateway)
	requireFailure(t, check(1, 2), failure.Transient, CodeUnreachable)
	err := check(forgiven-time.Second, 2)
	requireFailure(t, err, failure.Transient, CodeUnreachable)
	require.Equal(t, time.Second, failure.Classify(err).RetryAfter)
	status.Store(http.StatusNotFound)
	require.NoError(t, check(time.Second, 3))
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct{ origins, size int }{
		"Number": {3, maxRules},
		"Size":   {maxOrigins, 3 * 1200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := "User-agent: *\nDisallow: /" + strings.Repeat("p", 1000)
			var addresses []string
			var first *atomic.Int64
			for range 8 {
				address, asked := says(t, file)
				addresses = append(addresses, address)
				if first == nil {
					first = asked
				}
			}
			robots := sized(Config{AllowedPrefixes: loopback, UserAgent: agent}, test.origins, test.size)
			t.Cleanup(robots.Close)
			for range 2 {
				for _, address := range addresses {
					_, err := robots.Check(t.Context(), address)
					require.NoError(t, err)
				}
			}
			require.Equal(t, int64(2), first.Load(), "the oldest has been forgotten")
			require.Equal(t, 3, robots.known.Len())
			require.Equal(t, 3*parse([]byte(file), "mino").size, robots.size)
		})
	}
}

func TestOriginsAreToldApart(t *testing.T) {
	t.Parallel()

	for address, want := range map[string]string{
		"http://Shop.Example/a":         "http://shop.example",
		"http://shop.example:80/":       "http://shop.example",
		"https://shop.example:443/?a":   "https://shop.example",
		"https://shop.example:80/":      "https://shop.example:80",
		"https://u:p@shop.example:8443": "https://shop.example:8443",
		"http://[::1]:80/":              "http://[::1]",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		require.NoError(t, err)
		require.Equal(t, want, origin(request.URL))
	}
}
