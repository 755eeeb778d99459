package store_test

import (
	"crypto/rand"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

func ptr[T any](v T) *T { return &v }

// newLogin is of somebody whom nobody knows, who may be made known.
func newLogin(change func(*models.Login)) models.Login {
	subject := rand.Text()
	l := models.Login{Issuer: issuer, Subject: subject, Name: "User " + subject, Email: strings.ToLower(subject) + "@example.com", Provision: true}
	if change != nil {
		change(&l)
	}
	return l
}

func TestLogin(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t)
	s := testkit.Store(t, db)
	seenAt := func(t *testing.T, u *models.User) (at string) {
		t.Helper()
		require.NoError(t, db.NewRaw(`SELECT last_seen_at FROM users WHERE id = ?`, u.ID).Scan(t.Context(), &at))
		return at
	}

	t.Run("MakesSomebodyKnownWhoMayBe", func(t *testing.T) {
		t.Parallel()
		l := newLogin(func(l *models.Login) { l.Provision = false })
		_, _, err := s.Login(t.Context(), l)
		require.ErrorIs(t, err, models.ErrUserNotFound)
		l.Provision = true
		u, members, err := s.Login(t.Context(), l)
		require.NoError(t, err)
		require.Empty(t, members)
		require.Equal(t, l.Subject, *u.Subject)
		require.Equal(t, l.Email, *u.Email)
		l.Provision = false
		again, _, err := s.Login(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, u.ID, again.ID)
	})

	t.Run("WritesNothingWhenThereIsNothingNew", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		l := newLogin(func(l *models.Login) { l.Organisation, l.Role = o.Slug, access.Member })
		u, members, err := s.Login(t.Context(), l)
		require.NoError(t, err)
		require.Len(t, members, 1)
		first := seenAt(t, u)
		_, members, err = s.Login(t.Context(), l)
		require.NoError(t, err)
		require.Len(t, members, 1)
		require.Equal(t, o.Slug, members[0].Organisation.Slug)
		require.Equal(t, first, seenAt(t, u))

		_, err = db.ExecContext(t.Context(), `UPDATE users SET last_seen_at = now() - interval '61 seconds' WHERE id = ?`, u.ID)
		require.NoError(t, err)
		past := seenAt(t, u)
		_, _, err = s.Login(t.Context(), l)
		require.NoError(t, err)
		require.NotEqual(t, past, seenAt(t, u))

		past = seenAt(t, u)
		l.Name = "Renamed \x00\xff"
		u, _, err = s.Login(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, "Renamed \uFFFD", u.Name)
		require.NotEqual(t, past, seenAt(t, u))
		l.Email = "" // not verified this time
		u, _, err = s.Login(t.Context(), l)
		require.NoError(t, err)
		require.NotNil(t, u.Email)
	})

	t.Run("IsOnePersonWhenItComesManyTimesAtOnce", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		l := newLogin(func(l *models.Login) { l.Organisation, l.Role = o.Slug, access.Admin })
		var wg sync.WaitGroup
		users := make([]*models.User, 6)
		errs := make([]error, len(users))
		for i := range users {
			wg.Go(func() { users[i], _, errs[i] = s.Login(t.Context(), l) })
		}
		wg.Wait()
		for i := range users {
			require.NoError(t, errs[i])
			require.Equal(t, users[0].ID, users[i].ID)
		}
		entries, err := s.ListAudit(t.Context(), o.ID, models.AuditFilter{Operation: "login"}, models.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, users[0].ID.String(), entries[0].ActorID)
		require.Equal(t, access.KindUser, entries[0].ActorKind)
		require.Nil(t, entries[0].Before)
		require.JSONEq(t, `{"role":"admin"}`, string(entries[0].After))
	})

	t.Run("IsWhoWasInvitedByTheAddress", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, s, nil)
		l := newLogin(func(l *models.Login) { l.Provision = false })
		invited := testfactory.Member(t, s, o, access.Admin, func(m *models.Membership) {
			m.User = &models.User{Issuer: issuer, Email: ptr(strings.ToUpper(l.Email))}
		})
		unverified := l
		unverified.Email = ""
		_, _, err := s.Login(t.Context(), unverified)
		require.ErrorIs(t, err, models.ErrUserNotFound)
		elsewhere := l
		elsewhere.Issuer = "https://other.example"
		_, _, err = s.Login(t.Context(), elsewhere)
		require.ErrorIs(t, err, models.ErrUserNotFound)

		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { _, _, errs[i] = s.Login(t.Context(), l) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		u, members, err := s.Login(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, invited.UserID, u.ID)
		require.Len(t, members, 1)
		require.Equal(t, access.Admin, members[0].Role)

		t.Log("the address is no invitation for anybody else")
		thief := newLogin(func(other *models.Login) { other.Email, other.Provision = l.Email, false })
		_, _, err = s.Login(t.Context(), thief)
		require.ErrorIs(t, err, models.ErrUserNotFound)
	})

	t.Run("TakesWhatWasMeantForWhoIsKnownAlready", func(t *testing.T) {
		t.Parallel()
		both, one := testfactory.Organisation(t, s, nil), testfactory.Organisation(t, s, nil)
		l := newLogin(func(l *models.Login) { l.Email = "" })
		u, _, err := s.Login(t.Context(), l)
		require.NoError(t, err)
		address := strings.ToLower(rand.Text()) + "@example.com"
		testfactory.Member(t, s, both, access.Viewer, func(m *models.Membership) { m.User = &models.User{Issuer: issuer, Subject: &l.Subject} })
		for _, o := range []*models.Organisation{both, one} {
			testfactory.Member(t, s, o, access.Admin, func(m *models.Membership) { m.User = &models.User{Issuer: issuer, Email: &address} })
		}
		l.Email = address
		again, members, err := s.Login(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, u.ID, again.ID)
		roles := map[string]access.Role{}
		for _, m := range members {
			roles[m.Organisation.Slug] = m.Role
		}
		require.Equal(t, map[string]access.Role{both.Slug: access.Viewer, one.Slug: access.Admin}, roles)
		n, err := s.CountMembers(t.Context(), both.ID)
		require.NoError(t, err)
		require.EqualValues(t, 1, n, "the invitation is gone")

		t.Log("who is known by an address is added by it")
		third := testfactory.Organisation(t, s, nil)
		m := testfactory.Member(t, s, third, access.Viewer, func(m *models.Membership) { m.User = &models.User{Issuer: issuer, Email: &address} })
		require.Equal(t, u.ID, m.UserID)
	})

	t.Run("IsWhatTheTokenSays", func(t *testing.T) {
		t.Parallel()
		external := rand.Text()
		o := testfactory.Organisation(t, s, func(o *models.Organisation) { o.ExternalID = &external })
		owner := newLogin(func(l *models.Login) { l.Organisation, l.Role = external, access.Owner })
		u, members, err := s.Login(t.Context(), owner)
		require.NoError(t, err)
		require.Len(t, members, 1)
		require.Equal(t, access.Owner, members[0].Role)
		owner.Role = access.Viewer
		_, members, err = s.Login(t.Context(), owner)
		require.NoError(t, err)
		require.Equal(t, access.Viewer, members[0].Role, "the issuer is asked, not the owners")
		owner.Role = ""
		_, members, err = s.Login(t.Context(), owner)
		require.NoError(t, err)
		require.Equal(t, access.Viewer, members[0].Role)
		entries, err := s.ListAudit(t.Context(), o.ID, models.AuditFilter{TargetID: u.ID.String()}, models.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, entries, 2)
		require.JSONEq(t, `{"role":"owner"}`, string(entries[0].Before))
		require.JSONEq(t, `{"role":"viewer"}`, string(entries[0].After))

		for name, l := range map[string]models.Login{
			"the slug of an organisation that the issuer calls otherwise": newLogin(func(l *models.Login) { l.Organisation, l.Role = o.Slug, access.Owner }),
			"an organisation that is not known":                           newLogin(func(l *models.Login) { l.Organisation, l.Role = rand.Text(), access.Owner }),
			"a role that there is not":                                    newLogin(func(l *models.Login) { l.Organisation, l.Role = external, "root" }),
		} {
			_, members, err := s.Login(t.Context(), l)
			require.NoError(t, err, name)
			require.Empty(t, members, name)
		}
	})
}
