package egress_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/minohq/mino/internal/egress"
	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// siteOnly allows the address of the site and leaves that of the canary forbidden.
var siteOnly = netip.MustParsePrefix("127.0.0.2/32")

// serveOn serves on an address of the loopback network.
func serveOn(t *testing.T, host string, handler http.HandlerFunc, start func(*httptest.Server)) *httptest.Server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", host+":0")
	if err != nil {
		t.Skipf("this machine has no address %s: %v", host, err)
	}
	server := httptest.NewUnstartedServer(handler)
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	start(server)
	t.Cleanup(server.Close)
	return server
}

func listen(t *testing.T, change ...func(*egress.Config)) *egress.Proxy {
	t.Helper()
	config := egress.Config{AllowedPrefixes: []netip.Prefix{siteOnly}}
	for _, f := range change {
		f(&config)
	}
	proxy, err := egress.Listen(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	return proxy
}

// client goes through the proxy under a grant, as a browser would; a nil grant logs in
// with nothing.
func client(t *testing.T, proxy *egress.Proxy, grant *egress.Grant) *http.Client {
	t.Helper()
	address := &url.URL{Scheme: "http", Host: proxy.Addr()}
	if grant != nil {
		address.User = url.UserPassword(grant.User, grant.Password)
	}
	transport := &http.Transport{
		Proxy:           http.ProxyURL(address),
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func get(t *testing.T, c *http.Client, address string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	response, err := c.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestPlainRequestsAndTunnelsPassAndAreCounted(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){
		"Plain": (*httptest.Server).Start, "Tunnel": (*httptest.Server).StartTLS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan *http.Request, 1)
			server := serveOn(t, "127.0.0.2", func(w http.ResponseWriter, r *http.Request) {
				seen <- r
				w.Header().Set(egress.Header, "FORGED")
				_, _ = io.WriteString(w, strings.Repeat("a", 1000))
			}, start)
			proxy := listen(t)
			grant := proxy.Grant(0)
			defer grant.Close()
			response, body, err := get(t, client(t, proxy, grant), server.URL+"/p?q=a;b")
			require.NoError(t, err)
			require.Len(t, body, 1000)
			r := <-seen
			require.Equal(t, "q=a;b", r.URL.RawQuery)
			require.Empty(t, r.Header.Get("Proxy-Authorization"))
			require.Empty(t, r.Header.Get("X-Forwarded-For"))
			if name == "Plain" {
				require.Empty(t, response.Header.Get(egress.Header), "a server speaks for the proxy")
			}
			require.EqualValues(t, 1, grant.Usage().Requests)
			require.Greater(t, grant.Usage().Bytes, int64(1000))
			require.Nil(t, grant.Failure(strings.TrimPrefix(strings.TrimPrefix(server.URL, "http://"), "https://")))
		})
	}
}

func TestNothingPassesWithoutAGrant(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := serveOn(t, "127.0.0.2", func(http.ResponseWriter, *http.Request) { hits.Add(1) }, (*httptest.Server).Start)
	proxy := listen(t)
	closed := proxy.Grant(0)
	closed.Close()
	closed.Close()
	open := proxy.Grant(0)
	defer open.Close()
	for name, grant := range map[string]*egress.Grant{
		"None": nil, "Closed": closed, "Wrong password": {User: open.User, Password: "guess"}, "Unknown": {User: "a", Password: "b"},
	} {
		response, _, err := get(t, client(t, proxy, grant), server.URL)
		require.NoError(t, err, name)
		require.Equal(t, http.StatusProxyAuthRequired, response.StatusCode, name)
	}
	require.Zero(t, hits.Load())
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	canary := serveOn(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { hits.Add(1) }, (*httptest.Server).Start)
	_, port, err := net.SplitHostPort(canary.Listener.Addr().String())
	require.NoError(t, err)
	proxy := listen(t)
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "0.0.0.0", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]",
		"2130706433", "0x7f000001", "0177.0.0.1", "127.1",
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(scheme+" "+host, func(t *testing.T) {
				t.Parallel()
				grant := proxy.Grant(0)
				defer grant.Close()
				address := scheme + "://" + net.JoinHostPort(strings.Trim(host, "[]"), port)
				response, body, err := get(t, client(t, proxy, grant), address)
				if scheme == "https" {
					require.Error(t, err)
				} else {
					require.NoError(t, err)
					require.NotEmpty(t, response.Header.Get(egress.Header))
					require.NotContains(t, body, "127.")
				}
				refused := grant.Failure(net.JoinHostPort(strings.Trim(host, "[]"), port))
				require.NotNil(t, refused)
				// Whether an odd spelling resolves is the resolver's business.
				if refused.Code != "DNS" {
					require.Equal(t, safedial.CodeNotAllowed, refused.Code)
					require.Equal(t, failure.Permanent, refused.Class)
				}
			})
		}
	}
	t.Cleanup(func() { require.Zero(t, hits.Load()) })
}

