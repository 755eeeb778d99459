package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

// TestWhatIsTakenBackIsDeadWithinFiveSeconds adds up what the other tests wait for: the
// word of the records is believed for so long, and asked for again so often. What is left
// of the five seconds is for the database to answer in.
func TestWhatIsTakenBackIsDeadWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, authn.Freshness+api.DefaultRecheck, 4*time.Second)
}

// ticket makes one for whoever the bundle is.
func (b *bundle) ticket() string {
	b.t.Helper()
	who, err := b.config.Auth.Authenticate(b.t.Context(), authn.Credentials{Authorization: "Bearer " + b.token})
	require.NoError(b.t, err)
	ticket, expires, err := b.config.Auth.Ticket(b.t.Context(), who.Principal)
	require.NoError(b.t, err)
	require.Greater(b.t, time.Until(expires), 20*time.Second)
	return ticket
}

// refused requires that a stream is not opened.
func (b *bundle) refused(path string, status int, code string, headers ...string) {
	b.t.Helper()
	_, resp, err := b.dial(path, headers...)
	require.ErrorIs(b.t, err, websocket.ErrBadHandshake)
	defer resp.Body.Close()
	require.Equal(b.t, status, resp.StatusCode)
	var p wire.Problem
	require.NoError(b.t, json.NewDecoder(resp.Body).Decode(&p))
	require.Equal(b.t, code, p.Code)
}

func TestTickets(t *testing.T) {
	t.Parallel()

	t.Run("OpenOneStream", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil).another(nil)
		e := b.anExecution()
		b.happen(e, 2)
		page := b.as("")
		ticket := b.ticket()
		(&socketStream{t: t, conn: open(page, socketPath(e, "?ticket="+ticket))}).events(1, 2)
		page.refused(socketPath(e, "?ticket="+ticket), http.StatusUnauthorized, wire.CodeInvalidToken)
		page.get(eventsPath(e, "?ticket="+ticket)).problem(http.StatusUnauthorized, wire.CodeInvalidToken)

		page.follow(eventsPath(e, "?after=0&ticket="+b.ticket())).events(1, 2)
		// Nobody has made these.
		for _, made := range []string{"x", ticket[:len(ticket)-1], ticket + "x"} {
			page.get(eventsPath(e, "?ticket="+made)).problem(http.StatusUnauthorized, wire.CodeInvalidToken)
		}
		page.refused(socketPath(e, ""), http.StatusUnauthorized, wire.CodeUnauthorized)
		for _, entry := range b.logs.All() {
			for _, field := range entry.Context {
				require.NotContains(t, field.String, ticket)
			}
		}
	})

	t.Run("OpenNothingElse", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil).another(nil)
		e := b.anExecution()
		ticket := b.ticket()
		for _, path := range []string{"/api/projects", executionPath(e), executionPath(e) + "/stats", executionPath(e) + "/sessions/export"} {
			b.as("").get(path+"?ticket="+ticket).problem(http.StatusUnauthorized, wire.CodeUnauthorized)
		}
		open(b.as(""), socketPath(e, "?ticket="+ticket)) // it was not used up
	})

	t.Run("HaveAnEnd", func(t *testing.T) {
		t.Parallel()
		var ahead atomic.Int64
		b := setupAccess(t, func(_ *api.Config, who *authn.Config) {
			who.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		}).another(nil)
		e := b.anExecution()
		late, early := b.ticket(), b.ticket()
		ahead.Store(int64(29 * time.Second))
		open(b.as(""), socketPath(e, "?ticket="+early))
		ahead.Store(int64(30 * time.Second))
		b.as("").refused(socketPath(e, "?ticket="+late), http.StatusUnauthorized, wire.CodeInvalidToken)
	})

	t.Run("OpenNothingOfAnother", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil).another(nil)
		e := b.anExecution()
		_, other := b.organisation()
		other.as("").refused(socketPath(e, "?ticket="+other.ticket()), http.StatusNotFound, wire.CodeExecutionNotFound)
		other.as("").get(eventsPath(e, "?ticket="+other.ticket())).problem(http.StatusNotFound, wire.CodeExecutionNotFound)
	})

	t.Run("OfAPageOfAnotherOriginAreRefused", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil).another(nil)
		e := b.anExecution()
		b.as("").refused(socketPath(e, "?ticket="+b.ticket()), http.StatusForbidden, wire.CodeForbidden, "Origin", "https://evil.example")
		b.refused(socketPath(e, ""), http.StatusForbidden, wire.CodeForbidden, "Origin", "https://evil.example")
	})

	t.Run("GiveNoMoreThanWhoeverAskedForThemHas", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil).another(nil)
		e := b.anExecution()
		text, record := b.keyOf(models.DefaultOrganisationID, nil)
		ticket := b.as(text).ticket()
		_, err := b.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, record.ID)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return b.as(text).get("/api/projects").status == http.StatusUnauthorized }, waitTime, tick)
		b.as("").refused(socketPath(e, "?ticket="+ticket), http.StatusUnauthorized, wire.CodeInvalidToken)
	})
}

