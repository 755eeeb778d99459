package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// canary stands on the loopback address, which is not allowed, and counts everybody who
// comes near it, by TCP and by UDP.
func canary(t *testing.T) (port string, hits *atomic.Int32) {
	t.Helper()
	hits = new(atomic.Int32)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	datagrams, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp4", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = listener.Close()
		_ = datagrams.Close()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			_ = conn.Close()
		}
	}()
	go func() {
		buffer := make([]byte, 2048)
		for {
			if _, _, err := datagrams.ReadFrom(buffer); err != nil {
				return
			}
			hits.Add(1)
		}
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port, hits
}

// forbidden are spellings of addresses that nobody may reach, the canary's among them.
var forbidden = []string{
	"127.0.0.1", "127.1", "127.8.8.8", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "localhost", "a.localhost",
	"0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
	"[2002:7f00:1::1]", "[2001::1]", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
	"[fe80::1]", "[fc00::1]", "canary.test",
}

func TestForbiddenAddressesAsThePage(t *testing.T) {
	t.Parallel()
	port, hits := canary(t)
	for _, host := range forbidden {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			_, err := execute(t, shared(), request("http://"+host+":"+port+"/", ""))
			// Names below localhost are unknown to the resolver of these tests.
			if failure.Classify(err).Code != "DNS" {
				requireFailure(t, err, failure.Permanent, safedial.CodeNotAllowed)
			}
			require.NotContains(t, err.Error(), "127.0.0.1")
		})
	}
	t.Cleanup(func() { require.Zero(t, hits.Load()) })
}

func TestForbiddenAddressesBehindARedirect(t *testing.T) {
	t.Parallel()
	port, hits := canary(t)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch to := "http://" + r.URL.Query().Get("to") + "/"; r.URL.Path {
		case "/status":
			http.Redirect(w, r, to, http.StatusFound)
		case "/script":
			_, _ = fmt.Fprintf(w, `<script>location.replace(%q)</script>on the way`, to)
		case "/refresh":
			_, _ = fmt.Fprintf(w, `<meta http-equiv="refresh" content="0; url=%s">on the way`, to)
		case "/form":
			_, _ = fmt.Fprintf(w, `<form method="post" action="%s"></form><script>document.forms[0].submit()</script>`, to)
		}
	})
	for _, way := range []string{"/status", "/script", "/refresh", "/form"} {
		for _, host := range []string{"127.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]"} {
			t.Run(way+" "+host, func(t *testing.T) {
				t.Parallel()
				_, err := execute(t, shared(), request(server.URL+way+"?to="+host+":"+port, ""))
				requireFailure(t, err, failure.Permanent, safedial.CodeNotAllowed)
			})
		}
	}
	t.Cleanup(func() { require.Zero(t, hits.Load()) })
}

// ways are all that a page can do to reach an address. Each is tried with every address;
// %[1]s stands for host and port.
var ways = []string{
	`{ const e = document.createElement('iframe'); e.src = 'http://%[1]s/iframe'; document.body.append(e); }`,
	`{ const e = document.createElement('img'); e.src = 'http://%[1]s/img'; document.body.append(e); }`,
	`{ const e = document.createElement('script'); e.src = 'http://%[1]s/script'; document.body.append(e); }`,
	`{ const e = document.createElement('video'); e.src = 'http://%[1]s/video'; document.body.append(e); }`,
	`{ const e = document.createElement('object'); e.data = 'http://%[1]s/object'; document.body.append(e); }`,
	`for (const rel of ['stylesheet', 'prefetch', 'preconnect', 'dns-prefetch', 'prerender', 'modulepreload', 'icon', 'manifest']) {
		const e = document.createElement('link'); e.rel = rel; e.href = 'http://%[1]s/' + rel; document.head.append(e); }`,
	`all.push(fetch('http://%[1]s/fetch', {mode: 'no-cors'}), fetch('http://%[1]s/post', {method: 'POST', mode: 'no-cors', keepalive: true}),
		fetch('https://%[1]s/tls', {mode: 'no-cors'}));`,
	`all.push(new Promise(done => { const x = new XMLHttpRequest(); x.open('GET', 'http://%[1]s/xhr'); x.onloadend = done; x.send(); }));`,
	`for (const scheme of ['ws', 'wss']) all.push(new Promise(done => { const s = new WebSocket(scheme + '://%[1]s/'); s.onclose = done; }));`,
	`new EventSource('http://%[1]s/events'); navigator.sendBeacon('http://%[1]s/beacon', 'x');`,
	`all.push(new Promise(done => { const w = new Worker(URL.createObjectURL(new Blob([
		"fetch('http://%[1]s/worker', {mode: 'no-cors'}).then(postMessage, () => postMessage(1)); try { importScripts('http://%[1]s/import') } catch (e) {}"])));
		w.onmessage = done; w.onerror = done; }));`,
	`try { const p = new RTCPeerConnection({iceServers: [{urls: ['stun:%[1]s', 'turn:%[1]s?transport=udp', 'turn:%[1]s?transport=tcp'], username: 'a', credential: 'b'}]});
		p.createDataChannel('a'); p.createOffer().then(o => p.setLocalDescription(o));
		all.push(new Promise(done => { p.onicegatheringstatechange = () => p.iceGatheringState === 'complete' && done(); setTimeout(done, 3000); })); } catch (e) {}`,
	`if (window.WebTransport) try { const w = new WebTransport('https://%[1]s/'); all.push(w.ready, w.closed); } catch (e) {}`,
	`open('http://%[1]s/open'); { const f = document.createElement('form'); f.action = 'http://%[1]s/form'; f.target = '_blank'; document.body.append(f); f.submit(); }`,
	`{ const f = document.createElement('iframe'); f.srcdoc = '<img src="http://%[1]s/srcdoc">'; document.body.append(f); }`,
}

