package api_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/internal/authn"
)

// TestWhereRequestsComeFrom holds that nobody but a trusted proxy says where they come from.
func TestWhereRequestsComeFrom(t *testing.T) {
	t.Parallel()
	from := func(t *testing.T, b *bundle, forwarded ...string) string {
		t.Helper()
		req := b.request(http.MethodGet, "/api/projects", "", nil)
		for _, line := range forwarded {
			req.Header.Add("X-Forwarded-For", line)
		}
		b.send(req).is(http.StatusOK)
		lines := b.logs.FilterMessage("request").FilterField(zap.String("path", "/api/projects")).All()
		require.NotEmpty(t, lines)
		ip, ok := lines[len(lines)-1].ContextMap()["ip"].(string)
		require.True(t, ok)
		return ip
	}
	trusting := setup(t, func(c *api.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	for _, test := range []struct {
		forwarded []string
		want      string
	}{
		{nil, "127.0.0.1"},
		{[]string{"192.0.2.7"}, "192.0.2.7"},
		{[]string{"192.0.2.1, 192.0.2.7"}, "192.0.2.7"},             // the first is what the caller says
		{[]string{"192.0.2.1", "192.0.2.7, 10.1.1.1"}, "192.0.2.7"}, // through two proxies, in lines of their own
		{[]string{"2001:db8::7"}, "2001:db8::7"},                    //
		{[]string{"::ffff:192.0.2.7"}, "192.0.2.7"},                 // one spelling
		{[]string{"192.0.2.7, nonsense"}, "127.0.0.1"},              // no proxy has written it
		{[]string{"nonsense, 10.1.1.1"}, "10.1.1.1"},                // nor this
		{[]string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},                // from among the proxies
	} {
		require.Equal(t, test.want, from(t, trusting, test.forwarded...), "%q", test.forwarded)
	}
	require.Equal(t, "127.0.0.1", from(t, setup(t, nil), "192.0.2.7"), "nobody's word is taken unless it was said whose")
}

// TestOneWhoGuessesHoldsUpNobodyElse holds that behind a proxy too wrong credentials are
// counted by who sends them.
func TestOneWhoGuessesHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, func(c *api.Config, who *authn.Config) {
		c.TrustedProxies, who.FailuresPerMinute = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, 2
	})
	ask := func(token, address string) int {
		req := b.as(token).request(http.MethodGet, "/api/projects", "", nil)
		req.Header.Set("X-Forwarded-For", address)
		return b.send(req).status
	}
	for range 2 {
		require.Equal(t, http.StatusUnauthorized, ask("wrong", "192.0.2.1"))
	}
	require.Equal(t, http.StatusTooManyRequests, ask("wrong", "192.0.2.1"))
	require.Equal(t, http.StatusUnauthorized, ask("wrong", "192.0.2.2"))
	require.Equal(t, http.StatusOK, ask(b.token, "192.0.2.3"))
}
