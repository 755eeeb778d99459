package client_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

func TestKey(t *testing.T) {
	t.Parallel()
	key, organisation := "mino_"+uuid.NewString(), uuid.NewString()
	seen := make(chan http.Header, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)

	c, err := client.New(client.Config{BaseURL: server.URL, Key: key, Organisation: organisation, MaxRetries: -1})
	require.NoError(t, err)
	// A call, an upload, an export and a stream.
	require.NoError(t, c.Ready(t.Context()))
	_, err = c.CreateBatchJSONLines(t.Context(), uuid.New(), "rows", http.NoBody)
	require.Error(t, err)
	_, err = c.ExportJobs(t.Context(), uuid.New(), nil, httptest.NewRecorder())
	require.NoError(t, err)
	for _, err := range c.Events(t.Context(), uuid.New(), 0) {
		require.NoError(t, err)
		require.Fail(t, "there are no events")
	}
	require.Len(t, seen, 4)
	for range 4 {
		header := <-seen
		require.Equal(t, []string{"Bearer " + key}, header["Authorization"])
		require.Equal(t, []string{organisation}, header["Mino-Organisation"])
	}

	plain, err := client.New(client.Config{BaseURL: server.URL})
	require.NoError(t, err)
	_, err = plain.ExportJobs(t.Context(), uuid.New(), nil, httptest.NewRecorder())
	require.NoError(t, err)
	header := <-seen
	require.NotContains(t, header, "Authorization")
	require.NotContains(t, header, "Mino-Organisation")

	for _, broken := range []string{key + "\n", "two words", "clé"} {
		_, err := client.New(client.Config{BaseURL: server.URL, Key: broken})
		require.ErrorContains(t, err, "is it whole?")
		require.NotContains(t, err.Error(), broken)
	}
}

func TestKeyGoesNowhereElse(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked elsewhere, with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	// The same host and another port: to net/http it is the same.
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/livez", http.StatusTemporaryRedirect))
	t.Cleanup(server.Close)
	for _, own := range []*http.Client{nil, server.Client()} {
		c, err := client.New(client.Config{BaseURL: server.URL, Key: "mino_" + uuid.NewString(), HTTPClient: own})
		require.NoError(t, err)
		calls := []error{c.Ready(t.Context())}
		_, err = c.CreateBatchJSONLines(t.Context(), uuid.New(), "rows", strings.NewReader("{}"))
		calls = append(calls, err)
		_, err = c.ExportJobs(t.Context(), uuid.New(), nil, httptest.NewRecorder())
		calls = append(calls, err)
		for _, err := range c.Events(t.Context(), uuid.New(), 0) {
			calls = append(calls, err)
		}
		require.Len(t, calls, 4)
		for _, err := range calls {
			var refusal *client.Error
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, http.StatusTemporaryRedirect, refusal.Status)
			require.ErrorContains(t, err, elsewhere.URL)
		}
	}
}

func TestQuotaIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	c, count := scripted(t, client.Config{},
		answer(http.StatusTooManyRequests, map[string]string{"Content-Type": "application/problem+json"}, `{"code": "QUOTA_EXCEEDED", "detail": "No more."}`))
	_, err := c.Stats(t.Context(), uuid.New())
	require.EqualError(t, err, "No more. (QUOTA_EXCEEDED)")
	require.Equal(t, 1, *count)
}

func TestLimitsSayWhenToAskAgain(t *testing.T) {
	t.Parallel()
	err := &client.Error{Status: 429, RetryAfter: 42 * time.Second, Problem: wire.Problem{Detail: "Too many requests.", Code: "RATE_LIMITED"}}
	require.EqualError(t, err, "Too many requests. (RATE_LIMITED)\n  It may be asked again in 42s.")
}

func TestTheEndOfAKeyEndsAStream(t *testing.T) {
	t.Parallel()
	const unauthorized = "event: closing\ndata: {\"type\":\"closing\",\"data\":{\"reason\":\"unauthorized\"}}\n\n"
	seqs, asked, err := followed(t, 0, stream(event(1), event(2), unauthorized))
	require.Equal(t, []int64{1, 2}, seqs)
	require.Equal(t, []string{"0"}, asked, "to come back is of no use")
	require.Equal(t, wire.CodeInvalidToken, client.Code(err))
}
