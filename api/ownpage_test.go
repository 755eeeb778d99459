package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
)

func TestPagesOfOthersMayNotAskWhereNobodyIsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *api.Config) { c.Origins = []string{"https://app.example", "http://mino.example:8080"} })
	port := b.url[strings.LastIndexByte(b.url, ':'):]
	ask := func(b *bundle, method, host, origin string) *answer {
		// A form of a page is sent without a question before it.
		req := b.request(method, "/api/projects", "text/plain", strings.NewReader(""))
		req.Host = host
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		return b.send(req)
	}

	for _, own := range [][2]string{
		{"127.0.0.1" + port, ""}, {"127.0.0.1" + port, b.url}, {"[::1]" + port, ""}, {"LocalHost" + port, "http://localhost" + port},
		{"192.0.2.1", ""}, {"localhost", "https://app.example"}, {"app.example", ""}, {"mino.example:8080", "http://mino.example:8080"},
	} {
		ask(b, http.MethodGet, own[0], own[1]).is(http.StatusOK)
	}
	for _, foreign := range [][2]string{
		// Another site's page, and one whose name resolves to this machine.
		{"127.0.0.1" + port, "https://evil.example"}, {"127.0.0.1" + port, "null"}, {"127.0.0.1" + port, "http://127.0.0.1:1"},
		{"evil.example" + port, ""}, {"evil.example" + port, "http://evil.example" + port},
		{"localhost.evil.example", ""}, {"127.0.0.1.evil.example", ""}, {"mino.example", ""}, {"app.example.evil.example", ""},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			ask(b, method, foreign[0], foreign[1]).problem(http.StatusForbidden, wire.CodeForbidden)
		}
	}

	// Where everybody is asked, a page has no rights but those of its script.
	known := setupAccess(t, func(*api.Config, *authn.Config) {})
	require.Equal(t, http.StatusOK, ask(known, http.MethodGet, "mino.example", "https://evil.example").status)
}
