package client_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

func TestTryIsSentAgainUnderItsKey(t *testing.T) {
	t.Parallel()
	c, sent := flakyClient(t, client.Config{}, lost)
	_, err := c.Try(t.Context(), uuid.New(), wire.TryRequest{SiteURL: "https://shop.example/"})
	require.NoError(t, err)
	require.Len(t, sent.keys, 2)
	require.NotEmpty(t, sent.keys[0])
	require.Equal(t, sent.keys[0], sent.keys[1])
	require.Equal(t, sent.bodies[0], sent.bodies[1])
}

func TestTryTakesLongerThanOtherCallsMay(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	patience := make(chan time.Duration, 1)
	c, err := client.New(client.Config{
		BaseURL: "http://api.example", Timeout: time.Millisecond, HTTPClient: &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			deadline, _ := r.Context().Deadline()
			patience <- time.Until(deadline)
			return answer(http.StatusOK, nil, `{"job_id": "`+id.String()+`"}`), nil
		})},
	})
	require.NoError(t, err)
	try, err := c.Try(t.Context(), uuid.New(), wire.TryRequest{SiteURL: "https://shop.example/", TimeoutMS: new(int64(300_000))})
	require.NoError(t, err)
	require.Equal(t, id, try.JobID)
	require.Greater(t, <-patience, 5*time.Minute)
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSessionAndItsScreenshot(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/sessions/" + id.String():
			_, _ = w.Write([]byte(`{"id": "` + id.String() + `", "files": ["screenshot"]}`))
		case "/api/sessions/" + id.String() + "/screenshot":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte("a picture"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{BaseURL: server.URL})
	require.NoError(t, err)
	session, err := c.Session(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"screenshot"}, session.Files)
	var picture bytes.Buffer
	n, err := c.Screenshot(t.Context(), id, &picture)
	require.NoError(t, err)
	require.EqualValues(t, 9, n)
	require.Equal(t, "a picture", picture.String())
	_, err = c.Screenshot(t.Context(), uuid.New(), &picture)
	var refusal *client.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusNotFound, refusal.Status)
}
