package authn_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// withRole has a token name an organisation and say roles.
func withRole(organisation string, roles ...string) func(*oidc.Claims) {
	return func(c *oidc.Claims) { c.Organisation, c.Roles = organisation, roles }
}

// as has a token be of a member.
func as(m *models.Membership) func(*oidc.Claims) {
	return func(c *oidc.Claims) { c.Issuer, c.Subject, c.Name = m.User.Issuer, *m.User.Subject, m.User.Name }
}

// naming is a request that names an organisation.
func naming(organisation, text string) authn.Credentials {
	sent := bearer(text)
	sent.Organisation = organisation
	return sent
}

func TestAMemberIsWhoTheRecordsSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	most := 9
	o := testfactory.Organisation(t, w.store, func(o *models.Organisation) { o.RequestsPerMinute = &most })
	m := testfactory.Member(t, w.store, o, access.Admin, nil)
	text := w.login(as(m))

	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.Equal(t, authn.Identity{
		Principal: access.Principal{
			Kind: access.KindUser, ID: m.UserID.String(), Name: m.User.Name,
			Organisation: o.ID, Role: access.Admin, Until: w.now().Add(time.Hour),
		},
		Limits: who.Limits, Until: w.now().Add(time.Hour),
	}, who)
	require.Equal(t, most, *who.Limits.RequestsPerMinute)

	for range 10 {
		_, err = a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, w.tokens.asked.Load(), "what was found is believed for a second")
	require.EqualValues(t, 1, r.logins.Load())

	require.NoError(t, w.store.ChangeMember(t.Context(), &models.Membership{OrganisationID: o.ID, UserID: m.UserID, Role: access.Viewer}),
		"an organisation that has no owner keeps none")
	w.advance(time.Second)
	who, err = a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.Equal(t, access.Viewer, who.Principal.Role)

	require.NoError(t, w.store.RemoveMember(t.Context(), o.ID, m.UserID))
	w.advance(time.Second)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.ErrorIs(t, err, authn.ErrNoOrganisation)
}

func TestAPersonWithoutANameGoesByTheirAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	who, err := a.Authenticate(t.Context(), bearer(w.login(func(c *oidc.Claims) {
		withRole("default", "viewer")(c)
		c.Name, c.Email = "", "ada@example.com"
	})))
	require.NoError(t, err)
	require.Equal(t, "ada@example.com", who.Principal.Name)
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	t.Run("WhenTheIssuerHasNotMadeThem", func(t *testing.T) {
		t.Parallel()
		a, r := w.process(t, nil)
		_, err := a.Authenticate(t.Context(), bearer("eyJ.eyJ.c2ln"))
		require.ErrorIs(t, err, authn.ErrInvalid)
		require.NotErrorIs(t, err, oidc.ErrInvalid, "nobody else's error gets out")
		require.Zero(t, r.logins.Load())
	})

	t.Run("WhenNoIssuerIsTrusted", func(t *testing.T) {
		t.Parallel()
		a, _ := w.process(t, func(c *authn.Config) { c.Tokens = nil })
		_, err := a.Authenticate(t.Context(), bearer(w.login(withRole("default", "owner"))))
		require.ErrorIs(t, err, authn.ErrInvalid)
	})

	t.Run("WhenTheyHaveExpiredSinceTheyWereGood", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		a, _ := w.process(t, nil)
		text := w.login(func(c *oidc.Claims) {
			withRole("default", "member")(c)
			c.Expiry = w.now().Add(time.Second / 2)
		})
		_, err := a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		w.tokens.fail(oidc.ErrInvalid)
		_, err = a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		w.advance(time.Second / 2)
		_, err = a.Authenticate(t.Context(), bearer(text))
		require.ErrorIs(t, err, authn.ErrInvalid, "half a second is less than answers are believed")
	})

	t.Run("WhenTheIssuerTakesItsKeyBack", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		a, _ := w.process(t, func(c *authn.Config) { c.FailuresPerMinute = 1 })
		text := w.login(withRole("default", "member"))
		_, err := a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		w.tokens.fail(oidc.ErrInvalid)
		w.advance(time.Second)
		_, err = a.Authenticate(t.Context(), bearer(text))
		require.ErrorIs(t, err, authn.ErrInvalid)
		asked := w.tokens.asked.Load()
		_, err = a.Authenticate(t.Context(), bearer(text))
		require.ErrorIs(t, err, authn.ErrTooMany)
		require.Equal(t, asked, w.tokens.asked.Load(), "it is not one that was good any more")
	})
}

