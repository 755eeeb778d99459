package browser

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/egress"
	"github.com/minohq/mino/models/failure"
)

func TestFieldsAreFoundInWhatScriptsMake(t *testing.T) {
	t.Parallel()
	server := pages(t, map[string]string{
		"/": `<title>Shop</title><body><script src="/shop.js"></script><img src="/a.png">`,
		"/shop.js": `fetch('/data').then(r => r.text()).then(html => {
			document.body.innerHTML = html; document.title = 'Blue Lamp'; history.replaceState(null, '', '/lamp?v=2#x'); });`,
		"/data": `<h1>Blue Lamp</h1><p class="price">19.50 EUR</p>`,
	})
	outcome, err := execute(t, shared(), request(server.URL+"/", `{"wait": {"until": "networkidle"}}`))
	require.NoError(t, err)
	require.Equal(t, "19.50 EUR", found(t, outcome, "price"))
	require.Equal(t, "Blue Lamp", outcome.Evidence.Title)
	require.Equal(t, server.URL+"/lamp?v=2#x", outcome.Evidence.FinalURL)
	require.Equal(t, 200, outcome.Evidence.StatusCode)
	require.Equal(t, "text/html; charset=utf-8", outcome.Evidence.ContentType)
	require.False(t, outcome.Evidence.FetchedAt.IsZero())
	require.Contains(t, outcome.Evidence.Sources, "price")
	require.GreaterOrEqual(t, outcome.Usage.Requests, 4)
	require.Greater(t, outcome.Usage.Bytes, int64(500))
	require.Empty(t, outcome.Blocked)

	require.Len(t, outcome.Files, 1)
	require.Equal(t, executors.KindScreenshot, outcome.Files[0].Kind)
	require.Equal(t, "image/jpeg", outcome.Files[0].ContentType)
	picture, err := jpeg.Decode(bytes.NewReader(outcome.Files[0].Data))
	require.NoError(t, err)
	require.Equal(t, 1280, picture.Bounds().Dx())
	require.Equal(t, 800, picture.Bounds().Dy())
}

func TestAnswersThatAreNoHTMLAreReadAsTheyCame(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", map[string]string{"/json": "application/json", "/text": "text/plain"}[r.URL.Path])
		_, _ = fmt.Fprint(w, map[string]string{"/json": `{"product": {"price": "12.00 EUR"}}`, "/text": "Price: 13.00 EUR\n"}[r.URL.Path])
	})
	outcome, err := execute(t, shared(), request(server.URL+"/json", ""))
	require.NoError(t, err)
	require.Equal(t, "12.00 EUR", found(t, outcome, "price"))
	outcome, err = execute(t, shared(), request(server.URL+"/text", ""))
	require.NoError(t, err)
	require.Equal(t, "text/plain", outcome.Evidence.ContentType)
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	const late = `<title>a</title><script>setTimeout(() => { document.body.innerHTML = '<p class="price">7.00 EUR</p>' }, 700)</script><body>wait`
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/late":
			_, _ = fmt.Fprint(w, late)
		case "/restless":
			_, _ = fmt.Fprint(w, lamp+`<img src="/never">`)
		case "/never":
			<-r.Context().Done()
		case "/script":
			_, _ = fmt.Fprint(w, `<script>location.href = '/found'</script>on the way`)
		case "/refresh":
			_, _ = fmt.Fprint(w, `<meta http-equiv="refresh" content="1; url=/found"><p>on the way`)
		case "/redirect":
			http.Redirect(w, r, "/found", http.StatusFound)
		case "/found":
			_, _ = fmt.Fprint(w, lamp)
		case "/circle":
			_, _ = fmt.Fprint(w, `<script>location.href = '/circle?' + Math.random()</script>`)
		}
	})
	for name, test := range map[string]struct{ path, settings, price, note string }{
		"A selector that comes late":      {"/late", `{"wait": {"selector": ".price"}}`, "7.00 EUR", ""},
		"Load that never comes":           {"/restless", `{"wait": {"timeout_ms": 1000}}`, "19.50 EUR", "load did not come within 1s"},
		"Parsed is enough":                {"/restless", `{"wait": {"until": "domcontentloaded"}}`, "19.50 EUR", ""},
		"A script that leads elsewhere":   {"/script", "", "19.50 EUR", ""},
		"A refresh that leads elsewhere":  {"/refresh", "", "19.50 EUR", ""},
		"A redirect":                      {"/redirect", "", "19.50 EUR", ""},
		"A selector after leaving a page": {"/script", `{"wait": {"selector": ".price", "until": "domcontentloaded"}}`, "19.50 EUR", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outcome, err := execute(t, shared(), request(server.URL+test.path, test.settings))
			require.NoError(t, err)
			require.Equal(t, test.price, found(t, outcome, "price"))
			require.Contains(t, string(outcome.Raw), test.note)
		})
	}
	t.Run("A selector that never comes", func(t *testing.T) {
		t.Parallel()
		outcome, err := execute(t, shared(), request(server.URL+"/found", `{"wait": {"selector": "#nowhere", "timeout_ms": 500}}`))
		requireFailure(t, err, failure.Permanent, CodeNoSelector)
		require.ErrorContains(t, err, "wait: the selector matches nothing after 500ms")
		require.Len(t, outcome.Files, 1, "people want to see the page")
	})
	t.Run("A page that goes in circles", func(t *testing.T) {
		t.Parallel()
		_, err := execute(t, shared(), request(server.URL+"/circle", ""))
		requireFailure(t, err, failure.Permanent, CodeTooManyRedirects)
	})
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &status); err != nil {
			return // the icon
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Retry-After", "9")
		w.WriteHeader(status)
		if r.URL.Query().Has("text") {
			_, _ = fmt.Fprint(w, `<title>Access denied</title><h1>Access denied</h1>`)
		}
	})
	for path, want := range map[string]failure.Class{
		"/404": failure.Permanent, "/404?text": failure.Permanent, "/429?text": failure.RateLimit, "/503": failure.Transient,
		"/504?text": failure.Timeout, "/401?text": failure.Permanent,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			outcome, err := execute(t, shared(), request(server.URL+path, ""))
			requireFailure(t, err, want, "HTTP_"+path[1:4])
			require.Equal(t, path[1:4], strconv.Itoa(outcome.Evidence.StatusCode))
			require.Equal(t, 9*time.Second, failure.Classify(err).RetryAfter)
			if strings.HasSuffix(path, "?text") {
				require.ErrorContains(t, err, `the title says "access denied"`)
				require.Len(t, outcome.Files, 1)
			}
		})
	}
}

