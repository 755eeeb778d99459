package fetch

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/safedial"
	"github.com/minohq/mino/models/failure"
)

// rebinding is a resolver that gives one address of every name when it is asked first, and
// another one from then on.
func rebinding(t *testing.T, first, then netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		address := first
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var message dnsmessage.Message
			if message.Unpack(buffer[:n]) != nil || len(message.Questions) != 1 {
				continue
			}
			message.Response, message.Authoritative, message.Additionals = true, true, nil
			if question := message.Questions[0]; question.Type == dnsmessage.TypeA {
				message.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class},
					Body:   &dnsmessage.AResource{A: address.As4()},
				}}
				address = then
			}
			if packed, err := message.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}
}

// A name leads to an address that the operator has allowed, and on the way back, from a
// redirect, to one that is not.
func TestNameThatChangesItsAddressIsJudgedByEach(t *testing.T) {
	t.Parallel()

	canary, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = canary.Close() })
	var reached, visits atomic.Int64
	go func() {
		for {
			conn, err := canary.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(canary.Addr().String())
	require.NoError(t, err)

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", net.JoinHostPort("127.0.0.2", port))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		w.Header().Set("Connection", "close") // the next request dials anew
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)

	allowed := []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
	executor := New(Config{AllowedPrefixes: allowed})
	t.Cleanup(executor.Close)
	dialer := safedial.New(allowed)
	dialer.Resolver = rebinding(t, netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1"))
	executor.transport.DialContext = dialer.DialContext

	_, err = executor.Execute(t.Context(), executors.Request{
		URL: "http://rebound.example:" + port + "/", Settings: json.RawMessage(`{}`), Heartbeat: func(string) {},
	})
	require.Equal(t, safedial.CodeNotAllowed, failure.Classify(err).Code, "%v", err)
	require.Equal(t, int64(1), visits.Load())
	require.Zero(t, reached.Load())
}