func TestProxyDoesNotDialItself(t *testing.T) {
	t.Parallel()
	proxy := listen(t, func(c *egress.Config) { c.AllowedPrefixes = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	grant := proxy.Grant(0)
	defer grant.Close()
	response, _, err := get(t, client(t, proxy, grant), "http://"+proxy.Addr())
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.Equal(t, safedial.CodeNotAllowed, response.Header.Get(egress.Header))
}

func TestClosedPortsAreRefused(t *testing.T) {
	t.Parallel()
	proxy := listen(t)
	grant := proxy.Grant(0)
	defer grant.Close()
	response, _, err := get(t, client(t, proxy, grant), "http://127.0.0.2:25/")
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.Equal(t, egress.CodePort, response.Header.Get(egress.Header))
}

func TestUnreachableHostsAreExplained(t *testing.T) {
	t.Parallel()
	gone := serveOn(t, "127.0.0.2", func(http.ResponseWriter, *http.Request) {}, (*httptest.Server).Start)
	gone.Close()
	proxy := listen(t)
	for _, scheme := range []string{"http", "https"} {
		grant := proxy.Grant(0)
		_, _, _ = get(t, client(t, proxy, grant), scheme+"://"+gone.Listener.Addr().String())
		require.Equal(t, "CONNECTION_REFUSED", grant.Failure(gone.Listener.Addr().String()).Code)
		require.Equal(t, failure.Network, grant.Failure(gone.Listener.Addr().String()).Class)
		grant.Close()
	}
}

func TestOtherRequestsAreNotUnderstood(t *testing.T) {
	t.Parallel()
	proxy := listen(t)
	grant := proxy.Grant(0)
	defer grant.Close()
	credential := "Proxy-Authorization: Basic " + basic(grant) + "\r\n"
	for _, request := range []string{
		"GET /etc/passwd HTTP/1.1\r\nHost: a\r\n" + credential + "\r\n",
		"GET ftp://127.0.0.2/x HTTP/1.1\r\nHost: a\r\n" + credential + "\r\n",
		"GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n" + credential + "\r\n",
		"CONNECT 127.0.0.2 HTTP/1.1\r\nHost: a\r\n" + credential + "\r\n",
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", proxy.Addr())
		require.NoError(t, err)
		_, err = io.WriteString(conn, request)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, response.StatusCode, request)
		require.NoError(t, conn.Close())
	}
}

func basic(g *egress.Grant) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(g.User, g.Password)
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}

func TestBudgetEndsTheTransfer(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){
		"Plain": (*httptest.Server).Start, "Tunnel": (*httptest.Server).StartTLS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveOn(t, "127.0.0.2", func(w http.ResponseWriter, _ *http.Request) {
				for range 1 << 20 {
					if _, err := io.WriteString(w, strings.Repeat("a", 1<<10)); err != nil {
						return
					}
				}
			}, start)
			proxy := listen(t)
			grant := proxy.Grant(1 << 20)
			defer grant.Close()
			_, body, err := get(t, client(t, proxy, grant), server.URL)
			require.Error(t, err)
			require.Less(t, len(body), 2<<20)
			require.True(t, grant.Exhausted())
			response, _, err := get(t, client(t, proxy, grant), "http://127.0.0.2:8080/")
			require.NoError(t, err)
			require.Equal(t, egress.CodeBudget, response.Header.Get(egress.Header))
		})
	}
}

func TestClosingAGrantCutsItsConnections(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){
		"Plain": (*httptest.Server).Start, "Tunnel": (*httptest.Server).StartTLS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			came, over := make(chan struct{}), make(chan struct{})
			server := serveOn(t, "127.0.0.2", func(w http.ResponseWriter, r *http.Request) {
				_, _ = fmt.Fprintln(w, "begun")
				_ = http.NewResponseController(w).Flush()
				close(came)
				<-r.Context().Done()
				close(over)
			}, start)
			proxy := listen(t)
			grant := proxy.Grant(0)
			answered := make(chan error, 1)
			c := client(t, proxy, grant)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
			require.NoError(t, err)
			go func() {
				response, err := c.Do(request)
				if err == nil {
					_, err = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
				if err == nil && response.StatusCode == http.StatusBadGateway {
					err = errors.New("cut before the answer had come through")
				}
				answered <- err
			}()
			<-came
			grant.Close()
			require.Error(t, <-answered)
			<-over
		})
	}
}

func TestSilenceEndsAConnection(t *testing.T) {
	t.Parallel()
	server := serveOn(t, "127.0.0.2", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, (*httptest.Server).StartTLS)
	proxy := listen(t, func(c *egress.Config) { c.IdleTimeout = 100 * time.Millisecond })
	grant := proxy.Grant(0)
	defer grant.Close()
	_, _, err := get(t, client(t, proxy, grant), server.URL)
	require.Error(t, err)
}