func TestPageThatRefusesItsVisitor(t *testing.T) {
	t.Parallel()
	server := pages(t, map[string]string{"/": `<title>Just a moment...</title><p>Verify you are human by completing the action below.</p>`})
	for name, settings := range map[string]string{
		"At once":                       "",
		"Instead of what is waited for": `{"wait": {"selector": ".price", "timeout_ms": 500}}`,
		"Instead of what is clicked":    `{"steps": [{"action": "click", "selector": "#go", "timeout_ms": 500}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outcome, err := execute(t, shared(), request(server.URL+"/", settings))
			require.NoError(t, err)
			require.NotEmpty(t, outcome.Blocked)
			require.Len(t, outcome.Files, 1)
		})
	}
}

func TestScreenshots(t *testing.T) {
	t.Parallel()
	noise := `<!doctype html><body style="margin:0"><canvas id=c width=1280 height=3000></canvas><script>
		const x = document.getElementById('c').getContext('2d'), d = x.createImageData(1280, 3000);
		for (let i = 0, s = 1; i < d.data.length; i++) { s = s * 16807 % 2147483647; d.data[i] = i % 4 == 3 ? 255 : s % 256; }
		x.putImageData(d, 0, 0);</script>`
	server := pages(t, map[string]string{"/": noise})
	t.Run("None", func(t *testing.T) {
		t.Parallel()
		outcome, err := execute(t, shared(), request(server.URL+"/", `{"screenshot": "none"}`))
		require.NoError(t, err)
		require.Empty(t, outcome.Files)
	})
	t.Run("Whole page that is coarse enough to fit", func(t *testing.T) {
		t.Parallel()
		outcome, err := execute(t, shared(), request(server.URL+"/", `{"screenshot": "full_page", "viewport": {"width": 1280, "height": 600}}`))
		require.NoError(t, err)
		require.Len(t, outcome.Files, 1)
		require.LessOrEqual(t, len(outcome.Files[0].Data), defaultScreenshot)
		picture, err := jpeg.Decode(bytes.NewReader(outcome.Files[0].Data))
		require.NoError(t, err)
		require.InDelta(t, 3000.0/1280, float64(picture.Bounds().Dy())/float64(picture.Bounds().Dx()), 0.02)
		require.Less(t, picture.Bounds().Dx(), 1280)
	})
	t.Run("Left out when it cannot fit", func(t *testing.T) {
		t.Parallel()
		outcome, err := execute(t, own(t, func(c *Config) { c.MaxScreenshot = 1000 }), request(server.URL+"/", ""))
		require.NoError(t, err)
		require.Empty(t, outcome.Files)
		require.Contains(t, string(outcome.Raw), "larger than 1000 bytes")
	})
}

func TestPageBeyondItsLimit(t *testing.T) {
	t.Parallel()
	server := pages(t, map[string]string{
		"/long": `<p>a</p><script>document.body.append('x'.repeat(5000))</script>`,
		"/wide": `<p>a</p><script>document.body.append('€'.repeat(900))</script>`,
	})
	for _, path := range []string{"/long", "/wide"} {
		_, err := execute(t, shared(), request(server.URL+path, `{"max_body_bytes": 2048}`))
		requireFailure(t, err, failure.Permanent, CodeBodyTooLarge)
	}
}

func TestTransferBeyondItsLimit(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for range 1 << 16 {
			if _, err := fmt.Fprint(w, "<p>", strings.Repeat("endless ", 1000)); err != nil {
				return
			}
		}
	})
	outcome, err := execute(t, own(t, func(c *Config) { c.MaxTransfer = 1 << 20 }), request(server.URL, ""))
	requireFailure(t, err, failure.Permanent, egress.CodeBudget)
	require.Less(t, outcome.Usage.Bytes, int64(3<<20))
}

func TestBlockedKindsAreNotLoaded(t *testing.T) {
	t.Parallel()
	var images, scripts atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.png":
			images.Add(1)
		case "/a.js":
			scripts.Add(1)
		default:
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, lamp+`<img src="/a.png"><script src="/a.js"></script>`)
		}
	})
	outcome, err := execute(t, shared(), request(server.URL, `{"block": ["images"]}`))
	require.NoError(t, err)
	require.Zero(t, images.Load())
	require.EqualValues(t, 1, scripts.Load())
	require.NotEmpty(t, outcome.Fields["price"])
}
