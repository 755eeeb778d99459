package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)
	org := models.DefaultOrganisationID

	t.Run("AreFoundByWhoeverShowsThemWithTheirOrganisation", func(t *testing.T) {
		t.Parallel()
		most := 7
		o := testfactory.Organisation(t, s, func(o *models.Organisation) {
			o.MaxRunningExecutions, o.TaskQueues = &most, []string{"ours"}
		})
		scopes := []access.Permission{access.ReadJobs, access.ReadProjects}
		made := testfactory.APIKey(t, s, func(k *models.APIKey) { k.OrganisationID, k.Scopes = o.ID, scopes })
		require.False(t, made.CreatedAt.IsZero())
		k, of, err := s.APIKeyByID(t.Context(), made.ID)
		require.NoError(t, err)
		require.Equal(t, made.Hash, k.Hash)
		require.Equal(t, scopes, k.Scopes)
		require.Equal(t, access.Member, k.Role)
		require.Nil(t, k.ExpiresAt)
		require.Equal(t, o.Slug, of.Slug)
		require.Equal(t, most, *of.MaxRunningExecutions)
		require.Equal(t, []string{"ours"}, of.TaskQueues)
		require.Nil(t, of.MaxJobsPerDay)

		_, _, err = s.APIKeyByID(t.Context(), uuid.New())
		require.ErrorIs(t, err, models.ErrAPIKeyNotFound)
		_, err = s.APIKey(t.Context(), org, made.ID)
		require.ErrorIs(t, err, models.ErrAPIKeyNotFound)
	})

	t.Run("KeepNoScopesAndNoneApart", func(t *testing.T) {
		t.Parallel()
		all := testfactory.APIKey(t, s, nil)
		none := testfactory.APIKey(t, s, func(k *models.APIKey) { k.Scopes = []access.Permission{} })
		got, err := s.APIKey(t.Context(), org, all.ID)
		require.NoError(t, err)
		require.Nil(t, got.Scopes)
		got, err = s.APIKey(t.Context(), org, none.ID)
		require.NoError(t, err)
		require.NotNil(t, got.Scopes, "nil would be all of them")
		require.Empty(t, got.Scopes)
	})

	t.Run("AreListedNewestFirst", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		of := func(k *models.APIKey) { k.OrganisationID = o.ID }
		first, second := testfactory.APIKey(t, s, of), testfactory.APIKey(t, s, of)
		keys, err := s.ListAPIKeys(t.Context(), o.ID, models.Page{Limit: 1})
		require.NoError(t, err)
		require.Len(t, keys, 1)
		require.Equal(t, second.ID, keys[0].ID)
		keys, err = s.ListAPIKeys(t.Context(), o.ID, models.Page{Limit: 5, After: second.ID})
		require.NoError(t, err)
		require.Len(t, keys, 1)
		require.Equal(t, first.ID, keys[0].ID)
		n, err := s.CountAPIKeys(t.Context(), o.ID)
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
	})

	t.Run("AreRotatedWithAGrace", func(t *testing.T) {
		t.Parallel()
		ends := time.Now().Add(48 * time.Hour).Truncate(time.Microsecond)
		old := testfactory.APIKey(t, s, func(k *models.APIKey) {
			k.ExpiresAt, k.Role, k.Scopes = &ends, access.Admin, []access.Permission{access.ReadAudit}
		})
		next := &models.APIKey{ID: models.NewID(), Hash: make([]byte, 32), HashKeyID: "new", CreatedBy: "user x"}
		grace := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		require.NoError(t, s.RotateAPIKey(t.Context(), org, old.ID, next, grace))
		got, err := s.APIKey(t.Context(), org, next.ID)
		require.NoError(t, err)
		require.Equal(t, old.Name, got.Name)
		require.Equal(t, access.Admin, got.Role)
		require.Equal(t, old.Scopes, got.Scopes)
		require.Equal(t, old.ID, *got.Replaces)
		require.True(t, ends.Equal(*got.ExpiresAt))
		was, err := s.APIKey(t.Context(), org, old.ID)
		require.NoError(t, err)
		require.True(t, grace.Equal(*was.ExpiresAt))
		require.Nil(t, was.RevokedAt)

		t.Log("a grace does not lengthen a life")
		later := &models.APIKey{ID: models.NewID(), Hash: make([]byte, 32), HashKeyID: "new", CreatedBy: "user x", ExpiresAt: &grace}
		require.NoError(t, s.RotateAPIKey(t.Context(), org, old.ID, later, ends))
		was, err = s.APIKey(t.Context(), org, old.ID)
		require.NoError(t, err)
		require.True(t, grace.Equal(*was.ExpiresAt))
		require.True(t, grace.Equal(*later.ExpiresAt))
	})

	t.Run("EndAtOnceWithoutAGraceAndAreNotRotatedThen", func(t *testing.T) {
		t.Parallel()
		old := testfactory.APIKey(t, s, nil)
		next := func() *models.APIKey {
			return &models.APIKey{ID: models.NewID(), Hash: make([]byte, 32), HashKeyID: "new", CreatedBy: "user x"}
		}
		require.NoError(t, s.RotateAPIKey(t.Context(), org, old.ID, next(), time.Now().Add(-time.Second)))
		was, err := s.APIKey(t.Context(), org, old.ID)
		require.NoError(t, err)
		require.NotNil(t, was.RevokedAt)
		require.ErrorIs(t, s.RotateAPIKey(t.Context(), org, old.ID, next(), time.Now().Add(time.Hour)), models.ErrKeyEnded)

		past := time.Now().Add(-time.Minute)
		expired := testfactory.APIKey(t, s, func(k *models.APIKey) { k.ExpiresAt = &past })
		require.ErrorIs(t, s.RotateAPIKey(t.Context(), org, expired.ID, next(), time.Now().Add(time.Hour)), models.ErrKeyEnded)
		require.ErrorIs(t, s.RotateAPIKey(t.Context(), org, uuid.New(), next(), time.Now()), models.ErrAPIKeyNotFound)
	})

	t.Run("AreRevokedOnce", func(t *testing.T) {
		t.Parallel()
		made := testfactory.APIKey(t, s, nil)
		first, err := s.RevokeAPIKey(t.Context(), org, made.ID)
		require.NoError(t, err)
		require.NotNil(t, first.RevokedAt)
		second, err := s.RevokeAPIKey(t.Context(), org, made.ID)
		require.NoError(t, err)
		require.True(t, first.RevokedAt.Equal(*second.RevokedAt))
		_, err = s.RevokeAPIKey(t.Context(), uuid.New(), made.ID)
		require.ErrorIs(t, err, models.ErrAPIKeyNotFound)
	})

	t.Run("SayWhenTheyWereUsedOnceAMinute", func(t *testing.T) {
		t.Parallel()
		made := testfactory.APIKey(t, s, nil)
		require.NoError(t, s.UseAPIKey(t.Context(), made.ID, "::ffff:192.0.2.7"))
		first, err := s.APIKey(t.Context(), org, made.ID)
		require.NoError(t, err)
		require.Equal(t, "192.0.2.7", *first.LastUsedIP)
		require.NoError(t, s.UseAPIKey(t.Context(), made.ID, "192.0.2.8"))
		second, err := s.APIKey(t.Context(), org, made.ID)
		require.NoError(t, err)
		require.Equal(t, first.LastUsedAt, second.LastUsedAt)
		require.Equal(t, "192.0.2.7", *second.LastUsedIP)

		_, err = db.ExecContext(t.Context(), `UPDATE api_keys SET last_used_at = now() - interval '61 seconds' WHERE id = ?`, made.ID)
		require.NoError(t, err)
		require.NoError(t, s.UseAPIKey(t.Context(), made.ID, "no address"))
		third, err := s.APIKey(t.Context(), org, made.ID)
		require.NoError(t, err)
		require.Nil(t, third.LastUsedIP)
		require.WithinDuration(t, time.Now(), *third.LastUsedAt, time.Minute)
	})
}
