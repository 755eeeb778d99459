package fetch_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// canaryServer listens where no row may lead, on all addresses of this machine, and counts
// connections: a request that is refused later has been made.
func canaryServer(t *testing.T) (port string, hits *atomic.Int64) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	hits = new(atomic.Int64)
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
	_, port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port, hits
}

// spared tells of a canary that was reached, at the end of a test: after its subtests a
// test cannot be ended any more.
func spared(t *testing.T, hits *atomic.Int64) {
	t.Helper()
	if n := hits.Load(); n > 0 {
		t.Errorf("the canary was reached %d times", n)
	}
}

// hostile are spellings of hosts that are not public. PORT is the canary's where the host
// is this machine.
var hostile = map[string]string{
	"Loopback":              "http://127.0.0.1:PORT/",
	"LoopbackNetwork":       "http://127.8.8.8:PORT/",
	"LoopbackName":          "http://localhost:PORT/",
	"LoopbackNameUpper":     "http://LOCALHOST:PORT/",
	"LoopbackNameDot":       "http://localhost.:PORT/",
	"LoopbackSubdomain":     "http://a.localhost:PORT/",
	"LoopbackV6":            "http://[::1]:PORT/",
	"LoopbackV6Long":        "http://[0000:0000:0000:0000:0000:0000:0000:0001]:PORT/",
	"Unspecified":           "http://0.0.0.0:PORT/",
	"UnspecifiedShort":      "http://0:PORT/",
	"UnspecifiedV6":         "http://[::]:PORT/",
	"Mapped":                "http://[::ffff:127.0.0.1]:PORT/",
	"MappedHex":             "http://[::ffff:7f00:1]:PORT/",
	"MappedMetadata":        "http://[::ffff:169.254.169.254]/latest/",
	"Compatible":            "http://[::127.0.0.1]:PORT/",
	"Translated":            "http://[::ffff:0:127.0.0.1]:PORT/",
	"NAT64":                 "http://[64:ff9b::7f00:1]:PORT/",
	"NAT64Metadata":         "http://[64:ff9b::a9fe:a9fe]/",
	"NAT64Local":            "http://[64:ff9b:1::7f00:1]:PORT/",
	"SixToFour":             "http://[2002:7f00:1::1]:PORT/",
	"SixToFourMetadata":     "http://[2002:a9fe:a9fe::1]/",
	"Teredo":                "http://[2001::1]:PORT/",
	"Zone":                  "http://[fe80::1%25lo]:PORT/",
	"Decimal":               "http://2130706433:PORT/",
	"DecimalMetadata":       "http://2852039166/latest/",
	"Octal":                 "http://0177.0.0.1:PORT/",
	"OctalLong":             "http://00000177.0.0.01:PORT/",
	"OctalWhole":            "http://017700000001:PORT/",
	"Hex":                   "http://0x7f.0.0.1:PORT/",
	"HexWhole":              "http://0x7f000001:PORT/",
	"Short":                 "http://127.1:PORT/",
	"TrailingDot":           "http://127.0.0.1.:PORT/",
	"FullWidth":             "http://１２７.０.０.１:PORT/",
	"Circled":               "http://①②⑦.⓪.⓪.①:PORT/",
	"IdeographicStops":      "http://127。0。0。1:PORT/",
	"Percent":               "http://%31%32%37.0.0.1:PORT/",
	"UserInFront":           "http://shop.example@127.0.0.1:PORT/",
	"Backslash":             `http://127.0.0.1:PORT\@shop.example/`,
	"Metadata":              "http://169.254.169.254/latest/meta-data/",
	"MetadataV6":            "http://[fd00:ec2::254]/latest/",
	"MetadataAlibaba":       "http://100.100.100.200/latest/",
	"Private10":             "http://10.0.0.1/",
	"Private172":            "http://172.16.0.1/",
	"Private192":            "http://192.168.1.1/",
	"Shared":                "http://100.64.0.1/",
	"UniqueLocal":           "http://[fc00::1]/",
	"Multicast":             "http://224.0.0.1/",
	"Broadcast":             "http://255.255.255.255/",
	"Documentation":         "http://192.0.2.1/",
	"DocumentationV6":       "http://[2001:db8::1]/",
	"Benchmarks":            "http://198.18.0.1/",
	"Reserved":              "http://240.0.0.1/",
	"OtherSchemeFile":       "file:///etc/passwd",
	"OtherSchemeGopher":     "gopher://127.0.0.1:PORT/_x",
	"OtherSchemeInNoScheme": "//127.0.0.1:PORT/",
}

