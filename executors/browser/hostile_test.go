package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"github.com/minohq/mino/models/failure"
)

func TestFailuresOfTheNetwork(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut", "/half":
			if r.URL.Path == "/half" {
				w.Header().Set("Content-Length", "100000")
				_, _ = fmt.Fprint(w, lamp)
				_ = http.NewResponseController(w).Flush()
			}
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		case "/circle":
			http.Redirect(w, r, "/circle", http.StatusFound)
		case "/file":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		case "/data":
			w.Header().Set("Location", "data:text/html,<p>a")
			w.WriteHeader(http.StatusFound)
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = fmt.Fprint(w, "this is not gzip")
		case "/attachment":
			w.Header().Set("Content-Disposition", "attachment; filename=a.html")
			_, _ = fmt.Fprint(w, lamp)
		case "/zip":
			w.Header().Set("Content-Type", "application/zip")
			_, _ = fmt.Fprint(w, "PK")
		case "/image":
			w.Header().Set("Content-Type", "image/png")
			_, _ = fmt.Fprint(w, "\x89PNG\r\n\x1a\n")
		case "/clicked":
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, `<a id="a" href="/zip">get</a>`)
		}
	})
	gone := serve(t, func(http.ResponseWriter, *http.Request) {})
	gone.Close()
	secure := serveOn(t, siteHost, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, lamp) }, (*httptest.Server).StartTLS)
	click := `{"steps": [{"action": "click", "selector": "#a"}]}`
	for name, test := range map[string]struct {
		url, settings, code string
		class               failure.Class
	}{
		"Refused":                     {gone.URL, "", "CONNECTION_REFUSED", failure.Network},
		"Refused under TLS":           {strings.Replace(gone.URL, "http:", "https:", 1), "", "CONNECTION_REFUSED", failure.Network},
		"Unknown name":                {"http://unknown.test/", "", "DNS", failure.Network},
		"Unknown name under TLS":      {"https://unknown.test/", "", "DNS", failure.Network},
		"Cut off before the answer":   {server.URL + "/cut", "", "CONNECTION_RESET", failure.Network},
		"Cut off within the answer":   {server.URL + "/half", "", "CONNECTION_RESET", failure.Network},
		"Certificate of nobody":       {secure.URL, "", "TLS_CERTIFICATE", failure.Network},
		"No TLS where it should be":   {strings.Replace(server.URL, "http:", "https:", 1), "", "TLS_HANDSHAKE", failure.Network},
		"Redirects in a circle":       {server.URL + "/circle", "", CodeTooManyRedirects, failure.Permanent},
		"Redirect to a file":          {server.URL + "/file", "", CodeUnsupportedURL, failure.Permanent},
		"Redirect to data":            {server.URL + "/data", "", CodeUnsupportedURL, failure.Permanent},
		"No content":                  {server.URL + "/nothing", "", CodeUnsupportedContent, failure.Permanent},
		"Broken compression":          {server.URL + "/gzip", "", "CONTENT_ENCODING", failure.Transient},
		"Attachment":                  {server.URL + "/attachment", "", CodeUnsupportedContent, failure.Permanent},
		"Archive":                     {server.URL + "/zip", "", CodeUnsupportedContent, failure.Permanent},
		"Picture":                     {server.URL + "/image", "", CodeUnsupportedContent, failure.Permanent},
		"Click that leads to a file":  {server.URL + "/clicked", click, CodeUnsupportedContent, failure.Permanent},
		"Port of another service":     {"http://" + siteHost + ":5432/", "", "PORT_NOT_ALLOWED", failure.Permanent},
		"Port that browsers refuse":   {"http://" + siteHost + ":25/", "", "PORT_NOT_ALLOWED", failure.Permanent},
		"Address that is not allowed": {"http://10.0.0.1/", "", "ADDRESS_NOT_ALLOWED", failure.Permanent},
		"The same under TLS":          {"https://10.0.0.1/", "", "ADDRESS_NOT_ALLOWED", failure.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := execute(t, shared(), request(test.url, test.settings))
			requireFailure(t, err, test.class, test.code)
		})
	}
	for _, url := range []string{"file:///etc/passwd", "chrome://version", "data:text/html,a", "view-source:http://a", "about:blank", "javascript:1", "/", ""} {
		t.Run("No page "+url, func(t *testing.T) {
			t.Parallel()
			_, err := execute(t, shared(), request(url, ""))
			requireFailure(t, err, failure.Permanent, CodeInvalidURL)
		})
	}
}

func TestPageUnderTLS(t *testing.T) {
	t.Parallel()
	server := serveOn(t, siteHost, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, lamp) }, (*httptest.Server).StartTLS)
	e := own(t, func(c *Config) { c.flags = map[string]string{"ignore-certificate-errors": ""} })
	outcome, err := execute(t, e, request(server.URL, ""))
	require.NoError(t, err)
	require.Equal(t, "19.50 EUR", found(t, outcome, "price"))
	require.Greater(t, outcome.Usage.Bytes, int64(1000))
}

