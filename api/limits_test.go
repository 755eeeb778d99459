package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
)

func TestRequestLimits(t *testing.T) {
	t.Parallel()

	t.Run("ATenfoldBurstGetsWhatIsAllowedAndIsToldWhenToComeBack", func(t *testing.T) {
		t.Parallel()
		const allowed = 20
		b := setup(t, func(c *api.Config) { c.RequestsPerMinute = allowed })
		answered, refused := 0, 0
		for range 10 * allowed {
			got := b.get("/api/projects")
			require.Equal(t, strconv.Itoa(allowed), got.header.Get("X-RateLimit-Limit"))
			require.NotEmpty(t, got.header.Get("X-RateLimit-Remaining"))
			require.NotEmpty(t, got.header.Get("X-RateLimit-Reset"))
			if got.status == http.StatusOK {
				answered++
				require.Empty(t, got.header.Get("Retry-After"))
				continue
			}
			refused++
			got.problem(http.StatusTooManyRequests, "RATE_LIMITED")
			require.Equal(t, "0", got.header.Get("X-RateLimit-Remaining"))
			seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
			require.NoError(t, err)
			require.Positive(t, seconds)
		}
		require.GreaterOrEqual(t, answered, allowed)
		require.Positive(t, refused)
		// Whoever watches the process is no client.
		b.get("/livez").is(http.StatusOK)
	})

	t.Run("WithoutALimitNoneIsToldOf", func(t *testing.T) {
		t.Parallel()
		got := setup(t, nil).get("/api/projects")
		got.is(http.StatusOK)
		require.Empty(t, got.header.Get("X-RateLimit-Limit"))
	})
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, path := range []string{"/livez", "/api/projects", "/api/nothing", "/docs", "/openapi.yaml"} {
		got := b.get(path)
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), path)
		require.Equal(t, "DENY", got.header.Get("X-Frame-Options"), path)
		require.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"), path)
	}
}
