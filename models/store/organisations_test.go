package store_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
)

func TestOrganisations(t *testing.T) {
	t.Parallel()
	s := testkit.Store(t, testkit.Database(t))

	t.Run("AreFoundBySlugAndById", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		require.EqualValues(t, 1, o.Version)
		require.False(t, o.CreatedAt.IsZero())
		for _, name := range []string{o.Slug, o.ID.String(), strings.ToUpper(o.ID.String())} {
			got, err := s.OrganisationBySlug(t.Context(), name)
			require.NoError(t, err, name)
			require.Equal(t, o.ID, got.ID)
		}
		_, err := s.OrganisationBySlug(t.Context(), uuid.NewString())
		require.ErrorIs(t, err, models.ErrOrganisationNotFound)
		_, err = s.Organisation(t.Context(), uuid.New())
		require.ErrorIs(t, err, models.ErrOrganisationNotFound)

		t.Log("a slug that looks like the id of another is its own")
		double := testfactory.Organisation(t, s, func(d *models.Organisation) { d.Slug = o.ID.String() })
		got, err := s.OrganisationBySlug(t.Context(), o.ID.String())
		require.NoError(t, err)
		require.Equal(t, double.ID, got.ID)
	})

	t.Run("HaveASlugAndAnExternalIdOfTheirOwn", func(t *testing.T) {
		t.Parallel()
		external := rand.Text()
		o := testfactory.Organisation(t, s, func(o *models.Organisation) { o.ExternalID = &external })
		second := &models.Organisation{ID: models.NewID(), Slug: o.Slug, Name: "Second"}
		err := s.CreateOrganisation(t.Context(), second)
		require.ErrorIs(t, err, models.ErrSlugTaken)
		require.ErrorIs(t, err, models.ErrConflict)
		other := testfactory.Organisation(t, s, nil)
		other.ExternalID = &external
		require.ErrorIs(t, s.UpdateOrganisation(t.Context(), other), models.ErrExternalIDTaken)
	})

	t.Run("AreEditedByWhoeverReadThemLast", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		stale := *o
		o.Name = "Renamed"
		require.NoError(t, s.RenameOrganisation(t.Context(), o))
		require.EqualValues(t, 2, o.Version)
		require.ErrorIs(t, s.RenameOrganisation(t.Context(), &stale), models.ErrVersionMismatch)
		require.ErrorIs(t, s.UpdateOrganisation(t.Context(), &stale), models.ErrVersionMismatch)
		gone := models.Organisation{ID: models.NewID(), Version: 1, Name: "Gone"}
		require.ErrorIs(t, s.RenameOrganisation(t.Context(), &gone), models.ErrOrganisationNotFound)

		limit, jobs := 3, int64(40)
		o.Limits = models.Limits{RequestsPerMinute: &limit, MaxRunningExecutions: &limit, MaxConcurrentJobs: &limit, MaxJobsPerDay: &jobs, TaskQueues: []string{}}
		require.NoError(t, s.UpdateOrganisation(t.Context(), o))
		got, err := s.Organisation(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, o.Limits, got.Limits)
		require.Equal(t, "Renamed", got.Name)
		require.EqualValues(t, 3, got.Version)

		o.Limits = models.Limits{}
		require.NoError(t, s.UpdateOrganisation(t.Context(), o))
		got, err = s.Organisation(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, models.Limits{}, got.Limits)
	})

	t.Run("CannotWriteTheirOwnLimits", func(t *testing.T) {
		t.Parallel()
		limit := 3
		o := testfactory.Organisation(t, s, func(o *models.Organisation) { o.MaxConcurrentJobs = &limit })
		more := 5000
		o.MaxConcurrentJobs, o.Slug, o.Name = &more, "default-"+strings.ToLower(rand.Text()), "Ours"
		require.NoError(t, s.RenameOrganisation(t.Context(), o))
		got, err := s.Organisation(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, "Ours", got.Name)
		require.Equal(t, limit, *got.MaxConcurrentJobs)
		require.NotEqual(t, o.Slug, got.Slug)
	})

	t.Run("AreListedBySlug", func(t *testing.T) {
		t.Parallel()
		last := testfactory.Organisation(t, s, func(o *models.Organisation) { o.Slug = "zz-" + o.Slug })
		first := testfactory.Organisation(t, s, func(o *models.Organisation) { o.Slug = "aa-" + o.Slug })
		all, err := s.Organisations(t.Context())
		require.NoError(t, err)
		var slugs []string
		for _, o := range all {
			slugs = append(slugs, o.Slug)
		}
		require.IsIncreasing(t, slugs)
		require.Subset(t, slugs, []string{first.Slug, "default", last.Slug})
	})
}