func TestPagesThatAskForAttention(t *testing.T) {
	t.Parallel()
	var popups atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/dialogs":
			_, _ = fmt.Fprint(w, `<body><script>alert(1); const c = confirm('?'), p = prompt('?');
				document.body.innerHTML = '<p class="price">' + (!c && p === null ? '3.00' : '4.00') + ' EUR</p>';</script>`)
		case "/stay":
			_, _ = fmt.Fprint(w, `<a id="a" href="/lamp">leave</a><script>addEventListener('beforeunload', e => { e.preventDefault(); e.returnValue = 'x'; });</script>`)
		case "/windows":
			_, _ = fmt.Fprint(w, `<a id="b" href="/lamp" target="_blank" onclick="for (let i = 0; i < 5; i++) open('/popup?' + i)">b</a><script>open('/popup')</script>`)
		case "/popup":
			popups.Add(1)
			_, _ = fmt.Fprint(w, `<script>alert('here I am')</script>popup`)
		case "/devices":
			_, _ = fmt.Fprint(w, lamp+`<script>navigator.geolocation.getCurrentPosition(() => { document.querySelector('.price').textContent = '1.00 EUR' });
				Notification.requestPermission(); navigator.mediaDevices && navigator.mediaDevices.getUserMedia({video: true}).catch(() => {}); print();</script>`)
		default:
			_, _ = fmt.Fprint(w, lamp)
		}
	})
	for path, test := range map[string]struct{ settings, price string }{
		"/dialogs": {"", "3.00 EUR"},
		"/stay":    {`{"steps": [{"action": "click", "selector": "#a"}]}`, "19.50 EUR"},
		"/windows": {`{"steps": [{"action": "click", "selector": "#b"}, {"action": "wait_for", "selector": ".price"}]}`, "19.50 EUR"},
		"/devices": {"", "19.50 EUR"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			outcome, err := execute(t, shared(), request(server.URL+path, test.settings))
			require.NoError(t, err)
			require.Equal(t, test.price, found(t, outcome, "price"))
		})
	}
	t.Cleanup(func() { require.Zero(t, popups.Load()) })
}

func TestNothingOfOneJobIsLeftForTheNext(t *testing.T) {
	t.Parallel()
	server := pages(t, map[string]string{"/": `<body><script>
		const seen = document.cookie + (localStorage.getItem('a') || '');
		document.cookie = 'a=1; max-age=1000'; localStorage.setItem('a', '1');
		document.body.innerHTML = '<p class="price">' + (seen ? '2.00' : '1.00') + ' EUR</p>';</script>`})
	e := own(t)
	for range 3 {
		outcome, err := execute(t, e, request(server.URL+"/", ""))
		require.NoError(t, err)
		require.Equal(t, "1.00 EUR", found(t, outcome, "price"))
	}
}

// group is the browser that an executor of one browser has now.
func group(t *testing.T, e *Executor) int {
	t.Helper()
	e.pool.mu.Lock()
	defer e.pool.mu.Unlock()
	for b := range e.pool.running {
		return b.group
	}
	return 0
}

func requireWorks(t *testing.T, e *Executor) {
	t.Helper()
	server := pages(t, map[string]string{"/": lamp})
	outcome, err := execute(t, e, request(server.URL+"/", ""))
	require.NoError(t, err)
	require.Equal(t, "19.50 EUR", found(t, outcome, "price"))
}

func requireGone(t *testing.T, group int) {
	t.Helper()
	require.NotZero(t, group)
	require.Eventually(t, func() bool { return syscall.Kill(-group, 0) != nil || len(groupMembers(group)) == 0 }, time.Minute, 20*time.Millisecond)
}

func TestPagesThatHang(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/loop":
			_, _ = fmt.Fprint(w, lamp+`<script>while(true){}</script>`)
		case "/later":
			_, _ = fmt.Fprint(w, lamp+`<script>onload = () => setTimeout(() => { while(true){} }, 0)</script>`)
		case "/silent":
			<-r.Context().Done()
		}
	})
	e := own(t, func(c *Config) { c.Log = zaptest.NewLogger(t) })
	requireWorks(t, e)
	for _, path := range []string{"/loop", "/later"} {
		before := group(t, e)
		_, err := execute(t, e, request(server.URL+path, `{"timeout_ms": 3000, "wait": {"timeout_ms": 1000}}`))
		requireFailure(t, err, failure.Timeout, CodeTimeout)
		requireGone(t, before)
		requireWorks(t, e)
		require.NotEqual(t, before, group(t, e))
	}
	before := group(t, e)
	_, err := execute(t, e, request(server.URL+"/silent", `{"timeout_ms": 3000}`))
	requireFailure(t, err, failure.Timeout, CodeTimeout)
	requireWorks(t, e)
	require.Equal(t, before, group(t, e), "a slow server is not the browser's fault")
}