// requireKeptAway accepts what may be said of such a host: that it is not allowed, that it
// is no address, or that there is no such name.
func requireKeptAway(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.Contains(t, []string{safedial.CodeNotAllowed, fetch.CodeInvalidURL, fetch.CodeUnsupportedURL, "DNS"}, failure.Classify(err).Code, "%v", err)
}

func TestRowsLeadToPublicAddressesOnly(t *testing.T) {
	t.Parallel()

	port, hits := canaryServer(t)
	t.Cleanup(func() { spared(t, hits) })
	for name, address := range hostile {
		address = strings.ReplaceAll(address, "PORT", port)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			executor := newExecutor(t, func(c *fetch.Config) { c.AllowedPrefixes = nil })
			for how, settings := range map[string]string{
				"Site":     "",
				"Template": fmt.Sprintf(`{"url":%q}`, strings.NewReplacer("127.0.0.1", "{{host}}", "169.254.169.254", "{{metadata}}").Replace(address)),
				"Post":     `{"body":{"text":"x"}}`,
			} {
				t.Run(how, func(t *testing.T) {
					t.Parallel()
					req := request(address, settings)
					req.Inputs = map[string]string{"host": "127.0.0.1", "metadata": "169.254.169.254"}
					_, err := execute(t, executor, req)
					if failure.Classify(err).Code != fetch.CodeInvalidSettings {
						requireKeptAway(t, err)
					}
				})
			}
		})
	}
}

// A server that may be reached sends its visitor where it may not go. That it is there, on
// another address of this machine, is what the operator has allowed.
func TestRedirectsLeadToPublicAddressesOnly(t *testing.T) {
	t.Parallel()

	port, hits := canaryServer(t)
	t.Cleanup(func() { spared(t, hits) })
	server, allowed := serveElsewhere(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(status)
	})
	executor := newExecutor(t, func(c *fetch.Config) { c.AllowedPrefixes = []netip.Prefix{allowed} })
	for name, address := range hostile {
		address = strings.ReplaceAll(address, "PORT", port)
		for _, status := range []int{301, 303, 307} {
			t.Run(fmt.Sprintf("%s%d", name, status), func(t *testing.T) {
				t.Parallel()
				req := request(fmt.Sprintf("%s/%d", server, status), `{"method":"POST","query":{"to":"{{to}}"}}`)
				req.Inputs = map[string]string{"to": address}
				outcome, err := execute(t, executor, req)
				if failure.Classify(err).Code != fetch.CodeProtocol { // of what is no address
					requireKeptAway(t, err)
				}
				require.Empty(t, outcome.Fields)
			})
		}
	}
}

// serveElsewhere serves on an address of this machine that is not the usual one.
func serveElsewhere(t *testing.T, handler http.HandlerFunc) (address string, allowed netip.Prefix) {
	t.Helper()
	const host = "127.0.0.2"
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server.URL, netip.MustParsePrefix(host + "/32")
}

const proxyChild = "MINO_FETCH_PROXY_CHILD"

// The environment is read once in a process, so that it takes others to see that it is
// not heeded; and that it would have been by a client that heeds it.
func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	t.Parallel()

	// A name that nobody has: proxies are not asked for this machine's own.
	const address = "http://shop.invalid/"
	switch os.Getenv(proxyChild) {
	case "executor":
		_, err := execute(t, newExecutor(t), request(address, ""))
		requireKeptAway(t, err)
		return
	case "another":
		asked, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(asked)
		if err == nil {
			_ = response.Body.Close()
		}
		require.Error(t, err, "the canary does not answer")
		return
	}
	hits := func(t *testing.T, client string) int64 {
		t.Helper()
		port, hits := canaryServer(t)
		proxy := "http://127.0.0.1:" + port
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxiesOfTheEnvironmentAreNotUsed$")
		child.Env = append(os.Environ(), proxyChild+"="+client, "NO_PROXY=", "no_proxy=", "REQUEST_METHOD=",
			"HTTP_PROXY="+proxy, "HTTPS_PROXY="+proxy, "ALL_PROXY="+proxy, "http_proxy="+proxy, "https_proxy="+proxy, "all_proxy="+proxy)
		out, err := child.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return hits.Load()
	}
	require.Positive(t, hits(t, "another"))
	require.Zero(t, hits(t, "executor"))
}