func TestATokenThatCannotBeJudgedIsNotRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, func(c *authn.Config) { c.FailuresPerMinute = 1 })
	text := w.login(withRole("default", "member"))
	w.tokens.fail(errors.Join(oidc.ErrUnavailable, errors.New("its host is down")))
	for range 3 {
		_, err := a.Authenticate(t.Context(), bearer(text))
		require.ErrorIs(t, err, models.ErrUnavailable)
		require.NotErrorIs(t, err, authn.ErrInvalid)
	}
	w.tokens.fail(nil)
	_, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
}

func TestAPersonNamesOneOfTheirOrganisations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	first, second, third := testfactory.Organisation(t, w.store, nil), testfactory.Organisation(t, w.store, nil), testfactory.Organisation(t, w.store, nil)
	m := testfactory.Member(t, w.store, first, access.Viewer, nil)
	testfactory.Member(t, w.store, second, access.Owner, func(other *models.Membership) { other.User = m.User })
	text := w.login(as(m))

	for name, want := range map[string]*models.Organisation{
		first.Slug: first, first.ID.String(): first, second.Slug: second, second.ID.String(): second,
	} {
		who, err := a.Authenticate(t.Context(), naming(name, text))
		require.NoError(t, err)
		require.Equal(t, want.ID, who.Principal.Organisation)
		require.Equal(t, want == second, who.Principal.Role == access.Owner, "the role is that of the organisation")
	}
	for _, name := range []string{"", third.Slug, third.ID.String(), uuid.NewString(), first.Name, "%", first.Slug + " "} {
		_, err := a.Authenticate(t.Context(), naming(name, text))
		require.ErrorIs(t, err, authn.ErrNoOrganisation, name)
	}
}

func TestTheFirstLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open, _ := w.process(t, nil)
	closed, _ := w.process(t, func(c *authn.Config) { c.Provision, c.FailuresPerMinute = false, 2 })

	t.Run("MakesAPersonKnownWhoIsAMemberOfNothing", func(t *testing.T) {
		t.Parallel()
		_, err := open.Authenticate(t.Context(), bearer(w.login(nil)))
		require.ErrorIs(t, err, authn.ErrNoOrganisation)
	})

	t.Run("MakesNobodyKnownWhenThatIsOff", func(t *testing.T) {
		t.Parallel()
		text := w.login(func(c *oidc.Claims) { c.Subject = "stranger" })
		for range 2 {
			_, err := closed.Authenticate(t.Context(), from("192.0.2.9", text))
			require.ErrorIs(t, err, authn.ErrNoOrganisation)
		}
		_, err := closed.Authenticate(t.Context(), from("192.0.2.9", text))
		require.ErrorIs(t, err, authn.ErrTooMany, "a stranger is looked up each time, so not for ever")
	})

	t.Run("IsThatOfWhoWasInvitedByAddress", func(t *testing.T) {
		t.Parallel()
		o := testfactory.Organisation(t, w.store, nil)
		address := "grace@example.com"
		testfactory.Member(t, w.store, o, access.Admin, func(m *models.Membership) {
			m.User = &models.User{Issuer: issuer, Email: &address}
		})
		who, err := closed.Authenticate(t.Context(), bearer(w.login(func(c *oidc.Claims) { c.Email = address })))
		require.NoError(t, err)
		require.Equal(t, o.ID, who.Principal.Organisation)
		require.Equal(t, access.Admin, who.Principal.Role)
	})
}

