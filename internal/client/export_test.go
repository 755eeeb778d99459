package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/client"
)

func TestExport(t *testing.T) {
	t.Parallel()

	t.Run("IsCopiedWhole", func(t *testing.T) {
		t.Parallel()
		id := uuid.New()
		const mebibytes = 32 << 20
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.String() {
			case "/api/batches/" + id.String() + "/export?columns=row&format=jsonl":
				_, _ = io.WriteString(w, "{}\n")
			case "/api/executions/" + id.String() + "/sessions/export":
				_, _ = io.CopyN(w, zeros{}, mebibytes)
			default:
				w.WriteHeader(http.StatusNotFound)
			}
		})
		var out bytes.Buffer
		n, err := c.ExportJobs(t.Context(), id, url.Values{"format": {"jsonl"}, "columns": {"row"}}, &out)
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
		require.Equal(t, "{}\n", out.String())
		n, err = c.ExportSessions(t.Context(), id, nil, io.Discard)
		require.NoError(t, err)
		require.EqualValues(t, mebibytes, n)
	})

	t.Run("AnswersThatBreakOffAreErrors", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "row\r\n1\r\n")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
		var out bytes.Buffer
		_, err := c.ExportJobs(t.Context(), uuid.New(), nil, &out)
		var unreachable *client.UnreachableError
		require.ErrorAs(t, err, &unreachable)
		require.Equal(t, "row\r\n1\r\n", out.String())
	})

	t.Run("RefusalsHaveTheirProblemAndAreTriedAgainWhenBusy", func(t *testing.T) {
		t.Parallel()
		var asked atomic.Int64
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			if asked.Add(1) == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"code": "INVALID_PARAMS"}`)
		})
		_, err := c.ExportJobs(t.Context(), uuid.New(), nil, io.Discard)
		require.Equal(t, "INVALID_PARAMS", client.Code(err))
		require.EqualValues(t, 2, asked.Load())
	})

	t.Run("AFullDiskIsNotAnOutage", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, 1<<20) })
		full := errors.New("no space left")
		_, err := c.ExportJobs(t.Context(), uuid.New(), nil, failing{full})
		require.ErrorIs(t, err, full)
		var unreachable *client.UnreachableError
		require.NotErrorAs(t, err, &unreachable)
	})

	t.Run("AServerThatFallsSilentIsLeft", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "row\r\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
		t.Cleanup(server.Close)
		c, err := client.New(client.Config{BaseURL: server.URL, Timeout: 100 * time.Millisecond})
		require.NoError(t, err)
		_, err = c.ExportJobs(t.Context(), uuid.New(), nil, io.Discard)
		var unreachable *client.UnreachableError
		require.ErrorAs(t, err, &unreachable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = c.ExportJobs(ctx, uuid.New(), nil, io.Discard)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorAs(t, err, &unreachable)
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
