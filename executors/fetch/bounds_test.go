package fetch_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/models/failure"
)

// endless writes again and again until its visitor leaves.
func endless(w http.ResponseWriter, r *http.Request, text string) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
	}
}

// raw answers with bytes that no server of the standard library would send; answer goes on
// until it fails to write.
func raw(t *testing.T, answer func(w io.Writer) error) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer func() { _ = conn.Close() }()
		_ = answer(conn)
	}).URL
}

// again writes a head and then the same thing without end.
func again(head, text string) func(w io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, head)
		for err == nil {
			_, err = io.WriteString(w, text)
		}
		return err
	}
}

// What a server sends is bounded in every part of its answer.
func TestAnswersFromOutsideAreBounded(t *testing.T) {
	t.Parallel()

	const settings = `{"max_body_bytes":65536,"timeout_ms":30000}`
	zeros := strings.Repeat("0", 64<<10)
	t.Run("BombThatNeverEnds", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(packed, zeros); err != nil {
					return
				}
			}
		})
		outcome, err := execute(t, newExecutor(t), request(server.URL, settings))
		requireFailure(t, err, failure.Permanent, fetch.CodeBodyTooLarge)
		require.LessOrEqual(t, outcome.Usage.Bytes, int64(2*65536))
	})
	t.Run("BombInABomb", func(t *testing.T) {
		t.Parallel()
		inner := compress(t, strings.Repeat("0", 16<<20), toGzip)
		bomb := compress(t, string(inner), toGzip)
		require.Less(t, len(bomb), 65536)
		server := answer(t, http.StatusOK, bomb, "Content-Type", "text/html", "Content-Encoding", "gzip, gzip")
		_, err := execute(t, newExecutor(t), request(server.URL, settings))
		requireFailure(t, err, failure.Permanent, fetch.CodeBodyTooLarge)
	})
	t.Run("BombOfARefusal", func(t *testing.T) {
		t.Parallel()
		bomb := compress(t, strings.Repeat("0", 16<<20), toGzip)
		server := answer(t, http.StatusForbidden, bomb, "Content-Type", "text/html", "Content-Encoding", "gzip")
		outcome, err := execute(t, newExecutor(t), request(server.URL, settings))
		requireFailure(t, err, failure.Permanent, "HTTP_403")
		require.Less(t, outcome.Usage.Bytes, int64(len(bomb)+1))
	})
	t.Run("BodyOfARedirect", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/page" {
				_, _ = io.WriteString(w, productPage)
				return
			}
			w.Header().Set("Location", "/page")
			w.WriteHeader(http.StatusFound)
			endless(w, r, zeros)
		})
		outcome, err := execute(t, newExecutor(t), request(server.URL, settings))
		require.NoError(t, err)
		require.Equal(t, "Blue Lamp", outcome.Fields["name"])
	})
	t.Run("MoreEncodingsThanThree", func(t *testing.T) {
		t.Parallel()
		server := answer(t, http.StatusOK, []byte("x"), "Content-Type", "text/html", "Content-Encoding", strings.Repeat("gzip, ", 100)+"gzip")
		_, err := execute(t, newExecutor(t), request(server.URL, settings))
		requireFailure(t, err, failure.Permanent, fetch.CodeContentEncoding)
	})
	for name, server := range map[string]string{
		"HeaderLines":   raw(t, again("HTTP/1.1 200 OK\r\n", "X-A: "+zeros[:1024]+"\r\n")),
		"HeaderLine":    raw(t, again("HTTP/1.1 200 OK\r\nX-A: ", zeros)),
		"StatusLine":    raw(t, again("HTTP/1.1 200 ", zeros)),
		"Informational": raw(t, again("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")),
	} {
		t.Run("Endless"+name, func(t *testing.T) {
			t.Parallel()
			_, err := execute(t, newExecutor(t), request(server, settings))
			requireFailure(t, err, failure.Transient, fetch.CodeProtocol)
		})
	}
	t.Run("EndlessTrailer", func(t *testing.T) {
		t.Parallel()
		server := raw(t, again("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", "X-A: "+zeros[:1024]+"\r\n"))
		_, err := execute(t, newExecutor(t), request(server, settings))
		require.Error(t, err)
		require.NotEqual(t, fetch.CodeTimeout, failure.Classify(err).Code)
	})
	for name, head := range map[string]string{"Body": "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", "Header": "HTTP/1.1 200 OK\r\nX-A: "} {
		t.Run("SlowDripOf"+name, func(t *testing.T) {
			t.Parallel()
			server := raw(t, func(w io.Writer) error {
				_, err := io.WriteString(w, head)
				ticker := time.NewTicker(20 * time.Millisecond)
				defer ticker.Stop()
				for err == nil {
					<-ticker.C
					_, err = io.WriteString(w, "x")
				}
				return err
			})
			_, err := execute(t, newExecutor(t), request(server, `{"timeout_ms":1000}`))
			requireFailure(t, err, failure.Timeout, fetch.CodeTimeout)
		})
	}
}
