package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

func TestErrors(t *testing.T) {
	t.Parallel()

	t.Run("AProblemListsWhatIsWrong", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(wire.Problem{
				Title: "Bad Request", Detail: "The CSV cannot be taken.", Code: "VALIDATION_ERROR", RequestID: "r1",
				Errors: []wire.FieldError{
					{Field: "row 17, column site_url", Code: "invalid", Message: "is not a URL", Row: 17},
					{Field: "column gt_price", Code: "invalid", Message: "is not an amount", Row: 18},
					{Field: "fields[2].type", Code: "required"},
				},
			})
		})
		_, err := c.CreateProject(t.Context(), wire.ProjectRequest{})
		require.EqualError(t, err, "The CSV cannot be taken. (VALIDATION_ERROR)\n"+
			"  row 17, column site_url: is not a URL\n"+
			"  row 18, column gt_price: is not an amount\n"+
			"  fields[2].type: required")
		require.Equal(t, "VALIDATION_ERROR", client.Code(err))
	})

	t.Run("AThousandErrorsAreShortened", func(t *testing.T) {
		t.Parallel()
		err := &client.Error{Status: 400, Problem: wire.Problem{Title: "No", Errors: make([]wire.FieldError, 1000)}}
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, 22)
		require.Equal(t, "  … and 980 more", lines[21])
	})

	t.Run("AServerErrorNamesItsRequest", func(t *testing.T) {
		t.Parallel()
		err := &client.Error{Status: 500, Problem: wire.Problem{Title: "Internal error", Code: "INTERNAL_ERROR", RequestID: "abc"}}
		require.EqualError(t, err, "Internal error (INTERNAL_ERROR)\n  (request abc)")
	})

	t.Run("AnAnswerOfSomethingElseKeepsItsStatus", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<h1>proxy</h1>")
		})
		_, err := c.Stats(t.Context(), uuid.New())
		require.EqualError(t, err, "the API answered 502 Bad Gateway")
	})

	t.Run("NobodyListening", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		c, err := client.New(client.Config{BaseURL: server.URL})
		require.NoError(t, err)
		var unreachable *client.UnreachableError
		require.ErrorAs(t, c.Ready(t.Context()), &unreachable)
		require.Equal(t, server.URL, unreachable.BaseURL)
	})

	t.Run("AHangingServerIsUnreachable", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, err := client.New(client.Config{BaseURL: "http://api.test", Timeout: time.Second, HTTPClient: &http.Client{
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})}})
			require.NoError(t, err)
			var unreachable *client.UnreachableError
			require.ErrorAs(t, c.Ready(t.Context()), &unreachable)
		})
	})

	t.Run("ACancelledCallerIsNotAnOutage", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(http.ResponseWriter, *http.Request) {})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := c.Ready(ctx)
		require.ErrorIs(t, err, context.Canceled)
		var unreachable *client.UnreachableError
		require.NotErrorAs(t, err, &unreachable)
	})

	t.Run("AnAddressThatIsNone", func(t *testing.T) {
		t.Parallel()
		for _, bad := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", "://"} {
			_, err := client.New(client.Config{BaseURL: bad})
			require.Error(t, err, bad)
		}
	})
}
