package authn_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

func TestATicketIsWhoseItWasMadeFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, _ := w.process(t, nil)
	there, asked := w.process(t, nil)
	most := 5
	o := testfactory.Organisation(t, w.store, func(o *models.Organisation) { o.RequestsPerMinute = &most })
	key, _ := w.key(t, func(k *models.APIKey) {
		k.OrganisationID, k.Scopes = o.ID, []access.Permission{access.ReadExecutions}
	})
	person := w.login(as(testfactory.Member(t, w.store, o, access.Viewer, nil)))

	for _, text := range []string{key, person} {
		who, err := here.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		ticket, expires, err := here.Ticket(t.Context(), who.Principal)
		require.NoError(t, err)
		require.Equal(t, w.now().Add(30*time.Second), expires)

		again, err := there.Redeem(t.Context(), ticket)
		require.NoError(t, err)
		require.True(t, who.Until.Equal(again.Until), "a stream ends with what it was opened with")
		again.Principal.Until = who.Principal.Until
		require.Equal(t, who.Principal, again.Principal)
		require.Equal(t, who.Limits, again.Limits)

		_, err = here.Redeem(t.Context(), ticket)
		require.ErrorIs(t, err, authn.ErrInvalid, "it opens one stream")
	}

	before := asked.tickets.Load()
	for _, forged := range []string{"", "x", apikey.Random(), apikey.Random() + "_" + apikey.Random(), key} {
		_, err := there.Redeem(t.Context(), forged)
		require.ErrorIs(t, err, authn.ErrInvalid)
	}
	require.Equal(t, before, asked.tickets.Load(), "what was not made here is not asked for")
}

func TestATicketIsNoCredentialOfAnotherKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	text, _ := w.key(t, nil)
	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	ticket, _, err := a.Ticket(t.Context(), who.Principal)
	require.NoError(t, err)
	_, err = a.Authenticate(t.Context(), bearer(ticket))
	require.ErrorIs(t, err, authn.ErrInvalid)
	_, err = a.Redeem(t.Context(), ticket)
	require.NoError(t, err)
}

func TestOfManyWhoHaveATicketOneGetsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, _ := w.key(t, nil)
	first, _ := w.process(t, nil)
	who, err := first.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	ticket, _, err := first.Ticket(t.Context(), who.Principal)
	require.NoError(t, err)

	second, _ := w.process(t, nil)
	var (
		all   sync.WaitGroup
		in    atomic.Int64
		begin = make(chan struct{})
	)
	for i := range 16 {
		a := []*authn.Authenticator{first, second}[i%2]
		all.Go(func() {
			<-begin
			if _, err := a.Redeem(context.Background(), ticket); err == nil {
				in.Add(1)
			} else {
				require.ErrorIs(t, err, authn.ErrInvalid)
			}
		})
	}
	close(begin)
	all.Wait()
	require.EqualValues(t, 1, in.Load())
}

func TestTicketsThatCameTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	text, record := w.key(t, nil)
	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	ticketOf := func() string {
		ticket, _, err := a.Ticket(t.Context(), who.Principal)
		require.NoError(t, err)
		return ticket
	}

	t.Log("their time is over")
	inTime, late := ticketOf(), ticketOf()
	w.advance(30*time.Second - time.Microsecond)
	_, err = a.Redeem(t.Context(), inTime)
	require.NoError(t, err)
	w.advance(time.Microsecond)
	_, err = a.Redeem(t.Context(), late)
	require.ErrorIs(t, err, authn.ErrInvalid)

	t.Log("the records don't answer, and it is not used up by that")
	held := ticketOf()
	r.fail(models.ErrUnavailable)
	_, err = a.Redeem(t.Context(), held)
	require.ErrorIs(t, err, models.ErrUnavailable)
	r.fail(nil)
	_, err = a.Redeem(t.Context(), held)
	require.NoError(t, err)

	t.Log("the key was revoked meanwhile")
	ticket := ticketOf()
	_, err = w.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, record.ID)
	require.NoError(t, err)
	w.advance(time.Second)
	_, err = a.Redeem(t.Context(), ticket)
	require.ErrorIs(t, err, authn.ErrInvalid)
}

func TestTicketsAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	db := testkit.Database(t)
	w.store = testkit.Store(t, db)
	a, _ := w.process(t, nil)
	text, _ := w.key(t, nil)
	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	_, _, err = a.Ticket(t.Context(), who.Principal)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE stream_tickets SET expires_at = now() - interval '1 second'")
	require.NoError(t, err)
	count := func() (n int) {
		_, _, err := a.Ticket(t.Context(), who.Principal)
		require.NoError(t, err)
		require.NoError(t, db.NewSelect().Table("stream_tickets").ColumnExpr("count(*)").Scan(t.Context(), &n))
		return n
	}
	require.Equal(t, 2, count(), "once a minute is enough")
	w.advance(time.Minute)
	require.Equal(t, 2, count(), "the one that nobody came with is gone")
}

func TestWhoStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	o := testfactory.Organisation(t, w.store, nil)
	principal := func(text string) access.Principal {
		who, err := a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		require.NoError(t, a.Stands(t.Context(), who.Principal))
		return who.Principal
	}
	member := func(role access.Role) *models.Membership { return testfactory.Member(t, w.store, o, role, nil) }
	member(access.Owner)

	soon := w.now().Add(time.Minute).Truncate(time.Microsecond)
	ending, _ := w.key(t, func(k *models.APIKey) { k.ExpiresAt = &soon })
	rotated, rotatedRecord := w.key(t, nil)
	raised, lowered, removed := member(access.Viewer), member(access.Admin), member(access.Member)
	principals := map[string]access.Principal{
		"ending": principal(ending), "rotated": principal(rotated), "token": principal(w.login(as(member(access.Member)))),
		"raised": principal(w.login(as(raised))), "lowered": principal(w.login(as(lowered))), "removed": principal(w.login(as(removed))),
	}
	stand := func(want map[string]bool) {
		t.Helper()
		for name, p := range principals {
			err := a.Stands(t.Context(), p)
			if want[name] {
				require.NoError(t, err, name)
			} else {
				require.ErrorIs(t, err, authn.ErrInvalid, name)
			}
		}
	}
	asked := r.memberships.Load()
	stand(map[string]bool{"ending": true, "rotated": true, "token": true, "raised": true, "lowered": true, "removed": true})
	require.Equal(t, asked, r.memberships.Load(), "many streams of a person ask once a second")

	change := func(m *models.Membership, role access.Role) {
		require.NoError(t, w.store.ChangeMember(t.Context(), &models.Membership{OrganisationID: o.ID, UserID: m.UserID, Role: role}))
	}
	change(raised, access.Admin)
	change(lowered, access.Member)
	require.NoError(t, w.store.RemoveMember(t.Context(), o.ID, removed.UserID))
	next := &models.APIKey{ID: models.NewID(), Hash: make([]byte, 32), HashKeyID: "other", CreatedBy: "operator"}
	require.NoError(t, w.store.RotateAPIKey(t.Context(), models.DefaultOrganisationID, rotatedRecord.ID, next, w.now().Add(time.Hour)))
	w.advance(time.Second)
	stand(map[string]bool{"ending": true, "rotated": true, "token": true, "raised": true})
	w.advance(59 * time.Second)
	stand(map[string]bool{"rotated": true, "token": true, "raised": true})
	w.advance(59*time.Minute - time.Second)
	stand(map[string]bool{"rotated": true, "token": true, "raised": true})
	w.advance(time.Second)
	stand(nil) // the token and the grace of the key are of an hour
}

func TestWhoNeverStood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	text, _ := w.key(t, nil)
	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	change := func(f func(*access.Principal)) access.Principal {
		p := who.Principal
		f(&p)
		return p
	}
	for name, p := range map[string]access.Principal{
		"Nobody":              {},
		"Anonymous":           {Kind: access.KindAnonymous, Organisation: models.DefaultOrganisationID, Role: access.Owner},
		"Operator":            change(func(p *access.Principal) { p.Kind = access.KindOperator }),
		"AKeyThatThereIsNot":  change(func(p *access.Principal) { p.ID = models.NewID().String() }),
		"AKeyOfAnotherPlace":  change(func(p *access.Principal) { p.Organisation = models.NewID() }),
		"AKeyThatIsMore":      change(func(p *access.Principal) { p.Role = access.Owner }),
		"AKeyAsAUser":         change(func(p *access.Principal) { p.Kind = access.KindUser }),
		"AUserThatThereIsNot": {Kind: access.KindUser, ID: models.NewID().String(), Organisation: models.DefaultOrganisationID, Role: access.Viewer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, a.Stands(t.Context(), p), authn.ErrInvalid)
		})
	}
}
