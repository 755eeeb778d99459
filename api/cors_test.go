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

func TestScriptsOfOtherOrigins(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, func(cfg *api.Config, _ *authn.Config) {
		cfg.Origins = []string{"https://App.example", "http://localhost:3000/"}
	})
	from := func(who *bundle, origin, method string, headers ...string) *answer {
		req := who.request(method, "/api/projects", "", nil)
		req.Header.Set("Origin", origin)
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		return who.send(req)
	}
	preflight := []string{"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization,if-match"}
	nobody := b.as("")

	for _, origin := range []string{"https://app.example", "http://localhost:3000"} {
		got := from(nobody, origin, http.MethodOptions, preflight...).is(http.StatusNoContent)
		require.Equal(t, origin, got.header.Get("Access-Control-Allow-Origin"))
		require.Contains(t, got.header.Get("Access-Control-Allow-Methods"), "PATCH")
		for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Mino-Organisation"} {
			require.Contains(t, strings.Split(got.header.Get("Access-Control-Allow-Headers"), ", "), name)
		}
		require.Empty(t, got.header.Get("Access-Control-Allow-Credentials"))
		require.Contains(t, got.header.Get("Vary"), "Origin")
		require.Empty(t, got.body)

		for _, answered := range []*answer{
			from(b, origin, http.MethodGet).is(http.StatusOK), from(nobody, origin, http.MethodGet).is(http.StatusUnauthorized),
		} {
			require.Equal(t, origin, answered.header.Get("Access-Control-Allow-Origin"), "a script is told why, too")
			require.Contains(t, answered.header.Get("Vary"), "Origin")
			for _, name := range []string{"ETag", "Location", "Retry-After", "X-Request-Id", "X-RateLimit-Remaining"} {
				require.Contains(t, strings.ToLower(answered.header.Get("Access-Control-Expose-Headers")), strings.ToLower(name))
			}
		}
	}

	for _, origin := range []string{
		"https://evil.example", "http://app.example", "https://app.example.evil.example", "https://app.example:8443", "null", "*", b.url,
	} {
		refused := from(nobody, origin, http.MethodOptions, preflight...)
		refused.problem(http.StatusForbidden, wire.CodeForbidden)
		for _, answered := range []*answer{refused, from(b, origin, http.MethodGet).is(http.StatusOK)} {
			require.Empty(t, answered.header.Get("Access-Control-Allow-Origin"), origin)
			require.Contains(t, answered.header.Get("Vary"), "Origin")
		}
	}

	// What is no preflight is a request like any other.
	from(nobody, "https://app.example", http.MethodOptions).problem(http.StatusUnauthorized, wire.CodeUnauthorized)
	from(b, "https://app.example", http.MethodOptions).problem(http.StatusMethodNotAllowed, wire.CodeMethodNotAllowed)
}

func TestWithoutOriginsNoScriptReadsAnswers(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	req := b.request(http.MethodGet, "/api/projects", "", nil)
	req.Header.Set("Origin", "https://app.example")
	got := b.send(req).is(http.StatusOK)
	for name := range got.header {
		require.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
}
