package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

func TestTicketIsMadeForAPage(t *testing.T) {
	t.Parallel()
	b := setupAccess(t, nil)
	e := b.execution(b.batch(b.project(), 1))
	b.end(e)
	got := b.post("/api/tickets", ``)
	ticket := read[wire.Ticket](got, http.StatusCreated)
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	require.WithinRange(t, ticket.ExpiresAt, time.Now().Add(20*time.Second), time.Now().Add(31*time.Second))
	path := executionPath(e) + "/events?after=1&ticket=" + ticket.Ticket
	b.as("").get(path).is(http.StatusNoContent)
	b.as("").get(path).problem(http.StatusUnauthorized, wire.CodeInvalidToken)
	require.NotEqual(t, ticket.Ticket, read[wire.Ticket](b.post("/api/tickets", `{}`), http.StatusCreated).Ticket)
	at(t, b.post("/api/tickets", `{"execution_id": "x"}`).problem(http.StatusBadRequest, wire.CodeValidation), "execution_id")
}