// open opens a WebSocket that must open.
func open(b *bundle, path string) *websocket.Conn {
	b.t.Helper()
	conn, _, err := b.dial(path)
	require.NoError(b.t, err)
	return conn
}

func TestStreamsEndWithWhatTheyWereOpenedWith(t *testing.T) {
	t.Parallel()

	t.Run("ARevokedKey", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil).another(nil)
		e := b.anExecution()
		b.happen(e, 1)
		text, record := b.keyOf(models.DefaultOrganisationID, func(k *models.APIKey) { k.Role = access.Viewer })
		theirs := b.as(text)
		socket, events := theirs.socket(e, "?types=job_finished"), theirs.follow(eventsPath(e, "?types=job_finished"))
		byTicket := &socketStream{t: t, conn: open(b.as(""), socketPath(e, "?types=job_finished&ticket="+theirs.ticket()))}
		ours := b.socket(e, "?types=job_finished")
		for _, s := range []*socketStream{socket, byTicket, ours} {
			s.events(1, 1)
		}
		events.events(1, 1)
		_, err := b.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, record.ID)
		require.NoError(t, err)
		revoked := time.Now()
		socket.over(wire.MessageClosing, wire.ClosingUnauthorized, websocket.ClosePolicyViolation)
		byTicket.over(wire.MessageClosing, wire.ClosingUnauthorized, websocket.ClosePolicyViolation)
		events.over(wire.MessageClosing, wire.ClosingUnauthorized)
		t.Logf("it took %v", time.Since(revoked))

		b.happen(e, 1)
		ours.events(2, 2) // nobody else's
	})

	t.Run("AMembershipThatIsNoMore", func(t *testing.T) {
		t.Parallel()
		b, issuer := setupIssuer(t, nil)
		b = b.another(nil)
		e := b.anExecution()
		token, m := b.person(issuer, b.home(), access.Viewer, nil)
		socket := b.as(token).socket(e, "?types=job_finished")
		require.NoError(t, b.store.RemoveMember(t.Context(), models.DefaultOrganisationID, m.UserID))
		removed := time.Now()
		socket.over(wire.MessageClosing, wire.ClosingUnauthorized, websocket.ClosePolicyViolation)
		t.Logf("it took %v", time.Since(removed))
	})

	t.Run("ATokenThatExpires", func(t *testing.T) {
		t.Parallel()
		b, issuer := setupIssuer(t, func(cfg *api.Config, _ *authn.Config) { cfg.Recheck = time.Hour })
		b = b.another(nil)
		e := b.anExecution()
		expires := time.Now().Add(3 * time.Second).Truncate(time.Second)
		token, _ := b.person(issuer, b.home(), access.Viewer, map[string]any{"exp": expires.Unix()})
		socket := b.as(token).socket(e, "?types=job_finished")
		socket.over(wire.MessageClosing, wire.ClosingUnauthorized, websocket.ClosePolicyViolation)
		require.False(t, time.Now().Before(expires))
		t.Logf("it took %v", time.Since(expires))
	})

	t.Run("AnExport", func(t *testing.T) {
		t.Parallel()
		b := setupAccess(t, nil)
		path, _ := largeExport(t, b)
		text, record := b.keyOf(models.DefaultOrganisationID, nil)
		// One that is read as slowly as can be: it would go on for as long.
		_, body := b.as(text).beginExport(t, path)
		_, err := b.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, record.ID)
		require.NoError(t, err)
		revoked := time.Now()
		require.Eventually(t, func() bool { return b.logged("an export was broken off") == 1 }, waitTime, tick)
		t.Logf("it took %v", time.Since(revoked))
		b.isFree(t)
		_, err = io.Copy(io.Discard, body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})

	t.Run("WhatCannotBeAsked", func(t *testing.T) {
		t.Parallel()
		away := &awayAuthenticator{}
		b := setupAccess(t, nil)
		away.Authenticator = b.config.Auth
		b = b.another(func(cfg *api.Config) { cfg.Auth, cfg.Recheck = away, 50*time.Millisecond })
		socket := b.socket(b.anExecution(), "?types=job_finished")
		away.away.Store(true)
		socket.over(wire.MessageClosing, wire.ClosingUnavailable, websocket.CloseTryAgainLater)
	})
}