func TestATokenDecidesWhereItNamesAnOrganisation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, func(c *authn.Config) { c.RolesFromTokens = true })
	external := "org_" + uuid.NewString()
	o := testfactory.Organisation(t, w.store, func(o *models.Organisation) { o.ExternalID = &external })
	other := testfactory.Organisation(t, w.store, nil)

	t.Run("WithTheRoleThatItSays", func(t *testing.T) {
		t.Parallel()
		m := testfactory.Member(t, w.store, o, access.Owner, nil)
		for _, c := range []struct {
			roles []string
			want  access.Role
		}{
			{[]string{"viewer"}, access.Viewer},
			{[]string{"viewer", "admin", "member"}, access.Admin},
			{[]string{"root", "member", "Owner"}, access.Member},
		} {
			who, err := a.Authenticate(t.Context(), bearer(w.login(func(claims *oidc.Claims) {
				as(m)(claims)
				withRole(external, c.roles...)(claims)
			})))
			require.NoError(t, err)
			require.Equal(t, c.want, who.Principal.Role)
			written, err := w.store.Member(t.Context(), o.ID, m.UserID)
			require.NoError(t, err)
			require.Equal(t, c.want, written.Role)
		}
	})

	t.Run("AndOpensNoOtherOne", func(t *testing.T) {
		t.Parallel()
		m := testfactory.Member(t, w.store, other, access.Owner, nil)
		text := w.login(func(c *oidc.Claims) { as(m)(c); withRole(external, "viewer")(c) })
		who, err := a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		require.Equal(t, o.ID, who.Principal.Organisation)
		_, err = a.Authenticate(t.Context(), naming(other.Slug, text))
		require.ErrorIs(t, err, authn.ErrNoOrganisation)

		who, err = a.Authenticate(t.Context(), bearer(w.login(func(c *oidc.Claims) { as(m)(c); withRole(other.Slug, "viewer")(c) })))
		require.NoError(t, err, "one that has no other name goes by its slug")
		require.Equal(t, other.ID, who.Principal.Organisation)
	})

	t.Run("AndNoneThatIsNotKnown", func(t *testing.T) {
		t.Parallel()
		m := testfactory.Member(t, w.store, o, access.Admin, nil)
		for _, name := range []string{"org_" + uuid.NewString(), o.Slug, o.ID.String()} {
			_, err := a.Authenticate(t.Context(), bearer(w.login(func(c *oidc.Claims) { as(m)(c); withRole(name, "owner")(c) })))
			require.ErrorIs(t, err, authn.ErrNoOrganisation, name)
		}
	})

	t.Run("AndNoneWhereItIsToNameOneAndDoesNot", func(t *testing.T) {
		t.Parallel()
		strict, _ := w.process(t, func(c *authn.Config) { c.OrganisationsFromTokens, c.RolesFromTokens = true, true })
		id := uuid.NewString()
		before := w.login(func(c *oidc.Claims) { c.Subject = id; withRole(external, "admin")(c) })
		who, err := strict.Authenticate(t.Context(), bearer(before))
		require.NoError(t, err)
		require.Equal(t, access.Admin, who.Principal.Role)

		// The issuer has taken them out of the organisation since.
		after := w.login(func(c *oidc.Claims) { c.Subject = id })
		for _, sent := range []authn.Credentials{bearer(after), naming(o.Slug, after), naming(o.ID.String(), after)} {
			_, err = strict.Authenticate(t.Context(), sent)
			require.ErrorIs(t, err, authn.ErrNoOrganisation)
		}
	})

	t.Run("AndNoneWithoutARoleWhereTokensSayRoles", func(t *testing.T) {
		t.Parallel()
		m := testfactory.Member(t, w.store, o, access.Admin, nil)
		text := w.login(func(c *oidc.Claims) { as(m)(c); withRole(external, "root")(c) })
		_, err := a.Authenticate(t.Context(), bearer(text))
		require.ErrorIs(t, err, authn.ErrNoOrganisation)

		elsewhere, _ := w.process(t, nil)
		who, err := elsewhere.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err, "where they don't, the organisation's owners do")
		require.Equal(t, access.Admin, who.Principal.Role)
	})
}