func TestForbiddenAddressesFromWithinAPage(t *testing.T) {
	t.Parallel()
	port, hits := canary(t)
	var reached atomic.Int32
	var site *httptest.Server
	site = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, `<!doctype html><title>a</title><body><script>const all = [];%s
				Promise.allSettled(all.map(p => Promise.race([p, new Promise(done => setTimeout(done, 5000))]))).then(() => { document.body.insertAdjacentHTML('beforeend', '<p class="price">1.00 EUR</p>'); });</script>`,
				attempts(r.URL.Query().Get("host"), port, strings.TrimPrefix(site.URL, "http://")))
		case "/worker.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = fmt.Fprintf(w, `addEventListener('install', e => e.waitUntil(fetch('http://%s:%s/service', {mode: 'no-cors'}).catch(() => 0)))`, r.URL.Query().Get("host"), port)
		case "/to":
			http.Redirect(w, r, "http://"+r.URL.Query().Get("host")+":"+port+"/", http.StatusFound)
		default:
			reached.Add(1) // the same ways, to where they may lead
		}
	})
	for _, host := range []string{"127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]", "169.254.169.254", "canary.test"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			outcome, err := execute(t, shared(), request(site.URL+"/?host="+host,
				`{"wait": {"until": "domcontentloaded", "selector": ".price", "timeout_ms": 60000}, "timeout_ms": 120000, "screenshot": "none"}`))
			require.NoError(t, err)
			require.Equal(t, "1.00 EUR", found(t, outcome, "price"))
		})
	}
	t.Cleanup(func() {
		require.Zero(t, hits.Load(), "the canary was reached")
		require.Positive(t, reached.Load(), "nothing was tried")
	})
}

// attempts tries every way to a forbidden address, the same ways to the site itself, and
// those that lead from the site to the forbidden address.
func attempts(host, port, site string) string {
	var script strings.Builder
	for _, way := range ways {
		// A way that is closed must not close those after it.
		_, _ = fmt.Fprintf(&script, "try { "+way+" } catch (e) {}\n", host+":"+port)
		_, _ = fmt.Fprintf(&script, "try { "+way+" } catch (e) {}\n", site)
	}
	_, _ = fmt.Fprintf(&script, `all.push(fetch('/to?host=%[1]s', {mode: 'no-cors'}));
		{ const e = document.createElement('iframe'); e.src = '/to?host=%[1]s'; document.body.append(e); }
		if (navigator.serviceWorker) all.push(navigator.serviceWorker.register('/worker.js?host=%[1]s'));
		for (const url of ['file:///etc/passwd', 'chrome://version', 'view-source:http://a/']) {
			const e = document.createElement('iframe'); e.src = url; document.body.append(e);
			all.push(fetch(url)); }
		`, host)
	return script.String()
}

// A name that leads to an allowed address at first and to the canary from then on.
func TestNameThatMoves(t *testing.T) {
	t.Parallel()
	hits := new(atomic.Int32)
	site := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that the name is looked up for every request
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, `<body><script>fetch('/secret').then(r => r.text(), e => 'refused').then(text => {
			document.body.insertAdjacentHTML('beforeend', '<p class="price">' + (text.includes('refused') || text.includes('NOT_ALLOWED') ? '1.00' : '2.00') + ' EUR</p>'); });</script>`)
	})
	_, port, err := net.SplitHostPort(site.Listener.Addr().String())
	require.NoError(t, err)
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:"+port)
	require.NoError(t, err)
	secret := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	require.NoError(t, secret.Listener.Close())
	secret.Listener = inner
	secret.Start()
	t.Cleanup(secret.Close)

	req := request("http://rebound.test:"+port+"/", `{"wait": {"selector": ".price"}}`)
	outcome, err := execute(t, shared(), req)
	require.NoError(t, err)
	require.Equal(t, "1.00 EUR", found(t, outcome, "price"))
	require.Zero(t, hits.Load())
}

// Variables that name a proxy do not concern the browser: it gets none of ours.
func TestVariablesOfProxiesAreNotHandedOn(t *testing.T) {
	t.Parallel()
	for _, variable := range environment("/x") {
		name, _, _ := strings.Cut(variable, "=")
		require.Contains(t, []string{
			"PATH", "LANG", "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
		}, name)
	}
}