// holding is a page that is being waited for, and says when it has been asked for.
func holding(t *testing.T) (url string, came <-chan struct{}) {
	t.Helper()
	asked := make(chan struct{}, 8)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/held" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, lamp+`<script src="/held"></script>`)
			return
		}
		asked <- struct{}{}
		<-r.Context().Done()
	})
	return server.URL + "/", asked
}

// renderers are the processes of a browser that draw pages.
func renderers(t *testing.T, group int) []int {
	t.Helper()
	var pids []int
	for _, pid := range groupMembers(group) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(line), "--type=renderer") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestCrashes(t *testing.T) {
	t.Parallel()
	needProc(t)
	e := own(t)
	url, came := holding(t)
	// crash does harm to the browser in the middle of a job.
	crash := func(harm func(group int), code string) {
		failed := make(chan error, 1)
		go func() {
			_, err := e.Execute(t.Context(), request(url, `{"wait": {"timeout_ms": 120000}, "timeout_ms": 120000}`))
			failed <- err
		}()
		<-came
		before := group(t, e)
		harm(before)
		requireFailure(t, <-failed, failure.Transient, code)
		requireGone(t, before)
		requireWorks(t, e)
	}
	crash(func(group int) {
		for _, pid := range renderers(t, group) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}, CodePageCrashed)
	crash(func(group int) { _ = syscall.Kill(group, syscall.SIGKILL) }, CodeCrashed)

	// And to one that is idle.
	before := group(t, e)
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	requireGone(t, before)
	requireWorks(t, e)
}

func TestEndOfTheContextEndsTheJob(t *testing.T) {
	t.Parallel()
	e := own(t)
	url, came := holding(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := e.Execute(ctx, request(url, ""))
		failed <- err
	}()
	<-came
	before := group(t, e)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	requireGone(t, before)
	_, err := e.Execute(ctx, request(url, ""))
	require.ErrorIs(t, err, context.Canceled)
	requireWorks(t, e)
}

func TestClose(t *testing.T) {
	t.Parallel()
	e := own(t)
	url, came := holding(t)
	failed := make(chan error, 2)
	for range 2 { // one has the browser, and one waits for it
		go func() {
			_, err := e.Execute(t.Context(), request(url, ""))
			failed <- err
		}()
	}
	<-came
	before, home := group(t, e), e.pool.home.dir
	require.DirExists(t, home)
	e.Close()
	e.Close()
	requireFailure(t, <-failed, failure.Transient, CodeCrashed)
	requireFailure(t, <-failed, failure.Transient, CodeCrashed)
	requireGone(t, before)
	require.NoDirExists(t, home)
	_, err := e.Execute(t.Context(), request(url, ""))
	requireFailure(t, err, failure.Transient, CodeCrashed)
}

func TestBrowsersAreReplaced(t *testing.T) {
	t.Parallel()
	t.Run("After so many jobs", func(t *testing.T) {
		t.Parallel()
		e := own(t, func(c *Config) { c.JobsPerBrowser = 2 })
		requireWorks(t, e)
		first := group(t, e)
		requireWorks(t, e)
		requireGone(t, first)
		requireWorks(t, e)
		require.NotEqual(t, first, group(t, e))
	})
	t.Run("When a page takes too much memory", func(t *testing.T) {
		t.Parallel()
		needProc(t)
		server := pages(t, map[string]string{"/": lamp + `<script>
			const all = []; setInterval(() => all.push(new Uint8Array(8 << 20).fill(1)), 20)</script><script src="/never"></script>`})
		e := own(t, func(c *Config) { c.MaxMemory = 500 << 20 })
		requireWorks(t, e)
		first := group(t, e)
		_, err := execute(t, e, request(server.URL+"/", `{"steps": [{"action": "wait_for", "selector": "#never", "timeout_ms": 120000}], "timeout_ms": 120000}`))
		requireFailure(t, err, failure.Permanent, CodeMemory)
		requireGone(t, first)
		requireWorks(t, e)
	})
}

func TestWithoutABrowser(t *testing.T) {
	t.Parallel()
	e := New(Config{Path: "/nowhere/chromium"})
	defer e.Close()
	require.ErrorContains(t, e.Available(), "/nowhere/chromium does not run")
	_, err := e.Execute(t.Context(), request("http://site.test/", ""))
	requireFailure(t, err, failure.Permanent, CodeUnavailable)
	require.NoError(t, e.Validate(spec("")))
}
