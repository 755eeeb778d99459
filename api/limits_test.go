package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
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

	// burst sends a lot at once and says how much was answered.
	burst := func(b *bundle, requests int) (answered int) {
		b.t.Helper()
		for range requests {
			got := b.get("/api/projects")
			if got.status == http.StatusOK {
				answered++
				continue
			}
			got.problem(http.StatusTooManyRequests, wire.CodeRateLimited)
			require.NotEmpty(b.t, got.header.Get("Retry-After"))
			require.Equal(b.t, "0", got.header.Get("X-RateLimit-Remaining"))
		}
		return answered
	}

	t.Run("AKeyThatIsUsedUpTakesNothingFromItsOrganisationsOthers", func(t *testing.T) {
		t.Parallel()
		const allowed = 10
		b := setupAccess(t, func(c *api.Config, _ *authn.Config) { c.RequestsPerKeyMinute = allowed })
		greedy := b.as(b.key(models.DefaultOrganisationID, access.Viewer, nil))
		answered := burst(greedy, 10*allowed)
		require.GreaterOrEqual(t, answered, allowed)
		require.Less(t, answered, 10*allowed)
		got := b.get("/api/projects").is(http.StatusOK)
		require.Equal(t, strconv.Itoa(allowed), got.header.Get("X-RateLimit-Limit"))
		require.Equal(t, strconv.Itoa(allowed-1), got.header.Get("X-RateLimit-Remaining"))
	})

	t.Run("AnOrganisationThatIsUsedUpTakesNothingFromAnother", func(t *testing.T) {
		t.Parallel()
		const allowed = 10
		b := setupAccess(t, func(c *api.Config, _ *authn.Config) { c.RequestsPerMinute = 1_000 })
		small := allowed
		o := testfactory.Organisation(t, b.store, func(o *models.Organisation) { o.RequestsPerMinute = &small })
		one, other := b.as(b.key(o.ID, access.Owner, nil)), b.as(b.key(o.ID, access.Viewer, nil))
		answered := burst(one, 5*allowed) + burst(other, 5*allowed)
		require.GreaterOrEqual(t, answered, allowed)
		require.Less(t, answered, 5*allowed)
		got := b.get("/api/projects").is(http.StatusOK)
		require.Equal(t, "1000", got.header.Get("X-RateLimit-Limit"))
		require.Equal(t, "999", got.header.Get("X-RateLimit-Remaining"))
	})

	t.Run("WhatIsRefusedForAPermissionCounts", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, func(c *api.Config, _ *authn.Config) { c.RequestsPerKeyMinute = 3 })
		viewer := b.as(b.key(models.DefaultOrganisationID, access.Viewer, nil))
		for range 3 {
			viewer.post("/api/projects", shopProject).problem(http.StatusForbidden, wire.CodeForbidden)
		}
		viewer.post("/api/projects", shopProject).problem(http.StatusTooManyRequests, wire.CodeRateLimited)
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
