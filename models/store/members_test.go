package store_test

import (
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

const issuer = "https://issuer.example"

func TestMembers(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)

	t.Run("AreSomebodyKnownOrMade", func(t *testing.T) {
		t.Parallel()
		ours, theirs := testfactory.Organisation(t, s, nil), testfactory.Organisation(t, s, nil)
		first := testfactory.Member(t, s, ours, access.Owner, nil)
		require.False(t, first.CreatedAt.IsZero())
		again := testfactory.Member(t, s, theirs, access.Viewer, func(m *models.Membership) {
			m.User = &models.User{Issuer: issuer, Subject: first.User.Subject}
		})
		require.Equal(t, first.UserID, again.UserID)
		require.Equal(t, first.User.Name, again.User.Name, "who is known is not renamed")

		twice := &models.Membership{OrganisationID: ours.ID, Role: access.Viewer, User: &models.User{Issuer: issuer, Subject: first.User.Subject}}
		require.ErrorIs(t, s.AddMember(t.Context(), twice), models.ErrMember)
		elsewhere := testfactory.Member(t, s, ours, access.Viewer, func(m *models.Membership) {
			m.User = &models.User{Issuer: "https://other.example", Subject: first.User.Subject}
		})
		require.NotEqual(t, first.UserID, elsewhere.UserID, "a subject is of its issuer")

		of, err := s.MembershipsOf(t.Context(), first.UserID)
		require.NoError(t, err)
		roles := map[string]access.Role{}
		for _, m := range of {
			roles[m.Organisation.Slug] = m.Role
		}
		require.Equal(t, map[string]access.Role{ours.Slug: access.Owner, theirs.Slug: access.Viewer}, roles)
	})

	t.Run("AreListedNewestFirstWithWhoTheyAre", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		first := testfactory.Member(t, s, o, access.Owner, nil)
		second := testfactory.Member(t, s, o, access.Viewer, nil)
		list, err := s.ListMembers(t.Context(), o.ID, models.Page{Limit: 1})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, second.User.Name, list[0].User.Name)
		list, err = s.ListMembers(t.Context(), o.ID, models.Page{Limit: 5, After: second.UserID})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, first.UserID, list[0].UserID)
		n, err := s.CountMembers(t.Context(), o.ID)
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		one, err := s.Member(t.Context(), o.ID, first.UserID)
		require.NoError(t, err)
		require.Equal(t, *first.User.Subject, *one.User.Subject)
		_, err = s.Member(t.Context(), models.DefaultOrganisationID, first.UserID)
		require.ErrorIs(t, err, models.ErrMemberNotFound)
	})

	t.Run("KeepAnOwner", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		owner := testfactory.Member(t, s, o, access.Owner, nil)
		admin := testfactory.Member(t, s, o, access.Admin, nil)
		down := *owner
		down.Role = access.Viewer
		require.ErrorIs(t, s.ChangeMember(t.Context(), &down), models.ErrLastOwner)
		require.ErrorIs(t, s.RemoveMember(t.Context(), o.ID, owner.UserID), models.ErrLastOwner)
		require.NoError(t, s.ChangeMember(t.Context(), owner), "to be what one is")

		up := *admin
		up.Role = access.Owner
		require.NoError(t, s.ChangeMember(t.Context(), &up))
		require.NoError(t, s.ChangeMember(t.Context(), &down))
		require.NoError(t, s.RemoveMember(t.Context(), o.ID, owner.UserID))
		require.ErrorIs(t, s.RemoveMember(t.Context(), o.ID, owner.UserID), models.ErrMemberNotFound)
		require.ErrorIs(t, s.ChangeMember(t.Context(), &down), models.ErrMemberNotFound)
	})

	t.Run("KeepAnOwnerWhenAllLeaveAtOnce", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		owners := make([]*models.Membership, 6)
		for i := range owners {
			owners[i] = testfactory.Member(t, s, o, access.Owner, nil)
		}
		var wg sync.WaitGroup
		errs := make([]error, len(owners))
		for i, m := range owners {
			wg.Go(func() {
				if i%2 == 0 {
					errs[i] = s.RemoveMember(t.Context(), o.ID, m.UserID)
					return
				}
				down := *m
				down.Role = access.Member
				errs[i] = s.ChangeMember(t.Context(), &down)
			})
		}
		wg.Wait()
		refused := 0
		for _, err := range errs {
			if err != nil {
				require.ErrorIs(t, err, models.ErrLastOwner)
				refused++
			}
		}
		require.Equal(t, 1, refused)
	})

	t.Run("AreInvitedByAddressOnce", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		email := strings.ToLower(rand.Text()) + "@example.com"
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() {
				address := email
				if i%2 == 0 {
					address = strings.ToUpper(email)
				}
				errs[i] = s.AddMember(t.Context(), &models.Membership{
					OrganisationID: o.ID, Role: access.Member, User: &models.User{Issuer: issuer, Email: &address},
				})
			})
		}
		wg.Wait()
		added := 0
		for _, err := range errs {
			if err == nil {
				added++
			} else {
				require.ErrorIs(t, err, models.ErrMember)
			}
		}
		require.Equal(t, 1, added)
		n, err := db.NewSelect().Model((*models.User)(nil)).Where("lower(email) = ?", email).Count(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
	})

	t.Run("AreNobodyOfAnotherOrganisation", func(t *testing.T) {
		t.Parallel()
		err := s.AddMember(t.Context(), &models.Membership{
			OrganisationID: uuid.New(), Role: access.Owner, User: &models.User{Issuer: issuer, Subject: ptr(rand.Text())},
		})
		require.ErrorIs(t, err, models.ErrOrganisationNotFound)
	})
}
