package client_test

import (
	"errors"
	"fmt"
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

func stream(messages ...string) *http.Response {
	return answer(http.StatusOK, map[string]string{"Content-Type": "text/event-stream"}, "retry: 2000\n\n"+strings.Join(messages, ""))
}

func event(seq int) string {
	return fmt.Sprintf("id: %d\nevent: job_finished\ndata: {\"seq\":%d,\"type\":\"job_finished\",\"data\":{}}\n\n", seq, seq)
}

const (
	progress = "event: progress\ndata: {\"type\":\"progress\",\"data\":{}}\n\n"
	closing  = "event: closing\ndata: {\"type\":\"closing\",\"data\":{\"reason\":\"shutdown\"}}\n\n"
	end      = "event: end\ndata: {\"type\":\"end\",\"data\":{\"reason\":\"finished\"}}\n\n"
)

// followed collects what Events yields, and the number that each stream was asked for.
func followed(t *testing.T, after int64, answers ...*http.Response) (seqs []int64, asked []string, last error) {
	t.Helper()
	c, err := client.New(client.Config{BaseURL: "http://api.test", HTTPClient: &http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Query().Get("after"))
			if len(asked) > len(answers) {
				return nil, errors.New("nobody answers")
			}
			return answers[len(asked)-1], nil
		}),
	}})
	require.NoError(t, err)
	for e, err := range c.Events(t.Context(), uuid.New(), after) {
		if err != nil {
			require.Empty(t, e.Type)
			require.NoError(t, last, "an error is the last thing")
			last = err
			continue
		}
		seqs = append(seqs, e.Seq)
	}
	return seqs, asked, last
}

func TestEvents(t *testing.T) {
	t.Parallel()

	t.Run("GoOnWhereTheStreamBroke", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			seqs, asked, err := followed(t, 3,
				stream(event(4), progress, event(5)),
				answer(http.StatusServiceUnavailable, map[string]string{"Retry-After": "3"}, "{}"),
				stream(":\n\n", event(5), event(6), closing),
				stream(event(7), end),
			)
			require.NoError(t, err)
			require.Equal(t, []int64{4, 0, 5, 6, 7}, seqs)
			require.Equal(t, []string{"3", "5", "5", "6"}, asked)
		})
	})

	t.Run("EndWhenThereIsNoMore", func(t *testing.T) {
		t.Parallel()
		seqs, asked, err := followed(t, 9, answer(http.StatusNoContent, nil, ""))
		require.NoError(t, err)
		require.Empty(t, seqs)
		require.Equal(t, []string{"9"}, asked)
	})

	t.Run("EndWithWhatTheServerRefuses", func(t *testing.T) {
		t.Parallel()
		_, asked, err := followed(t, 0, answer(http.StatusNotFound, nil, `{"code": "EXECUTION_NOT_FOUND"}`))
		require.Equal(t, wire.CodeExecutionNotFound, client.Code(err))
		require.Len(t, asked, 1)
	})

	t.Run("GiveUpWhenNobodyAnswers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			seqs, asked, err := followed(t, 0, stream(event(1)))
			var unreachable *client.UnreachableError
			require.ErrorAs(t, err, &unreachable)
			require.Equal(t, []int64{1}, seqs)
			require.Len(t, asked, 1+client.DefaultMaxRetries)
		})
	})

	t.Run("AreAskedForAgainWhenTheServerIsSilent", func(t *testing.T) {
		t.Parallel()
		streams := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			streams++
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = fmt.Fprint(w, event(streams))
			if streams == 2 {
				_, _ = fmt.Fprint(w, end)
				return
			}
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
		t.Cleanup(server.Close)
		c, err := client.New(client.Config{BaseURL: server.URL, Timeout: 50 * time.Millisecond})
		require.NoError(t, err)
		var seqs []int64
		for e, err := range c.Events(t.Context(), uuid.New(), 0) {
			require.NoError(t, err)
			seqs = append(seqs, e.Seq)
		}
		require.Equal(t, []int64{1, 2}, seqs)
	})

	t.Run("StopWithWhoeverReadsThem", func(t *testing.T) {
		t.Parallel()
		c, count := scripted(t, client.Config{}, stream(event(1), event(2)))
		for e, err := range c.Events(t.Context(), uuid.New(), 0) {
			require.NoError(t, err)
			require.EqualValues(t, 1, e.Seq)
			break
		}
		require.Equal(t, 1, *count)
	})
}
