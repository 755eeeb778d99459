package safedial_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

func requireRefused(t *testing.T, err error) {
	t.Helper()
	var refused *failure.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, failure.Permanent, refused.Class)
	require.Equal(t, safedial.CodeNotAllowed, refused.Code)
}

// listen accepts connections on the loopback address and counts them.
func listen(t *testing.T) (port string, accepted *atomic.Int32) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	accepted = new(atomic.Int32)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port, accepted
}

func TestDialRefusesAddressesThatAreNotPublic(t *testing.T) {
	t.Parallel()

	port, accepted := listen(t)
	for _, host := range []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "::", "::1", "localhost",
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
		"169.254.169.254", "fe80::1", "fd00:ec2::254", "fc00::1",
		"::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::1", "2001::1",
		"224.0.0.1", "255.255.255.255", "ff02::1", "192.0.2.1", "2001:db8::1",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			conn, err := safedial.New(nil).DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
			if conn != nil {
				_ = conn.Close()
			}
			requireRefused(t, err)
		})
	}
	t.Cleanup(func() { require.Zero(t, accepted.Load()) })
}

func TestDialRefusesOtherNetworks(t *testing.T) {
	t.Parallel()

	conn, err := safedial.New(nil).DialContext(t.Context(), "udp", "8.8.8.8:53")
	if conn != nil {
		_ = conn.Close()
	}
	requireRefused(t, err)
}

func TestDialKeepsTheAddressOutOfTheMessage(t *testing.T) {
	t.Parallel()

	_, err := safedial.New(nil).DialContext(t.Context(), "tcp", "169.254.169.254:80")
	var refused *failure.Error
	require.ErrorAs(t, err, &refused)
	require.NotContains(t, refused.Error(), "169.254")
	require.ErrorContains(t, errors.Unwrap(refused), "169.254.169.254")
}

func TestDialAllowsWhatTheOperatorAllows(t *testing.T) {
	t.Parallel()

	for name, prefix := range map[string]string{
		"Prefix":           "127.0.0.0/8",
		"SingleAddress":    "127.0.0.1/32",
		"PrefixUnmasked":   "127.9.9.9/8",
		"PrefixWithinIPv6": "::ffff:127.0.0.0/104",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, _ := listen(t)
			dialer := safedial.New([]netip.Prefix{netip.MustParsePrefix(prefix)})
			for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
				conn, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
				require.NoError(t, err)
				require.NoError(t, conn.Close())
			}
			_, err := dialer.DialContext(t.Context(), "tcp", "10.0.0.1:80")
			requireRefused(t, err)
		})
	}
}

// client has no address allowed but one, so that a redirect can start somewhere.
func client(t *testing.T, allowed ...netip.Prefix) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: safedial.New(allowed).DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(ctx context.Context, c *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func TestSpellingsOfLoopbackDoNotConnect(t *testing.T) {
	t.Parallel()

	port, accepted := listen(t)
	// Whether such a name resolves is the resolver's business: some say it is
	// unknown, some give the loopback address. Neither may connect.
	for _, host := range []string{"2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			err := get(t.Context(), client(t), "http://"+host+":"+port+"/")
			var dns *net.DNSError
			if !errors.As(err, &dns) {
				requireRefused(t, err)
			}
		})
	}
	t.Cleanup(func() { require.Zero(t, accepted.Load()) })
}

func TestRedirectToPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()

	for _, target := range []string{
		"http://169.254.169.254/latest/meta-data/", "http://127.0.0.2/", "http://[::1]/",
		"http://[::ffff:10.0.0.1]/", "http://10.0.0.1/",
	} {
		t.Run(strings.TrimPrefix(target, "http://"), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.RedirectHandler(target, http.StatusFound))
			t.Cleanup(server.Close)
			err := get(t.Context(), client(t, netip.MustParsePrefix("127.0.0.1/32")), server.URL)
			requireRefused(t, err)
		})
	}
}

// A name that gives a public address when it is looked up first and a private one
// when it is dialled must be judged by what is dialled. The resolver here answers
// every name with the loopback address.
func TestNameThatResolvesToLoopbackIsRefused(t *testing.T) {
	t.Parallel()

	dialer := safedial.New(nil)
	dialer.Resolver = loopbackResolver(t)
	_, err := dialer.DialContext(t.Context(), "tcp", "rebound.example:80")
	requireRefused(t, err)
}
